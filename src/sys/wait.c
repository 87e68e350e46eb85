/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one place that waits.
 *
 * __WNOTHREAD keeps to the children and tracees of this thread, so that other threads of the host
 * program never lose one of theirs. __WCLONE keeps out the children that this thread forked for
 * itself: a tracee is eligible whatever its exit signal (kernel/exit.c, eligible_child), an
 * ordinary child is not.
 */
#define _GNU_SOURCE
#include "kernel.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static void convert(const siginfo_t *si, struct tl__waited *out)
{
	out->tid = si->si_pid;
	out->core_dumped = si->si_code == CLD_DUMPED;
	out->code = si->si_status;
	switch (si->si_code) {
	case CLD_EXITED:
		out->kind = TL__WAIT_EXITED;
		break;
	case CLD_KILLED:
	case CLD_DUMPED:
		out->kind = TL__WAIT_KILLED;
		break;
	default:
		out->kind = TL__WAIT_STOPPED;
		break;
	}
}

static int wait_tracee(idtype_t type, pid_t tid, int flags, siginfo_t *si)
{
	si->si_pid = 0;
	if (waitid(type, (id_t)tid, si, __WCLONE | __WNOTHREAD | flags) < 0)
		return -errno;
	return si->si_pid ? 1 : 0;
}

/* Taken already, in the place of what was peeked at: told by the next wait. */
static void keep(struct tl__kernel *k, const struct tl__waited *w)
{
	struct tl__waited *more = realloc(k->kept, (k->kept_n + 1) * sizeof(*more));

	if (!more)
		return;
	k->kept = more;
	k->kept[k->kept_n++] = *w;
}

int tl__kernel_wait(struct tl__sys *sys, unsigned flags, struct tl__waited *out)
{
	struct tl__kernel *k = (struct tl__kernel *)sys;
	int how = (flags & TL__WAIT_NOHANG ? WNOHANG : 0) | (flags & TL__WAIT_PEEK ? WNOWAIT : 0);
	siginfo_t si;
	int r;

	if (k->kept_n) {
		*out = k->kept[0];
		memmove(k->kept, k->kept + 1, --k->kept_n * sizeof(*k->kept));
		return 1;
	}
	r = wait_tracee(P_ALL, 0, WSTOPPED | WEXITED | how, &si);
	if (r > 0)
		convert(&si, out);
	return r;
}

/*
 * Killed since it was peeked at, a task has left that stop: its death, which is not taken here, is
 * found by the next wait; the stop of its exit, which is, would be told to nobody again.
 */
int tl__kernel_consume(struct tl__sys *sys, const struct tl__waited *peeked)
{
	bool stopped = peeked->kind == TL__WAIT_STOPPED;
	struct tl__waited is;
	siginfo_t si;
	int r = wait_tracee(P_PID, peeked->tid, WNOHANG | (stopped ? WSTOPPED : WEXITED), &si);

	if (r <= 0 || !stopped)
		return r;
	convert(&si, &is);
	if (is.code != peeked->code)
		keep((struct tl__kernel *)sys, &is);
	return r;
}
