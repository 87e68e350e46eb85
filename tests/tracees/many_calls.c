/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Threads that call a function of the C library and one of their own, for ltrace and a debugger.
 * Usage: many_calls N [THREADS]. Status 0 if both have done their work each time. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static long sum;

__attribute__((noinline)) long hot(long i)
{
	__asm__ volatile("" ::: "memory");
	return i + 1;
}

static void *work(void *n)
{
	for (long i = 0; i < *(long *)n; i++) {
		__atomic_add_fetch(&sum, hot(getenv("NO_SUCH_VARIABLE") ? 7 : 3), __ATOMIC_RELAXED);
		usleep(1000);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 1;
	int threads = argc > 2 ? atoi(argv[2]) : 1;
	pthread_t t[64];

	for (int i = 0; i < threads; i++)
		if (pthread_create(&t[i], NULL, work, &n))
			return 2;
	for (int i = 0; i < threads; i++)
		pthread_join(t[i], NULL);
	printf("sum %ld\n", sum);
	return sum != 4 * n * threads;
}
