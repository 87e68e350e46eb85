/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a link begins, by ATTACH, SEIZE or TRACEME; and whom it is refused to. */
#include "alone.h"
#include "asked.h"
#include "peer.h"

#include <errno.h>
#include <unistd.h>

/* Whether one process traces, directly or through others, a task of the other. */
static bool traces(struct tl__broker *b, pid_t tool_tgid, pid_t target, unsigned depth)
{
	const struct tl__tool *tool = tl__tool_find(b, tool_tgid);
	const struct tl__link *l;

	if (!tool || depth > 64)
		return false;
	TAILQ_FOREACH (l, &tool->links, of_tool)
		if (l->tracee->tgid == target || traces(b, l->tracee->tgid, target, depth + 1))
			return true;
	return false;
}

/* As the kernel refuses a tracer itself, and what would wait for itself for ever. */
static int may_trace(const struct tl__asked *q, pid_t tracer, pid_t tgid)
{
	struct tl__person us, them;

	if (tgid == tracer || tgid == getpid() || tgid == getppid() ||
	    traces(q->b, tgid, tracer, 0))
		return -EPERM;
	/* A second tracer of what is ours already: the kernel is not asked. */
	if (!tl__tracee_find(q->b, q->tid) || tl__person_read(tracer, &us) < 0 || us.uid == 0)
		return 0;
	if (tl__person_read(q->tid, &them) < 0)
		return -ESRCH;
	return us.uid == them.uid ? 0 : -EPERM;
}

/* Its tracer has not waited for it: natively it is there yet. */
static bool has_dead(const struct tl__broker *b, pid_t tid)
{
	const struct tl__tool *tool;
	const struct tl__link *l;

	TAILQ_FOREACH (tool, &b->tools, link)
		TAILQ_FOREACH (l, &tool->links, of_tool)
			if (l->tracee->tid == tid && l->v.state == TL__LINK_DEAD && !l->kernels)
				return true;
	return false;
}

/*
 * Who calls exec waits for the ends of its process's threads, and has a lock meanwhile that an
 * attaching tracer waits for (de_thread, ptrace_attach). Natively a tracer that holds one of them
 * at its end, and attaches to another, waits for ever. We hold them for all.
 */
static bool waits_for_us(struct tl__broker *b, pid_t tgid)
{
	const struct tl__tracee *t;

	TAILQ_FOREACH (t, &b->tracees, link)
		if (t->tgid == tgid && t->now.what == TL__WHAT_LEAVING && tl__chain_is_held(t))
			return tl__person_waits_in_exec(tgid);
	return false;
}

static int64_t try_attach(struct tl__asked *q, bool seize)
{
	pid_t tracer = tl__person_process(q->n->tid), tgid = tl__person_process(q->tid);
	struct tl__tracee *t;
	struct tl__tool *tool;
	struct tl__link *l;
	int64_t elsewhere;
	int r;

	if (seize && (q->addr || q->data & ~(uint64_t)TL__OPT_KNOWN))
		return -EIO;
	if (seize && q->data & TL__OPT_SUSPEND_SECCOMP && tl__seccomp_may_suspend(q) < 0)
		return -EPERM;
	if (q->tid > 0 && tracer >= 0 && tgid < 0 && has_dead(q->b, q->tid))
		return -EPERM;
	if (q->tid <= 0 || tracer < 0 || tgid < 0)
		return -ESRCH;
	r = tl__alone_share(q->b, tracer, tgid, q->tid);
	if (r < 0)
		return r;
	r = may_trace(q, tracer, tgid);
	if (r < 0)
		return r;
	tool = tl__tool_find(q->b, tracer);
	/* Another server says of itself that it is this one's. */
	if (tool && tool->peer != q->peer)
		return -EPERM;
	tool = tl__tool_get(q->b, tracer);
	if (!tool)
		return -ESRCH;
	tool->peer = q->peer;
	t = tl__tracee_find(q->b, q->tid);
	if (!q->peer && t && t->peer && tl__peer_attach(q->b, q->n, q->word, q->tid, &elsewhere))
		return elsewhere;
	if (!t && waits_for_us(q->b, tgid))
		return -EAGAIN;
	r = tl__tracee_link(q->b, q->tid, tool, q->n->tid, seize, seize ? (uint32_t)q->data : 0,
			    !seize, &l);
	/* Refused, for another server of ours holds it. */
	if (r == -EPERM && !q->peer && !t &&
	    tl__peer_attach(q->b, q->n, q->word, q->tid, &elsewhere))
		return elsewhere;
	return r;
}

/* Another server's tool is told by that one. */
int64_t tl__asked_attach(struct tl__asked *q, bool seize)
{
	const struct tl_broker_options *o = q->b->options;
	int64_t r = try_attach(q, seize);
	pid_t tracer =
		r == -EPERM && !q->peer && o->on_refused ? tl__person_process(q->n->tid) : -1;

	if (tracer > 0)
		o->on_refused(tracer, q->tid, o->data);
	return r;
}

/* By the thread that made it; where the kernel does not tell which, the one that speaks first. */
int64_t tl__asked_traceme(struct tl__asked *q)
{
	struct tl__person p;
	struct tl__tool *tool;
	struct tl__link *l;
	int r;

	if (tl__person_read(q->n->tid, &p) < 0)
		return -ESRCH;
	if (p.ppid == getpid() || p.ppid <= 1)
		return -EPERM;
	q->tid = q->n->tid;
	r = tl__alone_share(q->b, p.ppid, p.tgid, q->tid);
	if (r < 0)
		return r;
	r = may_trace(q, p.ppid, p.tgid);
	if (r < 0)
		return r;
	tool = tl__tool_get(q->b, p.ppid);
	if (!tool)
		return -EPERM;
	r = tl__tracee_link(q->b, q->tid, tool, tl__person_maker(p.ppid, q->tid), false, 0, false,
			    &l);
	if (r == 0 && q->tid == p.tgid)
		l->kin_known = l->own_child = true;
	return r;
}
