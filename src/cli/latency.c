/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Times, counted in buckets. */
#include "latency.h"

static unsigned bucket_of(uint64_t ns)
{
	unsigned top;

	if (ns < LATENCY_SUB)
		return (unsigned)ns;
	top = 63u - (unsigned)__builtin_clzll(ns);
	return (top - 3) * LATENCY_SUB + (unsigned)(ns >> (top - 4) & (LATENCY_SUB - 1));
}

static uint64_t bucket_value(unsigned b)
{
	unsigned top;

	if (b < LATENCY_SUB)
		return b;
	top = b / LATENCY_SUB + 3;
	return (uint64_t)(LATENCY_SUB + b % LATENCY_SUB) << (top - 4);
}

void latency_add(struct latency *l, uint64_t ns)
{
	l->n++;
	l->total += ns;
	if (ns > l->max)
		l->max = ns;
	l->buckets[bucket_of(ns)]++;
}

void latency_merge(struct latency *into, const struct latency *l)
{
	into->n += l->n;
	into->total += l->total;
	if (l->max > into->max)
		into->max = l->max;
	for (unsigned b = 0; b < LATENCY_BUCKETS; b++)
		into->buckets[b] += l->buckets[b];
}

uint64_t latency_between(const struct latency *l, uint64_t from, uint64_t to)
{
	uint64_t n = 0;

	for (unsigned b = 0; b < LATENCY_BUCKETS; b++)
		if (l->buckets[b] && bucket_value(b) >= from && bucket_value(b) < to)
			n += l->buckets[b];
	return n;
}

uint64_t latency_percentile(const struct latency *l, unsigned percent)
{
	uint64_t want = (l->n * percent + 99) / 100, seen = 0;

	for (unsigned b = 0; b < LATENCY_BUCKETS; b++) {
		seen += l->buckets[b];
		if (seen >= want)
			return bucket_value(b);
	}
	return l->max;
}
