/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A thread that is not the leader becomes another program, while its siblings sleep and work. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *sleeper(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

static void *worker(void *arg)
{
	(void)arg;
	for (;;)
		getppid();
	return NULL;
}

static void *executor(void *arg)
{
	char *left = arg;

	usleep(2000);
	if (*left > '0') {
		char next[2] = { (char)(*left - 1), 0 };

		execl("/proc/self/exe", "exec_thread", next, (char *)NULL);
	}
	execl("/bin/true", "true", (char *)NULL);
	_exit(127);
}

int main(int argc, char **argv)
{
	char left[2] = { '3', 0 };
	pthread_t t;

	if (argc > 1)
		left[0] = argv[1][0];
	for (int i = 0; i < 3; i++)
		pthread_create(&t, NULL, sleeper, NULL);
	pthread_create(&t, NULL, worker, NULL);
	pthread_create(&t, NULL, executor, left);
	pthread_join(t, NULL);
	return 1;
}
