/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tools: processes that have links. Their ends, and how they hear of news. */
#include "alone.h"
#include "broker.h"
#include "clock.h"
#include "memory.h"
#include "peer.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	PUT_OFF = 64,
	CALLING_MOST_MS = 50,
	CALLING_MS = 1,
	SIGNALLED_MS = 2,
	PATIENCE_MS = 5,
	TRACERS_MS = 20
};

struct tl__tool *tl__tool_find(struct tl__broker *b, pid_t tgid)
{
	struct tl__tool *tool;

	TAILQ_FOREACH (tool, &b->tools, link)
		if (tool->tgid == tgid)
			return tool;
	return NULL;
}

/* Asked at every call: no file is read. */
struct tl__tool *tl__tool_of(struct tl__broker *b, pid_t tid)
{
	struct tl__tool *tool;

	TAILQ_FOREACH (tool, &b->tools, link)
		if (tool->tgid == tid || syscall(SYS_tgkill, tool->tgid, tid, 0) == 0)
			return tool;
	return NULL;
}

struct tl__tool *tl__tool_get(struct tl__broker *b, pid_t tgid)
{
	struct tl__tool *tool = tl__tool_find(b, tgid);
	struct tl__tracee *t;
	struct tl__person p;

	if (tool)
		return tool;
	tool = calloc(1, sizeof(*tool));
	if (!tool)
		return NULL;
	tool->broker = b;
	tool->tgid = tgid;
	TAILQ_INIT(&tool->links);
	TAILQ_INIT(&tool->waiting);
	TAILQ_INIT(&tool->children);
	TAILQ_INIT(&tool->tracers);
	if (tl__person_read(tgid, &p) == 0)
		tool->uid = p.uid;
	tool->sigchld = tl__sigchld_of(b, tgid);
	tool->fd = tl__person_watch(tgid);
	if (tool->fd < 0 || tl__poll_add(b, tool->fd) < 0) {
		if (tool->fd >= 0)
			close(tool->fd);
		free(tool);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&b->tools, tool, link);
	/* As a tracee it may be without its filters, which we serve it by. */
	TAILQ_FOREACH (t, &b->tracees, link)
		if (t->tgid == tgid && t->unfiltered)
			tl__tracee_settle(t);
	return tool;
}

/* As the kernel does it: tracees that must not outlive their tracer are killed, all others run on.
 */
static void link_ends(struct tl__link *l)
{
	if (!l->tracee->peer && l->v.options & TL__OPT_EXITKILL && l->v.state != TL__LINK_DEAD)
		kill(l->tracee->tgid, SIGKILL);
	tl__chain_tracer_died(l);
	tl__link_unlink(l);
}

/* Links end with the thread that made them. */
void tl__tool_watch_tracer(struct tl__tool *tool, pid_t tid)
{
	struct tl__child *c;

	if (!tid || tid == tool->tgid)
		return;
	TAILQ_FOREACH (c, &tool->tracers, link)
		if (c->pid == tid)
			return;
	c = calloc(1, sizeof(*c));
	if (!c)
		return;
	c->pid = tid;
	c->fd = tl__person_watch_thread(tid);
	if (c->fd >= 0 && tl__poll_add(tool->broker, c->fd) < 0) {
		close(c->fd);
		c->fd = -1;
	}
	TAILQ_INSERT_TAIL(&tool->tracers, c, link);
}

static void tracer_ended(struct tl__tool *tool, struct tl__child *c)
{
	struct tl__broker *b = tool->broker;
	pid_t tid = c->pid;

	TAILQ_REMOVE(&tool->tracers, c, link);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
	tl__tool_thread_ends(b, tid);
	tl__peers_thread_ends(b, tid);
}

void tl__tools_look_at_tracers(struct tl__broker *b)
{
	struct tl__child *c, *next;
	struct tl__tool *tool;

	TAILQ_FOREACH (tool, &b->tools, link)
		for (c = TAILQ_FIRST(&tool->tracers); c; c = next) {
			next = TAILQ_NEXT(c, link);
			if (c->fd < 0 && syscall(SYS_tgkill, tool->tgid, c->pid, 0) < 0)
				tracer_ended(tool, c);
		}
}

