/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tool whose signals come all the time, with a handler that lets no call go on: how often what a
 * call of ptrace(2) was to say is written when that has broken it off, where something else lies by
 * then. Usage: late_answers PID.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SECONDS = 2, SIZE = 512, PRSTATUS = 1, PERIOD_US = 700, MOST_US = 1500 };

static void on_alarm(int sig)
{
	(void)sig;
}

/* By no call, which would be broken off as well. */
static void spin(long us)
{
	struct timespec from, now;

	clock_gettime(CLOCK_MONOTONIC, &from);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - from.tv_sec) * 1000000 + (now.tv_nsec - from.tv_nsec) / 1000 < us);
}

int main(int argc, char **argv)
{
	struct itimerval each = { { 0, PERIOD_US }, { 0, PERIOD_US } };
	struct sigaction sa = { .sa_handler = on_alarm };
	pid_t pid = argc > 1 ? atoi(argv[1]) : 0;
	unsigned char buf[SIZE], is[SIZE];
	int status, broken = 0, late = 0;
	time_t until;

	if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0 ||
	    waitpid(pid, &status, __WALL) != pid) {
		printf("seize %d: %s\n", (int)pid, strerror(errno));
		return 1;
	}
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &each, NULL);
	until = time(NULL) + SECONDS;
	while (time(NULL) < until) {
		struct iovec iov = { buf, sizeof(buf) };

		memset(buf, 0xa5, sizeof(buf));
		if (ptrace(PTRACE_GETREGSET, pid, PRSTATUS, &iov) == 0)
			continue;
		if (errno != EINTR) {
			printf("registers: %s\n", strerror(errno));
			return 1;
		}
		broken++;
		memset(buf, 0x5a, sizeof(buf));
		memset(is, 0x5a, sizeof(is));
		spin(MOST_US);
		late += memcmp(buf, is, sizeof(buf)) != 0;
	}
	each = (struct itimerval){ 0 };
	setitimer(ITIMER_REAL, &each, NULL);
	while (ptrace(PTRACE_DETACH, pid, 0, 0) < 0 && errno == EINTR)
		;
	printf("%d of %d answers came late\n", late, broken);
	return 0;
}
