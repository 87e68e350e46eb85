/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tools that wait for tasks of other servers'. Who holds a task has to know of waits to see that
 * its tools wait for each other (stuck.c), and whose tool waits, that others hold what it waits
 * for: of two that hold a task each, and wait for the other's, neither server sees more than half.
 */
#include "peer.h"

#include "clock.h"
#include "talk.h"

void tl__peer_hear_wait(struct tl__peer *p, const struct tl__message *m)
{
	struct tl__message held = { .what = TL__SAY_HELD, .tool = m->tool };
	struct tl__tool *tool = tl__tool_find(p->broker, m->tool);
	const struct tl__link *l;

	if (!tool || tool->peer != p)
		return;
	tool->waits_there = true;
	tool->waits_for = m->tid;
	p->broker->stuck = true;
	TAILQ_FOREACH (l, &tool->links, of_tool)
		if (!m->tid || l->tracee->tid == m->tid) {
			held.tid = l->tracee->tid;
			held.state = tl__stuck_is_held(l);
			tl__talk_say(p, &held, NULL, -1);
		}
}

void tl__peer_hear_held(struct tl__peer *p, const struct tl__message *m)
{
	struct tl__tool *tool = tl__tool_find(p->broker, m->tool);
	struct tl__link *l = tool ? tl__peer_find(tool, m->tid) : NULL;

	if (!l || l->tracee->peer != p)
		return;
	l->held = m->state;
	p->broker->stuck = true;
}

/* To who holds the task, or any of the tool's. */
static void say_wait(const struct tl__tool *tool, struct tl__call *c)
{
	struct tl__message m = { .what = TL__SAY_WAITS,
				 .tool = tool->tgid,
				 .tid = tl__wait_one(c) };
	const struct tl__link *l;
	struct tl__peer *p;

	c->said = true;
	TAILQ_FOREACH (p, &tool->broker->peers, link)
		TAILQ_FOREACH (l, &tool->links, of_tool)
			if (l->tracee->peer == p && (!m.tid || l->tracee->tid == m.tid)) {
				tl__talk_say(p, &m, NULL, -1);
				break;
			}
}

void tl__peers_say_waits(struct tl__broker *b, bool idle)
{
	enum { LONG_MS = 50 };
	struct tl__tool *tool;
	struct tl__call *c;

	if (TAILQ_EMPTY(&b->peers))
		return;
	TAILQ_FOREACH (tool, &b->tools, link)
		TAILQ_FOREACH (c, &tool->waiting, link)
			if (!c->said && (idle || tl__now_ms() - tool->waits_at > LONG_MS))
				say_wait(tool, c);
}
