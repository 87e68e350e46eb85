/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Waits to be attached to, then marks the spot in every thread with a call that is made nowhere
 * else, and goes on with some of each kind: what came before the mark depends on when the tracer
 * came.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void wait_for_tracer(void)
{
	char path[64], text[4096], *at;
	int fd, tracer = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", (int)gettid());
	while (!tracer) {
		ssize_t n;

		usleep(1000);
		fd = open(path, O_RDONLY);
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
		text[n > 0 ? n : 0] = '\0';
		at = strstr(text, "TracerPid:");
		tracer = at ? atoi(at + 10) : 0;
	}
	/* Seized is not yet set up to report calls: by then it is. */
	usleep(300000);
}

static void *work(void *arg)
{
	struct stat st;
	char c;

	wait_for_tracer();
	syscall(SYS_getpriority, PRIO_USER, 0x7472);
	for (int i = 0; i < 300; i++) {
		int fd = open("/dev/zero", O_RDONLY);

		if (read(fd, &c, 1) != 1 || stat("/nonexistent", &st) == 0)
			exit(1);
		close(fd);
		syscall(SYS_getppid);
		if (i % 100 == 0)
			usleep(1000);
	}
	return arg;
}

int main(void)
{
	pthread_t t[3];
	char line[16];

	if (!fgets(line, sizeof(line), stdin))
		return 1;
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, work, NULL);
	work(NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	return 0;
}
