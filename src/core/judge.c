/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A changed first argument, and a system call filter of the program's own.
 *
 * arm64 kernels without the repair of orig_x0 let filters (and audit) judge by the first argument
 * as it was before the entry stop. There a program that has a filter runs by SYSEMU: that stop,
 * which no filter has seen, is reported as the entry. Then the call is cancelled, the pc set back
 * with what engines left in x0, and the call entered for real (raw.c has the way); the stops of
 * that are nobody's. A skipped call stays cancelled.
 *
 * Signals wait that long, for a handler's calls would come between a call's entry and its exit; a
 * tracer that is killed right there leaves the program with its signals blocked.
 */
#include "core.h"

#include "compat.h"

#include <string.h>

enum { SECCOMP_FILTER = 2 };

static bool has_filter(struct tl_task *task)
{
	struct tl__sys *sys = task->session->sys;
	char status[4096];

	if (task->judge.filter == TL__FILTER_UNKNOWN) {
		if (sys->ops->proc_read(sys, task->tid, TL__PROC_STATUS, status, sizeof(status)) <
		    0)
			return false;
		task->judge.filter = tl__proc_field_dec(status, "Seccomp") == SECCOMP_FILTER
					     ? TL__FILTER_OWN
					     : TL__FILTER_NONE;
	}
	return task->judge.filter == TL__FILTER_OWN;
}

/* May its filters be led astray? */
bool tl__judge_applies(struct tl_task *task)
{
	struct tl__sys *sys = task->session->sys;
	/* By the call before: most machines should not have to read registers for this. */
	const struct tl__arch *arch = tl__syscall_arch(task);

	if (!arch && tl__arch_native(64)->arg0_is_ret)
		arch = tl__regs_arch(task);
	return arch && arch->arg0_is_ret && !task->filtered &&
	       !tl__sys_has(sys, TL__FEATURE_ARG0_FOLLOWS) &&
	       tl__sys_has(sys, TL__FEATURE_SYSEMU) && has_filter(task);
}

/* Somebody listens who has not until now: nobody may have seen a filter come. */
void tl__judge_anew(struct tl_task *task)
{
	task->judge.filter = TL__FILTER_UNKNOWN;
}

/* At an exit: one more filter, perhaps, and for all threads. */
void tl__judge_exit(struct tl_task *task)
{
	const struct tl__arch *arch = tl__syscall_arch(task);
	struct tl_task *t;

	if (!arch || !arch->arg0_is_ret ||
	    (task->call.nr != arch->known.seccomp && task->call.nr != arch->known.prctl))
		return;
	TAILQ_FOREACH (t, &task->session->tasks, link)
		tl__judge_anew(t);
}

/* What the call is to be made with: registers and number as the engines left them. */
static void take_wishes(struct tl_task *task, const struct tl__arch *arch)
{
	struct tl__judge *j = &task->judge;

	j->call = task->call;
	j->raw = task->raw;
	memcpy(j->regs, task->regs, task->regs_len);
	if (tl__pt_buf(task->session->sys, TL__PT_GETREGSET, task->tid, arch->nr_note, &j->nr,
		       sizeof(j->nr)) < 0)
		j->nr = (int32_t)j->call.nr;
}

static bool cancel(struct tl_task *task, enum tl__pt_request then)
{
	const struct tl__arch *arch = tl__regs_arch(task);
	struct tl__judge *j = &task->judge;
	struct tl__frame f;

	if (!arch || arch->get_frame(task->regs, task->regs_len, &f) < 0)
		return false;
	take_wishes(task, arch);
	j->then = then;
	j->told = true;
	/* They may have moved the pc, which is for behind the call. */
	arch->set_ip(task->regs, task->regs_len, j->call.ip);
	/* For number -1 the kernel has put ENOSYS where the argument was. */
	return tl__raw_cancel(task, j->call.nr == -1 ? j->call.args[0] : f.args[0], TL__RAW_JUDGED);
}

