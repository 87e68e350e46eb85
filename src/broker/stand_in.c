/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Without the server there are no virtual tracees any more, but the filter is there for good: a
 * listener that is closed fails every wait below with ENOSYS, and a shell spins on that. So the
 * front, which has the listener too, lets the kernel make the calls, and says of ptrace(2) what a
 * tool hears whose tracees are gone.
 */
#define _GNU_SOURCE
#include "stand_in.h"

#include "broker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

static bool is_alone(struct tl__open *open, pid_t tid)
{
	struct tl__person p;

	return tl__person_read(tid, &p) == 0 && tl__open_is_alone(open, p.tgid);
}

static void answer_one(int listener, struct tl__open *open)
{
	struct tl__notice n;
	unsigned word = 0;

	if (tl__notify_receive(listener, &n) <= 0)
		return;
	if (tl__filter_served(&n, &word) == TL__SERVE_PTRACE && !is_alone(open, n.tid))
		tl__notify_answer(listener, n.id, n.args[0] == TL__REQ_TRACEME ? -EPERM : -ESRCH);
	else
		tl__notify_continue(listener, n.id);
}

static void serve(int listener, int tool, struct tl__open *open)
{
	struct pollfd p[2] = { { .fd = listener, .events = POLLIN },
			       { .fd = tool, .events = POLLIN } };

	for (;;) {
		if (poll(p, tool < 0 ? 1 : 2, -1) < 0 && errno != EINTR)
			return;
		if (tool >= 0 && p[1].revents)
			return;
		if (p[0].revents & POLLIN)
			answer_one(listener, open);
		else if (p[0].revents)
			return;
	}
}

struct answering {
	int listener;
	struct tl__open *open;
};

static void answer_open(uint64_t id, pid_t tid, bool traces, void *data)
{
	const struct answering *a = data;

	if (traces && !is_alone(a->open, tid))
		tl__notify_answer(a->listener, id, -ESRCH);
	else
		tl__notify_continue(a->listener, id);
}

int tl__stand_in(int listener, pid_t tool, struct tl__open *open)
{
	struct answering a = { listener, open };
	int fd = tl__person_watch(tool);

	tl__driven_release(open);
	tl__shortcuts_stand_in(open);
	tl__open_each(open, answer_open, &a);

	if (fd >= 0) {
		serve(listener, fd, open);
		close(fd);
	}
	/* What the tool has started may live on. */
	if (fork() == 0) {
		signal(SIGINT, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
		serve(listener, -1, open);
		_exit(0);
	}
	return 1 << 8;
}
