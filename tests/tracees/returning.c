/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Functions that return in all ways, or never. Prints "NAME calls returns sum-of-results" for each:
 * what a tracer is to find.
 */
#define _GNU_SOURCE
#include <execinfo.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

/* clang knows one of these, and needs no more. */
#ifdef __clang__
#define PROBED __attribute__((noinline))
#define JUMPS
#else
#define PROBED __attribute__((noipa))
#define JUMPS  __attribute__((optimize("O2")))
#endif

/* Nobody can tell what comes out of it. */
#define KEEP(n) __asm__ volatile("" : "+r"(n))

PROBED long recursive(long n)
{
	return n < 2 ? n : recursive(n - 1) + recursive(n - 2);
}

static jmp_buf back;

PROBED long jumps_out(long n)
{
	if (n % 3 == 0)
		longjmp(back, 1);
	return n;
}

PROBED long last(long n)
{
	KEEP(n);
	return n + 5;
}

/* Ends by a jump to last. */
PROBED JUMPS long first(long n)
{
	return last(n * 2);
}

static int depth;

PROBED long unwound(long n)
{
	void *frames[64];

	if (n)
		return unwound(n - 1) + 1;
	depth = backtrace(frames, 64);
	return 0;
}

static ucontext_t here, there;

PROBED long switches(long n)
{
	swapcontext(&there, &here);
	KEEP(n);
	return n;
}

static void coroutine(void)
{
	for (long i = 0; i < 5; i++)
		switches(i);
}

PROBED long in_between(long n)
{
	KEEP(n);
	return n + 1;
}

PROBED long handled(long n)
{
	KEEP(n);
	return n;
}

static volatile long handlers;

static void on_signal(int sig)
{
	handlers += handled(sig);
}

static void *thread(void *arg)
{
	*(long *)arg = recursive(7);
	return NULL;
}

int main(void)
{
	static char stack[65536], other[65536];
	stack_t alternate = { .ss_sp = other, .ss_size = sizeof(other) };
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };
	long sum = 0, left = 0, results[2] = { 0 };
	pthread_t t[2];

	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, thread, &results[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	/* 41 calls each, whose results are 71 in all */
	printf("recursive 82 82 142\n");
	for (volatile long i = 0; i < 10; i++)
		if (!setjmp(back))
			sum += jumps_out(i);
		else
			left++;
	printf("jumps_out 10 %ld %ld\n", 10 - left, sum);
	sum = 0;
	for (long i = 0; i < 4; i++)
		sum += first(i);
	printf("first 4 4 %ld\nlast 4 4 %ld\n", sum, sum);
	unwound(5);
	printf("unwound 6 6 15\n");
	getcontext(&there);
	there.uc_stack.ss_sp = stack;
	there.uc_stack.ss_size = sizeof(stack);
	there.uc_link = &here;
	makecontext(&there, coroutine, 0);
	for (int i = 0; i < 6; i++) {
		swapcontext(&here, &there);
		in_between(i);
	}
	printf("switches 5 5 10\nin_between 6 6 21\n");
	sigaltstack(&alternate, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	for (int i = 0; i < 3; i++)
		raise(SIGUSR1);
	printf("handled 3 3 %ld\n", handlers);
	fprintf(stderr, "depth %d\n", depth);
	return results[0] != 13 || results[1] != 13;
}
