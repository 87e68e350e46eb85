/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The leader ends first and stays as a zombie; its threads work on, and the last of them ends the
 * process. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void *work(void *arg)
{
	struct stat st;

	usleep(5000);
	for (int i = 0; i < 50; i++) {
		getppid();
		/* A path that a tracer reads although the leader's memory is gone. */
		if (stat("/etc/passwd", &st) < 0)
			exit(1);
	}
	if (arg)
		usleep(20000);
	return NULL;
}

int main(void)
{
	pthread_t t;

	for (long i = 0; i < 3; i++)
		pthread_create(&t, NULL, work, (void *)i);
	pthread_exit(NULL);
}
