/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The leader ends at SIGUSR1 and stays a zombie, as its thread sleeps on until SIGTERM. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void *sleeper(void *arg)
{
	sleep(100);
	return arg;
}

int main(void)
{
	pthread_t thread;
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	pthread_create(&thread, NULL, sleeper, NULL);
	puts("ready");
	fflush(stdout);
	sigwait(&set, &sig);
	pthread_exit(NULL);
}
