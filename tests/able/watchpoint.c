/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Does this machine stop a program at a watchpoint? Some virtual ones take the debug registers, and
 * never do. Exit status 0 where it does.
 */
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
static volatile int watched;

static long put(pid_t pid, size_t i, unsigned long value)
{
	return ptrace(PTRACE_POKEUSER, pid,
		      offsetof(struct user, u_debugreg) + i * sizeof(unsigned long), value);
}

int main(void)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		watched = 1;
		_exit(0);
	}
	/* Four bytes written, by this thread. */
	if (pid < 0 || waitpid(pid, &status, 0) != pid || put(pid, 0, (uintptr_t)&watched) ||
	    put(pid, 7, 0xd0001) || ptrace(PTRACE_CONT, pid, 0, 0) ||
	    waitpid(pid, &status, 0) != pid)
		return 1;
	return !(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
}
#else
int main(void)
{
	return 0;
}
#endif
