/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tool that stops all threads but one, to step that over a breakpoint which it lifts meanwhile.
 * ltrace looks in /proc whether a thread is stopped, and sends a SIGSTOP to those alone that are
 * not. One that another tool holds looks stopped; if that lets it go, ltrace waits for its stop for
 * ever, or the thread passes the breakpoint that is not there. So it is kept meanwhile.
 */
#include "broker.h"
#include "clock.h"

void tl__step_over_lifted(struct tl__tool *tool, pid_t tgid, bool lifted)
{
	tool->lifted_in = lifted ? tgid : 0;
	tool->lifted_at = lifted ? tl__now_ms() : 0;
}

static bool has_a_step(const struct tl__tool *tool, pid_t tgid)
{
	const struct tl__link *l;

	TAILQ_FOREACH (l, &tool->links, of_tool)
		if (l->tracee->tgid == tgid && l->v.mode == TL__MODE_STEP &&
		    l->v.state != TL__LINK_DEAD)
			return true;
	return false;
}

void tl__step_over_stops(struct tl__tool *tool, pid_t tgid)
{
	tool->stops_in = tgid;
	tool->stops_at = tgid ? tl__now_ms() : 0;
}

static bool steps_over(const struct tl__tool *tool, pid_t tgid)
{
	/* From the breakpoint's lifting to the step; and to its end. */
	enum { BEFORE_MS = 2, MOST_MS = 20 };
	uint64_t ms;

	if (tool->lifted_in != tgid)
		return false;
	ms = tl__now_ms() - tool->lifted_at;
	return ms < BEFORE_MS || (ms < MOST_MS && has_a_step(tool, tgid));
}

/* It is about to stop threads, or has stopped some, and has not let one go since. While it does not
 * wait it is looking, or would if it had a processor; what it waits for may wait for the thread. */
static bool stops_others(const struct tl__tool *tool, pid_t tgid)
{
	enum { WAITING_MS = 150, MOST_MS = 2000 };
	uint64_t ms = tl__now_ms();

	return tool->stops_in == tgid && ms - tool->stops_at < MOST_MS &&
	       (TAILQ_EMPTY(&tool->waiting) || ms - tool->waits_at < WAITING_MS);
}

bool tl__step_over_keeps(const struct tl__tracee *t)
{
	const struct tl__link *l;

	/* Who steps it waits for that, and holds what the other steps, perhaps. */
	if (TAILQ_FIRST(&t->links) == TAILQ_LAST(&t->links, tl__links) || tl__stuck_steps(t))
		return false;
	TAILQ_FOREACH (l, &t->links, of_tracee)
		if (l->v.state == TL__LINK_RUNNING && !l->v.stop_from &&
		    (steps_over(l->tool, t->tgid) || stops_others(l->tool, t->tgid)))
			return true;
	return false;
}
