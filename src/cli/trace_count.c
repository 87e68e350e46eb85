/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* -c: calls, errors, time, percentiles. Times are wall clock, the tracer's own cost included. */
#define _GNU_SOURCE
#include "latency.h"
#include "trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct count {
	enum tl_abi abi;
	int64_t nr;
	uint64_t errors;
	struct latency time;
};

struct counts {
	struct count **list;
	size_t n, cap;
};

struct counts *counts_new(void)
{
	return calloc(1, sizeof(struct counts));
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
	count->errors += (call->flags & TL_SYSCALL_FAILED) != 0;
	latency_add(&count->time, ns);
}

static int by_total(const void *a, const void *b)
{
	const struct count *x = *(struct count *const *)a, *y = *(struct count *const *)b;

	if (x->time.total != y->time.total)
		return x->time.total < y->time.total ? 1 : -1;
	return x->time.n < y->time.n ? 1 : x->time.n > y->time.n ? -1 : 0;
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
			   name, tl_abi_name(k->abi), k->time.n, k->errors, k->time.total,
			   latency_percentile(&k->time, 50), latency_percentile(&k->time, 99),
			   k->time.max);
	}
}

static void print_row(struct out *out, const struct count *k, uint64_t all, const char *name)
{
	char errors[24] = "";

	if (k->errors)
		snprintf(errors, sizeof(errors), "%" PRIu64, k->errors);
	out_printf(out, "%6.2f %11.6f %9.1f %9.1f %11.1f %9" PRIu64 " %9s %s\n",
		   all ? 100.0 * (double)k->time.total / (double)all : 0.0,
		   (double)k->time.total / 1e9, (double)latency_percentile(&k->time, 50) / 1e3,
		   (double)latency_percentile(&k->time, 99) / 1e3, (double)k->time.max / 1e3,
		   k->time.n, errors, name);
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
		all->errors += c->list[i]->errors;
		latency_merge(&all->time, &c->list[i]->time);
	}
	out_printf(out, "%6s %11s %9s %9s %11s %9s %9s %s\n", "% time", "seconds", "p50 us",
		   "p99 us", "max us", "calls", "errors", "syscall");
	out_printf(out, "------ ----------- --------- --------- ----------- --------- --------- "
			"----------------\n");
	for (size_t i = 0; i < c->n; i++) {
		name_of(c->list[i], name, sizeof(name));
		print_row(out, c->list[i], all->time.total, name);
	}
	out_printf(out, "------ ----------- --------- --------- ----------- --------- --------- "
			"----------------\n");
	print_row(out, all, all->time.total, "total");
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
