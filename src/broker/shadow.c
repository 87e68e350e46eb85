/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose a breakpoint is. A write is a debugger's breakpoint if it changes nothing else. */
#include "shadow.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum { FEW = 16, MOST = TL__BREAK_MOST };

struct owner {
	SLIST_ENTRY(owner) link;
	const void *who;
};

struct site {
	uint64_t addr;
	size_t len;
	uint8_t under[MOST], insn[MOST]; /* the program's; the breakpoint, as memory has it */
	SLIST_HEAD(, owner) owners;
};

struct tl__shadow {
	enum tl__code code;
	struct site *sites; /* in the order of their addresses */
	size_t n, room;
};

/* Where a write and a site overlap, or a part of one. */
struct part {
	size_t in_write, in_site, len;
};

struct tl__shadow *tl__shadow_new(enum tl__code code)
{
	struct tl__shadow *text = calloc(1, sizeof(*text));

	if (text)
		text->code = code;
	return text;
}

enum tl__code tl__shadow_code(const struct tl__shadow *text)
{
	return text->code;
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

static uint32_t little(const uint8_t *bytes, size_t len)
{
	uint32_t v = 0;

	while (len--)
		v = v << 8 | bytes[len];
	return v;
}

/* arch/arm64/kernel/debug-monitors.c (aarch32_break_handler), and bkpt. */
static size_t breakpoint_a32(const uint8_t *bytes, size_t len)
{
	uint32_t half = len >= 2 ? little(bytes, 2) : 0, word = len >= 4 ? little(bytes, 4) : 0;

	if ((word & 0x0fffffff) == 0x07f001f0 || (word & 0xfff000f0) == 0xe1200070 ||
	    word == 0xa000f7f0)
		return 4;
	return half == 0xde01 || (half & 0xff00) == 0xbe00 ? 2 : 0;
}

size_t tl__shadow_breakpoint(enum tl__code code, const void *bytes, size_t len)
{
	const uint8_t *insn = bytes;

	switch (code) {
	case TL__CODE_X86:
		return len && insn[0] == 0xcc; /* int3 */
	case TL__CODE_A64:
		return len >= 4 && (little(insn, 4) & 0xffe0001f) == 0xd4200000 ? 4 : 0; /* brk */
	case TL__CODE_A32:
		return breakpoint_a32(insn, len);
	}
	return 0;
}

/* What an instruction's address is a multiple of. */
static size_t unit_of(const struct tl__shadow *text)
{
	return text->code == TL__CODE_X86 ? 1 : text->code == TL__CODE_A64 ? 4 : 2;
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
static size_t first_in(const struct tl__shadow *text, uint64_t addr)
{
	size_t unit = unit_of(text);

	return (size_t)((unit - addr % unit) % unit);
}

/* The first site that may reach to addr. */
static size_t first_near(const struct tl__shadow *text, uint64_t addr)
{
	return position(text, addr < MOST ? 0 : addr - MOST + 1);
}

/* How far it reaches into len bytes at addr. */
static struct part overlap(const struct site *s, uint64_t addr, size_t len)
{
	uint64_t from = s->addr > addr ? s->addr : addr;
	uint64_t to = s->addr + s->len < addr + len ? s->addr + s->len : addr + len;

	if (from >= to)
		return (struct part){ 0, 0, 0 };
	return (struct part){ (size_t)(from - addr), (size_t)(from - s->addr),
			      (size_t)(to - from) };
}

/* The program, or somebody whom we do not see, may have written over it since. */
static bool is_there(const struct site *s, const uint8_t *memory, struct part p)
{
	return memcmp(s->insn + p.in_site, memory + p.in_write, p.len) == 0;
}

static bool is_beyond(const struct site *s, uint64_t addr, size_t len)
{
	return s->addr > addr && s->addr - addr >= len;
}

static const struct site *any_in(const struct tl__shadow *text, uint64_t addr, size_t len)
{
	for (size_t i = first_near(text, addr);
	     i < text->n && !is_beyond(&text->sites[i], addr, len); i++)
		if (overlap(&text->sites[i], addr, len).len)
			return &text->sites[i];
	return NULL;
}

void tl__shadow_view(const struct tl__shadow *text, const void *who, uint64_t addr, void *bytes,
		     size_t len)
{
	uint8_t *at = bytes;

	for (size_t i = first_near(text, addr); i < text->n; i++) {
		const struct site *s = &text->sites[i];
		struct part p = overlap(s, addr, len);

		if (is_beyond(s, addr, len))
			break;
		if (p.len && !owner_of(s, who) && is_there(s, at, p))
			memcpy(at + p.in_write, s->under + p.in_site, p.len);
	}
}

enum tl__write_kind tl__shadow_kind(const struct tl__shadow *text, const void *who, uint64_t addr,
				    const void *sees, const void *wanted, size_t len)
{
	enum tl__write_kind kind = TL__WRITE_NOTHING;
	const uint8_t *was = sees, *is = wanted;
	size_t first = first_in(text, addr), n;

	if (first > len || memcmp(was, is, first) != 0)
		return TL__WRITE_CHANGES;
	for (size_t i = first; i < len; i += n) {
		const struct site *s = find(text, addr + i);

		if (s && (s->len > len - i || !owner_of(s, who)))
			s = NULL;
		n = s ? s->len : unit_of(text) < len - i ? unit_of(text) : len - i;
		if (memcmp(was + i, is + i, n) == 0)
			continue;
		if (tl__shadow_breakpoint(text->code, is + i, len - i)) {
			n = tl__shadow_breakpoint(text->code, is + i, len - i);
			kind = TL__WRITE_SETS;
			if (s && s->len != n)
				return TL__WRITE_CHANGES;
		} else if (!s || memcmp(s->under, is + i, n) != 0) {
			return TL__WRITE_CHANGES;
		} else if (kind == TL__WRITE_NOTHING) {
			kind = TL__WRITE_LIFTS;
		}
	}
	return kind;
}

void tl__shadow_merge(const struct tl__shadow *text, const void *who, uint64_t addr,
		      const void *before, void *bytes, size_t len)
{
	uint8_t *is = bytes;

	for (size_t i = first_near(text, addr); i < text->n; i++) {
		const struct site *s = &text->sites[i];
		struct part p = overlap(s, addr, len);

		if (is_beyond(s, addr, len))
			break;
		if (p.len && has_others(s, who) && is_there(s, before, p))
			memcpy(is + p.in_write, s->insn + p.in_site, p.len);
	}
}

static struct site *site_add(struct tl__shadow *text, uint64_t addr, size_t len,
			     const uint8_t *under, const uint8_t *insn)
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
	text->sites[at] = (struct site){ .addr = addr, .len = len };
	SLIST_INIT(&text->sites[at].owners);
	memcpy(text->sites[at].under, under, len);
	memcpy(text->sites[at].insn, insn, len);
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

/* A site that a write reaches: false if nobody has a breakpoint there any more. */
static bool rewritten(const struct tl__shadow *text, struct site *s, const void *who,
		      const uint8_t *was, const uint8_t *is, struct part p)
{
	if (!is_there(s, was, p))
		return false;
	if (p.len == s->len && tl__shadow_breakpoint(text->code, is + p.in_write, p.len) == p.len) {
		own(s, who);
		if (!has_others(s, who))
			memcpy(s->insn, is + p.in_write, p.len);
	} else if (!owner_of(s, who) || !is_there(s, is, p)) {
		memcpy(s->under + p.in_site, is + p.in_write, p.len);
		disown(s, who);
	}
	return !SLIST_EMPTY(&s->owners);
}

/* Places that have become breakpoints. */
static void set(struct tl__shadow *text, const void *who, uint64_t addr, const uint8_t *was,
		const uint8_t *is, size_t len)
{
	size_t n;

	for (size_t i = first_in(text, addr); i < len; i += n) {
		const struct site *there;
		struct site *s;

		n = tl__shadow_breakpoint(text->code, is + i, len - i);
		there = any_in(text, addr + i, n ? n : 1);
		if (n && !there && !tl__shadow_breakpoint(text->code, was + i, len - i)) {
			s = site_add(text, addr + i, n, was + i, is + i);
			if (s)
				own(s, who);
			if (s && SLIST_EMPTY(&s->owners))
				site_drop(text, s);
		}
		n = there && there->addr == addr + i ? there->len : n ? n : unit_of(text);
	}
}

void tl__shadow_written(struct tl__shadow *text, const void *who, uint64_t addr, const void *before,
			const void *wanted, size_t len, enum tl__write_kind kind)
{
	const uint8_t *was = before, *is = wanted;

	for (size_t i = first_near(text, addr);
	     i < text->n && !is_beyond(&text->sites[i], addr, len);) {
		struct part p = overlap(&text->sites[i], addr, len);

		if (p.len && !rewritten(text, &text->sites[i], who, was, is, p))
			site_drop(text, &text->sites[i]);
		else
			i++;
	}
	if (kind == TL__WRITE_SETS)
		set(text, who, addr, was, is, len);
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
			lift(s->addr, s->under, s->len, data);
		site_drop(text, s);
	}
}

struct tl__shadow *tl__shadow_copy(const struct tl__shadow *text)
{
	struct tl__shadow *copy = tl__shadow_new(text->code);

	for (size_t i = 0; copy && i < text->n; i++) {
		const struct site *of = &text->sites[i];
		struct site *s = site_add(copy, of->addr, of->len, of->under, of->insn);
		const struct owner *o;

		if (!s)
			break;
		SLIST_FOREACH (o, &of->owners, link)
			own(s, o->who);
	}
	return copy;
}
