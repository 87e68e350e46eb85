/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two tracers with breakpoints on one program, one in a place that both have, each where the other
 * reads the program's own instruction: each meets its own alone, every time, and steps over it; and
 * nothing is left behind. On AArch32 breakpoints have two lengths. Prints what is wrong; or ok, or
 * refused.
 */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 40, PLACES = 3, MOST = 4 };

int one_more(int n);
int two_more(int n);
int three_more(int n);

/* Which trap the kernel takes for a breakpoint; how far behind it the pc stands; where it is among
 * the registers. The second is an instruction of four bytes in Thumb, too. */
#if defined(__x86_64__) || defined(__i386__)
#ifdef __x86_64__
#define FUNCTION(name, n) #name ": lea " #n "(%rdi), %eax\n\tret\n"
enum { PC = 16 };
#else
#define FUNCTION(name, n) #name ": mov 4(%esp), %eax\n\tadd $" #n ", %eax\n\tret\n"
enum { PC = 12 };
#endif
#define SYNTAX
static const uint8_t breakpoints[PLACES][MOST] = { { 0xcc }, { 0xcc }, { 0xcc } };
static const size_t lengths[PLACES] = { 1, 1, 1 };
enum { BEHIND = 1 };
#elif defined(__aarch64__)
#define FUNCTION(name, n) #name ": add w0, w0, #" #n "\n\tret\n"
#define SYNTAX
#define BRK                                                                                        \
	{                                                                                          \
		0, 0, 0x20, 0xd4                                                                   \
	}
static const uint8_t breakpoints[PLACES][MOST] = { BRK, BRK, BRK };
static const size_t lengths[PLACES] = { 4, 4, 4 };
enum { BEHIND = 0, PC = 32 };
#elif defined(__thumb__)
#define FUNCTION(name, n) ".thumb_func\n" #name ": add" WIDTH_##n " r0, r0, #" #n "\n\tbx lr\n"
#define SYNTAX            ".syntax unified\n.thumb\n"
#define WIDTH_1           "s"
#define WIDTH_2           ".w"
#define WIDTH_3           "s"
static const uint8_t breakpoints[PLACES][MOST] = { { 0x01, 0xde },
						   { 0xf0, 0xf7, 0x00, 0xa0 },
						   { 0x01, 0xde } };
static const size_t lengths[PLACES] = { 2, 4, 2 };
enum { BEHIND = 0, PC = 15 };
#else
#define FUNCTION(name, n) #name ": add r0, r0, #" #n "\n\tbx lr\n"
#define SYNTAX            ".syntax unified\n.arm\n"
#define UDF                                                                                        \
	{                                                                                          \
		0xf0, 0x01, 0xf0, 0xe7                                                             \
	}
static const uint8_t breakpoints[PLACES][MOST] = { UDF, UDF, UDF };
static const size_t lengths[PLACES] = { 4, 4, 4 };
enum { BEHIND = 0, PC = 15 };
#endif
__asm__(".text\n" SYNTAX ".balign 4\n"
	".globl one_more\n.globl two_more\n.globl three_more\n" FUNCTION(
		one_more, 1) ".balign 4\n" FUNCTION(two_more, 2) ".balign 4\n" FUNCTION(three_more,
											3));

static volatile struct shared {
	int ready[2], goes;
} * shared;

static int wrong(const char *what, int who, long long is)
{
	printf("tracer %d, %s: %lld\n", who, what, is);
	fflush(stdout);
	return 1;
}

static void child(void)
{
	int n = 0;

	while (!shared->goes)
		usleep(1000);
	for (int i = 0; i < ROUNDS; i++)
		n = three_more(two_more(one_more(n)));
	_exit(n == 6 * ROUNDS ? 0 : 9);
}

static uintptr_t place(int i)
{
	static int (*const functions[PLACES])(int) = { one_more, two_more, three_more };

	/* Without what tells Thumb. */
	return (uintptr_t)functions[i] & ~(uintptr_t)(sizeof(void *) == 4 && BEHIND == 0);
}

/* The first and the last is one's own, the second both have. */
static int has(int who, int i)
{
	return i == 1 || i == 2 * who;
}

static long registers(pid_t pid, int set, unsigned long all[64], size_t *len)
{
	struct iovec iov = { all, set ? *len : 64 * sizeof(*all) };
	long r = ptrace(set ? PTRACE_SETREGSET : PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov);

	*len = iov.iov_len;
	return r;
}

/* The place whose breakpoint it has met, and goes back in front of; or -1. */
static int met(pid_t pid)
{
	unsigned long all[64];
	size_t len;

	if (registers(pid, 0, all, &len) < 0)
		return -1;
	all[PC] -= BEHIND;
	for (int i = 0; i < PLACES; i++)
		if (all[PC] == place(i))
			return registers(pid, 1, all, &len) < 0 ? -1 : i;
	return -1;
}

static int put(int memory, int i, const uint8_t *bytes)
{
	return pwrite(memory, bytes, lengths[i], (off_t)place(i)) == (ssize_t)lengths[i] ? 0 : -1;
}

