/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose a breakpoint is. A write is a debugger's breakpoint if it changes nothing else. */
#include "shadow.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum { INT3 = 0xcc, LENGTH = TL__BREAK_LENGTH, FEW = 16 };

struct owner {
	SLIST_ENTRY(owner) link;
	const void *who;
};

struct site {
	uint64_t addr;
	uint8_t under[LENGTH];
	SLIST_HEAD(, owner) owners;
};

struct tl__shadow {
	struct site *sites; /* in the order of their addresses */
	size_t n, room;
};

struct tl__shadow *tl__shadow_new(void)
{
	return calloc(1, sizeof(struct tl__shadow));
}

static void site_done(struct site *s)
{
	struct owner *o;

	while ((o = SLIST_FIRST(&s->owners))) {
		SLIST_REMOVE_HEAD(&s->owners, link);
		free(o);
	}
}

void tl__shadow_free(struct tl__shadow *text)
{
	for (size_t i = 0; text && i < text->n; i++)
		site_done(&text->sites[i]);
	if (text)
		free(text->sites);
	free(text);
}

bool tl__shadow_is_breakpoint(const void *insn)
{
	uint32_t word;

	if (LENGTH == 1)
		return *(const uint8_t *)insn == INT3;
	memcpy(&word, insn, sizeof(word));
	return (word & 0xffe0001f) == 0xd4200000; /* brk */
}

