/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two threads, stopped and continued twice: by SIGSTOP and by SIGTSTP. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void *sleeper(void *arg)
{
	struct timespec ts = { .tv_nsec = 150000000 };

	nanosleep(&ts, NULL);
	return arg;
}

static void continue_soon(pid_t pid)
{
	struct timespec ts = { .tv_nsec = 50000000 };

	nanosleep(&ts, NULL);
	kill(pid, SIGCONT);
	_exit(0);
}

int main(void)
{
	pthread_t thread;
	pid_t self = getpid();

	pthread_create(&thread, NULL, sleeper, NULL);
	for (int i = 0; i < 2; i++) {
		if (!fork())
			continue_soon(self);
		raise(i ? SIGTSTP : SIGSTOP);
		while (waitpid(-1, NULL, 0) < 0)
			;
	}
	pthread_join(thread, NULL);
	return 0;
}
