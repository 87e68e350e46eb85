/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Threads that call one function from many places, each of them at the same time. */
#include <pthread.h>
#include <stdio.h>

enum { THREADS = 6, PLACES = 64 };

static pthread_barrier_t together;

__attribute__((noinline)) long gathered(long n)
{
	__asm__ volatile("" : "+r"(n));
	return n + 1;
}

#define ONE                                                                                        \
	pthread_barrier_wait(&together);                                                           \
	sum += gathered((long)(sum % 3));                                                          \
	__asm__ volatile("" : "+r"(sum));
#define FOUR    ONE ONE ONE ONE
#define SIXTEEN FOUR FOUR FOUR FOUR

static void *work(void *arg)
{
	long sum = 0;

	SIXTEEN SIXTEEN SIXTEEN SIXTEEN *(long *)arg = sum;
	return NULL;
}

int main(void)
{
	long sums[THREADS] = { 0 };
	pthread_t t[THREADS];
	int bad = 0;

	pthread_barrier_init(&together, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, work, &sums[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	for (int i = 1; i < THREADS; i++)
		bad |= sums[i] != sums[0];
	printf("%d calls\n", THREADS * PLACES);
	return bad;
}
