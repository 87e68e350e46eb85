/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PTRACE_O_ARM64_RAW_REGS, an option that no kernel has yet and the broker serves on arm64: in a
 * system call's stops x7 is the program's own, and what is written to it stays. Elsewhere it is
 * refused as any unknown option. Prints what is wrong; or ok, or refused.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARM64_RAW_REGS = 1 << 28, CALLS = 50, ENTRY_ADDS = 0x20000, EXIT_ADDS = 0x30000 };

static int wrong(const char *what, uint64_t is, uint64_t want)
{
	printf("%s: %#llx, not %#llx\n", what, (unsigned long long)is, (unsigned long long)want);
	return 1;
}

#ifdef __aarch64__
enum { NT_RAW = 0x74720001 };

/* x7 behind a call that was made with this in it. */
static uint64_t call_with(uint64_t value)
{
	register uint64_t x8 __asm__("x8") = SYS_getppid;
	register uint64_t x7 __asm__("x7") = value;
	register uint64_t x0 __asm__("x0") = 5;

	__asm__ volatile("svc #0" : "+r"(x7), "+r"(x0) : "r"(x8) : "memory");
	return x7;
}

static void calls(void)
{
	for (uint64_t i = 1; i <= CALLS; i++)
		if (call_with(i) != i + EXIT_ADDS)
			_exit(1);
	_exit(0);
}

static int request(int what, pid_t pid, int note, uint64_t *set, size_t size)
{
	struct iovec iov = { set, size };

	return ptrace(what, pid, (void *)(uintptr_t)note, &iov) < 0 ? -errno : (int)iov.iov_len;
}

static int step_to_call(pid_t pid)
{
	int status;

	ptrace(PTRACE_SYSCALL, pid, 0, 0);
	waitpid(pid, &status, 0);
	return status;
}

static int trace(pid_t pid)
{
	uint64_t set[35];
	int status, r;

	for (uint64_t i = 1; i <= CALLS; i++) {
		status = step_to_call(pid);
		r = request(PTRACE_GETREGSET, pid, NT_PRSTATUS, set, 34 * 8);
		if (status >> 8 != (SIGTRAP | 0x80) || r != 34 * 8 || set[7] != i)
			return wrong("x7 at an entry", set[7], i);
		r = request(PTRACE_GETREGSET, pid, NT_RAW, set, 35 * 8);
		if (r != 35 * 8 || set[34] != 5 || set[0] != (uint64_t)-ENOSYS)
			return wrong("the raw set's first argument", set[34], 5);
		request(PTRACE_GETREGSET, pid, NT_PRSTATUS, set, 34 * 8);
		set[7] = i + ENTRY_ADDS;
		request(PTRACE_SETREGSET, pid, NT_PRSTATUS, set, 34 * 8);
		step_to_call(pid);
		r = request(PTRACE_GETREGSET, pid, NT_PRSTATUS, set, 8 * 8);
		if (r != 8 * 8 || set[7] != i + ENTRY_ADDS)
			return wrong("x7 at an exit", set[7], i + ENTRY_ADDS);
		set[7] = i + EXIT_ADDS;
		request(PTRACE_SETREGSET, pid, NT_PRSTATUS, set, 8 * 8);
	}
	ptrace(PTRACE_CONT, pid, 0, 0);
	waitpid(pid, &status, 0);
	return status ? wrong("the program's own x7: status", (uint64_t)status, 0) : 0;
}
#else
static void calls(void)
{
	_exit(0);
}

static int trace(pid_t pid)
{
	kill(pid, SIGKILL);
	return wrong("the option, accepted", 1, 0);
}
#endif

int main(void)
{
	pid_t pid = fork();
	int r = 0, status;

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		calls();
	}
	waitpid(pid, &status, 0);
	if (ptrace(PTRACE_SETOPTIONS, pid, 0,
		   (void *)(PTRACE_O_TRACESYSGOOD | (long)ARM64_RAW_REGS)) < 0) {
		printf(errno == EINVAL ? "refused\n" : "refused with %d\n", errno);
		kill(pid, SIGKILL);
	} else {
		r = trace(pid);
		if (!r)
			printf("ok\n");
	}
	return r;
}
