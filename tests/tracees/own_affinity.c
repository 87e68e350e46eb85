/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program that looks at its affinity among many calls of one function, and sets it. Usage:
 * own_affinity CALLS (0: until SIGTERM). Status 0 if it always saw what it had set.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { LOOK_EVERY = 400 };

static volatile sig_atomic_t over;

__attribute__((noinline)) long hot(long a)
{
	__asm__ volatile("" ::: "memory");
	return a + 1;
}

static void on_term(int sig)
{
	(void)sig;
	over = 1;
}

int main(int argc, char **argv)
{
	long calls = argc > 1 ? atol(argv[1]) : 1000, seen = 0;
	cpu_set_t own, one, now;

	signal(SIGTERM, on_term);
	if (sched_getaffinity(0, sizeof(own), &own) < 0)
		return 2;
	CPU_ZERO(&one);
	for (int i = CPU_SETSIZE - 1; !CPU_COUNT(&one); i--)
		if (CPU_ISSET(i, &own))
			CPU_SET(i, &one);
	for (long i = 0; (i < calls || !calls) && !over; i++) {
		hot(i);
		if (i % LOOK_EVERY)
			continue;
		/* In turn all and one. */
		if (sched_getaffinity(0, sizeof(now), &now) < 0 ||
		    !CPU_EQUAL(&now, seen % 4 >= 2 ? &one : &own)) {
			fprintf(stderr, "another mask at call %ld\n", i);
			return 1;
		}
		seen++;
		if (seen % 2 == 0 && sched_setaffinity(0, sizeof(now), seen % 4 ? &one : &own) < 0)
			return 2;
	}
	return 0;
}
