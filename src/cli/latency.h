/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Times, counted in buckets: sixteen a power of two, so that a percentile is right to 6 %. */
#ifndef TL_CLI_LATENCY_H
#define TL_CLI_LATENCY_H

#include <stdint.h>

enum { LATENCY_SUB = 16, LATENCY_BUCKETS = 64 * LATENCY_SUB };

struct latency {
	uint64_t n, total, max; /* ns */
	uint32_t buckets[LATENCY_BUCKETS];
};

void latency_add(struct latency *l, uint64_t ns);
void latency_merge(struct latency *into, const struct latency *l);
/* How many took from so long to less than that; exact for powers of two. */
uint64_t latency_between(const struct latency *l, uint64_t from, uint64_t to);
uint64_t latency_percentile(const struct latency *l, unsigned percent);

#endif
