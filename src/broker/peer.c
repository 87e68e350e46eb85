/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Servers of separate runs. The one that holds a task serves the others: a request of another's
 * tool comes as a message, and what its tracer sees goes back as news. The other server keeps a
 * link to a stand-in of the task, answers waits and sends SIGCHLD, as for a task of its own.
 *
 * Who asks waits for the answer, and meanwhile reads and writes its tool's memory for the other,
 * whom the kernel may not let do that, and serves whatever else comes.
 */
#define _GNU_SOURCE
#include "peer.h"

#include "registry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void handle(struct tl__peer *p, const struct tl__message *m, int fd);

static struct tl__peer *peer_new(struct tl__broker *b, int fd, pid_t pid)
{
	struct tl__peer *p = calloc(1, sizeof(*p));

	if (p)
		p->data = malloc(TL__DATA_MAX);
	if (!p || !p->data || tl__poll_add(b, fd) < 0) {
		if (p)
			free(p->data);
		free(p);
		close(fd);
		return NULL;
	}
	p->broker = b;
	p->fd = fd;
	p->pid = pid;
	TAILQ_INSERT_TAIL(&b->peers, p, link);
	return p;
}

static struct tl__peer *peer_get(struct tl__broker *b, pid_t pid)
{
	struct tl__peer *p;
	int fd;

	TAILQ_FOREACH (p, &b->peers, link)
		if (p->pid == pid && !p->dead)
			return p;
	fd = tl__registry_find(pid);
	return fd < 0 ? NULL : peer_new(b, fd, pid);
}

void tl__peer_accept(struct tl__broker *b)
{
	pid_t pid;
	int fd = tl__registry_accept(b->registry, &pid);

	if (fd >= 0)
		peer_new(b, fd, pid);
}

static int say(struct tl__peer *p, const struct tl__message *m, const void *data, int fd)
{
	int r = p->dead ? -EPIPE : tl__message_send(p->fd, m, data, fd);

	p->dead |= r < 0;
	return r;
}

/* Until this comes; everything else is seen to. */
static int hear(struct tl__peer *p, enum tl__say what, struct tl__message *m)
{
	for (;;) {
		int fd, r = p->dead ? -EPIPE : tl__message_receive(p->fd, m, p->data, &fd, true);

		if (r < 0) {
			p->dead = true;
			return r;
		}
		if (m->what != what)
			handle(p, m, fd);
		if (fd >= 0)
			close(fd);
		if (m->what == what)
			return 0;
	}
}

int tl__peer_read(struct tl__peer *p, uint64_t addr, void *buf, size_t len)
{
	struct tl__message m = { .what = TL__SAY_READ, .addr = addr, .len = (uint32_t)len };

	if (len > TL__DATA_MAX || say(p, &m, NULL, -1) < 0 || hear(p, TL__SAY_READ_DONE, &m) < 0)
		return -EFAULT;
	if (m.result < 0 || m.len != len)
		return -EFAULT;
	memcpy(buf, p->data, len);
	return 0;
}

int tl__peer_write(struct tl__peer *p, uint64_t addr, const void *buf, size_t len)
{
	struct tl__message m = { .what = TL__SAY_WRITE, .addr = addr, .len = (uint32_t)len };

	if (len > TL__DATA_MAX || say(p, &m, buf, -1) < 0 || hear(p, TL__SAY_WRITE_DONE, &m) < 0)
		return -EFAULT;
	return m.result < 0 ? -EFAULT : 0;
}

/* For the call that we wait for: its tool is ours. */
static void read_for(struct tl__peer *p, const struct tl__message *m)
{
	struct tl__message done = { .what = TL__SAY_READ_DONE, .result = -EFAULT };

	if (p->calling && m->len <= TL__DATA_MAX)
		done.result = tl__caller_read(p->calling, m->addr, p->data, m->len);
	done.len = done.result < 0 ? 0 : m->len;
	say(p, &done, done.len ? p->data : NULL, -1);
}

static void write_for(struct tl__peer *p, const struct tl__message *m)
{
	struct tl__message done = { .what = TL__SAY_WRITE_DONE, .result = -EFAULT };

	if (p->calling)
		done.result = tl__caller_write(p->calling, m->addr, p->data, m->len);
	say(p, &done, NULL, -1);
}

static int64_t call(struct tl__peer *p, const struct tl__notice *n, unsigned word, int fd)
{
	struct tl__message m = { .what = TL__SAY_CALL, .n = *n, .word = word };
	pid_t before = p->calling;
	int r;

	p->calling = n->tid;
	r = say(p, &m, NULL, fd);
	if (r == 0)
		r = hear(p, TL__SAY_RESULT, &m);
	p->calling = before;
	return r < 0 ? -ESRCH : m.result;
}

