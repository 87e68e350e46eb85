/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Drives a fuzz target without a fuzzer: damaged copies of the seeds, and noise, from a generator
 * that a number names, so that a failure can be had again. With clang's -fsanitize=fuzzer this file
 * is left out.
 *
 * Usage: fuzz-TARGET ROUNDS FIRST [SEED-FILE...]
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 1 << 18 };

static uint64_t state;

static uint32_t next(uint32_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return below ? (uint32_t)(state >> 33) % below : 0;
}

static size_t noise(uint8_t *at)
{
	size_t n = next(2048);

	for (size_t i = 0; i < n; i++)
		at[i] = (uint8_t)(next(4) ? next(256) : next(8));
	return n;
}

static size_t damage(uint8_t *at, size_t n)
{
	for (uint32_t i = 0, times = 1 + next(8); n > 1 && i < times; i++) {
		size_t from = next((uint32_t)n), len = next(64);

		if (len > n - from)
			len = n - from;
		switch (next(5)) {
		case 0:
			at[from] = (uint8_t)next(256);
			break;
		case 1:
			at[from] = (uint8_t) "0123456789abcdef-% \n"[next(20)];
			break;
		case 2: /* cut out */
			memmove(at + from, at + from + len, n - from - len);
			n -= len;
			break;
		case 3: /* say twice */
			if (n + len > MOST)
				break;
			memmove(at + from + len, at + from, n - from);
			n += len;
			break;
		default:
			n = next(20) ? n : from;
			break;
		}
	}
	return n;
}

static size_t load(const char *path, uint8_t *to)
{
	FILE *in = fopen(path, "rb");
	size_t n = in ? fread(to, 1, MOST, in) : 0;

	if (in)
		fclose(in);
	return n;
}

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
	unsigned long first = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
	uint8_t *bytes = malloc(MOST);

	if (!bytes)
		return 2;
	for (unsigned long i = first; i < first + rounds; i++) {
		size_t n;

		state = i;
		n = argc > 3 && next(8) ? load(argv[3 + next((uint32_t)argc - 3)], bytes)
					: noise(bytes);
		if (next(16))
			n = damage(bytes, n);
		uint8_t *exact = malloc(n ? n : 1); /* so that a read past the end is seen */

		if (!exact)
			return 2;
		memcpy(exact, bytes, n);
		if (getenv("FUZZ_VERBOSE"))
			fprintf(stderr, "%lu\n", i);
		LLVMFuzzerTestOneInput(exact, n);
		free(exact);
	}
	free(bytes);
	printf("%lu inputs\n", rounds);
	return 0;
}
