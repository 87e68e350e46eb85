/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Servers of separate runs. The one that holds a task serves the others: a request of another's
 * tool comes as a message, and what its tracer sees goes back as news. The other server keeps a
 * link to a stand-in of the task, answers waits and sends SIGCHLD, as for a task of its own.
 *
 * Who asks waits for the answer (talk.c), and meanwhile reads and writes its tool's memory for the
 * other, whom the kernel may not let do that, and serves whatever else comes.
 */
#define _GNU_SOURCE
#include "alone.h"
#include "peer.h"

#include "registry.h"
#include "talk.h"
#include "traced.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
	p->foreign = tl__registry_is_foreign(fd);
	STAILQ_INIT(&p->early);
	STAILQ_INIT(&p->put_off);
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

int tl__peer_read(struct tl__peer *p, uint64_t addr, void *buf, size_t len)
{
	struct tl__message m = { .what = TL__SAY_READ, .addr = addr, .len = (uint32_t)len };

	if (len > TL__DATA_MAX || tl__talk_ask(p, &m, NULL, -1) < 0)
		return -EFAULT;
	if (m.result < 0 || m.len != len)
		return -EFAULT;
	memcpy(buf, p->data, len);
	return 0;
}

int tl__peer_write(struct tl__peer *p, uint64_t addr, const void *buf, size_t len)
{
	struct tl__message m = { .what = TL__SAY_WRITE, .addr = addr, .len = (uint32_t)len };

	if (len > TL__DATA_MAX || tl__talk_ask(p, &m, buf, -1) < 0)
		return -EFAULT;
	return m.result < 0 ? -EFAULT : 0;
}

/* What the call itself says: the other may be a user's who must not see or change more of a tool
 * of root's. */
static void open_windows(struct tl__peer *p, const struct tl__notice *n, unsigned word)
{
	uint8_t first[TL__WINDOW_FIRST] = { 0 };
	uint64_t at;
	size_t len = tl__windows_first(n, word, &at);

	p->windows_n = 0;
	if (len && tl__caller_read(n->tid, at, first, len) < 0)
		return;
	p->windows_n = tl__windows_of(n, word, !p->foreign, first, p->windows);
}

static bool may(const struct tl__peer *p, bool writes, const struct tl__message *m)
{
	return tl__windows_allow(p->windows, p->windows_n, writes, m->addr, m->len);
}

/* For the call that we wait for: its tool is ours. */
static void read_for(struct tl__peer *p, const struct tl__message *m)
{
	struct tl__message done = { .what = TL__SAY_READ_DONE, .result = -EFAULT };

	if (p->calling && m->len <= TL__DATA_MAX && may(p, false, m))
		done.result = tl__caller_read(p->calling->tid, m->addr, p->data, m->len);
	done.len = done.result < 0 ? 0 : m->len;
	tl__talk_answer(p, m, &done, done.len ? p->data : NULL);
}

static void write_for(struct tl__peer *p, const struct tl__message *m)
{
	struct tl__message done = { .what = TL__SAY_WRITE_DONE, .result = -EFAULT };

	if (p->calling && may(p, true, m))
		done.result = tl__give(p->broker, p->calling, m->addr, p->data, m->len);
	tl__talk_answer(p, m, &done, NULL);
}

static int64_t call(struct tl__peer *p, const struct tl__notice *n, unsigned word, int fd)
{
	struct tl__message m = { .what = TL__SAY_CALL, .n = *n, .word = word };
	const struct tl__notice *before = p->calling;
	int r;

	p->calling = n;
	open_windows(p, n, word);
	r = tl__talk_ask(p, &m, NULL, fd);
	p->calling = before;
	return r < 0 ? -ESRCH : m.result;
}

/* Who attaches has shown that the kernel lets him: by the task's memory, open for writing. */
static bool is_proven(const struct tl__message *m, int fd)
{
	struct stat is, want;
	char path[32];

	if (m->n.args[0] != TL__REQ_ATTACH && m->n.args[0] != TL__REQ_SEIZE)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)m->n.args[1]);
	/* A name can be had elsewhere. */
	return fd >= 0 && fstat(fd, &is) == 0 && stat(path, &want) == 0 &&
	       is.st_dev == want.st_dev && is.st_ino == want.st_ino &&
	       (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR;
}

static void serve_for(struct tl__peer *p, const struct tl__message *m, int fd)
{
	struct tl__message done = { .what = TL__SAY_RESULT, .result = -EPERM };
	struct tl__tool *tool = tl__tool_of(p->broker, m->n.tid);

	if (tool && tool->peer == p)
		tool->stuck_there = false;
	if (m->n.args[0] != TL__REQ_TRACEME && is_proven(m, fd))
		done.result = tl__serve_request(p->broker, &m->n, m->word == 4 ? 4 : 8, p);
	tl__talk_answer(p, m, &done, NULL);
}

