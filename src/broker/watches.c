/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The debug registers of several tracers in one task's. */
#include "watches.h"

#include <errno.h>
#include <string.h>

static bool same(const struct tl__watch *a, const struct tl__watch *b)
{
	return a->addr == b->addr && a->kind == b->kind;
}

/* Whether a place, from 1 on, is somebody's; *same_as: with just this in it. */
static bool is_taken(const struct tl__watches *const *others, size_t n, int place,
		     const struct tl__watch *w, bool *same_as)
{
	for (size_t o = 0; o < n; o++)
		for (int j = 0; j < TL__WATCHES_MOST; j++)
			if (others[o]->each[j].place_plus_1 == place) {
				*same_as = same(w, &others[o]->each[j]);
				return true;
			}
	*same_as = false;
	return false;
}

static bool is_ours(const int8_t at[TL__WATCHES_MOST], int place)
{
	for (int i = 0; i < TL__WATCHES_MOST; i++)
		if (at[i] == place)
			return true;
	return false;
}

static int8_t find_place(const struct tl__watches *w, int i, const int8_t at[TL__WATCHES_MOST],
			 int places, const struct tl__watches *const *others, size_t n)
{
	const struct tl__watch *one = &w->each[i];
	bool same_as;

	for (int place = 1; place <= places; place++)
		if (is_taken(others, n, place, one, &same_as) && same_as && !is_ours(at, place))
			return (int8_t)place;
	/* The one of the same number, if that is free: as if it were alone. */
	for (int k = 0; k <= places; k++) {
		int place = k ? k : i + 1;

		if (place <= places && !is_taken(others, n, place, one, &same_as) &&
		    !is_ours(at, place))
			return (int8_t)place;
	}
	return 0;
}

static int try(struct tl__watches *w, int places, const struct tl__watches *const *others, size_t n,
	       bool stays)
{
	int8_t at[TL__WATCHES_MOST] = { 0 };
	bool same_as;

	for (int i = 0; stays && i < TL__WATCHES_MOST; i++) {
		const struct tl__watch *one = &w->each[i];

		if (one->enables && one->place_plus_1 &&
		    (!is_taken(others, n, one->place_plus_1, one, &same_as) || same_as))
			at[i] = one->place_plus_1;
	}
	for (int i = 0; i < TL__WATCHES_MOST; i++) {
		if (!w->each[i].enables || at[i])
			continue;
		at[i] = find_place(w, i, at, places, others, n);
		if (!at[i])
			return -ENOSPC;
	}
	for (int i = 0; i < TL__WATCHES_MOST; i++)
		w->each[i].place_plus_1 = at[i];
	return 0;
}

int tl__watches_place(struct tl__watches *w, int places, const struct tl__watches *const *others,
		      size_t n)
{
	/* Where they are they stay, if they can: the task's status may tell of them. */
	return try(w, places, others, n, true) < 0 ? try(w, places, others, n, false) : 0;
}

void tl__watches_merge(const struct tl__watches *const *all, size_t n,
		       struct tl__watch task[TL__WATCHES_MOST])
{
	memset(task, 0, TL__WATCHES_MOST * sizeof(*task));
	for (size_t w = 0; w < n; w++)
		for (int i = 0; i < TL__WATCHES_MOST; i++) {
			const struct tl__watch *one = &all[w]->each[i];
			struct tl__watch *to;

			if (!one->place_plus_1)
				continue;
			to = &task[one->place_plus_1 - 1];
			to->addr = one->addr;
			to->kind = one->kind;
			to->enables |= one->enables;
		}
}

uint64_t tl__watches_bits(const struct tl__watches *w)
{
	uint64_t bits = 0;

	for (int i = 0; i < TL__WATCHES_MOST; i++)
		if (w->each[i].place_plus_1)
			bits |= 1ull << (w->each[i].place_plus_1 - 1);
	return bits;
}

/* DR7: two bits that enable each, from bit 16 on four that say what it is. */
enum { ENABLES = 3, KIND = 0xf, KIND_AT = 16 };
#define SLOTS_OF_CONTROL 0xffff00ffull

void tl__watches_note_control(struct tl__watches *w, uint64_t control)
{
	w->control = control;
	for (int i = 0; i < TL__WATCHES_X86; i++) {
		w->each[i].enables = (uint8_t)(control >> (2 * i) & ENABLES);
		w->each[i].kind = (uint32_t)(control >> (KIND_AT + 4 * i) & KIND);
	}
}

uint64_t tl__watches_control(const struct tl__watches *const *all, size_t n,
			     const struct tl__watch task[TL__WATCHES_MOST])
{
	uint64_t control = 0;

	for (size_t w = 0; w < n; w++)
		control |= all[w]->control & ~SLOTS_OF_CONTROL;
	for (int i = 0; i < TL__WATCHES_X86; i++)
		control |= (uint64_t)task[i].enables << (2 * i) | (uint64_t)task[i].kind
									  << (KIND_AT + 4 * i);
	return control;
}

uint64_t tl__watches_status(const struct tl__watches *w, uint64_t status)
{
	uint64_t seen = status & ~(uint64_t)TL__WATCH_HITS;

	for (int i = 0; i < TL__WATCHES_X86; i++)
		if (w->each[i].place_plus_1 && status >> (w->each[i].place_plus_1 - 1) & 1)
			seen |= 1ull << i;
	return seen;
}

/* Which bytes from the address on, a bit each; below it whether reads or writes are meant. */
enum { BYTES_AT = 2, BYTES = 0xff };

static uint64_t distance(const struct tl__watch *w, uint64_t addr)
{
	unsigned bytes = w->kind >> BYTES_AT & BYTES;
	uint64_t from, to;

	if (!bytes)
		return UINT64_MAX;
	from = w->addr + (unsigned)__builtin_ctz(bytes);
	to = w->addr + 31 - (unsigned)__builtin_clz(bytes);
	if (addr < from)
		return from - addr;
	return addr > to ? addr - to : 0;
}

uint64_t tl__watches_distance(const struct tl__watches *w, uint64_t addr)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < TL__WATCHES_MOST; i++) {
		uint64_t d = w->each[i].place_plus_1 ? distance(&w->each[i], addr) : UINT64_MAX;

		least = d < least ? d : least;
	}
	return least;
}
