/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Threads that call hot() with SIGTRAP blocked, with all others or with most, or not; each looks
 * after its mask. SIGTRAP is ignored by who starts it, and sent. Usage: blocks_trap CALLS
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static long calls;
static int bad;

__attribute__((noinline)) long hot(long a)
{
	__asm__ volatile("" ::: "memory");
	return a * 3;
}

static int is_same(const sigset_t *a, const sigset_t *b)
{
	for (int i = 1; i < 32; i++)
		if (sigismember(a, i) != sigismember(b, i))
			return 0;
	return 1;
}

static void *work(void *arg)
{
	int how = (int)(size_t)arg;
	sigset_t mine, now;

	sigemptyset(&mine);
	if (how > 0)
		sigfillset(&mine);
	if (how == 2)
		sigdelset(&mine, SIGUSR1);
	sigdelset(&mine, SIGKILL);
	sigdelset(&mine, SIGSTOP);
	pthread_sigmask(SIG_SETMASK, &mine, NULL);
	for (long i = 0; i < calls; i++) {
		hot(i);
		pthread_sigmask(SIG_BLOCK, NULL, &now);
		if (!is_same(&mine, &now)) {
			fprintf(stderr, "thread %d, call %ld: its mask has changed\n", how, i);
			__atomic_store_n(&bad, 1, __ATOMIC_RELAXED);
			break;
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[3];

	calls = argc > 1 ? atol(argv[1]) : 1000;
	for (size_t i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, work, (void *)i);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	raise(SIGTRAP);
	return bad;
}