void tl__tool_thread_ends(struct tl__broker *b, pid_t tid)
{
	struct tl__link *l, *next;
	struct tl__tool *tool;

	TAILQ_FOREACH (tool, &b->tools, link)
		for (l = TAILQ_FIRST(&tool->links); l; l = next) {
			next = TAILQ_NEXT(l, of_tool);
			if (l->tracer == tid)
				link_ends(l);
		}
}

void tl__tool_gone(struct tl__tool *tool)
{
	struct tl__child *tracer;
	struct tl__call *call;
	struct tl__link *l;

	while ((call = TAILQ_FIRST(&tool->waiting))) {
		TAILQ_REMOVE(&tool->waiting, call, link);
		/* It may be alive: another server may have said that it is its own. */
		tl__pass(tool->broker, call->n.id);
		free(call);
	}
	tl__family_forget(tool);
	while ((tracer = TAILQ_FIRST(&tool->tracers))) {
		TAILQ_REMOVE(&tool->tracers, tracer, link);
		if (tracer->fd >= 0)
			close(tracer->fd);
		free(tracer);
	}
	tl__sigchld_forget(tool->broker, tool->tgid);
	tl__lift_breakpoints(tool);
	tl__breaks_disown(tool->broker, tool);
	tl__memories_forget(tool->broker, tool);
	while ((l = TAILQ_FIRST(&tool->links)))
		link_ends(l);
	tl__alone_free(tool);
	tl__shortcut_end(tool);
	TAILQ_REMOVE(&tool->broker->tools, tool, link);
	close(tool->fd);
	free(tool);
}

/* What it knows from before it had this link. */
static bool knows(struct tl__link *l)
{
	bool resumed = l->comes == TL__COMES_RESUMED, listens = l->comes == TL__COMES_LISTENING;
	struct tl__let_go how;

	if (l->comes == TL__COMES_NEW || l->v.state != TL__LINK_STOPPED)
		return false;
	l->comes = TL__COMES_NEW;
	l->v.reported = true;
	if (listens)
		tl__ignore(tl__vlink_listen(&l->v) < 0);
	if (resumed)
		tl__ignore(tl__vlink_resume(&l->v, TL__REQ_SYSCALL, 0, true, &how) < 0);
	return true;
}

void tl__tool_tell(struct tl__link *l)
{
	struct tl__tool *tool = l->tool;

	if (knows(l))
		return;
	tl__shortcut_news(tool);
	if (tool->peer) {
		tl__peer_tell(l, TL__ALIVE);
		return;
	}
	tl__sigchld_about(l, &tool->news);
	tool->news_owed = true;
	/* A handler that lets calls go on runs before the wait returns, as it does when the kernel
	 * sends the signal: its waits are broken by that, and come again. */
	if (!(tool->sigchld & TL__CHLD_RESTARTS))
		tl__waits_look(tool);
	tl__poke_waits(tool->broker, tool->tgid);
}

static struct tl__tracee *as_tracee(const struct tl__tool *tool)
{
	return tl__tracee_find(tool->broker, tool->news.to ? tool->news.to : tool->tgid);
}

/*
 * A tool that is traced and makes a call of ptrace(2): a signal that comes between the call's stop
 * and its notice breaks that off. ptrace(2) is broken off by none, so its tracer would see what the
 * kernel never shows. For how long the signal can wait, in ms: 0, not at all; -1, until the tool is
 * let go. (Its tracer may have let it go to make another call.)
 */
static int put_off_for(struct tl__tool *tool)
{
	const struct tl__tracee *t = as_tracee(tool);
	uint64_t now;

	if (!t || t->stands_in != TL__WHAT_ENTRY || !t->in_ptrace)
		return 0;
	if (tl__chain_is_held(t))
		return -1;
	now = tl__now_ms();
	if (!tool->news_since)
		tool->news_since = now;
	return now - tool->news_since < CALLING_MOST_MS ? CALLING_MS : 0;
}

