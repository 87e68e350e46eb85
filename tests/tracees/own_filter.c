/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program with a system call filter of its own, which judges by the first argument: a close of
 * descriptor 1000 gets EXFULL, of 2000 ENOANO. Usage: own_filter changed|skipped|alone COUNT
 *
 * changed: a tracer makes 2000 of 1000 where the second argument is odd, and getppid of a close of
 *          4000; number -1 is death
 * skipped: a close of 3000 as well, which is not made and gives 7; number -1 gets EXDEV
 * alone:   nobody changes anything (though there may be tracers who come and go), and number -1 is
 *          death; COUNT 0: until SIGTERM
 *
 * Status 0 if all was so, while signals arrive; 2 where there are no filters.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

static void on_alarm(int sig)
{
	int saved = errno;

	(void)sig;
	/* Judged, too. */
	syscall(SYS_close, 1000, 0);
	errno = saved;
}

static volatile sig_atomic_t over;

static void on_term(int sig)
{
	(void)sig;
	over = 1;
}

static int install(unsigned no_number)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xffffffff, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, no_number),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1000, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXFULL),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 2000, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOANO),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0;
}

static long result(long fd, long second)
{
	long r = syscall(SYS_close, fd, second);

	return r < 0 ? -errno : r;
}

static int wrong(const char *what, long i, long got, long want)
{
	if (got == want)
		return 0;
	fprintf(stderr, "%s, %ld: %ld, not %ld\n", what, i, got, want);
	return 1;
}

int main(int argc, char **argv)
{
	struct itimerval often = { { 0, 15000 }, { 0, 15000 } };
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	const char *how = argc > 1 ? argv[1] : "changed";
	bool alone = !strcmp(how, "alone"), skipped = !strcmp(how, "skipped");
	long count = argc > 2 ? atol(argv[2]) : 100, bad = 0, parent = getppid();

	if (install(skipped ? SECCOMP_RET_ERRNO | EXDEV : SECCOMP_RET_KILL_PROCESS))
		return 2;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	sa.sa_handler = on_term;
	sigaction(SIGTERM, &sa, NULL);
	for (long i = 0; (count ? i < count : !over) && !bad; i++) {
		bad += wrong("left alone", i, result(1000, 2 * i), -EXFULL);
		bad += wrong("changed", i, result(1000, 2 * i + 1), alone ? -EXFULL : -ENOANO);
		bad += wrong("another", i, result(1500, i), -EBADF);
		bad += wrong("another call", i, result(4000, i), alone ? -EBADF : parent);
		bad += wrong("no number", i, result(3000, i), skipped ? 7 : -EBADF);
	}
	return bad != 0;
}
