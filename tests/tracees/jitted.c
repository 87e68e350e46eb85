/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls code that it has written itself, until SIGTERM. Prints where that is, and at the end how
 * often. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* int add_one(int n) { return n + 1; } */
#ifdef __aarch64__
static const uint32_t code[] = { 0x11000400, 0xd65f03c0 };
#else
static const uint8_t code[] = { 0x8d, 0x47, 0x01, 0xc3 };
#endif

static volatile sig_atomic_t over;

static void on_term(int sig)
{
	(void)sig;
	over = 1;
}

int main(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int (*add_one)(int), n = 0, bad = 0;

	if (page == MAP_FAILED)
		return 2;
	memcpy(page, code, sizeof(code));
	mprotect(page, 4096, PROT_READ | PROT_EXEC);
	__builtin___clear_cache(page, (char *)page + sizeof(code));
	memcpy(&add_one, &page, sizeof(page));
	signal(SIGTERM, on_term);
	printf("%p\n", page);
	fflush(stdout);
	while (!over && n < 1000000000) {
		bad |= add_one(n) != n + 1;
		n++;
		if (n % 16 == 0)
			usleep(100);
	}
	printf("%d calls\n", n);
	return bad;
}
