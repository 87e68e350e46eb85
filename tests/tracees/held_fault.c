/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A fault, and a tracer that dies with it: held_fault FILE waits for FILE, writes where it may not
 * until its handler lets it, and prints how often that was called. held_fault - PID seizes PID,
 * waits for its SIGSEGV, asks about it, and is killed.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096 };

static volatile char *page;
static volatile sig_atomic_t calls;

static void on_fault(int sig)
{
	(void)sig;
	calls++;
	mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE);
}

static int fault(const char *file)
{
	signal(SIGSEGV, on_fault);
	page = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	while (access(file, F_OK) < 0)
		usleep(10000);
	page[0] = 1;
	printf("%d faults\n", (int)calls);
	return 0;
}

static int die_with(pid_t pid)
{
	int status;
	siginfo_t si;

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0)
		return 1;
	puts("seized");
	fflush(stdout);
	while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
		if (WSTOPSIG(status) == SIGSEGV && ptrace(PTRACE_GETSIGINFO, pid, NULL, &si) == 0)
			raise(SIGKILL);
		if (ptrace(PTRACE_CONT, pid, NULL, status >> 16 ? 0 : WSTOPSIG(status)) < 0)
			return 1;
	}
	return 1;
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "-"))
		return die_with(atoi(argv[2]));
	return argc > 1 ? fault(argv[1]) : 2;
}
