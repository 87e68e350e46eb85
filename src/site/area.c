/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Areas: room for slots, in the tracee, mapped by itself in as few pieces as there can be; and what
 * is written there of each (layout.h), so that it can be undone without us.
 */
#include "agent.h"
#include "compat.h"
#include "site.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, TRIES = 8 };
/* mmap(2): the same on all of Linux's architectures that there are sites on. */
enum { READ_EXEC = 1 | 4, PRIVATE_ANONYMOUS = 2 | 0x20, FIXED_NOREPLACE = 0x100000 };

static uint64_t entry_of(const struct tl__area *a, uint32_t i)
{
	return a->start + TL__AREA_FIRST + (uint64_t)i * TL__AREA_STRIDE;
}

static uint32_t index_of(const struct tl__area *a, uint64_t addr)
{
	uint64_t at = addr - a->start;

	return at < TL__AREA_FIRST ? 0 : (uint32_t)((at - TL__AREA_FIRST) / TL__AREA_STRIDE);
}

/* Of a slot that was given away at any time? */
bool tl__area_is_code(const struct tl__area *a, uint64_t addr)
{
	uint32_t i = index_of(a, addr);

	return i && i < a->used && addr - entry_of(a, i) >= TL__ENTRY_SIZE;
}

int tl__area_slot(struct tl__space *sp, struct tl__patch *p)
{
	struct tl__area *a;
	uint32_t i;

	SLIST_FOREACH (a, &sp->areas, link) {
		if (a->adopted || (!a->nfree && a->used >= TL__AREA_SLOTS) ||
		    !tl__gap_reaches(sp, a->start, p->addr, sp->arch->reach / 8))
			continue;
		i = a->nfree ? a->free[--a->nfree] : a->used++;
		a->slots[i] = p;
		p->slot = entry_of(a, i) + TL__ENTRY_SIZE;
		return 0;
	}
	return -ENOSPC;
}

static struct tl__area *area_at(struct tl__space *sp, uint64_t addr)
{
	struct tl__area *a;

	SLIST_FOREACH (a, &sp->areas, link)
		if (addr - a->start < TL__AREA_SIZE)
			return a;
	return NULL;
}

static bool put(struct tl__space *sp, uint64_t addr, const void *from, size_t n)
{
	struct tl_task *task = tl__space_task(sp);

	return task && tl__mem_write_raw(task, addr, from, n) == (int64_t)n;
}

static bool put_bucket(struct tl__space *sp, const struct tl__area *a, uint32_t b)
{
	return put(sp, a->start + TL__AREA_BUCKETS + 2ull * b, &a->buckets[b], 2);
}

/* The slot's code, and what the patch is about: before there is a breakpoint. */
bool tl__area_write(struct tl__space *sp, struct tl__patch *p)
{
	struct tl__area *a = area_at(sp, p->slot);
	uint32_t i = index_of(a, p->slot), b = tl__area_bucket(p->addr);
	struct {
		struct tl__area_entry e;
		uint8_t code[TL__SLOT_SIZE];
	} all = { .e = { .addr = p->addr, .next = a->buckets[b] } };

	memcpy(all.e.original, p->original, sizeof(all.e.original));
	memcpy(all.code, p->d.code, p->d.len);
	if (!put(sp, entry_of(a, i), &all, sizeof(all.e) + p->d.len))
		return false;
	a->next[i] = a->buckets[b];
	a->buckets[b] = (uint16_t)i;
	return put_bucket(sp, a, b);
}

/* Out of the table; it may not be in it. */
static void unlink_entry(struct tl__space *sp, struct tl__area *a, uint32_t i, uint64_t addr)
{
	uint32_t b = tl__area_bucket(addr);
	uint16_t *link = &a->buckets[b], before = 0;

	while (*link && *link != i) {
		before = *link;
		link = &a->next[before];
	}
	if (!*link)
		return;
	*link = a->next[i];
	/* Whole areas go. */
	if (sp->leaving)
		return;
	if (before)
		tl__ignore(!put(sp, entry_of(a, before) + TL__ENTRY_NEXT, link, 2));
	else
		tl__ignore(!put_bucket(sp, a, b));
}

