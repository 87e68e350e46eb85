/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two tracers with watchpoints of their own on one program, and one that both have: each reads its
 * own registers, meets its own hits and no others, is told when there are no more of the machine's,
 * and leaves nothing behind. Prints what is wrong; or ok, or refused.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 60, HALF = ROUNDS / 2, MOST = 16 };

/* Where arm64's registers have them, too: that of another address is put right by the kernel. */
typedef volatile int32_t watchable __attribute__((aligned(8)));

static struct shared {
	struct {
		watchable it;
	} of_each[2], both, others[MOST];
	volatile int ready[2], goes;
} * shared;

static int wrong(const char *what, int who, long long is)
{
	printf("tracer %d, %s: %lld\n", who, what, is);
	fflush(stdout);
	return 1;
}

static void child(void)
{
	while (!shared->goes)
		usleep(1000);
	for (int i = 0; i < ROUNDS; i++) {
		shared->of_each[0].it++;
		shared->both.it++;
		shared->of_each[1].it++;
	}
	_exit(0);
}

#if defined(__aarch64__)
struct set {
	uint32_t info, pad;
	struct {
		uint64_t addr;
		uint32_t control, pad;
	} each[MOST];
};

static long get(pid_t pid, struct set *s)
{
	struct iovec iov = { s, sizeof(*s) };

	memset(s, 0, sizeof(*s));
	return ptrace(PTRACE_GETREGSET, pid, NT_ARM_HW_WATCH, &iov);
}

static long put(pid_t pid, int i, const volatile void *addr, int on)
{
	struct iovec iov;
	struct set s;
	long r = get(pid, &s);

	if (r < 0)
		return r;
	s.each[i].addr = (uintptr_t)addr;
	s.each[i].control = 0xf << 5 | 2 << 3 | 2 << 1 | (uint32_t)on;
	iov = (struct iovec){ &s, offsetof(struct set, each[(s.info & 0xff)]) };
	return ptrace(PTRACE_SETREGSET, pid, NT_ARM_HW_WATCH, &iov);
}

static uint64_t watched_in(pid_t pid, int i)
{
	struct set s;

	return get(pid, &s) < 0 || !(s.each[i].control & 1) ? 0 : s.each[i].addr;
}

static int places(pid_t pid)
{
	struct set s;

	return get(pid, &s) < 0 ? 0 : (int)(s.info & 0xff);
}

static uint64_t hit(pid_t pid, const siginfo_t *si)
{
	(void)pid;
	return (uintptr_t)si->si_addr;
}

/* The instruction that was watched has not been executed yet. */
static int step_over(pid_t pid, const volatile void *const addr[2])
{
	int status;

	for (int i = 0; i < 2; i++)
		put(pid, i, addr[i], 0);
	if (ptrace(PTRACE_SINGLESTEP, pid, 0, 0) < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	for (int i = 0; i < 2; i++)
		put(pid, i, addr[i], 1);
	return status;
}
#else
static long reg(pid_t pid, int i)
{
	return ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg[i]), 0);
}

static long set_reg(pid_t pid, int i, unsigned long value)
{
	return ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[i]), value);
}

static long put(pid_t pid, int i, const volatile void *addr, int on)
{
	unsigned long control = (unsigned long)reg(pid, 7) & ~(3ul << (2 * i));
	long r = set_reg(pid, 7, control);

	control = (control & ~(0xful << (16 + 4 * i))) | 0xdul << (16 + 4 * i) |
		  (unsigned long)on << (2 * i);
	if (r == 0)
		r = set_reg(pid, i, (uintptr_t)addr);
	return r == 0 ? set_reg(pid, 7, control) : r;
}

static uint64_t watched_in(pid_t pid, int i)
{
	return reg(pid, 7) >> (2 * i) & 1 ? (unsigned long)reg(pid, i) : 0;
}

static int places(pid_t pid)
{
	(void)pid;
	return 4;
}

static uint64_t hit(pid_t pid, const siginfo_t *si)
{
	unsigned long status = (unsigned long)reg(pid, 6);

	(void)si;
	set_reg(pid, 6, 0);
	return status & 0xf ? (unsigned long)reg(pid, __builtin_ctzl(status & 0xf)) : 0;
}

static int step_over(pid_t pid, const volatile void *const addr[2])
{
	(void)pid;
	(void)addr;
	return SIGTRAP << 8 | 0x7f;
}
#endif

/* Others may come first, of the same stop. */
static int stopped(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) ? 0 : -1;
}

