/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clone with the flags that change who follows whom. */
#define _GNU_SOURCE
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static long plain_clone(unsigned long flags)
{
	return syscall(SYS_clone, flags, NULL, NULL, NULL, 0ul);
}

static int child_ok(unsigned long flags, int wait_flags)
{
	int status;
	long pid = plain_clone(flags);

	if (pid == 0) {
		syscall(SYS_getuid);
		syscall(SYS_exit_group, 5);
	}
	return pid > 0 && waitpid((pid_t)pid, &status, wait_flags) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 5;
}

static int parent_ok(void)
{
	/* The grandchild is our child: CLONE_PARENT. */
	int status;
	pid_t pid = fork(), other;

	if (pid == 0) {
		if (plain_clone(CLONE_PARENT | SIGCHLD) == 0)
			_exit(6);
		_exit(7);
	}
	other = wait(&status);
	if (other < 0 || !WIFEXITED(status))
		return 0;
	return wait(&status) > 0 && WIFEXITED(status);
}

int main(void)
{
	int bad = 0;

	bad |= !child_ok(SIGCHLD, 0) << 0;
	bad |= !child_ok(0, __WCLONE) << 1;
	bad |= !child_ok(SIGUSR2, __WALL) << 2;
	bad |= !child_ok(CLONE_VFORK | SIGCHLD, 0) << 3;
	bad |= !child_ok(CLONE_FS | CLONE_FILES | SIGCHLD, 0) << 4;
	bad |= !child_ok(CLONE_UNTRACED | SIGCHLD, 0) << 5;
	bad |= !child_ok(CLONE_PTRACE | SIGCHLD, 0) << 6;
	bad |= !parent_ok() << 7;
	if (bad)
		fprintf(stderr, "wrong: %#x\n", bad);
	return bad;
}
