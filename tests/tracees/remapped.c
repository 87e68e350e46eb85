/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Code that is mapped, written over, moved, unmapped and mapped anew where other code was. Each
 * stage begins with a write(-1, &place, n) of where its code is, and calls it a hundred times.
 * Status 0 if each call gave what its code says.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, CALLS = 100 };

static int bad;

/* A function that returns n. */
static void emit(uint8_t *at, int n)
{
#ifdef __aarch64__
	uint32_t code[] = { 0x52800000u | (uint32_t)n << 5, 0xd65f03c0u };
#else
	uint8_t code[] = { 0xb8, (uint8_t)n, 0, 0, 0, 0xc3 };
#endif

	memcpy(at, code, sizeof(code));
	__builtin___clear_cache((char *)at, (char *)at + 16);
}

static void stage(const char *what, void *at, int want)
{
	int (*volatile f)(void);
	uint64_t place = (uintptr_t)at;

	*(void **)(uintptr_t)&f = at;
	if (write(-1, &place, sizeof(place)) == 0)
		exit(2);
	for (int i = 0; i < CALLS; i++) {
		int got = f();

		if (got == want)
			continue;
		fprintf(stderr, "%s: call %d gave %d, not %d\n", what, i, got, want);
		bad = 1;
		break;
	}
}

static uint8_t *map(void *at, int flags, int fd)
{
	void *p = mmap(at, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, flags | (at ? MAP_FIXED : 0),
		       fd, 0);

	if (p == MAP_FAILED)
		exit(3);
	return p;
}

int main(void)
{
	uint8_t *p = map(NULL, MAP_PRIVATE | MAP_ANONYMOUS, -1), *q;
	int fd = memfd_create("code", 0);

	emit(p, 11);
	stage("mapped", p, 11);
	emit(p, 12);
	stage("written over", p, 12);
	munmap(p, PAGE);
	p = map(p, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	emit(p, 13);
	stage("mapped anew", p, 13);
	q = mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		   map(NULL, MAP_PRIVATE | MAP_ANONYMOUS, -1));
	if (q == MAP_FAILED)
		return 3;
	stage("moved", q, 13);
	p = map(p, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	emit(p, 14);
	stage("where it was", p, 14);
	if (mprotect(p, PAGE, PROT_READ | PROT_EXEC) < 0)
		return 3;
	stage("not to be written", p, 14);
	if (ftruncate(fd, PAGE) < 0)
		return 3;
	p = map(NULL, MAP_SHARED, fd);
	emit(p, 15);
	stage("shared", p, 15);
	q = map(NULL, MAP_SHARED, fd);
	stage("shared twice", q, 15);
	for (int i = 0; i < 3; i++) {
		void *lib = dlopen("libz.so.1", RTLD_NOW),
		     *f = lib ? dlsym(lib, "zlibVersion") : NULL;

		if (!f)
			break;
		if (((const char *(*)(void))f)()[0] != '1')
			bad = 1;
		dlclose(lib);
	}
	return bad;
}
