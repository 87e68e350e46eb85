/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tools that wait for each other, of several servers. Who holds a task has to know which of its
 * tools wait for what is held (stuck.c), and that a server knows of its own tools alone, and of
 * tasks of its own. So a tool's server asks those that have what it waits for whether others hold
 * it, and says to all that have a task of the tool's whether it is stuck.
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

void tl__peer_hear_stuck(struct tl__peer *p, const struct tl__message *m)
{
	struct tl__tool *tool = tl__tool_find(p->broker, m->tool);

	if (!tool || tool->peer != p)
		return;
	tool->stuck_there = m->state;
	p->broker->stuck = true;
}

/* To each that has that task, or (0) any of the tool's. */
static void say(const struct tl__tool *tool, pid_t tid, const struct tl__message *m)
{
	const struct tl__link *l;
	struct tl__peer *p;

	TAILQ_FOREACH (p, &tool->broker->peers, link)
		TAILQ_FOREACH (l, &tool->links, of_tool)
			if (l->tracee->peer == p && (!tid || l->tracee->tid == tid)) {
				tl__talk_say(p, m, NULL, -1);
				break;
			}
}

static void ask(const struct tl__tool *tool, const struct tl__call *c)
{
	struct tl__message m = { .what = TL__SAY_WAITS,
				 .tool = tool->tgid,
				 .tid = tl__wait_one(c) };

	say(tool, m.tid, &m);
}

/* What others say changes, and they forget what they were told when the tool calls there. */
static void look_at(struct tl__tool *tool, uint64_t now, bool long_enough)
{
	enum { AGAIN_MS = 1000 };
	struct tl__message m = { .what = TL__SAY_STUCK, .tool = tool->tgid };
	bool anew = long_enough && now - tool->asked_at > AGAIN_MS, stuck = false;
	const struct tl__call *c;

	TAILQ_FOREACH (c, &tool->waiting, link) {
		if (!long_enough)
			break;
		if (anew) {
			tool->asked_at = now;
			ask(tool, c);
		}
		stuck |= tl__stuck_waits(tool, c);
	}
	if (stuck == tool->stuck_said && !(stuck && anew))
		return;
	tool->stuck_said = stuck;
	m.state = stuck;
	say(tool, 0, &m);
}

void tl__peers_say_waits(struct tl__broker *b, bool idle)
{
	enum { LONG_MS = 50 };
	uint64_t now = TAILQ_EMPTY(&b->peers) ? 0 : tl__now_ms();
	struct tl__tool *tool;

	if (!now)
		return;
	TAILQ_FOREACH (tool, &b->tools, link)
		if (!tool->peer)
			look_at(tool, now, idle || now - tool->waits_at > LONG_MS);
}
