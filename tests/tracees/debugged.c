/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What debuggers are tried on, by the name of what it does.
 *
 * Usage: debugged calls|forks|execs|threads|signals|waits|leaks
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 3, CALLS = 3 };

volatile int counter, go, handled;

__attribute__((noinline)) int add(int n)
{
	counter += n;
	return counter;
}

__attribute__((noinline)) void in_child(void)
{
	counter = 100;
}

__attribute__((noinline)) void in_parent(void)
{
	counter = 200;
}

static void calls(void)
{
	for (int i = 1; i <= CALLS; i++)
		add(i);
	getppid();
}

static void forks(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		in_child();
		_exit(3);
	}
	waitpid(pid, &status, 0);
	in_parent();
	exit(WEXITSTATUS(status));
}

static void execs(char *self)
{
	execl(self, self, "calls", (char *)NULL);
	_exit(1);
}

__attribute__((noinline)) void work(int number)
{
	counter = number;
}

static void *worker(void *number)
{
	work(*(int *)number);
	return NULL;
}

static void threads(void)
{
	static int numbers[THREADS] = { 1, 2, 3 };
	pthread_t all[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&all[i], NULL, worker, &numbers[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(all[i], NULL);
}

static void handle(int sig)
{
	handled = sig;
}

static void signals(void)
{
	signal(SIGUSR1, handle);
	for (int i = 0; i < CALLS; i++)
		raise(SIGUSR1);
	exit(handled == SIGUSR1 ? 5 : 6);
}

/* Until a debugger says so. */
static void waits(void)
{
	while (!go)
		usleep(10000);
	calls();
}

static void *idle(void *none)
{
	for (;;)
		sleep(1);
	return none;
}

/* With LeakSanitizer, whose own tracer looks at the other thread. */
static void leaks(void)
{
	void *volatile lost;
	pthread_t thread;

	pthread_create(&thread, NULL, idle, NULL);
	lost = malloc(123);
	lost = NULL;
	(void)lost;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	alarm(60);
	if (!strcmp(what, "calls"))
		calls();
	else if (!strcmp(what, "forks"))
		forks();
	else if (!strcmp(what, "execs"))
		execs(argv[0]);
	else if (!strcmp(what, "threads"))
		threads();
	else if (!strcmp(what, "signals"))
		signals();
	else if (!strcmp(what, "waits"))
		waits();
	else if (!strcmp(what, "leaks"))
		leaks();
	else
		return 2;
	return 0;
}
