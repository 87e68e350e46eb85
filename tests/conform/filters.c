/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests about the filters of system calls. */
#include "conform.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#ifndef PTRACE_O_SUSPEND_SECCOMP
#define PTRACE_O_SUSPEND_SECCOMP (1 << 21)
#endif
/* Of headers that are too old. */
struct metadata {
	uint64_t filter_off, flags;
};
enum { GET_FILTER = 0x420c, GET_METADATA = 0x420d };

/* getppid fails with this error; every other call is made. */
static void refuse_getppid(unsigned error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(*code), code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
		_exit(99);
}

static void asks_thrice(void)
{
	int n = 0;

	raise(SIGUSR1);
	refuse_getppid(EDOM);
	raise(SIGUSR1);
	refuse_getppid(ERANGE);
	raise(SIGUSR1);
	errno = 0;
	n += syscall(SYS_getppid) > 0;
	raise(SIGUSR1);
	n += 2 * (syscall(SYS_getppid) > 0);
	raise(SIGUSR1);
	n += 4 * (syscall(SYS_getppid) > 0);
	_exit(n);
}

static void show_filters(pid_t pid)
{
	struct sock_filter code[64] = { 0 };
	struct metadata meta = { 0 };

	for (unsigned i = 0; i < 3; i++) {
		long n = tell(GET_FILTER, pid, i, 0);

		if (n > 0 && tell(GET_FILTER, pid, i, (unsigned long)code) > 2)
			printf("%u: %lu instructions, error %u\n", i, n, code[2].k & 0xffff);
		meta.filter_off = i;
		meta.flags = 99;
		if (tell(GET_METADATA, pid, sizeof(meta), (unsigned long)&meta) > 0)
			printf("%u: %u\n", (unsigned)meta.filter_off, (unsigned)meta.flags);
	}
	tell(GET_FILTER, pid, 0, 8);
	tell(GET_METADATA, pid, 4, (unsigned long)&meta);
	tell(GET_METADATA, pid, sizeof(meta), 8);
	tell(GET_METADATA, pid, 100, (unsigned long)&meta);
}

static void seen(void)
{
	pid_t pid = traced(asks_thrice);

	for (int i = 0; i < 3; i++) {
		rq(PTRACE_CONT, pid, 0, 0);
		show(pid, 0);
		show_filters(pid);
	}
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	tell(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_SUSPEND_SECCOMP);
	show_filters(pid);
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	tell(PTRACE_SETOPTIONS, pid, 0, 0);
	to_the_end(pid, PTRACE_CONT);
}

static void asks_below(void)
{
	pid_t pid;
	int status = 0;

	refuse_getppid(EDOM);
	raise(SIGUSR1);
	pid = fork();
	if (pid == 0)
		_exit(syscall(SYS_getppid) > 0 ? 3 : 4);
	waitpid(pid, &status, 0);
	_exit(WEXITSTATUS(status) + 10 * (syscall(SYS_getppid) > 0));
}

static void suspended_below(void)
{
	pid_t pid = traced(asks_below), below;

	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	tell(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_SUSPEND_SECCOMP | PTRACE_O_TRACEFORK);
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	below = (pid_t)message(pid);
	name_it(below, "grandchild");
	show(below, __WALL);
	rq(PTRACE_CONT, below, 0, 0);
	rq(PTRACE_CONT, pid, 0, 0);
	show(below, __WALL);
	/* SIGCHLD. */
	show(pid, 0);
	to_the_end(pid, PTRACE_CONT);
}

static void asks_when_told(void)
{
	static volatile sig_atomic_t told;

	refuse_getppid(EDOM);
	while (!told)
		told = syscall(SYS_getppid) > 0;
	_exit(told ? 5 : 6);
}

static void seized(void)
{
	pid_t pid = child(asks_when_told);

	tell(PTRACE_SEIZE, pid, 0, 1 << 22);
	tell(PTRACE_SEIZE, pid, 0, PTRACE_O_SUSPEND_SECCOMP);
	show(pid, 0);
}

const struct conform_case cases_filters[] = { { "filters-seen", seen },
					      { "filters-suspended-below", suspended_below },
					      { "filters-suspended-seized", seized },
					      { NULL, NULL } };