/* It is stopped, and none of the calls that are there is its. */
static bool is_at_rest(const struct tl__tool *tool)
{
	const struct tl__tracee *t = as_tracee(tool);

	return t && tl__chain_is_held(t);
}

static void signal_tool(struct tl__tool *tool)
{
	struct tl__call *c;

	tool->news_owed = false;
	tool->news_since = 0;
	tl__wait_tell_ahead(tool);
	tl__sigchld_send(tool, &tool->news);
	if (!(tool->sigchld & TL__CHLD_KNOWN))
		return;
	tool->signalled = true;
	TAILQ_FOREACH (c, &tool->waiting, link)
		c->doomed = true;
	/* Made before the signal, perhaps. */
	tool->suspicious = tl__is_readable(tool->broker->listener);
}

/*
 * A call that is there when the signal comes is taken back, and an answer then may be lost. So
 * those that are there are served first, and the signal is sent when there is none.
 */
void tl__tools_signal(struct tl__broker *b, bool calls)
{
	struct tl__tool *tool;

	TAILQ_FOREACH (tool, &b->tools, link)
		if (tool->news_owed && put_off_for(tool) == 0 &&
		    (!calls || is_at_rest(tool) || tool->put_off++ > PUT_OFF)) {
			tool->put_off = 0;
			signal_tool(tool);
		}
}

bool tl__tools_have_news(const struct tl__broker *b)
{
	const struct tl__tool *tool;

	TAILQ_FOREACH (tool, &b->tools, link)
		if (tool->news_owed)
			return true;
	return false;
}

/* Where the signal is blocked the calls are still there. */
void tl__tools_were_signalled(struct tl__broker *b)
{
	struct tl__tool *tool;
	struct tl__call *c;

	TAILQ_FOREACH (tool, &b->tools, link) {
		if (!tool->signalled)
			continue;
		tool->signalled = tool->suspicious = false;
		TAILQ_FOREACH (c, &tool->waiting, link)
			c->doomed = false;
		tl__waits_look(tool);
	}
}

int tl__tools_patience(struct tl__broker *b)
{
	const struct tl__child *c;
	struct tl__tool *tool;
	bool soon = false;

	TAILQ_FOREACH (tool, &b->tools, link) {
		int ms = tool->news_owed ? put_off_for(tool) : -1;

		if (ms == 0)
			return 0;
		soon |= ms > 0;
	}
	if (soon)
		return CALLING_MS;
	TAILQ_FOREACH (tool, &b->tools, link)
		if (tool->signalled && (tool->suspicious || !TAILQ_EMPTY(&tool->waiting)))
			return SIGNALLED_MS;
	TAILQ_FOREACH (tool, &b->tools, link)
		if (!TAILQ_EMPTY(&tool->waiting) && !tool->children_known)
			return PATIENCE_MS;
	TAILQ_FOREACH (tool, &b->tools, link)
		TAILQ_FOREACH (c, &tool->tracers, link)
			if (c->fd < 0)
				return TRACERS_MS;
	TAILQ_FOREACH (tool, &b->tools, link)
		if (!TAILQ_EMPTY(&tool->waiting))
			return TL__SWEEP_MS;
	return -1;
}

bool tl__tool_owns(const struct tl__tool *tool, int fd)
{
	const struct tl__child *c;

	TAILQ_FOREACH (c, &tool->children, link)
		if (c->fd == fd)
			return true;
	TAILQ_FOREACH (c, &tool->tracers, link)
		if (c->fd == fd)
			return true;
	return tool->fd == fd;
}

void tl__tool_polled(struct tl__tool *tool, int fd)
{
	struct tl__child *c;

	if (!tl__is_readable(fd))
		return;
	if (fd == tool->fd) {
		tl__tool_gone(tool);
		return;
	}
	TAILQ_FOREACH (c, &tool->tracers, link)
		if (c->fd == fd) {
			tracer_ended(tool, c);
			return;
		}
	TAILQ_FOREACH (c, &tool->children, link)
		if (c->fd == fd) {
			tl__family_see_end(c);
			break;
		}
	tl__waits_look(tool);
}
