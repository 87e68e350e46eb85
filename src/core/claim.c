/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stops that belong to trapline's own work are taken before any engine sees them.
 *
 * Each claim looks at a stop and says whether it was its own; the first that does has already
 * resumed the task, or left the stop to be handled as a plain one.
 */
#include "core.h"

#include <signal.h>

static bool skip_boring(struct tl_task *task)
{
	tl__resume_claimed(task, TL__PT_CONT, 0);
	return true;
}

/*
 * A spawned child between its seize and its exec: what it does there (becoming a user, installing
 * the filter that then already selects its calls) is nobody's business. Its SIGSTOP is the starting
 * line.
 */
static bool claim_spawning(struct tl_task *task)
{
	if (!task->spawned)
		return false;
	if (task->stop.kind != TL__STOP_SIGNAL || task->stop.sig != SIGSTOP)
		return skip_boring(task);
	task->spawned = false;
	if (task->session->filter)
		task->session->no_new_privs =
			task->session->sys->ops->spawn_no_new_privs(task->session->sys);
	task->stop.kind = TL__STOP_TRAP;
	task->quiesce_owed = true;
	return false;
}

/* A step ran into a call: SYSEMU stopped without making it. Go back before it and enter for real.
 */
static bool claim_emulated(struct tl_task *task)
{
	const struct tl__arch *arch;

	if (task->stop.kind != TL__STOP_SYSCALL || task->last_request != TL__PT_SYSEMU_SINGLESTEP)
		return false;
	arch = tl__regs_arch(task);
	if (arch) {
		struct tl__frame f = { 0 };

		/* Skipped: what has the first argument still has it. */
		arch->get_frame(task->regs, task->regs_len, &f);
		arch->reissue(task->regs, task->regs_len, f.args[0]);
		task->regs_dirty = true;
	}
	/* With tracing on from here, the skipped call's exit is reported first. */
	task->emulated = true;
	tl__resume_claimed(task, TL__PT_SYSCALL, 0);
	return true;
}

static bool claim_emulated_exit(struct tl_task *task)
{
	if (!task->emulated)
		return false;
	task->emulated = false;
	if (task->stop.kind != TL__STOP_SYSCALL)
		return false;
	tl__resume_claimed(task, TL__PT_SYSCALL, 0);
	task->track.in_call = false;
	return true;
}

/* A filter of ours and PTRACE_SYSCALL both report the same call: the entry stop was first. */
static bool claim_second_entry(struct tl_task *task)
{
	if (task->stop.kind != TL__STOP_SECCOMP || !task->filtered ||
	    task->last_request != TL__PT_SYSCALL || !task->track.in_call || !task->call_valid)
		return false;
	tl__resume_claimed(task, TL__PT_SYSCALL, 0);
	return true;
}

/* In a session with a filter, of a task that has none: nobody's. */
static bool claim_foreign_seccomp(struct tl_task *task)
{
	return task->stop.kind == TL__STOP_SECCOMP && !task->filtered &&
	       !(tl__engines_events(task) & TL_EVENTS(TL_EVENT_SECCOMP)) && skip_boring(task);
}

static bool (*const claims[])(struct tl_task *) = {
	claim_spawning,      tl__remote_claim,   tl__raw_claim,         claim_emulated,
	claim_emulated_exit, claim_second_entry, claim_foreign_seccomp,
};

bool tl__claim(struct tl_task *task)
{
	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++)
		if (claims[i](task))
			return true;
	return false;
}
