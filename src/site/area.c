/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Room for slots, in the tracee: mapped by itself, near enough to the code, in as few pieces as
 * there can be.
 */
#include "site.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	AREA_SIZE = 1 << 20,
	PAGE = 4096,
	ALIGN = 1 << 16,
	LOWEST = 1 << 20,
	FAR = 1 << 29, /* far enough from anything that grows */
	TRIES = 8
};
/* mmap(2): the same on all of Linux's architectures that there are sites on. */
enum { READ_EXEC = 1 | 4, PRIVATE_ANONYMOUS = 2 | 0x20, FIXED_NOREPLACE = 0x100000 };
#define HIGHEST_32 UINT64_C(0xffff0000)

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a < b ? b - a : a - b;
}

/* What is near enough for a slot is not yet for where the instruction leads; leave it a margin. */
static bool is_near(const struct tl__space *sp, const struct tl__area *a, uint64_t to)
{
	uint64_t reach = sp->arch->reach;

	return !reach || (distance(a->start, to) < reach - (reach >> 3) &&
			  distance(a->start + a->size, to) < reach - (reach >> 3));
}

static bool has_room(const struct tl__area *a)
{
	return a->nfree || a->used < a->size / TL__SLOT_SIZE;
}

static uint64_t take(struct tl__area *a, struct tl__patch *p)
{
	uint32_t i = a->nfree ? a->free[--a->nfree] : a->used++;

	a->slots[i] = p;
	return a->start + (uint64_t)i * TL__SLOT_SIZE;
}

int tl__area_slot(struct tl__space *sp, struct tl__patch *p)
{
	struct tl__area *a;

	SLIST_FOREACH(a, &sp->areas, link)
	if (has_room(a) && is_near(sp, a, p->addr)) {
		p->slot = take(a, p);
		return 0;
	}
	return -ENOSPC;
}

static struct tl__area *area_at(struct tl__space *sp, uint64_t addr)
{
	struct tl__area *a;

	SLIST_FOREACH(a, &sp->areas, link)
	if (addr - a->start < a->size)
		return a;
	return NULL;
}

void tl__area_release(struct tl__space *sp, struct tl__patch *p)
{
	struct tl__area *a = p->slot ? area_at(sp, p->slot) : NULL;
	uint32_t i = a ? (uint32_t)((p->slot - a->start) / TL__SLOT_SIZE) : 0;

	if (!a)
		return;
	a->slots[i] = NULL;
	a->free[a->nfree++] = i;
	p->slot = 0;
}

struct tl__patch *tl__area_patch_at(struct tl__space *sp, uint64_t addr)
{
	struct tl__area *a = area_at(sp, addr);

	return a ? a->slots[(addr - a->start) / TL__SLOT_SIZE] : NULL;
}

static void area_free(struct tl__area *a)
{
	free(a->free);
	free(a->slots);
	free(a);
}

void tl__areas_done(struct tl__space *sp)
{
	struct tl__area *a;

	while ((a = SLIST_FIRST(&sp->areas))) {
		SLIST_REMOVE_HEAD(&sp->areas, link);
		area_free(a);
	}
}

static void unmapped(struct tl_task *task, int64_t ret, void *data)
{
	struct tl__space *sp = data;

	(void)task;
	(void)ret;
	sp->mapping = false;
	sp->work = true;
}

/* The last thing before a process is let go. False: it has to be gone on with later. */
bool tl__area_unmap(struct tl__space *sp, struct tl_task *task)
{
	struct tl__area *a = SLIST_FIRST(&sp->areas);
	uint64_t args[6] = { a->start, a->size };

	/* Only asked for once. */
	SLIST_REMOVE_HEAD(&sp->areas, link);
	area_free(a);
	if (tl__remote(task, sp->arch->known.munmap, args, unmapped, sp) == -EINPROGRESS)
		sp->mapping = true;
	return !sp->mapping;
}

static int area_new(struct tl__space *sp, uint64_t start, uint64_t size)
{
	struct tl__area *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->start = start;
	a->size = size;
	a->free = calloc(size / TL__SLOT_SIZE, sizeof(*a->free));
	a->slots = calloc(size / TL__SLOT_SIZE, sizeof(struct tl__patch *));
	if (!a->free || !a->slots) {
		area_free(a);
		return -ENOMEM;
	}
	SLIST_INSERT_HEAD(&sp->areas, a, link);
	return 0;
}

static bool reaches(uint64_t start, uint64_t near, uint64_t reach)
{
	return !reach || (distance(start, near) < reach - reach / 4 &&
			  distance(start + AREA_SIZE, near) < reach - reach / 4);
}

/*
 * In a gap: away from its ends, where the program's own mappings grow (the heap up, others down),
 * as far as half of what the branches reach. 0: not in this one.
 */
static uint64_t place_in(uint64_t from, uint64_t to, uint64_t near, uint64_t reach)
{
	uint64_t away = (to - from) / 2, at;

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
	return at >= from && reaches(at, near, reach) ? at : 0;
}

/* Behind one of ours, or before it. */
static uint64_t place_beside(const struct tl__space *sp, uint64_t from, uint64_t to, uint64_t near)
{
	const struct tl__area *a;

	SLIST_FOREACH(a, &sp->areas, link)
	{
		if (a->start + a->size == from && to - from >= AREA_SIZE &&
		    reaches(from, near, sp->arch->reach))
			return from;
		if (a->start == to && to - from >= AREA_SIZE &&
		    reaches(to - AREA_SIZE, near, sp->arch->reach))
			return to - AREA_SIZE;
	}
	return 0;
}

/* Beside another, or in the gap whose place is nearest; 0 when there is none. */
static uint64_t find_gap(struct tl__space *sp, const char *text, uint64_t near)
{
	uint64_t end = LOWEST, best = 0, at, last = UINT64_MAX;
	struct tl__mapping m;

	while (tl__maps_next(&text, &m)) {
		if (sp->arch->word == 4 && m.start > HIGHEST_32)
			break;
		at = m.start > end ? place_beside(sp, end, m.start, near) : 0;
		if (at)
			return at;
		at = m.start > end ? place_in(end, m.start, near, sp->arch->reach) : 0;
		if (at && distance(at, near) < last) {
			best = at;
			last = distance(at, near);
		}
		end = m.end;
	}
	return best;
}

static void mapped(struct tl_task *task, int64_t ret, void *data)
{
	struct tl__space *sp = data;
	uint64_t start = sp->arch->word == 4 ? (uint32_t)ret : (uint64_t)ret;

	(void)task;
	sp->mapping = false;
	sp->work = true;
	/* A thread that sleeps in the kernel may have been about to map something. */
	if (ret == -EEXIST && sp->map_tries++ < TRIES)
		return;
	sp->map_tries = 0;
	if (ret < 0 && ret > -PAGE) {
		sp->map_error = (int)ret;
		return;
	}
	sp->map_error = area_new(sp, start, AREA_SIZE);
}

int tl__area_map(struct tl__space *sp, struct tl_task *task, uint64_t near)
{
	uint64_t args[6] = { 0,          AREA_SIZE, READ_EXEC, PRIVATE_ANONYMOUS | FIXED_NOREPLACE,
			     UINT64_MAX, 0 };
	char *text;
	int r = tl__maps_read(sp->session->sys, task->tid, &text);

	if (r < 0)
		return r;
	args[0] = find_gap(sp, text, near);
	free(text);
	if (!args[0])
		return -ENOSPC;
	r = tl__remote(task, sp->arch->known.mmap, args, mapped, sp);
	if (r == -EINPROGRESS)
		sp->mapping = true;
	return r;
}
