/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A step leaves no trace in the program. docs/step.md.
 *
 * Before one, the instruction is looked at: does it save the flags, with the trap flag of the step
 * in them? Behind it, that is taken out again. A block step is not looked into: a pushf inside a
 * block saves it.
 */
#include "core.h"

#include "compat.h"

#include <signal.h>
#include <string.h>

static bool is_step(enum tl__pt_request req)
{
	return req == TL__PT_SINGLESTEP || req == TL__PT_SINGLEBLOCK ||
	       req == TL__PT_SYSEMU_SINGLESTEP;
}

/*
 * The kernel forces a step's SIGTRAP: where the program blocks it, it would be unblocked, and lose
 * its handler. So it is unblocked for the step. One that the program ignores loses that; nothing
 * is done about it.
 */
static int trap_mask(struct tl_task *task, enum tl__pt_request req, uint64_t *mask)
{
	return tl__pt_buf(task->session->sys, req, task->tid, sizeof(*mask), mask, sizeof(*mask));
}

#define SIGTRAP_BIT (UINT64_C(1) << 4)

bool tl__step_trap_blocked(struct tl_task *task)
{
	uint64_t mask = 0;

	return trap_mask(task, TL__PT_GETSIGMASK, &mask) >= 0 && mask & SIGTRAP_BIT;
}

static void let_trap_through(struct tl_task *task)
{
	uint64_t mask;

	/* A handler's frame keeps the mask as it is now, and a step into it ends otherwise. */
	if (tl__has_handler(task) || trap_mask(task, TL__PT_GETSIGMASK, &mask) < 0 ||
	    !(mask & SIGTRAP_BIT))
		return;
	mask &= ~SIGTRAP_BIT;
	task->trap_blocked = trap_mask(task, TL__PT_SETSIGMASK, &mask) >= 0;
}

static void block_trap_again(struct tl_task *task)
{
	uint64_t mask;

	if (!task->trap_blocked)
		return;
	task->trap_blocked = false;
	if (trap_mask(task, TL__PT_GETSIGMASK, &mask) < 0)
		return;
	mask |= SIGTRAP_BIT;
	tl__ignore(trap_mask(task, TL__PT_SETSIGMASK, &mask) < 0);
}

bool tl__is_uprobe(const struct tl__arch *arch, const uint8_t insn[4])
{
	return arch->uprobe[0] && !memcmp(insn, arch->uprobe, arch->breakpoint_len);
}

static void look_at_insn(struct tl_task *task, const struct tl__arch *arch)
{
	uint8_t insn[4] = { 0 };
	int64_t n;

	task->stepped_ip = arch->get_ip(task->regs, task->regs_len);
	task->stepped_sp = arch->get_sp(task->regs, task->regs_len);
	/* The last bytes of a page may be all there is. */
	n = tl__mem_read(task, task->stepped_ip, insn, sizeof(insn));
	if (n <= 0)
		return;
	task->stepped_call = arch->is_call(insn, task->regs, task->regs_len);
	task->stepped_uprobe = tl__is_uprobe(arch, insn);
	if (arch->step_saves_flags && !arch->has_trap_flag(task->regs, task->regs_len))
		arch->step_saves_flags(insn, (size_t)n, task->regs, task->regs_len,
				       &task->saved_flags);
}

void tl__step_resuming(struct tl_task *task, enum tl__pt_request req)
{
	const struct tl__arch *arch;

	task->saved_flags.where = TL__FLAGS_NOT_SAVED;
	task->stepped_uprobe = task->stepped_call = false;
	if (!is_step(req)) {
		task->step_lingers |= is_step(task->last_request);
		return;
	}
	let_trap_through(task);
	arch = tl__regs_arch(task);
	/* A second step in a row is not armed anew by the kernel (arm64, user_enable_single_step),
	 * and behind a call the first is used up: the next would end where it begins. A write arms
	 * it. */
	if (arch && arch->step_flag && is_step(task->last_request))
		task->regs_dirty = true;
	if (!arch)
		return;
	look_at_insn(task, arch);
	if (req == TL__PT_SINGLESTEP)
		tl__place_stepping(task);
}

/* TF is bit 8. */
static void hide_on_stack(struct tl_task *task, uint64_t sp)
{
	uint8_t byte;

	if (tl__mem_read(task, sp + 1, &byte, 1) != 1)
		return;
	byte &= (uint8_t)~1u;
	tl__ignore(tl__mem_write(task, sp + 1, &byte, 1) < 0);
}

static void hide_saved_flags(struct tl_task *task)
{
	const struct tl__saved_flags *saved = &task->saved_flags;
	const struct tl__arch *arch;
	uint64_t sp;

	if (saved->where == TL__FLAGS_NOT_SAVED || task->stop.kind == TL__STOP_EXEC)
		return;
	arch = tl__regs_arch(task);
	if (!arch || arch->get_ip(task->regs, task->regs_len) != task->stepped_ip + saved->insn_len)
		return;
	sp = arch->get_sp(task->regs, task->regs_len);
	if (saved->where == TL__FLAGS_IN_REGISTER) {
		arch->hide_trap_flag(task->regs, task->regs_len);
		task->regs_dirty = true;
	} else if (sp + saved->size == task->stepped_sp) {
		hide_on_stack(task, sp);
	}
}