/* The first that is not before addr. */
static size_t position(const struct tl__shadow *text, uint64_t addr)
{
	size_t from = 0, to = text->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (text->sites[middle].addr < addr)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static struct site *find(const struct tl__shadow *text, uint64_t addr)
{
	size_t i = position(text, addr);

	return i < text->n && text->sites[i].addr == addr ? &text->sites[i] : NULL;
}

static struct owner *owner_of(const struct site *s, const void *who)
{
	struct owner *o;

	SLIST_FOREACH (o, &s->owners, link)
		if (o->who == who)
			return o;
	return NULL;
}

static bool has_others(const struct site *s, const void *who)
{
	const struct owner *o;

	SLIST_FOREACH (o, &s->owners, link)
		if (o->who != who)
			return true;
	return false;
}

bool tl__shadow_has(const struct tl__shadow *text, uint64_t addr)
{
	return find(text, addr);
}

bool tl__shadow_owns(const struct tl__shadow *text, uint64_t addr, const void *who)
{
	const struct site *s = find(text, addr);

	return s && owner_of(s, who);
}

bool tl__shadow_owns_any(const struct tl__shadow *text, const void *who)
{
	for (size_t i = 0; i < text->n; i++)
		if (owner_of(&text->sites[i], who))
			return true;
	return false;
}

bool tl__shadow_has_others(const struct tl__shadow *text, const void *who)
{
	for (size_t i = 0; i < text->n; i++)
		if (has_others(&text->sites[i], who))
			return true;
	return false;
}

/* The first whole instruction's place at or behind addr, from addr. */
static size_t first_in(uint64_t addr)
{
	return (size_t)((LENGTH - addr % LENGTH) % LENGTH);
}

/* The program, or somebody whom we do not see, may have written over it since. */
static const struct site *site_in(const struct tl__shadow *text, uint64_t addr,
				  const uint8_t *before)
{
	const struct site *s = find(text, addr);

	return s && tl__shadow_is_breakpoint(before) ? s : NULL;
}

void tl__shadow_view(const struct tl__shadow *text, const void *who, uint64_t addr, void *bytes,
		     size_t len)
{
	uint8_t *at = bytes;

	for (size_t i = position(text, addr); i < text->n; i++) {
		const struct site *s = &text->sites[i];

		if (len < LENGTH || s->addr - addr > len - LENGTH)
			break;
		if (!owner_of(s, who) && tl__shadow_is_breakpoint(at + (s->addr - addr)))
			memcpy(at + (s->addr - addr), s->under, LENGTH);
	}
}

enum tl__write_kind tl__shadow_kind(const struct tl__shadow *text, const void *who, uint64_t addr,
				    const void *before, const void *wanted, size_t len)
{
	enum tl__write_kind kind = TL__WRITE_NOTHING;
	const uint8_t *was = before, *is = wanted;
	size_t first = first_in(addr), i;

	if (first > len || memcmp(was, is, first) != 0)
		return TL__WRITE_CHANGES;
	for (i = first; i + LENGTH <= len; i += LENGTH) {
		const struct site *s = site_in(text, addr + i, was + i);
		bool mine = s && owner_of(s, who);

		if (tl__shadow_is_breakpoint(is + i)) {
			if (mine || (!s && memcmp(was + i, is + i, LENGTH) == 0))
				continue;
			kind = TL__WRITE_SETS;
		} else if (memcmp(s ? s->under : was + i, is + i, LENGTH) != 0) {
			return TL__WRITE_CHANGES;
		} else if (mine && kind == TL__WRITE_NOTHING) {
			kind = TL__WRITE_LIFTS;
		}
	}
	return memcmp(was + i, is + i, len - i) != 0 ? TL__WRITE_CHANGES : kind;
}

void tl__shadow_merge(const struct tl__shadow *text, const void *who, uint64_t addr,
		      const void *before, void *bytes, size_t len)
{
	const uint8_t *was = before;
	uint8_t *is = bytes;

	for (size_t i = first_in(addr); i + LENGTH <= len; i += LENGTH) {
		const struct site *s = site_in(text, addr + i, was + i);

		if (s && has_others(s, who))
			memcpy(is + i, was + i, LENGTH);
	}
}

static struct site *site_add(struct tl__shadow *text, uint64_t addr, const uint8_t *under)
{
	size_t at = position(text, addr);

	if (text->n == text->room) {
		size_t room = text->room ? 2 * text->room : FEW;
		struct site *sites = realloc(text->sites, room * sizeof(*sites));

		if (!sites)
			return NULL;
		text->sites = sites;
		text->room = room;
	}
	memmove(&text->sites[at + 1], &text->sites[at], (text->n - at) * sizeof(*text->sites));
	text->n++;
	text->sites[at] = (struct site){ .addr = addr };
	SLIST_INIT(&text->sites[at].owners);
	memcpy(text->sites[at].under, under, LENGTH);
	return &text->sites[at];
}

static void site_drop(struct tl__shadow *text, struct site *s)
{
	size_t at = (size_t)(s - text->sites);

	site_done(s);
	text->n--;
	memmove(s, s + 1, (text->n - at) * sizeof(*s));
}

static void own(struct site *s, const void *who)
{
	struct owner *o = owner_of(s, who) ? NULL : malloc(sizeof(*o));

	if (!o)
		return;
	o->who = who;
	SLIST_INSERT_HEAD(&s->owners, o, link);
}

static void disown(struct site *s, const void *who)
{
	struct owner *o = owner_of(s, who);

	if (!o)
		return;
	SLIST_REMOVE(&s->owners, o, owner, link);
	free(o);
}

static void written(struct tl__shadow *text, const void *who, uint64_t addr, const uint8_t *was,
		    const uint8_t *is, enum tl__write_kind kind)
{
	struct site *s = find(text, addr);

	if (s && !tl__shadow_is_breakpoint(was)) {
		site_drop(text, s);
		s = NULL;
	}
	if (tl__shadow_is_breakpoint(is)) {
		if (!s && kind == TL__WRITE_SETS && !tl__shadow_is_breakpoint(was))
			s = site_add(text, addr, was);
		if (s)
			own(s, who);
	} else if (s) {
		memcpy(s->under, is, LENGTH);
		disown(s, who);
	}
	if (s && SLIST_EMPTY(&s->owners))
		site_drop(text, s);
}

void tl__shadow_written(struct tl__shadow *text, const void *who, uint64_t addr, const void *before,
			const void *wanted, size_t len, enum tl__write_kind kind)
{
	const uint8_t *was = before, *is = wanted;

	for (size_t i = first_in(addr); i + LENGTH <= len; i += LENGTH)
		written(text, who, addr + i, was + i, is + i, kind);
}

void tl__shadow_leave(struct tl__shadow *text, const void *who,
		      void (*lift)(uint64_t addr, const void *under, size_t len, void *data),
		      void *data)
{
	for (size_t i = text->n; i-- > 0;) {
		struct site *s = &text->sites[i];

		if (!owner_of(s, who))
			continue;
		disown(s, who);
		if (!SLIST_EMPTY(&s->owners))
			continue;
		if (lift)
			lift(s->addr, s->under, LENGTH, data);
		site_drop(text, s);
	}
}

struct tl__shadow *tl__shadow_copy(const struct tl__shadow *text)
{
	struct tl__shadow *copy = tl__shadow_new();

	for (size_t i = 0; copy && i < text->n; i++) {
		struct site *s = site_add(copy, text->sites[i].addr, text->sites[i].under);
		const struct owner *o;

		if (!s)
			break;
		SLIST_FOREACH (o, &text->sites[i].owners, link)
			own(s, o->who);
	}
	return copy;
}