/* With the other's two, one of which is ours, too, all but that many are free. */
static int exhausted(pid_t pid, int who)
{
	int most = places(pid) - 3, i = 0;

	for (; i < most; i++)
		if (put(pid, 2 + i, &shared->others[i].it, 1) != 0)
			return wrong("a free register", who, errno);
	if (put(pid, 2 + i, &shared->others[i].it, 1) == 0)
		return wrong("one too many", who, i);
	if (errno != ENOSPC)
		return wrong("one too many is refused", who, errno);
	for (i = 0; i <= most; i++)
		if (put(pid, 2 + i, NULL, 0) != 0)
			return wrong("it is off", who, errno);
	return 0;
}

static int begin(pid_t pid, int who, const volatile void *const addr[2])
{
	if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0)
		return wrong("seize", who, errno);
	if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0 || stopped(pid) < 0)
		return wrong("interrupt", who, errno);
	for (int i = 0; i < 2; i++)
		if (put(pid, i, addr[i], 1) != 0)
			return wrong("a watchpoint", who, errno);
	shared->ready[who] = 1;
	while (!shared->ready[!who])
		usleep(1000);
	for (int i = 0; i < 2; i++)
		if (watched_in(pid, i) != (uintptr_t)addr[i])
			return wrong("reads its own", who, (long long)watched_in(pid, i));
	for (int i = 2; i < places(pid); i++)
		if (watched_in(pid, i))
			return wrong("reads another's", who, (long long)watched_in(pid, i));
	if (who && exhausted(pid, who))
		return 1;
	shared->ready[who] = 2;
	while (shared->ready[!who] != 2)
		usleep(1000);
	shared->goes = 1;
	return 0;
}

static int goes_on(pid_t pid, int who, const volatile void *const addr[2])
{
	int hits[2] = { 0 }, want = who ? HALF : ROUNDS, status, which;
	siginfo_t si;
	uint64_t at;

	while (hits[0] + hits[1] < 2 * want) {
		if (ptrace(PTRACE_CONT, pid, 0, 0) < 0 || waitpid(pid, &status, 0) != pid)
			return wrong("cont", who, errno);
		if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
			return wrong("another stop", who, status);
		if (ptrace(PTRACE_GETSIGINFO, pid, 0, &si) < 0 || si.si_code != TRAP_HWBKPT)
			return wrong("another trap", who, si.si_code);
		at = hit(pid, &si);
		which = at == (uintptr_t)addr[0] ? 0 : 1;
		if (at != (uintptr_t)addr[which])
			return wrong("another's hit", who, (long long)at);
		hits[which]++;
		if (step_over(pid, addr) != (SIGTRAP << 8 | 0x7f))
			return wrong("the step over it", who, hits[0] + hits[1]);
	}
	if (hits[0] != want || hits[1] != want)
		return wrong("hits", who, hits[0] * 1000 + hits[1]);
	return 0;
}

/* The second leaves halfway, with its watchpoints on. */
static int tracer(pid_t pid, int who)
{
	const volatile void *const addr[2] = { &shared->of_each[who].it, &shared->both.it };
	int status;

	if (begin(pid, who, addr) || goes_on(pid, who, addr))
		return 1;
	if (ptrace(who ? PTRACE_DETACH : PTRACE_CONT, pid, 0, 0) < 0)
		return wrong("lets go", who, errno);
	if (!who && (waitpid(pid, &status, 0) != pid || status != 0))
		return wrong("the program's end", who, status);
	return 0;
}

int main(void)
{
	pid_t tracee, second;
	int status;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return 1;
	alarm(30);
	tracee = fork();
	if (tracee == 0) {
		alarm(30);
		child();
	}
	/* Whether two may trace at all. */
	if (ptrace(PTRACE_SEIZE, tracee, 0, 0) < 0)
		return wrong("seize", 0, errno);
	second = fork();
	if (second == 0)
		_exit(ptrace(PTRACE_SEIZE, tracee, 0, 0) == 0 ? 0 : 1);
	if (waitpid(second, &status, 0) != second || status != 0) {
		kill(tracee, SIGKILL);
		puts("refused");
		return 0;
	}
	ptrace(PTRACE_INTERRUPT, tracee, 0, 0);
	if (stopped(tracee) < 0 || ptrace(PTRACE_DETACH, tracee, 0, 0) < 0)
		return wrong("detach", 0, errno);
	second = fork();
	if (second == 0)
		_exit(tracer(tracee, 1));
	status = tracer(tracee, 0);
	kill(tracee, SIGKILL);
	if (status == 0 && waitpid(second, &status, 0) == second && status == 0)
		puts("ok");
	return 0;
}
