/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a probed program may not do, or not if its tracer is to be killed. Usage: excepted MODE
 * blocked: calls hot() with all signals blocked. handler: with its own handler of SIGTRAP, status 3
 * when that runs. alone: with SIGTRAP blocked and no other; status 4 when it is so no more.
 * ignored: sets SIGTRAP to be ignored on SIGUSR1; status 5 when it is so no more.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t asked;

__attribute__((noinline)) long hot(long a)
{
	__asm__ volatile("" : "+r"(a));
	return a * 3;
}

static void on_trap(int sig)
{
	(void)sig;
	_exit(3);
}

static void on_usr1(int sig)
{
	(void)sig;
	asked = 1;
}

static int is_blocked(void)
{
	sigset_t now;

	sigprocmask(SIG_BLOCK, NULL, &now);
	return sigismember(&now, SIGTRAP);
}

static int is_ignored(void)
{
	struct sigaction sa;

	sigaction(SIGTRAP, NULL, &sa);
	return sa.sa_handler == SIG_IGN;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	int ignores = 0;
	sigset_t set;

	sigemptyset(&set);
	if (!strcmp(mode, "blocked"))
		sigfillset(&set);
	else if (!strcmp(mode, "alone"))
		sigaddset(&set, SIGTRAP);
	sigprocmask(SIG_SETMASK, &set, NULL);
	if (!strcmp(mode, "handler"))
		signal(SIGTRAP, on_trap);
	signal(SIGUSR1, on_usr1);
	puts("ready");
	fflush(stdout);
	for (long i = 0; i < 60000; i++) {
		if (asked && !ignores++)
			signal(SIGTRAP, SIG_IGN);
		hot(i);
		if (!strcmp(mode, "alone") && !is_blocked())
			return 4;
		if (ignores && !is_ignored())
			return 5;
		usleep(1000);
	}
	return 0;
}
