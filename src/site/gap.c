/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where in a tracee's memory there is room for an area: near enough to the code, and out of the
 * way. */
#include "layout.h"
#include "site.h"

enum {
	AREA_SIZE = TL__AREA_SIZE,
	ALIGN = 1 << 16,
	LOWEST = 1 << 20,
	FAR = 1 << 29 /* far enough from anything that grows */
};
#define HIGHEST_32 UINT64_C(0xffff0000)

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a < b ? b - a : a - b;
}

/* Do its branches reach, with so much to spare? What is near enough for a slot is not yet for where
 * the instruction leads. */
bool tl__gap_reaches(const struct tl__space *sp, uint64_t start, uint64_t to, uint64_t spare)
{
	uint64_t reach = sp->arch->reach - spare;

	return !sp->arch->reach ||
	       (distance(start, to) < reach && distance(start + AREA_SIZE, to) < reach);
}

/* More than a slot needs: there will be others in it. */
static bool reaches(const struct tl__space *sp, uint64_t start, uint64_t near)
{
	return tl__gap_reaches(sp, start, near, sp->arch->reach / 4);
}

/*
 * In a gap: away from its ends, where the program's own mappings grow (the heap up, others down),
 * as far as half of what the branches reach. 0: not in this one.
 */
static uint64_t place_in(const struct tl__space *sp, uint64_t from, uint64_t to, uint64_t near)
{
	uint64_t reach = sp->arch->reach, away = (to - from) / 2, at;

	if (to < from + AREA_SIZE + ALIGN)
		return 0;
	if (away > to - from - AREA_SIZE)
		away = to - from - AREA_SIZE;
	if (reach && away > reach / 2)
		away = reach / 2;
	if (away > FAR)
		away = FAR;
	at = near > to ? to - away - AREA_SIZE : from + away;
	at &= ~(uint64_t)(ALIGN - 1);
	return at >= from && reaches(sp, at, near) ? at : 0;
}

/* Behind one of ours, or before it. */
static uint64_t place_beside(const struct tl__space *sp, uint64_t from, uint64_t to, uint64_t near)
{
	const struct tl__area *a;

	SLIST_FOREACH (a, &sp->areas, link) {
		if (a->start + AREA_SIZE == from && to - from >= AREA_SIZE &&
		    reaches(sp, from, near))
			return from;
		if (a->start == to && to - from >= AREA_SIZE && reaches(sp, to - AREA_SIZE, near))
			return to - AREA_SIZE;
	}
	return 0;
}

/* Beside another, or in the gap whose place is nearest; 0 when there is none. */
uint64_t tl__gap_find(struct tl__space *sp, const char *text, uint64_t near)
{
	uint64_t end = LOWEST, best = 0, at, last = UINT64_MAX;
	struct tl__mapping m;

	while (tl__maps_next(&text, &m)) {
		if (sp->arch->word == 4 && m.start > HIGHEST_32)
			break;
		at = m.start > end ? place_beside(sp, end, m.start, near) : 0;
		if (at)
			return at;
		at = m.start > end ? place_in(sp, end, m.start, near) : 0;
		if (at && distance(at, near) < last) {
			best = at;
			last = distance(at, near);
		}
		end = m.end;
	}
	return best;
}
