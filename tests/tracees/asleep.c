/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Four threads asleep in calls that an interrupt breaks in different ways, until SIGTERM. Status 1
 * when one of them came back. "stopped": all of it in a group stop.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

static void *in_epoll(void *arg)
{
	struct epoll_event ev;

	epoll_wait(epoll_create1(0), &ev, 1, 60000);
	_exit(1);
	return arg;
}

static void *in_nanosleep(void *arg)
{
	struct timespec ts = { .tv_sec = 60 };

	nanosleep(&ts, NULL);
	_exit(1);
	return arg;
}

static void *in_sigwait(void *arg)
{
	struct timespec ts = { .tv_sec = 60 };
	sigset_t none;

	sigemptyset(&none);
	sigtimedwait(&none, NULL, &ts);
	_exit(1);
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t threads[3];

	pthread_create(&threads[0], NULL, in_epoll, NULL);
	pthread_create(&threads[1], NULL, in_nanosleep, NULL);
	pthread_create(&threads[2], NULL, in_sigwait, NULL);
	if (argc > 1 && !strcmp(argv[1], "stopped"))
		raise(SIGSTOP);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	return 1;
}
