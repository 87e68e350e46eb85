/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* -c: calls, errors, time, percentiles. Times are wall clock, the tracer's own cost included. */
#define _GNU_SOURCE
#include "trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Sixteen buckets a power of two: a percentile is right to 6 %. */
enum { SUB = 16, BUCKETS = 64 * SUB };

struct count {
	enum tl_abi abi;
	int64_t nr;
	uint64_t calls, errors, total, max;
	uint32_t buckets[BUCKETS];
};

struct counts {
	struct count **list;
	size_t n, cap;
};

struct counts *counts_new(void)
{
	return calloc(1, sizeof(struct counts));
}

static unsigned bucket_of(uint64_t ns)
{
	unsigned top;

	if (ns < SUB)
		return (unsigned)ns;
	top = 63u - (unsigned)__builtin_clzll(ns);
	return (top - 3) * SUB + (unsigned)(ns >> (top - 4) & (SUB - 1));
}

static uint64_t bucket_value(unsigned b)
{
	unsigned top;

	if (b < SUB)
		return b;
	top = b / SUB + 3;
	return (uint64_t)(SUB + b % SUB) << (top - 4);
}

static struct count *find(struct counts *c, const struct tl_syscall *call)
{
	struct count *found;

	for (size_t i = 0; i < c->n; i++)
		if (c->list[i]->nr == call->nr && c->list[i]->abi == call->abi)
			return c->list[i];
	if (c->n == c->cap) {
		size_t cap = c->cap ? c->cap * 2 : 64;
		struct count **more = realloc(c->list, cap * sizeof(struct count *));

		if (!more)
			return NULL;
		c->list = more;
		c->cap = cap;
	}
	found = calloc(1, sizeof(*found));
	if (!found)
		return NULL;
	found->abi = call->abi;
	found->nr = call->nr;
	c->list[c->n++] = found;
	return found;
}

void counts_add(struct counts *c, const struct tl_syscall *call, uint64_t ns)
{
	struct count *count = find(c, call);

	if (!count)
		return;
	count->calls++;
	count->errors += (call->flags & TL_SYSCALL_FAILED) != 0;
	count->total += ns;
	if (ns > count->max)
		count->max = ns;
	count->buckets[bucket_of(ns)]++;
}

static uint64_t percentile(const struct count *c, unsigned percent)
{
	uint64_t want = (c->calls * percent + 99) / 100, seen = 0;

	for (unsigned b = 0; b < BUCKETS; b++) {
		seen += c->buckets[b];
		if (seen >= want)
			return bucket_value(b);
	}
	return c->max;
}

static int by_total(const void *a, const void *b)
{
	const struct count *x = *(struct count *const *)a, *y = *(struct count *const *)b;

	if (x->total != y->total)
		return x->total < y->total ? 1 : -1;
	return x->calls < y->calls ? 1 : x->calls > y->calls ? -1 : 0;
}

static void name_of(const struct count *c, char *buf, size_t size)
{
	const char *name = tl_syscall_name(c->abi, c->nr);

	if (name && c->abi == tl_abi_native(64))
		snprintf(buf, size, "%s", name);
	else if (name)
		snprintf(buf, size, "%s (%s)", name, tl_abi_name(c->abi));
	else
		snprintf(buf, size, "syscall_%#" PRIx64, (uint64_t)c->nr);
}

static void print_json(struct counts *c, struct out *out)
{
	char name[64];

	for (size_t i = 0; i < c->n; i++) {
		const struct count *k = c->list[i];

		name_of(k, name, sizeof(name));
		out_printf(out,
			   "{\"ev\":\"summary\",\"name\":\"%s\",\"abi\":\"%s\",\"hits\":%" PRIu64
			   ",\"errors\":%" PRIu64 ",\"total\":%" PRIu64 ",\"p50\":%" PRIu64
			   ",\"p99\":%" PRIu64 ",\"max\":%" PRIu64 "}\n",
			   name, tl_abi_name(k->abi), k->calls, k->errors, k->total,
			   percentile(k, 50), percentile(k, 99), k->max);
	}
}

static void print_row(struct out *out, const struct count *k, uint64_t all, const char *name)
{
	char errors[24] = "";

	if (k->errors)
		snprintf(errors, sizeof(errors), "%" PRIu64, k->errors);
	out_printf(out, "%6.2f %11.6f %9.1f %9.1f %11.1f %9" PRIu64 " %9s %s\n",
		   all ? 100.0 * (double)k->total / (double)all : 0.0, (double)k->total / 1e9,
		   (double)percentile(k, 50) / 1e3, (double)percentile(k, 99) / 1e3,
		   (double)k->max / 1e3, k->calls, errors, name);
}

void counts_print(struct counts *c, struct out *out, bool json)
{
	struct count *all = calloc(1, sizeof(*all));
	char name[64];

	qsort(c->list, c->n, sizeof(struct count *), by_total);
	if (json || !all) {
		print_json(c, out);
		free(all);
		return;
	}
	for (size_t i = 0; i < c->n; i++) {
		all->total += c->list[i]->total;
		all->calls += c->list[i]->calls;
		all->errors += c->list[i]->errors;
		if (c->list[i]->max > all->max)
			all->max = c->list[i]->max;
		for (unsigned b = 0; b < BUCKETS; b++)
			all->buckets[b] += c->list[i]->buckets[b];
	}
	out_printf(out, "%6s %11s %9s %9s %11s %9s %9s %s\n", "% time", "seconds", "p50 us",
		   "p99 us", "max us", "calls", "errors", "syscall");
	out_printf(out, "------ ----------- --------- --------- ----------- --------- --------- "
			"----------------\n");
	for (size_t i = 0; i < c->n; i++) {
		name_of(c->list[i], name, sizeof(name));
		print_row(out, c->list[i], all->total, name);
	}
	out_printf(out, "------ ----------- --------- --------- ----------- --------- --------- "
			"----------------\n");
	print_row(out, all, all->total, "total");
	free(all);
}

void counts_free(struct counts *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++)
		free(c->list[i]);
	free(c->list);
	free(c);
}