/* Who attaches has shown that the kernel lets him: by the task's memory, open for writing. */
static bool is_proven(const struct tl__message *m, int fd)
{
	char link[32], is[64], want[64];
	ssize_t n;

	if (m->n.args[0] != TL__REQ_ATTACH && m->n.args[0] != TL__REQ_SEIZE)
		return true;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	snprintf(want, sizeof(want), "/proc/%d/mem", (int)m->n.args[1]);
	n = fd < 0 ? -1 : readlink(link, is, sizeof(is) - 1);
	if (n < 0 || fcntl(fd, F_GETFL) < 0 || (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDWR)
		return false;
	is[n] = '\0';
	return !strcmp(is, want);
}

static void serve_for(struct tl__peer *p, const struct tl__message *m, int fd)
{
	struct tl__message done = { .what = TL__SAY_RESULT, .result = -EPERM };

	if (m->n.args[0] != TL__REQ_TRACEME && is_proven(m, fd))
		done.result = tl__serve_request(p->broker, &m->n, m->word == 4 ? 4 : 8, p);
	say(p, &done, NULL, -1);
}

static struct tl__link *find(struct tl__tool *tool, pid_t tid)
{
	struct tl__link *l;

	TAILQ_FOREACH (l, &tool->links, of_tool)
		if (l->tracee->tid == tid && l->tracee->peer)
			return l;
	return NULL;
}

static void hear_news(struct tl__peer *p, const struct tl__message *m)
{
	struct tl__tool *tool = tl__tool_get(p->broker, m->tool);
	struct tl__link *l = tool ? find(tool, m->tid) : NULL;

	if (tool && !l && m->dead != TL__GONE)
		l = tl__tracee_stand_in(p, tool, m->tid, m->tracer);
	if (!l || l->tracee->peer != p)
		return;
	if (m->dead == TL__GONE) {
		tl__link_unlink(l);
		return;
	}
	l->tracee->uid = m->uid;
	l->v.seized = m->seized;
	l->v.options = m->options;
	l->v.reported = false;
	l->v.state = m->dead ? TL__LINK_DEAD : TL__LINK_STOPPED;
	l->v.status = (int)m->status;
	l->v.stop.code = m->code;
	l->news++;
	tl__tool_tell(l);
}

static void hear_of_child(struct tl__peer *p, const struct tl__message *m)
{
	struct tl__tool *tool = tl__tool_find(p->broker, m->tool);
	struct tl__link *l = tool ? find(tool, m->tid) : NULL;

	if (!tool)
		return;
	if (l)
		tl__link_unlink(l);
	tl__tool_ended(tool, m->tid);
	tl__waits_look(tool);
}

static void list_for(struct tl__peer *p)
{
	struct tl__message done = { .what = TL__SAY_RESULT };
	const struct tl__tracee *t;
	const struct tl__link *l;

	TAILQ_FOREACH (t, &p->broker->tracees, link) {
		if (t->peer)
			continue;
		TAILQ_FOREACH (l, &t->links, of_tracee) {
			struct tl__message m = { .what = TL__SAY_LINK,
						 .tid = t->tid,
						 .tgid = t->tgid,
						 .tracer = l->tracer,
						 .tool = l->tool->tgid,
						 .code = l->v.stop.code,
						 .seized = l->v.seized,
						 .state = l->v.state,
						 .mode = l->v.mode };

			say(p, &m, NULL, -1);
		}
	}
	say(p, &done, NULL, -1);
}

static void handle(struct tl__peer *p, const struct tl__message *m, int fd)
{
	struct tl__tool *tool;

	switch (m->what) {
	case TL__SAY_CALL:
		serve_for(p, m, fd);
		break;
	case TL__SAY_READ:
		read_for(p, m);
		break;
	case TL__SAY_WRITE:
		write_for(p, m);
		break;
	case TL__SAY_NEWS:
		hear_news(p, m);
		break;
	case TL__SAY_CHILD:
		hear_of_child(p, m);
		break;
	case TL__SAY_LIST:
		list_for(p);
		break;
	case TL__SAY_THREAD_ENDS:
		tool = tl__tool_of(p->broker, m->tracer);
		if (tool && tool->peer == p)
			tl__tool_thread_ends(p->broker, m->tracer);
		break;
	default:
		p->dead = true;
	}
}

/* A server that is gone takes its tasks and its tools' links along. */
static void bury(struct tl__peer *p)
{
	struct tl__broker *b = p->broker;
	struct tl__tool *tool, *next_tool;
	struct tl__link *l, *next;

	TAILQ_REMOVE(&b->peers, p, link);
	for (tool = TAILQ_FIRST(&b->tools); tool; tool = next_tool) {
		next_tool = TAILQ_NEXT(tool, link);
		if (tool->peer == p) {
			tl__tool_gone(tool);
			continue;
		}
		for (l = TAILQ_FIRST(&tool->links); l; l = next) {
			next = TAILQ_NEXT(l, of_tool);
			if (l->tracee->peer == p)
				tl__link_unlink(l);
		}
		tl__waits_look(tool);
	}
	close(p->fd);
	free(p->data);
	free(p);
}

void tl__peers_sweep(struct tl__broker *b)
{
	struct tl__peer *p, *next;

	for (p = TAILQ_FIRST(&b->peers); p; p = next) {
		next = TAILQ_NEXT(p, link);
		if (p->dead && !p->calling)
			bury(p);
	}
}

void tl__peer_ready(struct tl__peer *p)
{
	struct tl__message m;
	/* It may have been taken in the meantime, by somebody who waited for an answer. */
	int fd, r = tl__message_receive(p->fd, &m, p->data, &fd, false);

	if (r < 0) {
		p->dead |= r != -EAGAIN;
		return;
	}
	handle(p, &m, fd);
	if (fd >= 0)
		close(fd);
}

bool tl__peer_attach(struct tl__broker *b, const struct tl__notice *n, unsigned word, pid_t tid,
		     int64_t *ret)
{
	struct tl__person of_task, of_tracer, of_caller;
	struct tl__tool *tool;
	struct tl__peer *p;
	char path[40];
	int fd;

	if (tl__person_read(tid, &of_task) < 0 || of_task.tracer <= 0 ||
	    tl__person_read(of_task.tracer, &of_tracer) < 0 || of_tracer.tgid == getpid())
		return false;
	p = peer_get(b, of_tracer.tgid);
	if (!p || tl__person_read(n->tid, &of_caller) < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)tid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	*ret = call(p, n, word, fd);
	close(fd);
	if (*ret < 0)
		return true;
	tool = tl__tool_get(b, of_caller.tgid);
	if (tool && !find(tool, tid) && !tl__tracee_stand_in(p, tool, tid, n->tid))
		*ret = -ENOMEM;
	return true;
}

static enum tl__link_state state_after(uint32_t request, enum tl__link_state is)
{
	switch (request) {
	case TL__REQ_CONT:
	case TL__REQ_SYSCALL:
	case TL__REQ_SINGLESTEP:
	case TL__REQ_SINGLEBLOCK:
	case TL__REQ_SYSEMU:
	case TL__REQ_SYSEMU_SINGLESTEP:
		return TL__LINK_RUNNING;
	case TL__REQ_LISTEN:
		return TL__LINK_LISTENING;
	default:
		return is;
	}
}

int64_t tl__peer_call(struct tl__link *l, const struct tl__notice *n, unsigned word)
{
	enum tl__link_state before = l->v.state;
	uint32_t request = (uint32_t)n->args[0];
	struct tl__tool *tool = l->tool;
	pid_t tid = l->tracee->tid;
	unsigned news = l->news;
	int64_t r;

	/* First: the next stop may be told before the result. */
	l->v.state = state_after(request, before);
	r = call(l->tracee->peer, n, word, -1);
	l = find(tool, tid);
	if (!l)
		return r;
	if (r < 0 && l->news == news)
		l->v.state = before;
	if (r >= 0 && request == TL__REQ_DETACH)
		tl__link_unlink(l);
	return r;
}

void tl__peer_tell(const struct tl__link *l, enum tl__fate fate)
{
	struct tl__message m = { .what = TL__SAY_NEWS,
				 .tid = l->tracee->tid,
				 .tgid = l->tracee->tgid,
				 .tracer = l->tracer,
				 .tool = l->tool->tgid,
				 .uid = l->tracee->uid,
				 .dead = fate,
				 .status = (uint32_t)l->v.status,
				 .code = l->v.stop.code,
				 .seized = l->v.seized,
				 .options = l->v.options };

	say(l->tool->peer, &m, NULL, -1);
}

void tl__peer_tell_child(struct tl__tool *tool, pid_t child)
{
	struct tl__message m = { .what = TL__SAY_CHILD, .tool = tool->tgid, .tid = child };

	say(tool->peer, &m, NULL, -1);
}

void tl__peers_thread_ends(struct tl__broker *b, pid_t tid)
{
	struct tl__message m = { .what = TL__SAY_THREAD_ENDS, .tracer = tid };
	struct tl__peer *p;

	TAILQ_FOREACH (p, &b->peers, link)
		say(p, &m, NULL, -1);
}
