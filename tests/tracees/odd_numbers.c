/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers that no call has: all must answer ENOSYS, as they do untraced. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	static const long numbers[] = { -1, -2, -10, -4095, -4096, 467 + 200, 9999, 0x3fffffff };
	int bad = 0;

	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		errno = 0;
		bad |= (syscall(numbers[i], 1, 2, 3) != -1 || errno != ENOSYS) << i;
	}
	if (bad)
		fprintf(stderr, "wrong: %#x\n", bad);
	return bad;
}
