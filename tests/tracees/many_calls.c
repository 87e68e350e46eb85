/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A thread that calls a function of the C library and one of its own, for ltrace and a debugger.
 * Usage: many_calls N. Status 0 if both have done their work each time. */
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
		sum += hot(getenv("NO_SUCH_VARIABLE") ? 7 : 3);
		usleep(1000);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 1;
	pthread_t t;

	if (pthread_create(&t, NULL, work, &n))
		return 2;
	pthread_join(t, NULL);
	printf("sum %ld\n", sum);
	return sum != 4 * n;
}
