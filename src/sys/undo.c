/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text restored by the journal that lies in the tracee, without being its tracer.
 *
 * Threads run meanwhile: one instruction or the other stands there, whole. The next tracer may take
 * the journal over at any moment, and says so in its head; from then on it is none of ours.
 */
#define _GNU_SOURCE
#include "compat.h"
#include "layout.h"
#include "sys.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { AREAS_MAX = 4096 };

static bool read_at(int mem, uint64_t addr, void *to, size_t n)
{
	return pread(mem, to, n, (off_t)addr) == (ssize_t)n;
}

static bool is_ours(int mem, const struct tl__guarded *text)
{
	uint64_t owner;

	return read_at(mem, text->area + offsetof(struct tl__area_head, owner), &owner,
		       sizeof(owner)) &&
	       owner == text->owner;
}

static bool restore(int mem, const struct tl__guarded *text, const struct tl__area_entry *e)
{
	uint8_t now[4];

	if (!is_ours(mem, text))
		return false;
	if (read_at(mem, e->addr, now, text->len) && !memcmp(now, text->breakpoint, text->len))
		tl__ignore(pwrite(mem, e->original, text->len, (off_t)e->addr) < 0);
	return true;
}

static const struct tl__area_entry *entry(const char *area, uint16_t i)
{
	return (const void *)(area + TL__AREA_FIRST + (size_t)i * TL__AREA_STRIDE);
}

static bool restore_area(int mem, const struct tl__guarded *text, const char *area)
{
	const uint16_t *bucket = (const void *)(area + TL__AREA_BUCKETS);

	for (unsigned b = 0; b < TL__AREA_NBUCKET; b++) {
		unsigned left = TL__AREA_SLOTS;

		for (uint16_t i = bucket[b]; i && i < TL__AREA_SLOTS && left--;
		     i = entry(area, i)->next)
			if (!restore(mem, text, entry(area, i)))
				return false;
	}
	return true;
}

void tl__guard_restore(int mem, const struct tl__guarded *text)
{
	char *area = mmap(NULL, TL__AREA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	uint64_t at = text->area;

	if (area == MAP_FAILED)
		return;
	for (unsigned n = 0; at && n < AREAS_MAX; n++) {
		if (!read_at(mem, at, area, TL__AREA_SIZE) || !restore_area(mem, text, area))
			break;
		memcpy(&at, area + TL__HEAD_NEXT, sizeof(at));
	}
	munmap(area, TL__AREA_SIZE);
}
