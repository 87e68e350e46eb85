/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A debugger that is killed: its breakpoints are lifted, and a thread that stands behind one goes
 * on in front of it, so that the program outlives its debugger. (Natively the next thread there is
 * killed by a SIGTRAP that nobody waits for.)
 *
 * Debuggers write through /proc/PID/mem, which is not seen here: what is lifted is what the text's
 * files do not have. Where another tool that debugs is there nothing is, for they may be its own.
 */
#include "broker.h"

#include "compat.h"

#include <signal.h>
#include <string.h>
#include <trapline/maps.h>

enum { TRAP_BRKPT_ = 1, TRAP_TRACE_ = 2, TRAP_HWBKPT_ = 4, SI_KERNEL_ = 0x80 };

static bool debugged_by_another(const struct tl__tool *tool, pid_t tgid)
{
	const struct tl__tracee *t;
	const struct tl__link *l;

	TAILQ_FOREACH (t, &tool->broker->tracees, link)
		TAILQ_FOREACH (l, &t->links, of_tracee)
			if (t->tgid == tgid && l->tool != tool && l->tool->debugs)
				return true;
	return false;
}

void tl__lift_breakpoints(struct tl__tool *tool)
{
	const struct tl__link *l;
	struct tl__tracee *t;
	pid_t last = 0;

	TAILQ_FOREACH (l, &tool->links, of_tool) {
		pid_t tgid = l->tracee->tgid;

		if (l->v.state == TL__LINK_DEAD || l->tracee->peer || tgid == last ||
		    debugged_by_another(tool, tgid))
			continue;
		last = tgid;
		tl__ignore(tl_leftover_breakpoints(tgid, true, NULL, NULL));
		TAILQ_FOREACH (t, &tool->broker->tracees, link)
			t->lifted |= t->tgid == tgid && !t->peer;
	}
}

/* By one that has come since: a trap may be its own. */
static bool is_debugged(const struct tl__tracee *t, const struct tl__tool *gone)
{
	const struct tl__link *l;

	TAILQ_FOREACH (l, &t->links, of_tracee)
		if (l->tool->debugs && l->tool != gone)
			return true;
	return false;
}

/* To where the instruction is, now that the breakpoint is not; false: there is one of the program's
 * own. */
static bool go_back(struct tl__tracee *t)
{
	uint64_t pc;

	if (!tl__breaks_pc(t->task, &pc))
		return false;
	/* The debugger has put it right before it was killed. */
	if (pc != t->trap_pc)
		return true;
	pc -= TL__BREAK_BEHIND;
	if (tl__breaks_is_at(t->task, pc))
		return false;
	return !TL__BREAK_BEHIND || tl__breaks_set_pc(t->task, pc);
}

bool tl__lifted_owns(struct tl__tracee *t, int sig, const void *info, const struct tl__tool *gone)
{
	siginfo_t si;

	if (!t->lifted || sig != SIGTRAP || is_debugged(t, gone))
		return false;
	memcpy(&si, info, sizeof(si));
	switch (si.si_code) {
	case TRAP_TRACE_:
	case TRAP_HWBKPT_:
		return true;
	case SI_KERNEL_:
	case TRAP_BRKPT_:
		return go_back(t);
	default:
		return false;
	}
}