/* An entry that was reported from a SYSEMU stop goes on; true: on our way. */
bool tl__judge_leaving(struct tl_task *task, enum tl__pt_request then, bool interrupt)
{
	if (task->stop.kind != TL__STOP_ENTRY || task->last_request != TL__PT_SYSEMU ||
	    task->skip_owed)
		return false;
	task->judge.interrupt = interrupt;
	return cancel(task, then);
}

/* Is this the entry of the call that was reported? */
static bool is_that_call(struct tl_task *task)
{
	const struct tl__arch *arch = tl__regs_arch(task);
	unsigned first = task->judge.call.nr == -1; /* the others are kept in any case */
	struct tl__frame f, wish;

	return task->judge.told && arch && arch->get_frame(task->regs, task->regs_len, &f) == 0 &&
	       arch->get_frame(task->judge.regs, task->regs_len, &wish) == 0 &&
	       f.ip == task->judge.call.ip && f.sp == wish.sp &&
	       !memcmp(&f.args[first], &wish.args[first], (6 - first) * sizeof(f.args[0]));
}

/* At a SYSEMU stop: the call that was reported and did not come to be made. */
bool tl__judge_again(struct tl_task *task)
{
	if (task->stop.kind != TL__STOP_SYSCALL || !is_that_call(task)) {
		task->judge.told = false;
		return false;
	}
	task->call = task->judge.call;
	task->stop.kind = TL__STOP_ENTRY;
	memcpy(task->regs, task->judge.regs, task->regs_len);
	return cancel(task, task->judge.then);
}

static void let_signals_wait(struct tl_task *task)
{
	uint64_t all = UINT64_MAX;

	task->judge.blocked = tl__pt_buf(task->session->sys, TL__PT_GETSIGMASK, task->tid,
					 sizeof(all), &task->judge.mask, sizeof(all)) >= 0 &&
			      tl__pt_buf(task->session->sys, TL__PT_SETSIGMASK, task->tid,
					 sizeof(all), &all, sizeof(all)) >= 0;
}

static void let_signals_come(struct tl_task *task)
{
	if (task->judge.blocked)
		tl__ignore(tl__pt_buf(task->session->sys, TL__PT_SETSIGMASK, task->tid,
				      sizeof(task->judge.mask), &task->judge.mask,
				      sizeof(task->judge.mask)) < 0);
	task->judge.blocked = false;
}

/* Before the instruction. */
bool tl__judge_enter(struct tl_task *task)
{
	if (!tl__raw_is_plain(task))
		return false;
	task->raw.value = task->judge.raw.value;
	if (task->judge.raw.write_owed)
		tl__raw_pay(task);
	let_signals_wait(task);
	tl__resume_claimed(task, TL__PT_SYSCALL, 0);
	task->raw.phase = TL__RAW_JUDGED_ENTERING;
	return true;
}

/* The entry for real: as the engines want it, the number too, which was the program's until here.
 */
bool tl__judge_entered(struct tl_task *task)
{
	struct tl__judge *j = &task->judge;
	const struct tl__arch *arch;

	let_signals_come(task);
	if (task->stop.kind != TL__STOP_SYSCALL || !is_that_call(task))
		return false;
	j->told = false;
	arch = tl__regs_arch(task);
	tl__ignore(tl__pt_buf(task->session->sys, TL__PT_SETREGSET, task->tid, arch->nr_note,
			      &j->nr, sizeof(j->nr)) < 0);
	task->call = j->call;
	task->call_valid = true;
	task->entered_arg0 = j->call.args[0];
	task->raw.known = j->raw.known;
	task->raw.value = j->raw.value;
	task->raw.changed = j->raw.changed;
	task->stop.kind = TL__STOP_ENTRY;
	task->stop.hides = true;
	if (memcmp(task->regs, j->regs, task->regs_len) != 0) {
		memcpy(task->regs, j->regs, task->regs_len);
		task->regs_dirty = true;
	}
	tl__resume_claimed(task, j->then, 0);
	if (j->interrupt)
		tl__task_interrupt(task);
	return true;
}