/* A byte at a time, too: what a piece of an instruction looks like. */
static int sees(int memory, int i, const uint8_t *bytes)
{
	uint8_t is[MOST];

	if (pread(memory, is, lengths[i], (off_t)place(i)) != (ssize_t)lengths[i] ||
	    memcmp(is, bytes, lengths[i]) != 0)
		return 0;
	for (size_t j = 0; j < lengths[i]; j++)
		if (pread(memory, is, 1, (off_t)(place(i) + j)) != 1 || *is != bytes[j])
			return 0;
	return 1;
}

/* In two pieces, and the word around it; text is not written to so. */
static int reads(pid_t pid, int i, const uint8_t *bytes)
{
	uint8_t is[MOST], around[2 * MOST];
	void *at = (void *)place(i);
	struct iovec ours[2] = { { is, 1 }, { is + 1, sizeof(is) - 1 } };
	struct iovec whole = { at, lengths[i] }, wide = { at, sizeof(around) },
		     into = { around, sizeof(around) };

	return process_vm_readv(pid, ours, 2, &whole, 1, 0) == (ssize_t)lengths[i] &&
	       memcmp(is, bytes, lengths[i]) == 0 &&
	       process_vm_readv(pid, &into, 1, &wide, 1, 0) == (ssize_t)sizeof(around) &&
	       memcmp(around, bytes, lengths[i]) == 0 &&
	       process_vm_writev(pid, ours, 1, &whole, 1, 0) < 0 && errno == EFAULT;
}

static int peeks(pid_t pid, int i, const uint8_t *bytes)
{
	long word = ptrace(PTRACE_PEEKTEXT, pid, place(i), 0);

	return memcmp(&word, bytes, lengths[i]) == 0;
}

static int is_trap(int status)
{
	return WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP;
}

static const uint8_t *programs(int i)
{
	static uint8_t bytes[PLACES][MOST];

	/* Nobody has written to our own. */
	return memcpy(bytes[i], (const void *)place(i), lengths[i]);
}

static int begin(pid_t pid, int who, int memory)
{
	int status;

	if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0 || waitpid(pid, &status, 0) != pid)
		return wrong("interrupt", who, errno);
	for (int i = 0; i < PLACES; i++)
		if (has(who, i) && put(memory, i, breakpoints[i]) < 0)
			return wrong("sets", who, i);
	shared->ready[who] = 1;
	while (!shared->ready[!who])
		usleep(1000);
	for (int i = 0; i < PLACES; i++) {
		const uint8_t *want = has(who, i) ? breakpoints[i] : programs(i);

		if (!sees(memory, i, want) || !reads(pid, i, want) || !peeks(pid, i, want))
			return wrong("sees", who, i);
	}
	shared->ready[who] = 2;
	while (shared->ready[!who] != 2)
		usleep(1000);
	shared->goes = 1;
	return 0;
}

static int step_over(pid_t pid, int who, int memory, int i)
{
	int status;

	if (put(memory, i, programs(i)) < 0 || ptrace(PTRACE_SINGLESTEP, pid, 0, 0) < 0 ||
	    waitpid(pid, &status, 0) != pid || !is_trap(status))
		return wrong("steps over", who, i);
	return put(memory, i, breakpoints[i]) < 0 ? wrong("sets again", who, i) : 0;
}

static int tracer(pid_t pid, int who)
{
	int hits[PLACES] = { 0 }, status, memory, i;
	char path[32];

	if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0)
		return wrong("seize", who, errno);
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	memory = open(path, O_RDWR);
	if (begin(pid, who, memory))
		return 1;
	for (;;) {
		if (ptrace(PTRACE_CONT, pid, 0, 0) < 0 || waitpid(pid, &status, 0) != pid)
			return wrong("cont", who, errno);
		if (!is_trap(status))
			break;
		i = met(pid);
		if (i < 0 || !has(who, i))
			return wrong("another's trap", who, i);
		hits[i]++;
		if (step_over(pid, who, memory, i))
			return 1;
	}
	if (status)
		return wrong("the program's end", who, status);
	for (i = 0; i < PLACES; i++)
		if (hits[i] != has(who, i) * ROUNDS)
			return wrong("hits", who, i * 1000 + hits[i]);
	return 0;
}

/* Whether two may trace at all. */
static int is_refused(pid_t tracee)
{
	pid_t second;
	int status;

	if (ptrace(PTRACE_SEIZE, tracee, 0, 0) < 0)
		return 1;
	second = fork();
	if (second == 0)
		_exit(ptrace(PTRACE_SEIZE, tracee, 0, 0) != 0);
	if (waitpid(second, &status, 0) != second || status != 0)
		return 1;
	return ptrace(PTRACE_INTERRUPT, tracee, 0, 0) < 0 ||
	       waitpid(tracee, &status, 0) != tracee || ptrace(PTRACE_DETACH, tracee, 0, 0) < 0;
}

int main(void)
{
	pid_t tracee, second;
	int status, wrong_here;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return 1;
	alarm(40);
	tracee = fork();
	if (tracee == 0) {
		alarm(40);
		child();
	}
	if (is_refused(tracee)) {
		kill(tracee, SIGKILL);
		puts("refused");
		return 0;
	}
	second = fork();
	if (second == 0)
		_exit(tracer(tracee, 1));
	wrong_here = tracer(tracee, 0);
	kill(tracee, SIGKILL);
	if (waitpid(second, &status, 0) == second && status == 0 && !wrong_here)
		puts("ok");
	return 0;
}
