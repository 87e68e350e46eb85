/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Raw registers: the value of the one that the kernel hides at system call stops.
 *
 * On arm64 x7 (AArch32: ip) reads 0 at an entry and 1 at an exit, and what is written there is lost
 * (report_syscall). At all other stops it is real. So for engines that ask:
 *
 *  - before an entry the task runs by SYSEMU. At the stop the call is cancelled, the pc set back to
 *    the instruction, and the task interrupted: no signal comes before that, no system call filter
 *    has run, and in the interrupt's stop the value is there. Then the call is entered for real. A
 *    step would do instead of the interrupt, but ends with a forced SIGTRAP, and that with the
 *    program's own mask and disposition of it.
 *  - calls keep the register, so an exit has the entry's value; but for sigreturn, and where the
 *    entry was not seen. Those exits are reported from an interrupt's stop behind them.
 *  - what is written at an entry or an exit is put in place at the next stop where that works: an
 *    event inside the call, or an interrupt behind it.
 *
 * A seccomp stop has the value by itself. None of the extra stops reaches an engine. One that is
 * merged with somebody else's (an interrupt that was asked for, a group stop) is left to them: the
 * instruction is executed again later, or the work goes on behind.
 */
#include "core.h"

#include "compat.h"

#include <string.h>

static bool wanted(const struct tl_task *task)
{
	return tl__engines_events(task) & TL_RAW_REGISTERS;
}

static const struct tl__reg *hidden_reg(struct tl_task *task)
{
	const struct tl__arch *arch = tl__regs_arch(task);

	return arch && arch->hidden_reg ? &arch->regs[arch->hidden_reg] : NULL;
}

static uint64_t get(const struct tl_task *task, const struct tl__reg *reg)
{
	uint64_t v = 0;

	memcpy(&v, task->regs + reg->offset, reg->size);
	return v;
}

static void put(struct tl_task *task, const struct tl__reg *reg, uint64_t v)
{
	memcpy(task->regs + reg->offset, &v, reg->size);
}

/* The register set is fresh from the kernel: with what it has in place of what it shows. */
void tl__raw_loaded(struct tl_task *task)
{
	const struct tl__reg *reg = hidden_reg(task);

	if (reg && task->stop.hides && task->raw.known)
		put(task, reg, task->raw.value);
}

/* It is about to be written. */
void tl__raw_flushing(struct tl_task *task)
{
	const struct tl__reg *reg = task->raw.known ? hidden_reg(task) : NULL;

	if (!reg || get(task, reg) == task->raw.value)
		return;
	task->raw.value = get(task, reg);
	if (!task->stop.hides)
		return;
	task->raw.write_owed = true;
	if (task->stop.kind == TL__STOP_ENTRY)
		task->raw.changed = task->exit_wanted = true;
}

bool tl__raw_unknown(struct tl_task *task, const struct tl__reg *reg)
{
	return task->stop.hides && !task->raw.known && reg == hidden_reg(task);
}

static void learn(struct tl_task *task)
{
	const struct tl__reg *reg = hidden_reg(task);

	task->raw.known = reg != NULL;
	if (reg)
		task->raw.value = get(task, reg);
}

/* In a stop where the register is real: what was written where it is not. */
void tl__raw_pay(struct tl_task *task)
{
	const struct tl__reg *reg = hidden_reg(task);

	task->raw.write_owed = false;
	if (!reg)
		return;
	put(task, reg, task->raw.value);
	task->regs_dirty = true;
}

/* The register is copied when a child is made, before what is owed could be paid. */
void tl__raw_inherit(struct tl_task *child, const struct tl_task *parent)
{
	if (!parent->raw.changed)
		return;
	child->raw.value = parent->raw.value;
	child->raw.write_owed = true;
	if (child->state == TL__TASK_PARKED)
		tl__raw_pay(child);
}

/* Stops again before it runs, and before any signal. */
static void bounce(struct tl_task *task, enum tl__raw_phase phase)
{
	tl__ignore(tl__pt(task->session->sys, TL__PT_INTERRUPT, task->tid, 0, 0) < 0);
	tl__resume_claimed(task, TL__PT_CONT, 0);
	task->raw.phase = phase;
}

/*
 * For a call of number -1 the kernel has put ENOSYS in place already where the first argument was
 * (el0_svc_common); it keeps that argument, and tells it here.
 */
static uint64_t first_arg(struct tl_task *task, const struct tl__frame *f)
{
	struct tl__syscall_info info;

	if (tl__pt_buf(task->session->sys, TL__PT_GET_SYSCALL_INFO, task->tid, 0, &info,
		       sizeof(info)) >= 0 &&
	    (info.op == 1 || info.op == 3))
		return info.entry.args[0];
	return f->args[0];
}

/* At a SYSEMU stop: back before the instruction, in a stop where all registers are real. */
bool tl__raw_cancel(struct tl_task *task, uint64_t arg0, enum tl__raw_phase phase)
{
	const struct tl__arch *arch = tl__regs_arch(task);
	const int32_t none = -1;

	if (!arch)
		return false;
	/* Also so that an argument that looks like a restart code is none (do_signal). */
	tl__ignore(tl__pt_buf(task->session->sys, TL__PT_SETREGSET, task->tid, arch->nr_note,
			      (void *)(uintptr_t)&none, sizeof(none)) < 0);
	arch->reissue(task->regs, task->regs_len, arg0);
	task->regs_dirty = true;
	task->raw.ip = arch->get_ip(task->regs, task->regs_len);
	bounce(task, phase);
	return true;
}