struct tl__link *tl__peer_find(struct tl__tool *tool, pid_t tid)
{
	struct tl__link *l;

	TAILQ_FOREACH (l, &tool->links, of_tool)
		if (l->tracee->tid == tid && l->tracee->peer)
			return l;
	return NULL;
}

/* Another user's server speaks for the tasks alone that the kernel lets it trace. */
static bool is_held_by(const struct tl__peer *p, pid_t tid)
{
	struct tl__person of_task, of_tracer;

	return !p->foreign ||
	       (tl__person_read(tid, &of_task) == 0 && of_task.tracer > 0 &&
		tl__person_read(of_task.tracer, &of_tracer) == 0 && of_tracer.tgid == p->pid);
}

static void hear_news(struct tl__peer *p, const struct tl__message *m)
{
	struct tl__tool *tool = tl__tool_find(p->broker, m->tool);
	struct tl__link *l = tool ? tl__peer_find(tool, m->tid) : NULL;

	if (tool && !tool->peer && !l && m->dead != TL__GONE && is_held_by(p, m->tid))
		l = tl__tracee_stand_in(p, tool, m->tid, m->tracer);
	if (!l || l->tracee->peer != p)
		return;
	if (m->dead == TL__GONE) {
		tl__link_unlink(l);
		return;
	}
	if (m->dead && tl__family_was_told(l)) {
		tl__link_unlink(l);
		tl__waits_look(tool);
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
	l->held = false;
	tool->asked_at = 0;
	tl__tool_tell(l);
}

static void hear_of_child(struct tl__peer *p, const struct tl__message *m)
{
	struct tl__tool *tool = tl__tool_find(p->broker, m->tool);
	struct tl__link *l = tool ? tl__peer_find(tool, m->tid) : NULL;

	if (!tool || tool->peer || (p->foreign && !l))
		return;
	if (l && l->tracee->peer == p)
		tl__link_unlink(l);
	tl__family_ended(tool, m->tid);
	tl__waits_look(tool);
}

struct listed {
	struct tl__peer *to;
	struct tl__tool *tool;
};

/* A tracee of a tool that is alone. */
static bool list_one(pid_t tid, const struct tl__traced *is, void *data)
{
	struct listed *l = data;
	struct tl__message m = { .what = TL__SAY_LINK,
				 .tid = tid,
				 .tgid = is->tgid,
				 .tracer = is->tracer,
				 .tool = l->tool->tgid,
				 .seized = true,
				 .state = is->state == 't' ? TL__LINK_STOPPED : TL__LINK_RUNNING,
				 .mode = TL__MODE_SYSCALL };

	if (is->state == 'Z')
		m.state = TL__LINK_DEAD;
	tl__talk_say(l->to, &m, NULL, -1);
	return true;
}

static void list_for(struct tl__peer *p, const struct tl__message *asked)
{
	struct tl__message done = { .what = TL__SAY_RESULT };
	struct listed alone = { .to = p };
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

			tl__talk_say(p, &m, NULL, -1);
		}
	}
	TAILQ_FOREACH (alone.tool, &p->broker->tools, link)
		if (alone.tool->alone)
			tl__traced_each(alone.tool->alone->tracer, list_one, &alone);
	tl__talk_answer(p, asked, &done, NULL);
}

bool tl__peer_stop(struct tl__peer *p, pid_t caller, pid_t tid, int sig)
{
	struct tl__message m = {
		.what = TL__SAY_STOP, .tracer = caller, .tid = tid, .number = sig
	};

	return tl__talk_ask(p, &m, NULL, -1) == 0 && m.result == 1;
}

static void stop_for(struct tl__peer *p, const struct tl__message *m)
{
	struct tl__message done = { .what = TL__SAY_RESULT };

	done.result = tl__serve_stop(p->broker, m->tracer, m->tid, m->number, p);
	tl__talk_answer(p, m, &done, NULL);
}

/* What it says of tasks of its own, for tools of ours. False: something else. */
static bool handle_holder(struct tl__peer *p, const struct tl__message *m)
{
	switch (m->what) {
	case TL__SAY_READ:
		read_for(p, m);
		return true;
	case TL__SAY_WRITE:
		write_for(p, m);
		return true;
	case TL__SAY_NEWS:
		hear_news(p, m);
		return true;
	case TL__SAY_CHILD:
		hear_of_child(p, m);
		return true;
	case TL__SAY_HELD:
		tl__peer_hear_held(p, m);
		return true;
	default:
		return false;
	}
}

static void refuse(struct tl__peer *p, const struct tl__message *m)
{
	struct tl__message done = { .what = TL__SAY_RESULT, .result = -EPERM };

	tl__talk_answer(p, m, &done, NULL);
}

