/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Threads that call one function, each counting. Usage: called THREADS CALLS [forks | signals
 * [USEC] | both]. CALLS 0: until SIGTERM.
 *
 * Begins with a write(-1, addresses, length): of the function and of those that it calls. Ends with
 * the sum of all calls in a write(-2, &sum, 8), and status 0 if the function has done its work each
 * time.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static long calls;
static uint64_t sum;
static int bad;
static volatile sig_atomic_t over;
static __thread volatile long handled;

__attribute__((noinline)) long hot(long a, long b)
{
	__asm__ volatile("" ::: "memory");
	return a * 3 + b;
}

__attribute__((noinline)) long outer(long a)
{
	return hot(a, 7) + 1;
}

static void on_alarm(int sig)
{
	(void)sig;
	handled += hot(1, 0) == 3;
}

static void on_term(int sig)
{
	(void)sig;
	over = 1;
}

static void *work(void *arg)
{
	uint64_t mine = 0;
	sigset_t alarm_set;

	(void)arg;
	sigemptyset(&alarm_set);
	sigaddset(&alarm_set, SIGALRM);
	for (long i = 0; (i < calls || !calls) && !over; i++, mine++) {
		long r = outer(i);

		if (r == i * 3 + 8)
			continue;
		fprintf(stderr, "call %ld gave %ld\n", i, r);
		__atomic_store_n(&bad, 1, __ATOMIC_RELAXED);
	}
	pthread_sigmask(SIG_BLOCK, &alarm_set, NULL);
	__atomic_add_fetch(&sum, mine + (uint64_t)handled, __ATOMIC_RELAXED);
	return NULL;
}

int main(int argc, char **argv)
{
	uintptr_t addresses[] = { (uintptr_t)hot,      (uintptr_t)outer,     (uintptr_t)work,
				  (uintptr_t)on_alarm, (uintptr_t)sigaction, (uintptr_t)waitpid };
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	int n = argc > 1 ? atoi(argv[1]) : 1;
	pthread_t threads[64];
	const char *beside = argc > 3 ? argv[3] : "";
	int forks = !strcmp(beside, "forks") ? 20 : 0;

	calls = argc > 2 ? atol(argv[2]) : 1000;
	if (write(-1, addresses, sizeof(addresses)) == 0)
		return 2;
	signal(SIGTERM, on_term);
	if (!strcmp(beside, "signals") || !strcmp(beside, "both")) {
		if (argc > 4)
			often.it_interval.tv_usec = often.it_value.tv_usec = atol(argv[4]);
		sigaction(SIGALRM, &sa, NULL);
		setitimer(ITIMER_REAL, &often, NULL);
	}
	for (int i = 0; i < n && i < 64; i++)
		pthread_create(&threads[i], NULL, work, NULL);
	for (int i = 0; i < forks || (!strcmp(beside, "both") && !over); i++) {
		pid_t pid = fork();
		int status = 0;

		if (pid == 0)
			_exit(hot(2, 1) == 7 ? 0 : 1);
		while (pid > 0 && waitpid(pid, &status, 0) < 0)
			;
		if (status) {
			fprintf(stderr, "a child ended with %#x\n", (unsigned)status);
			bad |= 2;
		}
	}
	for (int i = 0; i < n && i < 64; i++)
		pthread_join(threads[i], NULL);
	signal(SIGALRM, SIG_IGN);
	sum += (uint64_t)handled;
	if (write(-2, &sum, sizeof(sum)) == 0)
		return 2;
	return bad;
}
