/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The server: one loop over calls that tools make, stops of their tracees, and ends of tools. */
#define _GNU_SOURCE
#include "serve.h"

#include "alone.h"
#include "broker.h"
#include "memory.h"
#include "peer.h"
#include "registry.h"
#include "talk.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEPT_MS = 3, STUCK_MS = 20 };

int tl__poll_add(struct tl__broker *b, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(b->poll, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

/* args: as of tkill. */
static bool serve_signal(struct tl__broker *b, const struct tl__notice *n, const uint64_t args[2])
{
	const struct tl__tracee *t = tl__tracee_find(b, (pid_t)args[0]);

	/* What is wrong with tgkill's the kernel says. */
	return t && (args == n->args || t->tgid == (pid_t)n->args[0]) &&
	       tl__serve_stop(b, n->tid, t->tid, (int)args[1], NULL);
}

/* Who makes calls here is no tool of another server's, whatever that says. */
static void disown(struct tl__broker *b, pid_t tid)
{
	struct tl__tool *tool = TAILQ_EMPTY(&b->peers) ? NULL : tl__tool_of(b, tid);

	if (tool && tool->peer)
		tl__tool_gone(tool);
}

static void serve(struct tl__broker *b, const struct tl__notice *n)
{
	unsigned word = 8;
	enum tl__served what = n->tid ? tl__filter_served(n, &word) : TL__SERVE_NONE;

	if (n->tid)
		disown(b, n->tid);
	if (what != TL__SERVE_NONE && tl__alone_takes(b, n, what, word))
		return;
	switch (what) {
	case TL__SERVE_NONE:
		tl__pass(b, n->id);
		return;
	case TL__SERVE_PTRACE:
		tl__serve_ptrace(b, n, word);
		return;
	case TL__SERVE_WAIT4:
	case TL__SERVE_WAITID:
	case TL__SERVE_WAITPID:
		tl__serve_wait(b, n, what, word);
		return;
	case TL__SERVE_SIGACTION:
		tl__serve_sigaction(b, n, word);
		return;
	case TL__SERVE_OPEN:
	case TL__SERVE_OPENAT:
		tl__serve_open(b, n, what);
		return;
	case TL__SERVE_READ:
	case TL__SERVE_WRITE:
	case TL__SERVE_PREAD:
	case TL__SERVE_PWRITE:
		tl__serve_io(b, n, what, word);
		return;
	case TL__SERVE_VM_READ:
	case TL__SERVE_VM_WRITE:
		tl__serve_vm(b, n, what, word);
		return;
	case TL__SERVE_TKILL:
	case TL__SERVE_TGKILL:
		if (serve_signal(b, n, n->args + (what == TL__SERVE_TGKILL)))
			tl__answer(b, n, 0);
		else
			tl__pass(b, n->id);
		return;
	}
}

static void serve_call(struct tl__broker *b)
{
	struct tl__notice n;

	if (tl__notify_receive(b->listener, &n) <= 0)
		return;
	if (n.tid && tl__is_interrupted(b, n.tid))
		return;
	tl__open_add(b->open, &n);
	tl__shortcuts_settle(b, n.tid);
	if (n.tid && b->in_kernel.used)
		tl__waits_in_kernel(b, n.tid, false);
	if (!tl__answered_before(b, &n))
		serve(b, &n);
}

/* The tool itself is our child, and may be somebody's tracee: then its end is seen there. */
void tl__first_tool_ended(struct tl__broker *b, int status)
{
	if (b->front >= 0 && b->first > 0)
		tl__ignore(send(b->front, &status, sizeof(status), MSG_NOSIGNAL) > 0);
	b->first = 0;
	if (b->first_fd >= 0)
		close(b->first_fd);
	b->first_fd = -1;
}

void tl__look_at_first(struct tl__broker *b)
{
	int status;
	pid_t pid;

	/* While the session traces it, a stop of its would be taken here. */
	if (!b->first || tl_task_find(b->session, b->first))
		return;
	pid = waitpid(b->first, &status, WNOHANG);
	if (pid == b->first)
		tl__first_tool_ended(b, status);
	/* The session has taken its death for a stranger's: it was killed while we drove it. */
	else if (pid < 0 && errno == ECHILD)
		tl__first_tool_ended(b, SIGKILL);
}

static void polled(struct tl__broker *b, const struct epoll_event *e)
{
	struct tl__tool *tool;
	struct tl__peer *p;

	if (e->data.fd == b->registry) {
		tl__peer_accept(b);
		return;
	}
	TAILQ_FOREACH (p, &b->peers, link)
		if (p->fd == e->data.fd) {
			tl__talk_hear(p);
			return;
		}
	if (e->data.fd == b->listener) {
		if (e->events & EPOLLIN) {
			serve_call(b);
		} else {
			b->over = true;
			epoll_ctl(b->poll, EPOLL_CTL_DEL, b->listener, NULL);
		}
		return;
	}
	if (e->data.fd == b->signals) {
		struct signalfd_siginfo si;

		tl__ignore(read(b->signals, &si, sizeof(si)) > 0);
		b->stops = true;
		return;
	}
	if (e->data.fd == b->first_fd) {
		tl__look_at_first(b);
		return;
	}
	TAILQ_FOREACH (tool, &b->tools, link)
		if (tl__tool_owns(tool, e->data.fd)) {
			tl__tool_polled(tool, e->data.fd);
			return;
		}
}

static void watch_children(struct tl__broker *b)
{
	struct tl__tool *tool;

	TAILQ_FOREACH (tool, &b->tools, link)
		if (!TAILQ_EMPTY(&tool->waiting) && !tool->children_known)
			tl__family_look(tool);
}

static void sweep(struct tl__broker *b)
{
	struct tl__tool *tool;

	tl__ignore(tl_session_sweep(b->session));
	TAILQ_FOREACH (tool, &b->tools, link) {
		/* Another thread of its may have made some since it began to wait. */
		if (!TAILQ_EMPTY(&tool->waiting))
			tl__family_look(tool);
		tl__waits_look(tool);
		tl__waits_retell(tool);
	}
}

static bool has_calls(const struct tl__broker *b, const struct epoll_event *e, int n)
{
	for (int i = 0; i < n; i++)
		if (e[i].data.fd == b->listener)
			return true;
	return false;
}

/* Where tools may wait for each other nothing that comes soon is worth a look. Once. */
static int patience_of(struct tl__broker *b, bool looked)
{
	int ms = tl__tools_patience(b), late = tl__alone_patience(b);

	if (late >= 0 && (ms < 0 || ms > late))
		ms = late;
	if (b->keeps && (ms < 0 || ms > KEPT_MS))
		return KEPT_MS;
	return b->stuck && !looked && (ms < 0 || ms > STUCK_MS) ? STUCK_MS : ms;
}

static int loop(struct tl__broker *b)
{
	struct epoll_event e[16];
	bool news, looked = false;
	int n, r, patience;

	for (;;) {
		/* Each stop comes with a signal. */
		r = b->stops ? tl_session_turn(b->session) : 0;
		if (r < 0)
			return r;
		b->stops = false;
		if (b->stuck)
			tl__stuck_look(b);
		if (b->keeps)
			tl__chain_look_at_kept(b);
		if (b->alone)
			tl__alone_catch_up(b);
		if (b->over && !b->first && !tl_session_task_count(b->session))
			return 0;
		news = tl__tools_have_news(b);
		patience = patience_of(b, looked);
		n = epoll_wait(b->poll, e, (int)tl__array_len(e), patience);
		looked = b->stuck && n == 0 && patience == STUCK_MS;
		if (looked)
			tl__stuck_look_again(b);
		if (news) {
			tl__tools_signal(b, has_calls(b, e, n));
		} else if (n == 0) {
			watch_children(b);
			if (patience == TL__SWEEP_MS)
				sweep(b);
			tl__tools_were_signalled(b);
			tl__tools_look_at_tracers(b);
		}
		for (int i = 0; i < n; i++)
			polled(b, &e[i]);
		tl__talk_catch_up(b);
		tl__peers_say_waits(b, n == 0);
		tl__peers_sweep(b);
	}
}

static void on_task(struct tl_session *session, struct tl_task *task, enum tl_origin origin,
		    void *data)
{
	(void)session;
	if (origin == TL_ORIGIN_ORPHAN)
		tl__tracee_orphan(data, task);
}

/* One for each thread, child and memory of each tool: more than a shell's limit may be. */
static void allow_descriptors(void)
{
	struct rlimit most;

	if (getrlimit(RLIMIT_NOFILE, &most) < 0)
		return;
	most.rlim_cur = most.rlim_max;
	tl__ignore(setrlimit(RLIMIT_NOFILE, &most));
}

static int set_up(struct tl__broker *b)
{
	struct tl_session_options o = { .size = sizeof(o),
					.flags = TL_SESSION_QUIESCE_AT_REST,
					.on_task = on_task,
					.data = b };
	sigset_t set;
	int r;

	allow_descriptors();
	TAILQ_INIT(&b->tracees);
	TAILQ_INIT(&b->memories);
	TAILQ_INIT(&b->tools);
	TAILQ_INIT(&b->peers);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	b->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	b->poll = epoll_create1(EPOLL_CLOEXEC);
	if (b->signals < 0 || b->poll < 0)
		return -errno;
	r = tl_session_new(&o, &b->session);
	tl__notify_take_turns(b->listener);
	/* Without one this server's tasks are its own tools' alone. */
	b->registry = tl__registry_open();
	if (b->registry >= 0 && tl__poll_add(b, b->registry) < 0)
		b->registry = -1;
	b->first_fd = tl__person_watch(b->first);
	if (r == 0)
		r = b->first_fd < 0 ? b->first_fd : tl__poll_add(b, b->first_fd);
	if (r == 0)
		r = tl__poll_add(b, b->listener);
	return r < 0 ? r : tl__poll_add(b, b->signals);
}

int tl__serve(int listener, int front, pid_t first, struct tl__open *open,
	      const struct tl_broker_options *o)
{
	struct tl__broker b = { .listener = listener,
				.front = front,
				.first = first,
				.stops = true,
				.open = open,
				.options = o };
	int r = set_up(&b);

	if (r == 0)
		r = loop(&b);
	tl__registry_close();
	free(b.answers);
	/* The kernel lets go of what is left. */
	return r;
}
