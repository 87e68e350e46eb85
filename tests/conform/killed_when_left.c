/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A task is killed in a stop of one tracer's, when another has just left that had asked for
 * PTRACE_EVENT_EXIT: it dies all the same. Prints what is wrong; or ok.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static int wrong(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	return 1;
}

/* Attaches, says so, and leaves when it is told to. */
static int second(pid_t pid, int says, int hears)
{
	char c = 0;

	if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACEEXIT) < 0)
		return wrong("seize");
	return write(says, &c, 1) != 1 || read(hears, &c, 1) != 1;
}

static int next_stop(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_SYSCALL, pid, 0, 0) < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFSTOPPED(status) ? 0 : -1;
}

int main(void)
{
	int to[2], from[2], status;
	pid_t tracee, other;
	char c = 0;

	if (pipe(to) < 0 || pipe(from) < 0)
		return wrong("pipe");
	tracee = fork();
	if (tracee == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		for (;;)
			getppid();
	}
	if (waitpid(tracee, &status, 0) != tracee || next_stop(tracee) < 0)
		return wrong("the first stop");
	other = fork();
	if (other == 0)
		_exit(second(tracee, from[1], to[0]));
	close(from[1]);
	if (read(from[0], &c, 1) != 1)
		return wrong("the second tracer");
	for (int i = 0; i < 3; i++)
		if (next_stop(tracee) < 0)
			return wrong("a stop");
	if (write(to[1], &c, 1) != 1 || waitpid(other, &status, 0) != other || status != 0)
		return wrong("the second tracer's end");
	kill(tracee, SIGKILL);
	alarm(10);
	if (waitpid(tracee, &status, 0) != tracee || !WIFSIGNALED(status))
		return wrong("its end");
	puts("ok");
	return 0;
}
