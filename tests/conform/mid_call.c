/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tracer takes the first stop of a call for its entry. So one that joins in the middle of a fork
 * that another has at its entry sees the next call whole; and one that stops there sees each exit
 * whose entry it is shown. Prints what is wrong; or ok.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MARK = 0x1234 };

static int wrong(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	return 1;
}

static int resume(pid_t pid)
{
	return ptrace(PTRACE_SYSCALL, pid, 0, 0) < 0 ? -1 : 0;
}

/* The call's stop that it is in: its number at an entry, -1 at an exit, -2 where there is none. */
static long stop_of(pid_t pid)
{
	struct __ptrace_syscall_info i = { 0 };

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(i), &i) <= 0)
		return -2;
	switch (i.op) {
	case PTRACE_SYSCALL_INFO_ENTRY:
		return (long)i.entry.nr;
	case PTRACE_SYSCALL_INFO_EXIT:
		return -1;
	default:
		return -2;
	}
}

/* Joins while another has it at the entry. */
static int joiner(pid_t pid, int says)
{
	int status;
	char c = 0;
	pid_t born;
	unsigned long message;

	if (ptrace(PTRACE_SEIZE, pid, 0,
		   PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACESYSGOOD) < 0)
		return wrong("seize");
	if (write(says, &c, 1) != 1 || waitpid(pid, &status, __WALL) != pid)
		return wrong("the fork's event");
	if (status >> 16 != PTRACE_EVENT_FORK && status >> 16 != PTRACE_EVENT_CLONE) {
		printf("not the fork's event: %#x\n", status);
		return 1;
	}
	if (ptrace(PTRACE_GETEVENTMSG, pid, 0, &message) < 0 ||
	    waitpid((pid_t)message, &status, __WALL) != (pid_t)message)
		return wrong("what was born");
	born = (pid_t)message;
	if (ptrace(PTRACE_DETACH, born, 0, 0) < 0 || resume(pid) < 0 ||
	    waitpid(pid, &status, __WALL) != pid)
		return wrong("the next stop");
	if (stop_of(pid) != SYS_getppid) {
		printf("the next stop is %ld's\n", stop_of(pid));
		return 1;
	}
	return ptrace(PTRACE_DETACH, pid, 0, 0) < 0 ? wrong("detach") : 0;
}

static void forks(void)
{
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	/* A plain fork, as a call: nothing comes between it and the next. */
	if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == 0)
		_exit(0);
	syscall(SYS_getppid, MARK);
	_exit(0);
}

static pid_t first_stop_of(void (*program)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		program();
	if (waitpid(pid, &status, 0) != pid ||
	    ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD) < 0)
		return -1;
	return pid;
}

static int joins(void)
{
	int says[2], status;
	pid_t tracee, other;
	char c = 0;

	if (pipe(says) < 0)
		return wrong("pipe");
	tracee = first_stop_of(forks);
	if (tracee < 0)
		return wrong("the first stop");
	do
		if (resume(tracee) < 0 || waitpid(tracee, &status, 0) != tracee)
			return wrong("the fork's entry");
	while (stop_of(tracee) != SYS_clone);
	other = fork();
	if (other == 0)
		_exit(joiner(tracee, says[1]));
	close(says[1]);
	if (read(says[0], &c, 1) != 1)
		return wrong("the second tracer");
	while (resume(tracee) == 0 && waitpid(tracee, &status, 0) == tracee && WIFSTOPPED(status))
		;
	return waitpid(other, &status, 0) != other || status != 0;
}

/* The later of two tracers has it at an entry first: until it is told to let go. */
static int holder(pid_t pid, int says, int hears)
{
	int status;
	char c = 0;

	if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD) < 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0 || waitpid(pid, &status, __WALL) != pid ||
	    resume(pid) < 0 || write(says, &c, 1) != 1)
		return wrong("seize");
	if (waitpid(pid, &status, __WALL) != pid || stop_of(pid) != SYS_getppid)
		return wrong("getppid's entry");
	if (write(says, &c, 1) != 1 || read(hears, &c, 1) != 1)
		return wrong("told to let go");
	while (resume(pid) == 0 && waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status))
		;
	return 0;
}

static void calls(void)
{
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	syscall(SYS_tkill, getpid(), SIGSTOP);
	syscall(SYS_getppid, MARK);
	_exit(0);
}

/* As a debugger does that stops all threads of a process; then on to the next stop. */
static int stop_and_go_on(pid_t tracee)
{
	int status;

	if (syscall(SYS_tkill, tracee, SIGSTOP) < 0 || waitpid(tracee, &status, 0) != tracee)
		return wrong("the SIGSTOP");
	if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGSTOP) {
		printf("not the SIGSTOP: %#x\n", status);
		return 1;
	}
	return resume(tracee) < 0 ? wrong("resume") : 0;
}

/* The other is shown that entry behind a stop of its own there: and then its exit. */
static int stops(void)
{
	int says[2], hears[2], status;
	pid_t tracee, other;
	char c = 0;

	if (pipe(says) < 0 || pipe(hears) < 0)
		return wrong("pipe");
	tracee = first_stop_of(calls);
	if (tracee < 0)
		return wrong("the first stop");
	other = fork();
	if (other == 0)
		_exit(holder(tracee, says[1], hears[0]));
	close(says[1]);
	if (read(says[0], &c, 1) != 1 || resume(tracee) < 0 || read(says[0], &c, 1) != 1)
		return wrong("the second tracer");
	if (stop_and_go_on(tracee) || write(hears[1], &c, 1) != 1)
		return 1;
	if (waitpid(tracee, &status, 0) != tracee || stop_of(tracee) != SYS_getppid ||
	    resume(tracee) < 0)
		return wrong("the entry");
	if (waitpid(tracee, &status, 0) != tracee || stop_of(tracee) != -1) {
		printf("the stop behind an entry is %ld's\n", stop_of(tracee));
		return 1;
	}
	while (resume(tracee) == 0 && waitpid(tracee, &status, 0) == tracee && WIFSTOPPED(status))
		;
	return waitpid(other, &status, 0) != other || status != 0;
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	alarm(20);
	if (joins() || stops())
		return 1;
	puts("ok");
	return 0;
}