static bool cancel(struct tl_task *task)
{
	const struct tl__arch *arch = tl__regs_arch(task);
	struct tl__frame f;

	return arch && arch->get_frame(task->regs, task->regs_len, &f) == 0 &&
	       tl__raw_cancel(task, first_arg(task, &f), TL__RAW_CANCELLED);
}

/* Only ours: nobody else has asked for it, and it is no group stop. */
bool tl__raw_is_plain(const struct tl_task *task)
{
	return task->stop.kind == TL__STOP_TRAP && !task->interrupted;
}

static bool enter(struct tl_task *task)
{
	if (!tl__raw_is_plain(task))
		return false;
	learn(task);
	tl__resume_claimed(task, tl__judge_applies(task) ? TL__PT_SYSEMU : TL__PT_SYSCALL, 0);
	task->raw.phase = TL__RAW_ENTERING;
	task->raw.known = true;
	return true;
}

static bool entered(struct tl_task *task)
{
	const struct tl__arch *arch;

	if (task->stop.kind != TL__STOP_SYSCALL)
		return false;
	/* A handler that ran in between has stopped for its signal, and known is gone. */
	task->stop.hides = true;
	arch = tl__regs_arch(task);
	task->raw.known = arch && arch->get_ip(task->regs, task->regs_len) -
						  arch->call_len(task->regs, task->regs_len) ==
					  task->raw.ip;
	return false;
}

/* The exit that was held back, where its registers are real. */
static bool left(struct tl_task *task)
{
	enum tl__stop_kind kind = task->stop.kind;
	bool plain = tl__raw_is_plain(task);

	if (kind != TL__STOP_TRAP && kind != TL__STOP_GROUP)
		return false;
	learn(task);
	task->stop.kind = TL__STOP_EXIT;
	task->call_valid = true;
	if (plain)
		return false;
	tl__report_stop(task);
	task->stop.kind = kind;
	return false;
}

static bool written(struct tl_task *task)
{
	if (task->stop.kind != TL__STOP_TRAP && task->stop.kind != TL__STOP_GROUP)
		return false;
	tl__raw_pay(task);
	if (!tl__raw_is_plain(task) || task->detach_wanted || task->quiesce_owed)
		return false;
	tl__resume_claimed(task, task->raw.then, 0);
	return true;
}

bool tl__raw_claim(struct tl_task *task)
{
	enum tl__raw_phase phase = task->raw.phase;

	task->raw.phase = TL__RAW_NONE;
	switch (phase) {
	case TL__RAW_CANCELLED:
		return enter(task);
	case TL__RAW_ENTERING:
		return entered(task);
	case TL__RAW_LEAVING:
		return left(task);
	case TL__RAW_WRITING:
		return written(task);
	case TL__RAW_JUDGED:
		return tl__judge_enter(task);
	case TL__RAW_JUDGED_ENTERING:
		return tl__judge_entered(task);
	default:
		break;
	}
	if (task->stop.kind != TL__STOP_SYSCALL)
		return false;
	if (task->last_request != TL__PT_SYSEMU && task->last_request != TL__PT_SYSEMU_SINGLESTEP)
		return false;
	if (wanted(task) && hidden_reg(task))
		return cancel(task);
	return task->last_request == TL__PT_SYSEMU && tl__judge_again(task);
}

/* At a typed stop. True: its report comes later. */
bool tl__raw_stopped(struct tl_task *task)
{
	if (!task->stop.hides && task->raw.write_owed)
		tl__raw_pay(task);
	if (!wanted(task))
		return false;
	switch (task->stop.kind) {
	case TL__STOP_ENTRY:
		if (!task->stop.hides)
			learn(task);
		return false;
	case TL__STOP_EXEC:
		learn(task);
		return false;
	case TL__STOP_EXIT:
		if (!task->stop.hides || !hidden_reg(task) ||
		    (task->raw.known && !tl__syscall_is_sigreturn(task)))
			return false;
		task->raw.known = task->raw.write_owed = false;
		bounce(task, TL__RAW_LEAVING);
		return true;
	default:
		return false;
	}
}

/* The request that makes calls stop. */
enum tl__pt_request tl__raw_request(struct tl_task *task, enum tl__pt_request req)
{
	if (req != TL__PT_SYSCALL)
		return req;
	/* Inside a call: SYSEMU would not stop at its exit. */
	if (task->stop.kind == TL__STOP_ENTRY || tl__in_call_event(task))
		return req;
	if (wanted(task) && hidden_reg(task) && tl__sys_has(task->session->sys, TL__FEATURE_SYSEMU))
		return TL__PT_SYSEMU;
	return tl__judge_applies(task) ? TL__PT_SYSEMU : req;
}

/* Before a task goes on from an exit: true when it first goes where a write arrives. */
bool tl__raw_write_first(struct tl_task *task, enum tl__pt_request req)
{
	if (!task->raw.write_owed || !task->stop.hides || task->stop.kind != TL__STOP_EXIT)
		return false;
	task->raw.then = req;
	bounce(task, TL__RAW_WRITING);
	return true;
}
