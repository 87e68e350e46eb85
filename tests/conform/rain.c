/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A tracer with a timer that never stops ringing: no stop is lost, and none is told of twice. */
#include "conform.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

/* Calls are slow on an emulated machine: the timer rings after a quarter of one's time to 16 times
 * it. */
enum { CALLS = 300, WITHOUT = 20, DOUBLED = 7 };

static volatile int least_us;
static volatile int rings;

static void ring(int sig)
{
	struct itimerval timer = { .it_value.tv_usec = least_us << rings++ % DOUBLED };

	(void)sig;
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void calls(void)
{
	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
	_exit(3);
}

/* On the broker ptrace(2) itself may come back with EINTR; natively it never does. */
static long resume(pid_t pid)
{
	long r;

	do
		r = ptrace(PTRACE_SYSCALL, pid, 0, 0);
	while (r < 0 && errno == EINTR);
	return r;
}

static void under(int flags)
{
	struct sigaction sa = { .sa_handler = ring, .sa_flags = flags };
	struct itimerval none = { .it_value.tv_usec = 0 };
	pid_t pid = traced(calls), r;
	int status = 0, stops = 0, others = 0;
	struct timespec begun, now;

	sigaction(SIGALRM, &sa, NULL);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	for (;;) {
		if (stops == WITHOUT) {
			clock_gettime(CLOCK_MONOTONIC, &now);
			least_us = 10 + (int)((now.tv_sec - begun.tv_sec) * 1000000 +
					      (now.tv_nsec - begun.tv_nsec) / 1000) /
						WITHOUT / 4;
			ring(SIGALRM);
		}
		if (resume(pid) < 0)
			printf("cannot be resumed: %s\n", strerror(errno));
		do
			r = waitpid(pid, &status, 0);
		while (r < 0 && errno == EINTR);
		if (r < 0 || !WIFSTOPPED(status))
			break;
		if (WSTOPSIG(status) == SIGTRAP)
			stops++;
		else
			others++;
	}
	signal(SIGALRM, SIG_IGN);
	setitimer(ITIMER_REAL, &none, NULL);
	show_status(pid, status);
	printf("%d stops, %d others, %s\n", stops, others, rings ? "it rang" : "silence");
}

static void interrupting(void)
{
	under(0);
}

static void restarting(void)
{
	under(SA_RESTART);
}

const struct conform_case cases_rain[] = { { "rain-interrupting", interrupting },
					   { "rain-restarting", restarting },
					   { NULL, NULL } };
