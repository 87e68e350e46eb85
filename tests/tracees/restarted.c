/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A read from descriptor 99, which is not open, broken by a signal whose handler asks for a
 * restart. Status 0 only if a tracer made it a read from descriptor 3, and the restart kept that.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t rang;

static void on_alarm(int sig)
{
	(void)sig;
	rang = 1;
}

int main(void)
{
	struct itimerval soon = { .it_value = { .tv_usec = 60000 } };
	struct timespec later = { .tv_nsec = 200000000 };
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	int fds[2];
	char c;

	if (pipe(fds) < 0 || fds[0] != 3)
		return 2;
	if (fork() == 0) {
		nanosleep(&later, NULL);
		_exit(write(fds[1], "x", 1) != 1);
	}
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	if (read(99, &c, 1) != 1 || c != 'x')
		return 1;
	return rang ? 0 : 3;
}
