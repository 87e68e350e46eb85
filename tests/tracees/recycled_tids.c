/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The same thread id again and again, by fork and by vfork: clone3 with set_tid (Linux 5.5). */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t wanted;

static long clone_as(uint64_t flags, uint64_t exit_signal)
{
	struct clone_args args = { .flags = flags,
				   .exit_signal = exit_signal,
				   .set_tid = (uintptr_t)&wanted,
				   .set_tid_size = 1 };
	long r;

	do
		r = syscall(SYS_clone3, &args, sizeof(args));
	while (r < 0 && errno == EEXIST); /* still dying */
	return r;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 40;

	wanted = fork();
	if (!wanted)
		_exit(0);
	waitpid(wanted, NULL, 0);
	for (int i = 0; i < rounds; i++) {
		long r = clone_as(i % 2 ? CLONE_VFORK : 0, SIGCHLD);

		if (r < 0)
			return errno == EPERM || errno == ENOSYS ? 77 : 1;
		if (!r) {
			syscall(SYS_getpgid, 0);
			_exit(i % 7);
		}
		if (r != wanted || waitpid(wanted, NULL, 0) != wanted)
			return 2;
	}
	return 0;
}
