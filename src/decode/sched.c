/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Printers: scheduling and capabilities. */
#define _GNU_SOURCE
#include "printers.h"

#include <inttypes.h>
#include <string.h>

#define PRINTER(name) void tl__p_##name(struct tl__ctx *c, const struct tl__arg *a, uint64_t v)

PRINTER(sched_param)
{
	int32_t prio;

	if (a->out && tl__failed(c))
		tl__addr(c, v);
	else if (tl__fetch(c, v, &prio, sizeof(prio)))
		tl__printf(c, "[%d]", prio);
}

PRINTER(sched_policy)
{
	(void)a;
	tl__enum(c, &tl__n_sched, (uint32_t)v & ~0x40000000u);
	if ((uint32_t)v & 0x40000000u)
		tl__puts(c, "|SCHED_RESET_ON_FORK");
}

PRINTER(sched_attr)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
		uint32_t util_min, util_max;
	} s = { 0 };
	uint32_t size;

	if (a->out && tl__failed(c)) {
		tl__addr(c, v);
		return;
	}
	if (!tl__fetch(c, v, &size, 4))
		return;
	if (size < 48) {
		tl__printf(c, "{size=%u}", size);
		return;
	}
	if (!tl__fetch(c, v, &s, size < sizeof(s) ? size : sizeof(s)))
		return;
	tl__printf(c, "{size=%u, sched_policy=", s.size);
	tl__enum(c, &tl__n_sched, s.policy);
	tl__puts(c, ", sched_flags=");
	tl__flags(c, &tl__n_sched_flags, s.flags);
	tl__printf(c,
		   ", sched_nice=%d, sched_priority=%u, sched_runtime=%" PRIu64
		   ", sched_deadline=%" PRIu64 ", sched_period=%" PRIu64,
		   s.nice, s.priority, s.runtime, s.deadline, s.period);
	if (s.size >= 56)
		tl__printf(c, ", sched_util_min=%u, sched_util_max=%u", s.util_min, s.util_max);
	tl__puts(c, "}");
}

/* A set of cores as a list of numbers. */
PRINTER(cpu_mask)
{
	uint64_t n = a->out ? (uint64_t)c->call->ret : c->call->args[1];
	uint8_t raw[128];
	bool first = true;

	if (a->out && tl__failed(c)) {
		tl__addr(c, v);
		return;
	}
	if (n > sizeof(raw))
		n = sizeof(raw);
	if (!n || !tl__fetch(c, v, raw, n))
		return;
	tl__puts(c, "[");
	for (unsigned i = 0; i < n * 8; i++) {
		if (!(raw[i / 8] >> (i % 8) & 1))
			continue;
		tl__printf(c, first ? "%u" : " %u", i);
		first = false;
	}
	tl__puts(c, "]");
}

PRINTER(cap_header)
{
	uint32_t h[2];

	(void)a;
	if (!tl__fetch(c, v, h, sizeof(h)))
		return;
	tl__puts(c, "{version=");
	if (h[0])
		tl__enum(c, &tl__n_cap, h[0]);
	else
		tl__puts(c, "0 /* _LINUX_CAPABILITY_VERSION_??? */");
	tl__printf(c, ", pid=%d}", (int)h[1]);
}

PRINTER(cap_data)
{
	uint32_t version, d[6] = { 0 };
	static const char *const names[] = { "effective", "permitted", "inheritable" };
	bool two;

	if ((a->out && tl__failed(c)) || !v) {
		tl__addr(c, v);
		return;
	}
	if (!tl__read(c, c->call->args[0], &version, 4)) {
		tl__addr(c, v);
		return;
	}
	two = version == 0x20080522 || version == 0x20071026;
	if (!tl__fetch(c, v, d, two ? 24 : 12))
		return;
	for (int i = 0; i < 3; i++) {
		uint64_t set = d[i] | (two ? (uint64_t)d[i + 3] << 32 : 0);

		tl__printf(c, "%s%s=", i ? ", " : "{", names[i]);
		tl__flags(c, &tl__n_cap_bits, set);
	}
	tl__puts(c, "}");
}
