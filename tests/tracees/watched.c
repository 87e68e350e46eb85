/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes two variables in turn, for debuggers that watch them. Usage: watched N. */
#include <stdio.h>
#include <stdlib.h>

volatile long first, second;

__attribute__((noinline)) void turn(void)
{
	first++;
	second += 2;
}

int main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 1;

	for (long i = 0; i < n; i++)
		turn();
	printf("%ld %ld\n", first, second);
	return first != n || second != 2 * n;
}
