/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Large functions of real libraries at work, the same each time. Usage: workload NAME
 *
 * The work lies between a write(-1, "", 0) and a write(-2, "", 0); its result is printed behind
 * them. Status 3: the library is not there.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fnmatch.h>
#include <getopt.h>
#include <math.h>
#include <regex.h>
#include <search.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

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

static int compare_words(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Lines, words, trees, patterns, dates, and a memory stream. */
static void words(void)
{
	static char copy[SIZE], *rest, *vector[] = { "w", "-a", "--long=3", "-b", "x", "y", NULL };
	static const struct option longs[] = { { "long", required_argument, NULL, 7 }, { 0 } };
	struct tm tm = {
		.tm_year = 124, .tm_mon = 1, .tm_mday = 30, .tm_hour = 25, .tm_isdst = -1
	};
	char word[64], *stream = NULL, *line = NULL;
	size_t size = 0, room = 0;
	wchar_t wide[128];
	void *tree = NULL;
	int a = 0, b = 0, c;
	time_t when;
	float f = 0;
	FILE *file;

	memcpy(copy, text, sizeof(copy));
	for (char *w = strtok_r(copy, " 03", &rest); w; w = strtok_r(NULL, " 03", &rest)) {
		tsearch(w, &tree, compare_words);
		sum += strspn(w, "abc") + strcspn(w, "xyz") + (strpbrk(w, "12") != NULL);
		sum += (uint64_t)(fnmatch("*[a-c]?x*", w, 0) == 0) + (strrchr(w, 'a') != NULL);
		sum += (uint64_t)(strcasecmp(w, "ABC") < 0) + (uint64_t)(strverscmp(w, "a12") < 0);
		sum += (uint64_t)(strcoll(w, "m") < 0) + (strcasestr(w, "XY") != NULL);
	}
	while (tree) {
		char *w = *(char **)tree;

		add(w, strlen(w));
		tdelete(w, &tree, compare_words);
	}
	when = timegm(&tm);
	add(text, strftime(copy, sizeof(copy), "%A %d %B %Y %H:%M:%S %j %U %F %p", &tm));
	add(copy, strlen(copy));
	sum += strptime("2024-02-29 12:34:56", "%Y-%m-%d %H:%M:%S", &tm) != NULL;
	add(&tm.tm_wday, sizeof(tm.tm_wday));
	add(&when, sizeof(when));
	sum += (uint64_t)sscanf("17 0x1f 2.5e3 [abc] words", "%d %i %f [%63[a-c]]", &a, &b, &f,
				word);
	add(word, strlen(word));
	sum += (uint64_t)(a + b) + (uint64_t)f;
	file = open_memstream(&stream, &size);
	for (int i = 0; file && i < 20; i++)
		fprintf(file, "line %d of %ls: %-*s|\n", i, L"wide", i, "x");
	if (file)
		fclose(file);
	add(stream, size);
	file = fmemopen(stream, size, "r");
	while (file && getline(&line, &room, file) > 0)
		add(line, strlen(line));
	if (file)
		fclose(file);
	free(line);
	free(stream);
	while ((c = getopt_long(6, vector, "ab:", longs, NULL)) >= 0)
		sum += (uint64_t)c;
	sum += mbstowcs(wide, text, 100) + (uint64_t)wcscmp(wide, L"fed") + wcslen(wide);
	swprintf(wide, 100, L"%d %ls %8.3f", 42, L"wide", 1.5);
	add(wide, wcslen(wide) * sizeof(*wide));
	sum += (uint64_t)wcstol(L"  -77z", NULL, 10);
	sum += inet_addr("192.0.2.17") + (uint64_t)(inet_pton(AF_INET6, "2001:db8::1", word) == 1);
	add(word, 16);
	add(inet_ntop(AF_INET6, word, copy, sizeof(copy)), 11);
}

/* The math library, in all its widths. */
static void numbers(void)
{
	static double (*const of_one[])(double) = {
		sin,  cos,   tan,   asin, acos, atan, sinh,   cosh,   tanh, exp, exp2, expm1, log,
		log2, log10, log1p, sqrt, cbrt, erf,  tgamma, lgamma, j0,   y1,  rint, floor, trunc
	};
	static long double (*const of_long[])(long double) = { sinl,  cosl,  expl, logl,   atanl,
							       sqrtl, cbrtl, erfl, tgammal };
	static float (*const of_float[])(float) = { sinf, cosf, expf, logf, atanf, sqrtf, cbrtf };
	unsigned short seed[3] = { 1, 2, 3 };
	struct random_data data = { 0 };
	char state[64];
	int32_t r;

	for (int i = 0; i < 4; i++) {
		double x = 0.125 + 0.7 * i, y;
		int e;

		for (size_t j = 0; j < sizeof(of_one) / sizeof(of_one[0]); j++) {
			y = of_one[j](x);
			add(&y, sizeof(y));
		}
		for (size_t j = 0; j < sizeof(of_long) / sizeof(of_long[0]); j++) {
			y = (double)of_long[j]((long double)x);
			add(&y, sizeof(y));
		}
		for (size_t j = 0; j < sizeof(of_float) / sizeof(of_float[0]); j++) {
			y = (double)of_float[j]((float)x);
			add(&y, sizeof(y));
		}
		y = pow(x, 3.5) + hypot(x, 2) + fmod(17.5, x) + atan2(x, -1) + remainder(x, 0.3) +
		    ldexp(frexp(x, &e), 3) + fma(x, 2, 3) + nextafter(x, 9) + jn(2, x) + 1e5 * x;
		add(&y, sizeof(y));
		y = (double)(powl((long double)x, 1.5L) + hypotl((long double)x, 1.0L));
		add(&y, sizeof(y));
		y = strtod("0x1.8p-3", NULL) + (double)strtold("1e-4000", NULL) +
		    (double)strtof("3.3", NULL);
		add(&y, sizeof(y));
		snprintf(text, sizeof(text), "%Lg %La %.30Lf", (long double)x * 1e300L,
			 (long double)x, (long double)x);
		add(text, strlen(text));
		sum += (uint64_t)lrint(erand48(seed) * 1e9);
	}
	initstate_r(7, state, sizeof(state), &data);
	for (int i = 0; i < 5; i++) {
		random_r(&data, &r);
		sum += (uint64_t)r + (uint64_t)div(r, 7).rem +
		       (uint64_t)(lldiv(1ll << 40, r | 1).quot);
	}
}

static void nothing(void)
{
}

static const struct {
	const char *name;
	void (*begin)(void), (*work)(void);
} works[] = {
	{ "zlib", zlib_begin, zlib },    { "crypto", crypto_begin, crypto },
	{ "format", nothing, format },   { "sort", nothing, sort },
	{ "memory", nothing, memory },   { "words", nothing, words },
	{ "numbers", nothing, numbers },
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
