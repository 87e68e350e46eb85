/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many signals to threads in and out of system calls; every one must arrive, and only the right
 * calls break. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 300 };
static volatile int seen;
static int fds[2];

static void on_signal(int sig)
{
	(void)sig;
	__atomic_add_fetch(&seen, 1, __ATOMIC_SEQ_CST);
}

static void *reader(void *arg)
{
	char c;
	long n = 0;

	(void)arg;
	/* SA_RESTART: the read goes on whatever happens. */
	while (read(fds[0], &c, 1) == 1)
		n++;
	return (void *)n;
}

static void *sender(void *arg)
{
	pthread_t *to = arg;

	for (int i = 0; i < ROUNDS; i++) {
		int before = seen;

		pthread_kill(*to, SIGUSR1);
		while (seen == before)
			sched_yield();
		if (i % 10 == 0 && write(fds[1], "x", 1) != 1)
			exit(2);
	}
	return NULL;
}

int main(void)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	pthread_t r, s;
	void *n;

	sigaction(SIGUSR1, &sa, NULL);
	if (pipe(fds) < 0)
		return 1;
	pthread_create(&r, NULL, reader, NULL);
	pthread_create(&s, NULL, sender, &r);
	pthread_join(s, NULL);
	close(fds[1]);
	pthread_join(r, &n);
	if (seen != ROUNDS || (long)n != ROUNDS / 10) {
		fprintf(stderr, "seen %d of %d signals, %ld of %d bytes\n", seen, ROUNDS, (long)n,
			ROUNDS / 10);
		return 1;
	}
	return 0;
}
