/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The seccomp program that makes chosen calls stop and lets all others pass.
 *
 * One section an ABI, each a row of intervals in ascending order. The kernel works out beforehand
 * which numbers a program always allows (5.11) and does not run it for those, so what is not
 * selected costs the same whatever the length; what is selected costs a stop, beside which a walk
 * through the row is nothing. x32 calls are looked up by their number without bit 30.
 */
#include "core.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	BPF_LD_W_ABS = 0x20,
	BPF_AND_K = 0x54,
	BPF_JA = 0x05,
	BPF_JEQ = 0x15,
	BPF_JGT = 0x25,
	BPF_JGE = 0x35,
	BPF_RET_K = 0x06,
	DATA_NR = 0,
	DATA_ARCH = 4,
};
#define RET_TRACE (0x7ff00000u | TL__SELECT_MARK)
#define RET_NOTE  (0x7ff00000u | TL__NOTE_MARK)
#define RET_ALLOW 0x7fff0000u

struct out {
	struct tl__bpf_insn *code;
	size_t n, max;
};

static void emit(struct out *o, uint16_t op, uint8_t jt, uint8_t jf, uint32_t k)
{
	if (o->n < o->max)
		o->code[o->n] = (struct tl__bpf_insn){ op, jt, jf, k };
	o->n++;
}

static int compare(const void *a, const void *b)
{
	int32_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x < y ? -1 : x > y;
}

static void emit_interval(struct out *o, int32_t low, int32_t high)
{
	emit(o, BPF_JGT, 3, 0, (uint32_t)high);
	emit(o, BPF_JGE, 0, 1, (uint32_t)low);
	emit(o, BPF_RET_K, 0, 0, RET_TRACE);
	emit(o, BPF_RET_K, 0, 0, RET_ALLOW);
}

static bool is_among(int32_t number, const int32_t *numbers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (numbers[i] == number)
			return true;
	return false;
}

/* Calls that nobody selected, but whose first argument must be known when they are broken: arg0.c
 */
static void emit_noted(struct out *o, const struct tl__arch *arch, const int32_t *numbers, size_t n)
{
	for (size_t i = 0; i < arch->nbreaks; i++) {
		if (is_among(arch->breaks[i], numbers, n))
			continue;
		emit(o, BPF_JEQ, 0, 1, (uint32_t)arch->breaks[i]);
		emit(o, BPF_RET_K, 0, 0, RET_NOTE);
	}
}

static int emit_section(struct out *o, const struct tl__arch *noted, const int32_t *numbers,
			size_t n)
{
	int32_t *sorted = malloc((n + 1) * sizeof(*sorted));

	if (!sorted)
		return -ENOMEM;
	if (n)
		memcpy(sorted, numbers, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare);
	emit(o, BPF_LD_W_ABS, 0, 0, DATA_NR);
	emit(o, BPF_AND_K, 0, 0, ~(uint32_t)TL__X32_BIT);
	if (noted)
		emit_noted(o, noted, sorted, n);
	for (size_t i = 0; i < n;) {
		size_t j = i;

		while (j + 1 < n && sorted[j + 1] <= sorted[j] + 1)
			j++;
		emit_interval(o, sorted[i], sorted[j]);
		i = j + 1;
	}
	emit(o, BPF_RET_K, 0, 0, RET_ALLOW);
	free(sorted);
	return 0;
}

/* Returns the length; -E2BIG when it does not fit. noted: also what tl__arch.breaks names. */
int tl__select_build(const struct tl_spawn_options *opts, bool noted, struct tl__bpf_insn *code,
		     size_t max)
{
	const struct tl__arch *wide = tl__arch_native(64), *narrow = tl__arch_native(32);
	struct out o = { .code = code, .max = max };
	size_t hole;
	int r;

	emit(&o, BPF_LD_W_ABS, 0, 0, DATA_ARCH);
	emit(&o, BPF_JEQ, 1, 0, wide->audit_arch);
	hole = o.n;
	emit(&o, BPF_JA, 0, 0, 0);
	r = emit_section(&o, noted ? wide : NULL, opts->select_64, opts->n_select_64);
	if (r < 0)
		return r;
	if (hole < max)
		code[hole].k = (uint32_t)(o.n - hole - 1);
	emit(&o, BPF_JEQ, 1, 0, narrow->audit_arch);
	emit(&o, BPF_RET_K, 0, 0, RET_ALLOW);
	r = emit_section(&o, NULL, opts->select_32, opts->n_select_32);
	if (r < 0)
		return r;
	return o.n <= max ? (int)o.n : -E2BIG;
}
