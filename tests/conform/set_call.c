/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PTRACE_SET_SYSCALL_INFO (Linux 6.16), which the broker has on all kernels: another number, other
 * arguments, another result, and what is wrong. Prints what is wrong; or ok, or refused.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GET = 0x420e, SET = 0x4212, ENTRY = 1, EXIT = 2, CALLS = 40, RESULT = 12345 };

struct info {
	uint8_t op, reserved;
	uint16_t flags;
	uint32_t arch;
	uint64_t ip, sp, words[8];
};

static int wrong(const char *what, long long is)
{
	printf("%s: %lld\n", what, is);
	return 1;
}

/* Each call asks for one thing and gets another: see change(). */
static int child(void)
{
	char buf[8] = "";
	int fds[2];

	if (pipe(fds) < 0)
		return 10;
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	for (int i = 0; i < CALLS; i++) {
		if (syscall(SYS_getppid) != getpid())
			return 11;
		if (write(fds[1], "abcdefgh", 8) != 3)
			return 12;
		if (read(fds[0], buf, 8) != 3 || memcmp(buf, "abc", 3) != 0)
			return 13;
		if (syscall(SYS_getuid) != RESULT)
			return 14;
		if (syscall(SYS_getgid) != -1 || errno != EPERM)
			return 15;
		/* No call at all. */
		if (syscall(SYS_geteuid) != RESULT + 1)
			return 16;
	}
	return 0;
}

static long set(pid_t pid, struct info *info)
{
	return ptrace((enum __ptrace_request)SET, pid, (void *)sizeof(*info), info);
}

static int is_refused(pid_t pid, const struct info *info)
{
	struct info bad = *info;
	int bads = 0;

	bad.op = (uint8_t)(info->op == ENTRY ? EXIT : ENTRY);
	bads += set(pid, &bad) == -1 && errno == EINVAL;
	bad = *info;
	bad.flags = 1;
	bads += set(pid, &bad) == -1 && errno == EINVAL;
	bad = *info;
	bads += ptrace((enum __ptrace_request)SET, pid, (void *)(sizeof(bad) - 8), &bad) == -1 &&
		errno == EINVAL;
	bads += ptrace((enum __ptrace_request)SET, pid, (void *)sizeof(bad), (void *)8) == -1 &&
		errno == EFAULT;
	if (info->op == ENTRY) {
		bad.words[0] = 1ull << 33;
		bads += set(pid, &bad) == -1 && errno == ERANGE;
	}
	return bads == (info->op == ENTRY ? 5 : 4);
}

static uint64_t entered; /* the number */

static int change(pid_t pid, int round)
{
	struct info info;

	if (ptrace((enum __ptrace_request)GET, pid, (void *)sizeof(info), &info) < 0)
		return wrong("GET_SYSCALL_INFO", errno);
	if (round < 8 && !is_refused(pid, &info))
		return wrong("is not refused", errno);
	if (info.op == ENTRY) {
		entered = info.words[0];
		if (entered == SYS_getppid)
			info.words[0] = SYS_getpid;
		else if (entered == SYS_write)
			info.words[3] = 3;
		else if (entered == SYS_geteuid)
			info.words[0] = (uint64_t)-1;
	} else if (entered == SYS_getuid || entered == SYS_geteuid) {
		info.words[0] = entered == SYS_getuid ? RESULT : RESULT + 1;
		info.words[1] = 0;
	} else if (entered == SYS_getgid) {
		info.words[0] = (uint64_t)-EPERM;
		info.words[1] = 1;
	}
	return set(pid, &info) < 0 ? wrong("SET_SYSCALL_INFO", errno) : 0;
}

int main(void)
{
	struct info info = { 0 };
	int status, failed = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(child());
	waitpid(pid, &status, 0);
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	if (set(pid, &info) < 0 && errno == EIO) {
		puts("refused");
		return 0;
	}
	for (int round = 0; !failed; round++) {
		ptrace(PTRACE_SYSCALL, pid, 0, 0);
		waitpid(pid, &status, 0);
		if (!WIFSTOPPED(status))
			break;
		failed = WSTOPSIG(status) != (SIGTRAP | 0x80) ? wrong("status", status)
							      : change(pid, round);
	}
	if (!failed && status)
		failed = wrong("the program ends with", status);
	if (!failed)
		puts("ok");
	return failed;
}
