/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two tracers of two tasks, each of which holds the one that the other steps, as debuggers do that
 * step one thread over a breakpoint while all others stand still. Both steps are made. Prints what
 * is wrong, or ok.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 20 };

static pid_t tasks[2];
static int says[2], hears[2]; /* a tracer's, each */

static bool check(bool is, const char *what, int who)
{
	if (!is)
		printf("%s by tracer %d: %s\n", what, who, strerror(errno));
	return is;
}

/* Both are as far as this. */
static bool meets(int who)
{
	char c = 0;

	return write(says[who], &c, 1) == 1 && read(hears[who], &c, 1) == 1;
}

static bool waits_for(pid_t pid, int sig)
{
	int status;

	return waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status) &&
	       WSTOPSIG(status) == sig;
}

static bool stops(pid_t pid)
{
	return ptrace(PTRACE_INTERRUPT, pid, 0, 0) == 0 && waits_for(pid, SIGTRAP);
}

static bool goes_on(pid_t pid)
{
	return ptrace(PTRACE_CONT, pid, 0, 0) == 0;
}

/* It holds its own, and then stops and steps the other's. */
static bool round_of(int who)
{
	pid_t own = tasks[who], other = tasks[!who];

	return check(stops(own), "a stop", who) && check(meets(who), "meeting", who) &&
	       check(stops(other), "a stop of what the other holds", who) &&
	       check(meets(who), "meeting", who) &&
	       check(ptrace(PTRACE_SINGLESTEP, other, 0, 0) == 0, "a step", who) &&
	       check(waits_for(other, SIGTRAP), "the step's end", who) &&
	       check(meets(who), "meeting", who) &&
	       check(goes_on(own) && goes_on(other), "going on", who) &&
	       check(meets(who), "meeting", who);
}

static int tracer(int who)
{
	alarm(20);
	for (int i = 0; i < 2; i++)
		if (!check(ptrace(PTRACE_SEIZE, tasks[i], 0, 0) == 0, "SEIZE", who))
			return 1;
	if (!check(meets(who), "meeting", who))
		return 1;
	for (int i = 0; i < ROUNDS; i++)
		if (!round_of(who))
			return 1;
	return 0;
}

int main(void)
{
	int to[2], from[2], status;
	pid_t second;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (pipe(to) < 0 || pipe(from) < 0)
		return 1;
	says[0] = to[1];
	hears[0] = from[0];
	says[1] = from[1];
	hears[1] = to[0];
	for (int i = 0; i < 2; i++) {
		tasks[i] = fork();
		if (tasks[i] == 0)
			for (;;)
				;
	}
	second = fork();
	if (second == 0)
		_exit(tracer(1));
	status = tracer(0);
	for (int i = 0; i < 2; i++)
		kill(tasks[i], SIGKILL);
	if (status == 0 && waitpid(second, &status, 0) == second && status == 0)
		puts("ok");
	return 0;
}
