/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tools that wait for each other. Two debuggers that step over breakpoints of theirs each stop all
 * threads but one, and each may hold the one that the other steps. Then one of the steps is made
 * all the same: who holds the thread sees its end as soon as it asks for one itself. And a tool
 * that lets one task run at a time, as User Mode Linux does, may wait for a task that another holds
 * which asks for a stop of those that the first keeps in their calls: it has that stop at once.
 */
#include "broker.h"

#include "compat.h"

#include <poll.h>
#include <unistd.h>

bool tl__stuck_is_held(const struct tl__link *l)
{
	const struct tl__link *other;

	if (l->tracee->peer)
		return l->held;
	TAILQ_FOREACH (other, &l->tracee->links, of_tracee)
		if (other != l && other->v.state == TL__LINK_STOPPED)
			return true;
	return false;
}

/* All that it has let go others hold. */
static bool has_none_running(const struct tl__tool *tool)
{
	const struct tl__link *l;
	bool held = false;

	TAILQ_FOREACH (l, &tool->links, of_tool) {
		if (l->v.state != TL__LINK_RUNNING)
			continue;
		if (!tl__stuck_is_held(l))
			return false;
		held = true;
	}
	return held;
}

/* It is in a wait for one task (0: for any), which others hold. Those who wait for any may be told
 * of something yet; not when nothing has happened for a while. */
static bool waits_for_held(const struct tl__tool *tool, pid_t tid, bool idle)
{
	const struct tl__link *l;

	TAILQ_FOREACH (l, &tool->links, of_tool)
		if (l->v.state == TL__LINK_RUNNING && tid == l->tracee->tid)
			return tl__stuck_is_held(l);
	return idle && has_none_running(tool);
}

bool tl__stuck_waits(const struct tl__tool *tool, const struct tl__call *c)
{
	return waits_for_held(tool, tl__wait_one(c), true);
}

/* It waits for a step that somebody else holds, or for whatever a held task would do. */
static bool is_stuck(const struct tl__tool *tool)
{
	const struct tl__link *l;
	const struct tl__call *c;

	TAILQ_FOREACH (l, &tool->links, of_tool)
		if (l->v.state == TL__LINK_RUNNING && l->v.mode == TL__MODE_STEP &&
		    tl__stuck_is_held(l))
			return true;
	TAILQ_FOREACH (c, &tool->waiting, link)
		if (waits_for_held(tool, tl__wait_one(c), tool->broker->idle))
			return true;
	return tool->stuck_there;
}

bool tl__stuck_hold(const struct tl__tracee *t)
{
	const struct tl__link *l;
	bool held = false;

	TAILQ_FOREACH (l, &t->links, of_tracee) {
		if (l->v.state != TL__LINK_STOPPED)
			continue;
		if (!is_stuck(l->tool))
			return false;
		held = true;
	}
	return held;
}

bool tl__stuck_owes(const struct tl__tracee *t)
{
	const struct tl__link *l;

	TAILQ_FOREACH (l, &t->links, of_tracee)
		if (l->v.state != TL__LINK_STOPPED && l->v.state != TL__LINK_DEAD &&
		    tl__vlink_owes(&l->v))
			return true;
	return false;
}

bool tl__stuck_steps(const struct tl__tracee *t)
{
	const struct tl__link *l;

	TAILQ_FOREACH (l, &t->links, of_tracee)
		if (l->v.state == TL__LINK_RUNNING && l->v.mode == TL__MODE_STEP)
			return true;
	return false;
}

/* What goes along would be lost to who has not seen it. A step is kept for them, and that it stands
 * still is nothing: who wants a stop has one all the same. */
static bool may_be_left(enum tl__what what)
{
	return what == TL__WHAT_STEP || what == TL__WHAT_QUIET;
}

bool tl__stuck_may_pass(const struct tl__tracee *t)
{
	return tl__stuck_steps(t) && tl__chain_rests(t) && (!t->at || may_be_left(t->now.what)) &&
	       tl__stuck_hold(t);
}

void tl__stuck_look(struct tl__broker *b)
{
	struct tl__tracee *t;
	bool stuck = false;

	TAILQ_FOREACH (t, &b->tracees, link) {
		if (!t->engine || !tl_task_is_stopped(t->task))
			continue;
		if ((tl__stuck_steps(t) || tl__stuck_owes(t)) && tl__stuck_hold(t))
			tl__tracee_settle(t);
		stuck |= tl__stuck_owes(t) || (tl__stuck_steps(t) && !t->passing);
	}
	/* Who holds it may come to wait for the other yet. */
	b->stuck = stuck;
}

void tl__stuck_look_again(struct tl__broker *b)
{
	b->idle = true;
	tl__stuck_look(b);
	b->idle = false;
}

void tl__stuck_wait(struct tl__broker *b, pid_t tid)
{
	enum { ROUNDS = 20, MS = 5 };
	const struct tl__tracee *t = tl__tracee_find(b, tid);

	for (int i = 0; i < ROUNDS && t && t->passing; i++) {
		struct pollfd p = { .fd = b->signals, .events = POLLIN };
		char taken[128];

		if (poll(&p, 1, MS) == 1)
			tl__ignore(read(b->signals, taken, sizeof(taken)) > 0);
		tl__ignore(tl_session_turn(b->session));
		t = tl__tracee_find(b, tid);
	}
}
