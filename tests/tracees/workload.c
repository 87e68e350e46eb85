/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Large functions of real libraries at work, the same each time. Usage: workload NAME
 *
 * The work lies between a write(-1, "", 0) and a write(-2, "", 0); its result is printed behind
 * them. Status 3: the library is not there.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>
#include <regex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIZE = 1000 };

static unsigned char input[SIZE], output[SIZE * 2], back[SIZE];
static char text[SIZE];
static uint64_t sum;

static void add(const void *data, size_t n)
{
	const unsigned char *p = data;

	while (n--)
		sum = (sum ^ *p++) * 1099511628211u;
}

static void *library(const char *name)
{
	void *lib = dlopen(name, RTLD_NOW);

	if (!lib)
		exit(3);
	return lib;
}

static void *function(void *lib, const char *name)
{
	void *f = dlsym(lib, name);

	if (!f)
		exit(3);
	return f;
}

static void *lib;
static int (*deflate_)(unsigned char *, unsigned long *, const unsigned char *, unsigned long, int);
static int (*inflate_)(unsigned char *, unsigned long *, const unsigned char *, unsigned long);

static void zlib_begin(void)
{
	lib = library("libz.so.1");
	*(void **)&deflate_ = function(lib, "compress2");
	*(void **)&inflate_ = function(lib, "uncompress");
}

static void zlib(void)
{
	for (int level = 0; level <= 9; level += 3) {
		unsigned long n = sizeof(output), m = sizeof(back);

		add(&n, deflate_(output, &n, input, sizeof(input), level) ? 1 : sizeof(n));
		add(output, n);
		add(&m, inflate_(back, &m, output, n) ? 1 : sizeof(m));
		add(back, m);
	}
}

static unsigned char *(*digest[4])(const unsigned char *, size_t, unsigned char *);
static int (*set_key)(const unsigned char *, int, void *);
static void (*encrypt)(const unsigned char *, unsigned char *, const void *);

static void crypto_begin(void)
{
	static const char *const names[] = { "MD5", "SHA1", "SHA256", "SHA512" };

	lib = library("libcrypto.so.3");
	for (int i = 0; i < 4; i++)
		*(void **)&digest[i] = function(lib, names[i]);
	*(void **)&set_key = function(lib, "AES_set_encrypt_key");
	*(void **)&encrypt = function(lib, "AES_encrypt");
	/* What is done once is done. */
	for (int i = 0; i < 4; i++)
		digest[i](input, 1, output);
}

static void crypto(void)
{
	unsigned char key[512];

	for (int i = 0; i < 4; i++) {
		memset(output, 0, 64);
		digest[i](input, 700 + (size_t)i, output);
		add(output, 64);
	}
	set_key(input, 256, key);
	for (int i = 0; i < 20; i++) {
		encrypt(input + i, output, key);
		add(output, 16);
	}
}

static void format(void)
{
	static const double numbers[] = { 0, 1.5, -3.25e-7, 6.02214076e23, 1e308, 0.1 };
	int n;

	for (int i = 0; i < 6; i++) {
		n = snprintf(text, sizeof(text),
			     "%d %5u %-8x|%#o %lld %s %.3s %c %p %e %g %.20f %a %n", i - 3,
			     17u * (unsigned)i, 0xbeefu + (unsigned)i, 8u * (unsigned)i, -1LL << i,
			     "words", "longer", 'a' + i, (void *)(uintptr_t)(i * 4096), numbers[i],
			     numbers[i], numbers[i], numbers[i], &n);
		add(text, (size_t)n);
		n = snprintf(text, sizeof(text), "%*.*f|%+d|% d|%ls|%zu|%%", 12, i, numbers[i], i,
			     i, L"wide", sizeof(text));
		add(text, (size_t)n);
		snprintf(text, sizeof(text), "%.17g", numbers[i]);
		add(text, strlen(text));
		sum += strtod(text, NULL) == numbers[i];
		sum += (uint64_t)strtoul("0xdeadbeef", NULL, 16);
	}
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, 4);
}

static void sort(void)
{
	regmatch_t match[3];
	regex_t re;

	memcpy(back, input, sizeof(back));
	qsort(back, sizeof(back) / 12, 12, compare);
	add(back, sizeof(back));
	if (regcomp(&re, "([a-f]+[0-9]*)+(x|y|zz)?", REG_EXTENDED))
		exit(4);
	for (int i = 0; i < 6; i++)
		if (!regexec(&re, text + (size_t)i * 20, 3, match, 0))
			add(match, sizeof(match));
	regfree(&re);
}

static void memory(void)
{
	for (size_t n = 0; n < 300; n += 1 + n / 4)
		for (size_t off = 0; off < 3; off++) {
			memcpy(back + off, input + 2 * off, n);
			memmove(back + off + 3, back + 5, n);
			memset(back + 300 + off, (int)n, n);
			sum += (uint64_t)memcmp(back, input, n) >> 63;
			sum += strlen(text + off) + (memchr(input, 200, n) != NULL);
			strcpy((char *)output, text + n / 8);
			sum += (uint64_t)strcmp((char *)output, text + off) >> 63;
			sum += strchr(text, 'q') != NULL;
			sum += strstr(text, "ab") != NULL;
			add(back, 64);
		}
}

static void nothing(void)
{
}

static const struct {
	const char *name;
	void (*begin)(void), (*work)(void);
} works[] = {
	{ "zlib", zlib_begin, zlib },  { "crypto", crypto_begin, crypto },
	{ "format", nothing, format }, { "sort", nothing, sort },
	{ "memory", nothing, memory },
};

int main(int argc, char **argv)
{
	uint32_t seed = 1;

	for (int i = 0; i < SIZE; i++) {
		seed = seed * 1664525 + 1013904223;
		input[i] = (unsigned char)(i % 7 ? seed >> 24 & 15 : i);
		text[i] = (char)("abcdefxyz0123 "[(seed >> 20) % 14]);
	}
	text[SIZE / 2] = '\0';
	for (size_t i = 0; argc > 1 && i < sizeof(works) / sizeof(works[0]); i++) {
		if (strcmp(works[i].name, argv[1]) != 0)
			continue;
		works[i].begin();
		if (write(-1, "", 0) == 0)
			return 2;
		works[i].work();
		if (write(-2, "", 0) == 0)
			return 2;
		printf("%016llx\n", (unsigned long long)sum);
		return 0;
	}
	return 2;
}
