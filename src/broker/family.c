/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tool's children that are not its tracees, and whom of all the kernel would tell of first.
 *
 * What the kernel tells a tool of its own children, it goes on telling. Only where a tool waits for
 * its tracees and for children alike, which no call of the kernel can do any more, are the children
 * watched from here: at once where it does not block, else a little after the wait has begun, since
 * most have none but tracees.
 *
 * A wait looks at the caller's own children, then at its tracees, the latest first, then at those
 * of the next thread (kernel/exit.c, __do_wait; a tracee that is a child, too, is looked at among
 * these). Who is not a tracee must tell of its end by SIGCHLD, or by another with __WCLONE
 * (eligible_child).
 */
#include "broker.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN = 1024, STOPS = WUNTRACED | WCONTINUED };

bool tl__is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void forget(struct tl__tool *tool, struct tl__child *c)
{
	TAILQ_REMOVE(&tool->children, c, link);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

static struct tl__child *add(struct tl__tool *tool, pid_t pid, int fd)
{
	struct tl__child *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->pid = pid;
	c->fd = fd;
	tool->has_others = true;
	TAILQ_INSERT_TAIL(&tool->children, c, link);
	return c;
}

void tl__family_ended(struct tl__tool *tool, pid_t pid)
{
	add(tool, pid, -1);
}

void tl__family_see_end(struct tl__child *c)
{
	if (c->fd < 0 || !tl__is_readable(c->fd))
		return;
	close(c->fd);
	c->fd = -1;
}

static bool is_watched(const struct tl__tool *tool, pid_t pid)
{
	const struct tl__tracee *t = tl__tracee_find(tool->broker, pid);
	const struct tl__child *c;
	const struct tl__link *l;

	TAILQ_FOREACH (c, &tool->children, link)
		if (c->pid == pid)
			return true;
	if (t) {
		TAILQ_FOREACH (l, &t->links, of_tracee)
			if (l->tool == tool)
				return true;
		return false;
	}
	/* Dead, and not told of yet. */
	TAILQ_FOREACH (l, &tool->links, of_tool)
		if (l->tracee->tid == pid)
			return true;
	return false;
}

static void watch(struct tl__tool *tool, pid_t pid)
{
	int fd = tl__person_watch(pid);

	if (fd < 0)
		return;
	if (tl__poll_add(tool->broker, fd) < 0 || !add(tool, pid, fd))
		close(fd);
}

static const struct tl__child_of *kin_of(const struct tl__tool *tool, pid_t pid)
{
	for (unsigned i = 0; i < tool->kin_n; i++)
		if (tool->kin[i].pid == pid)
			return &tool->kin[i];
	return NULL;
}

/* It stays one, whatever becomes of the children that are read of after this. */
static void note_own(struct tl__tool *tool)
{
	struct tl__link *l;

	TAILQ_FOREACH (l, &tool->links, of_tool) {
		if (l->v.state == TL__LINK_DEAD)
			continue;
		l->kin_known = true;
		l->own_child |= kin_of(tool, l->tracee->tid) != NULL;
	}
}

void tl__family_look(struct tl__tool *tool)
{
	int n;

	tool->children_known = true;
	if (!tool->kin)
		tool->kin = calloc(CHILDREN, sizeof(*tool->kin));
	n = tool->kin ? tl__children_read(&tool->all_children, tool->tgid, tool->kin, CHILDREN) : 0;
	tool->kin_n = n < 0 ? 0 : n < CHILDREN ? (unsigned)n : CHILDREN;
	for (unsigned i = 0; i < tool->kin_n; i++)
		if (!is_watched(tool, tool->kin[i].pid))
			watch(tool, tool->kin[i].pid);
	note_own(tool);
}

void tl__family_forget(struct tl__tool *tool)
{
	struct tl__child *c;

	while ((c = TAILQ_FIRST(&tool->children)))
		forget(tool, c);
	tl__children_close(&tool->all_children);
	free(tool->kin);
	tool->kin = NULL;
	tool->kin_n = 0;
}

static bool is_made_by(const struct tl__tool *tool, pid_t pid, pid_t thread)
{
	const struct tl__child_of *kin = kin_of(tool, pid);

	return kin && kin->thread == tl__children_thread(&tool->all_children, thread);
}

/* Made by clone, or by fork. */
static bool is_of_that_kind(const struct tl__wait *w, pid_t pid)
{
	return w->options & __WALL ||
	       (tl__person_exit_signal(pid) != SIGCHLD) == ((w->options & __WCLONE) != 0);
}

bool tl__family_is_eligible(const struct tl__tool *tool, const struct tl__wait *w, pid_t caller,
			    pid_t pid)
{
	return is_of_that_kind(w, pid) &&
	       (!(w->options & __WNOTHREAD) || is_made_by(tool, pid, caller));
}

static bool is_meant(const struct tl__wait *w, pid_t pid)
{
	struct tl__person p;

	if (w->kind == P_PGID)
		return tl__person_read(pid, &p) == 0 && p.pgrp == w->id;
	return w->kind == P_ALL || w->id == pid;
}

/* How many threads after the caller it comes. */
static uint64_t turn_of(const struct tl__tool *tool, pid_t caller, unsigned thread)
{
	unsigned n = tl__children_threads(&tool->all_children);
	unsigned first = tl__children_thread(&tool->all_children, caller);

	return n ? (thread + n - first) % n : 0;
}

static uint64_t rank_of_child(const struct tl__tool *tool, pid_t caller,
			      const struct tl__child_of *kin)
{
	return turn_of(tool, caller, kin->thread) << 33 | (uint64_t)(kin - tool->kin);
}

/* It is met among its maker's children or among its tracer's tracees, whatever comes first. */
static uint64_t rank_of_link(const struct tl__link *l, const struct tl__wait *w, pid_t caller)
{
	const struct tl__tool *tool = l->tool;
	const struct tl__child_of *kin = kin_of(tool, l->tracee->tid);
	unsigned tracer = tl__children_thread(&tool->all_children, l->tracer);
	uint64_t as_tracee =
		turn_of(tool, caller, tracer) << 33 | 1ull << 32 | (UINT32_MAX - l->order);
	uint64_t as_child = kin && is_of_that_kind(w, l->tracee->tid)
				    ? rank_of_child(tool, caller, kin)
				    : UINT64_MAX;

	return as_child < as_tracee ? as_child : as_tracee;
}

bool tl__family_is_before(const struct tl__link *l, const struct tl__link *other,
			  const struct tl__wait *w, pid_t caller)
{
	if (!l->tool->children_known)
		tl__family_look(l->tool);
	return rank_of_link(l, w, caller) < rank_of_link(other, w, caller);
}

/* Of a group stop of its tracee the kernel would tell the parent, too. */
static bool has_group_stop(const struct tl__tool *tool)
{
	const struct tl__link *l;

	TAILQ_FOREACH (l, &tool->links, of_tool)
		if (l->tracee->group_sig && kin_of(tool, l->tracee->tgid))
			return true;
	return false;
}

/* False: it is gone, or somebody else's. */
static bool is_there(struct tl__tool *tool, struct tl__child *c)
{
	struct tl__person p;

	return tl__person_read(c->pid, &p) == 0 && p.ppid == tool->tgid &&
	       (c->fd >= 0 || p.state == 'Z');
}

bool tl__family_is_delayed(const struct tl__tool *tool, pid_t pid)
{
	const struct tl__link *l;

	TAILQ_FOREACH (l, &tool->links, of_tool)
		if (l->tracee->tgid == pid && l->tracee->tid != pid && l->v.state == TL__LINK_DEAD)
			return true;
	return false;
}

/*
 * A child that another traces, as we do its tracees, is one that the kernel waits for, and finds
 * nothing of (kernel/exit.c, wait_consider_task): so this is 0, not ECHILD. If it ends before the
 * kernel looks, and we have been told, it is the tool's zombie, and told of as that.
 */
bool tl__family_is_for_kernel(const struct tl__tool *tool, const struct tl__wait *w)
{
	const struct tl__link *l;
	bool has_child = false;

	if (w->kind != P_ALL || !(w->options & WNOHANG) || !(w->options & __WALL) ||
	    w->options & (STOPS | __WNOTHREAD) || !(tool->sigchld & TL__CHLD_KEPT))
		return false;
	TAILQ_FOREACH (l, &tool->links, of_tool) {
		if (l->v.state == TL__LINK_DEAD || !l->kin_known)
			return false;
		has_child |= l->own_child;
	}
	return has_child;
}

bool tl__family_was_told(const struct tl__link *l)
{
	return l->own_child && l->tool->sigchld & TL__CHLD_KEPT &&
	       tl__person_process(l->tracee->tid) < 0;
}

bool tl__family_is_in_exec_stop(const struct tl__link *l)
{
	return l->v.state == TL__LINK_STOPPED && l->v.stop.what == TL__WHAT_EXEC;
}

bool tl__family_is_in_exec(const struct tl__link *l)
{
	return tl__family_is_in_exec_stop(l) && tl__family_is_delayed(l->tool, l->tracee->tgid);
}

enum tl__kernel_has tl__family_has(struct tl__tool *tool, const struct tl__wait *w, pid_t caller,
				   const struct tl__link *before)
{
	enum tl__kernel_has has = TL__KERNEL_NOTHING;
	struct tl__child *c, *next;
	const struct tl__child_of *kin;

	for (c = TAILQ_FIRST(&tool->children); c; c = next) {
		next = TAILQ_NEXT(c, link);
		tl__family_see_end(c);
		if (c->fd >= 0 && !(w->options & STOPS))
			continue;
		/* Dead, but not yet to its tracer, which we are. */
		if (c->fd < 0 && tl_task_find(tool->broker->session, c->pid))
			continue;
		if (!is_there(tool, c)) {
			forget(tool, c);
			continue;
		}
		if (!is_meant(w, c->pid) || tl__family_is_delayed(tool, c->pid) ||
		    !tl__family_is_eligible(tool, w, caller, c->pid))
			continue;
		kin = kin_of(tool, c->pid);
		if (c->fd >= 0)
			has = has || (w->options & WUNTRACED && has_group_stop(tool))
				      ? has
				      : TL__KERNEL_PERHAPS;
		else if (w->options & WEXITED &&
			 (!before || !kin ||
			  rank_of_child(tool, caller, kin) < rank_of_link(before, w, caller)))
			has = TL__KERNEL_AN_END;
	}
	return has;
}