void tl__area_release(struct tl__space *sp, struct tl__patch *p)
{
	struct tl__area *a = p->slot ? area_at(sp, p->slot) : NULL;
	uint32_t i = a ? index_of(a, p->slot) : 0;

	if (!a)
		return;
	unlink_entry(sp, a, i, p->addr);
	a->slots[i] = NULL;
	a->free[a->nfree++] = (uint16_t)i;
	p->slot = 0;
}

struct tl__patch *tl__area_patch_at(struct tl__space *sp, uint64_t addr)
{
	struct tl__area *a = area_at(sp, addr);
	uint32_t i = a ? index_of(a, addr) : 0;

	return i < TL__AREA_SLOTS && a ? a->slots[i] : NULL;
}

void tl__areas_done(struct tl__space *sp)
{
	struct tl__area *a;

	while ((a = SLIST_FIRST(&sp->areas))) {
		SLIST_REMOVE_HEAD(&sp->areas, link);
		free(a);
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
	uint64_t args[6] = { a->start, TL__AREA_SIZE };

	/* Only asked for once. */
	SLIST_REMOVE_HEAD(&sp->areas, link);
	free(a);
	if (tl__remote(task, sp->arch->known.munmap, args, unmapped, sp) == -EINPROGRESS)
		sp->mapping = true;
	return !sp->mapping;
}

/* What is known of one, be it new. */
struct tl__area *tl__area_new(struct tl__space *sp, uint64_t start)
{
	struct tl__area *a = calloc(1, sizeof(*a)), *last;

	if (!a)
		return NULL;
	a->start = start;
	a->used = 1; /* 0 ends a chain */
	last = SLIST_FIRST(&sp->areas);
	while (last && SLIST_NEXT(last, link))
		last = SLIST_NEXT(last, link);
	if (last)
		SLIST_INSERT_AFTER(last, a, link);
	else
		SLIST_INSERT_HEAD(&sp->areas, a, link);
	return a;
}

/* In the tracee as here: whoever has the first finds them all. */
void tl__areas_chain(struct tl__space *sp)
{
	const struct tl__area *a, *next;
	uint64_t to;

	SLIST_FOREACH (a, &sp->areas, link) {
		next = SLIST_NEXT(a, link);
		to = next ? next->start : 0;
		tl__ignore(!put(sp, a->start + TL__HEAD_NEXT, &to, sizeof(to)));
	}
}

/* One that has been mapped. */
int tl__area_begin(struct tl__space *sp, uint64_t start)
{
	struct tl__agent_image image;

	tl__agent_image(sp->arch, start, &image);
	image.head.owner = sp->owner;
	if (!put(sp, start, &image, sizeof(image)))
		return -EFAULT;
	if (!tl__area_new(sp, start))
		return -ENOMEM;
	tl__areas_chain(sp);
	return 0;
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
	if (ret < 0 && ret > -PAGE)
		sp->map_error = (int)ret;
	else
		sp->map_error = tl__area_begin(sp, start);
}

int tl__area_map(struct tl__space *sp, struct tl_task *task, uint64_t near)
{
	uint64_t args[6] = { 0,          TL__AREA_SIZE,
			     READ_EXEC,  PRIVATE_ANONYMOUS | FIXED_NOREPLACE,
			     UINT64_MAX, 0 };
	char *text;
	int r = tl__maps_read(sp->session->sys, task->tid, &text);

	if (r < 0)
		return r;
	args[0] = tl__gap_find(sp, text, near);
	free(text);
	if (!args[0])
		return -ENOSPC;
	r = tl__remote(task, sp->arch->known.mmap, args, mapped, sp);
	if (r == -EINPROGRESS)
		sp->mapping = true;
	return r;
}
