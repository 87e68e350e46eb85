/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* 64-bit code that makes 32-bit calls between its own. */
#include <stdio.h>
#include <unistd.h>

static int call32(int nr)
{
	int r;

	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(nr), "b"(0), "c"(0), "d"(0)
			 : "memory", "r8", "r9", "r10", "r11");
	return r;
}

int main(void)
{
	enum { GETPID_32 = 20, GETPPID_32 = 64 };

	for (int i = 0; i < 50; i++) {
		if (call32(GETPID_32) != getpid() || call32(GETPPID_32) != getppid())
			return 1;
	}
	return 0;
}
