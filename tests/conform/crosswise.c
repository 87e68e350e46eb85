/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tracer that holds one task in a call and waits for another, which a second like it holds and
 * waits for the first. A line on stdin lets it go on, one on stdout says that it has.
 *
 * Usage: crosswise HELD WAITED_FOR
 *        crosswise    is one of the tasks
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static void check(bool is, const char *what)
{
	if (is)
		return;
	perror(what);
	exit(1);
}

static void says(const char *what)
{
	puts(what);
	fflush(stdout);
}

static void done(const char *what)
{
	char line[16];

	says(what);
	check(fgets(line, sizeof(line), stdin) != NULL, "stdin");
}

static int stops(pid_t pid)
{
	int status;

	check(waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status), "wait");
	return WSTOPSIG(status);
}

int main(int argc, char **argv)
{
	pid_t held, other;

	while (argc != 3)
		usleep(1000);
	held = (pid_t)atoi(argv[1]);
	other = (pid_t)atoi(argv[2]);
	check(ptrace(PTRACE_SEIZE, held, 0, PTRACE_O_TRACESYSGOOD) == 0, "SEIZE");
	check(ptrace(PTRACE_SEIZE, other, 0, PTRACE_O_TRACESYSGOOD) == 0, "SEIZE");
	done("has both");
	check(ptrace(PTRACE_INTERRUPT, held, 0, 0) == 0, "INTERRUPT");
	for (int sig = stops(held); sig != (SIGTRAP | 0x80); sig = stops(held))
		check(ptrace(PTRACE_SYSCALL, held, 0, 0) == 0, "SYSCALL");
	done("holds one");
	check(ptrace(PTRACE_INTERRUPT, other, 0, 0) == 0, "INTERRUPT");
	stops(other);
	says("has the other");
	check(ptrace(PTRACE_DETACH, other, 0, 0) == 0, "DETACH");
	check(ptrace(PTRACE_DETACH, held, 0, 0) == 0, "DETACH");
	return 0;
}