void tl__peer_handle(struct tl__peer *p, const struct tl__message *m, int fd)
{
	struct tl__tool *tool;

	if (handle_holder(p, m))
		return;
	if (p->foreign) {
		refuse(p, m);
		return;
	}
	switch (m->what) {
	case TL__SAY_CALL:
		serve_for(p, m, fd);
		break;
	case TL__SAY_LIST:
		list_for(p, m);
		break;
	case TL__SAY_THREAD_ENDS:
		tool = tl__tool_of(p->broker, m->tracer);
		if (tool && tool->peer == p)
			tl__tool_thread_ends(p->broker, m->tracer);
		break;
	case TL__SAY_OPENED:
		tl__peer_hear_opened(p, m, fd);
		break;
	case TL__SAY_CLOSED:
		tl__peer_hear_closed(p, m);
		break;
	case TL__SAY_STOP:
		stop_for(p, m);
		break;
	case TL__SAY_WAITS:
		tl__peer_hear_wait(p, m);
		break;
	case TL__SAY_STUCK:
		tl__peer_hear_stuck(p, m);
		break;
	case TL__SAY_READ_OF:
	case TL__SAY_WRITE_OF:
		tl__peer_hear_memory(p, m);
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
		tl__memories_leave(b, p);
		tl__waits_look(tool);
	}
	close(p->fd);
	tl__talk_forget(p);
	free(p->data);
	free(p);
}

void tl__peers_sweep(struct tl__broker *b)
{
	struct tl__peer *p, *next;

	for (p = TAILQ_FIRST(&b->peers); p; p = next) {
		next = TAILQ_NEXT(p, link);
		if (p->dead)
			bury(p);
	}
}

/* A tracer is a server, or stands below one: a tool that is alone. NULL: it is neither, or ours. */
static struct tl__peer *server_of(struct tl__broker *b, pid_t tracer)
{
	struct tl__peer *peer = NULL;
	struct tl__person p;

	if (tl__person_read(tracer, &p) < 0)
		return NULL;
	for (pid_t pid = p.tgid; !peer && pid > 1 && pid != getpid(); pid = p.ppid) {
		peer = peer_get(b, pid);
		if (tl__person_read(pid, &p) < 0)
			break;
	}
	return peer;
}

bool tl__peer_attach(struct tl__broker *b, const struct tl__notice *n, unsigned word, pid_t tid,
		     int64_t *ret)
{
	struct tl__person of_task, of_caller;
	struct tl__tool *tool;
	struct tl__peer *p;
	char path[40];
	int fd;

	if (tl__person_read(tid, &of_task) < 0 || of_task.tracer <= 0)
		return false;
	p = server_of(b, of_task.tracer);
	if (!p || tl__person_read(n->tid, &of_caller) < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)tid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	*ret = call(p, n, word, fd);
	close(fd);
	/* It has ended meanwhile, or is another version's: that the kernel tells. */
	if (p->dead)
		return false;
	if (*ret >= 0 && !is_held_by(p, tid))
		*ret = -EPERM;
	if (*ret < 0)
		return true;
	tool = tl__tool_get(b, of_caller.tgid);
	if (tool && !tl__peer_find(tool, tid) && !tl__tracee_stand_in(p, tool, tid, n->tid))
		*ret = -ENOMEM;
	return true;
}

static enum tl__link_state state_after(uint32_t request, enum tl__link_state is)
{
	if (tl__resumes(request))
		return TL__LINK_RUNNING;
	return request == TL__REQ_LISTEN ? TL__LINK_LISTENING : is;
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
	l->held = false;
	r = call(l->tracee->peer, n, word, -1);
	l = tl__peer_find(tool, tid);
	if (!l)
		return r;
	if (r < 0 && l->news == news)
		l->v.state = before;
	if (r >= 0 && request == TL__REQ_DETACH)
		tl__link_unlink(l);
	return r;
}

void tl__peer_tell(struct tl__link *l, enum tl__fate fate)
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

	l->tool->stuck_there = false;
	tl__talk_say(l->tool->peer, &m, NULL, -1);
}

void tl__peer_tell_child(struct tl__tool *tool, pid_t child)
{
	struct tl__message m = { .what = TL__SAY_CHILD, .tool = tool->tgid, .tid = child };

	tl__talk_say(tool->peer, &m, NULL, -1);
}

void tl__peers_thread_ends(struct tl__broker *b, pid_t tid)
{
	struct tl__message m = { .what = TL__SAY_THREAD_ENDS, .tracer = tid };
	struct tl__peer *p;

	TAILQ_FOREACH (p, &b->peers, link)
		tl__talk_say(p, &m, NULL, -1);
}
