/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * x86: one tracer steps through a program, another has a watchpoint in it. The machine says both
 * with one trap, and each tracer is to see what it would see alone. Prints what is wrong, or
 * ok. Not in the lanes: qemu's emulation never ends an instruction that is stepped and watched,
 * with one tracer and no broker either.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 40, HITS = 0xf, BY_STEP = 0x4000, LIMIT = 40 };

static struct shared {
	volatile int watched, stepped, ready, goes;
} * shared;

static int wrong(const char *what, long long is)
{
	printf("%s: %lld\n", what, is);
	fflush(stdout);
	return 1;
}

static void child(void)
{
	while (!shared->goes)
		usleep(1000);
	for (int i = 0; i < ROUNDS; i++) {
		shared->watched++;
		shared->stepped++;
	}
	_exit(0);
}

static long reg(pid_t pid, int i)
{
	return ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg[i]), 0);
}

static long set_reg(pid_t pid, int i, unsigned long value)
{
	return ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[i]), value);
}

static int watch(pid_t pid, const volatile void *addr)
{
	return set_reg(pid, 0, (uintptr_t)addr) < 0 || set_reg(pid, 7, 0xd0001) < 0
		       ? wrong("a watchpoint", errno)
		       : 0;
}

static int begin(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0)
		return wrong("seize", errno);
	if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0 || waitpid(pid, &status, 0) != pid)
		return wrong("interrupt", errno);
	return 0;
}

/* Nothing but its own hits. */
static int watcher(pid_t pid)
{
	int status, hits = 0;
	siginfo_t si;

	if (begin(pid) || watch(pid, &shared->watched))
		return 1;
	shared->ready = 1;
	for (;;) {
		if (ptrace(PTRACE_CONT, pid, 0, 0) < 0 || waitpid(pid, &status, 0) != pid)
			return wrong("cont", errno);
		if (!WIFSTOPPED(status))
			break;
		if (status >> 8 != SIGTRAP || ptrace(PTRACE_GETSIGINFO, pid, 0, &si) < 0)
			return wrong("another stop", status);
		if (si.si_code != TRAP_HWBKPT || !si.si_addr)
			return wrong("another trap", si.si_code);
		if ((reg(pid, 6) & HITS) != 1 || set_reg(pid, 6, 0) < 0)
			return wrong("what is hit", reg(pid, 6));
		if (shared->watched != ++hits)
			return wrong("a hit too late", shared->watched - hits);
	}
	return status || hits != ROUNDS ? wrong("hits", hits) : 0;
}

/* Every instruction; with a watchpoint of its own, whose hits the same traps tell. */
static int stepper(pid_t pid)
{
	long long steps = 0;
	int status, hits = 0;
	siginfo_t si;
	long dr6;

	if (begin(pid) || watch(pid, &shared->stepped))
		return 1;
	shared->goes = 1;
	for (;;) {
		if (ptrace(PTRACE_SINGLESTEP, pid, 0, 0) < 0 || waitpid(pid, &status, 0) != pid)
			return wrong("step", errno);
		if (!WIFSTOPPED(status))
			break;
		if (status >> 8 != SIGTRAP || ptrace(PTRACE_GETSIGINFO, pid, 0, &si) < 0)
			return wrong("no step", status);
		steps++;
		if (si.si_code != TRAP_TRACE)
			continue; /* a call's end */
		dr6 = reg(pid, 6);
		if (!(dr6 & BY_STEP) || (dr6 & HITS) > 1)
			return wrong("what the step has met", dr6);
		hits += (dr6 & HITS) == 1;
		if (set_reg(pid, 6, 0) < 0)
			return wrong("it is cleared", errno);
	}
	if (status || hits != ROUNDS)
		return wrong("hits at steps", hits);
	return steps < 2 * ROUNDS ? wrong("steps", steps) : 0;
}

int main(void)
{
	pid_t tracee, second;
	int status;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return 1;
	alarm(LIMIT);
	tracee = fork();
	if (tracee == 0) {
		alarm(LIMIT);
		child();
	}
	second = fork();
	if (second == 0) {
		alarm(LIMIT);
		_exit(watcher(tracee));
	}
	while (!shared->ready)
		usleep(1000);
	status = stepper(tracee);
	kill(tracee, SIGKILL);
	if (status == 0 && waitpid(second, &status, 0) == second && status == 0)
		puts("ok");
	return 0;
}
