/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls that a signal breaks, each in its way: restarted, restarted with the rest of the time,
 * EINTR. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t ticks;

static void on_alarm(int sig)
{
	(void)sig;
	ticks++;
}

static void arm(int flags)
{
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = flags };
	struct itimerval it = { .it_value = { 0, 70000 } };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
}

int main(void)
{
	struct timespec ts = { 0, 400000000 }, rest;
	int ep = epoll_create1(0), fds[2], bad = 0;
	struct epoll_event ev;
	char c;

	if (pipe(fds) < 0)
		return 1;
	arm(SA_RESTART);
	bad |= nanosleep(&ts, &rest) != -1 || errno != EINTR;
	arm(SA_RESTART);
	bad |= epoll_wait(ep, &ev, 1, 500) != -1 || errno != EINTR;
	arm(0);
	bad |= read(fds[0], &c, 1) != -1 || errno != EINTR;
	arm(0);
	bad |= poll(NULL, 0, 500) != -1 || errno != EINTR;
	/* An ignored signal breaks nothing: also not what would answer EINTR. */
	signal(SIGALRM, SIG_IGN);
	struct itimerval it = { .it_value = { 0, 70000 } };
	setitimer(ITIMER_REAL, &it, NULL);
	errno = 0;
	bad |= (epoll_wait(ep, &ev, 1, 200) != 0) << 1;
	setitimer(ITIMER_REAL, &it, NULL);
	bad |= (poll(NULL, 0, 200) != 0) << 2;
	if (bad || ticks != 4)
		fprintf(stderr, "wrong: %#x, %d ticks\n", bad, (int)ticks);
	return bad || ticks != 4;
}