/* arm64 builds a handler's frame with PSTATE.SS in it. */
static void hide_in_frame(struct tl_task *task)
{
	const struct tl__arch *arch = tl__regs_arch(task);
	uint64_t at, flags;
	uint32_t first = 0;

	if (!arch || !arch->frame_flags)
		return;
	at = arch->get_sp(task->regs, task->regs_len);
	if (arch->plain_frame && tl__mem_read(task, at, &first, sizeof(first)) != sizeof(first))
		return;
	at += arch->plain_frame && first == arch->plain_frame ? arch->plain_frame_flags
							      : arch->frame_flags;
	if (tl__mem_read(task, at, &flags, sizeof(flags)) != sizeof(flags))
		return;
	flags &= ~arch->step_flag;
	tl__ignore(tl__mem_write(task, at, &flags, sizeof(flags)) < 0);
}

/* The register set is fresh from the kernel. */
void tl__step_loaded(struct tl_task *task)
{
	const struct tl__arch *arch = tl__arch_of_gpr(task->regs_len);

	if (arch && arch->mask_step_flag &&
	    (!arch->step_flag_shared || is_step(task->last_request) || task->step_lingers))
		arch->mask_step_flag(task->regs, task->regs_len);
}

/* Behind a step that is over the flag stays until registers are written. */
static void end_lingering(struct tl_task *task)
{
	const struct tl__arch *arch;

	if (!task->step_lingers)
		return;
	/* Loaded while it is known that the flag is not the program's. */
	arch = tl__regs_arch(task);
	if (arch && arch->step_flag)
		task->regs_dirty = true;
	task->step_lingers = false;
}

/*
 * The kernel steps over a uprobe's instruction itself, and then sends a SIGTRAP of no particular
 * kind (x86, arch_uprobe_post_xol). A real one from elsewhere would come before the instruction.
 */
void tl__step_typed(struct tl_task *task)
{
	const struct tl__arch *arch;

	if (!task->stepped_uprobe || task->stop.kind != TL__STOP_SIGNAL ||
	    task->stop.sig != SIGTRAP)
		return;
	arch = tl__regs_arch(task);
	if (arch && task->stop.have_info && tl__stop_code(&task->stop) == SI_USER &&
	    arch->get_ip(task->regs, task->regs_len) != task->stepped_ip)
		task->stop.kind = TL__STOP_STEP;
}

/*
 * A step over a call that a signal has broken ends behind it (arm64: in front of it again) before
 * it is made again. It is not over then.
 */
static bool is_broken_call(struct tl_task *task)
{
	const struct tl__arch *arch;
	struct tl__frame f;

	if (task->stop.kind != TL__STOP_STEP || !task->stepped_call || task->detach_wanted)
		return false;
	arch = tl__regs_arch(task);
	if (!arch || arch->get_frame(task->regs, task->regs_len, &f) < 0)
		return false;
	if (f.ip == task->stepped_ip)
		return true;
	return arch->in_syscall && arch->in_syscall(task->regs, task->regs_len) &&
	       tl__is_restart_code(f.ret);
}

/* At a typed stop; true when it was our own. */
bool tl__step_stopped(struct tl_task *task)
{
	bool ours = task->frame_owed && task->stop.kind == TL__STOP_HANDLER;

	block_trap_again(task);
	tl__sequence_stopped(task);
	hide_saved_flags(task);
	end_lingering(task);
	task->frame_owed = false;
	if (task->stop.kind == TL__STOP_HANDLER)
		hide_in_frame(task);
	if (!ours && !is_broken_call(task))
		return false;
	/* A queued interrupt is dropped at any trap. */
	if (task->interrupted)
		tl__ignore(tl__pt(task->session->sys, TL__PT_INTERRUPT, task->tid, 0, 0) < 0);
	tl__resume_claimed(task, ours ? task->frame_then : task->last_request, 0);
	return true;
}

/* How a task goes on that was to go on like this: over what cannot be stepped through as a whole;
 * and a signal that came in the place of a step's end: with the flag still set, its frame would
 * show it, so there is one more step, to where the frame can be put right. */
enum tl__pt_request tl__step_request(struct tl_task *task, enum tl__pt_request req)
{
	const struct tl__arch *arch;

	if (is_step(req) && tl__sequence_resuming(task))
		return TL__PT_CONT;
	if (!task->deliver || !is_step(task->last_request) || is_step(req))
		return req;
	arch = tl__regs_arch(task);
	if (!arch || !arch->step_flag || !tl__has_handler(task))
		return req;
	task->frame_owed = true;
	task->frame_then = req;
	return TL__PT_SINGLESTEP;
}
