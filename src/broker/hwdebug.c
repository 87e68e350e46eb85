/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * arm64's hardware breakpoints and watchpoints, two sets of registers (NT_ARM_HW_BREAK and _WATCH),
 * divided as x86's are (debugregs.c). What a set holds is asked of the kernel after each write: it
 * aligns addresses, and keeps what of a set it has taken before an error.
 */
#define _GNU_SOURCE
#include "debugregs.h"

#include <errno.h>
#include <string.h>

enum { BREAK = 0x402, WATCH = 0x403 };
/* A register's control: whether it is on, for whom (programs), and what it stops at. */
enum { ON = 1, FOR_PROGRAMS = 2 << 1, KIND_AT = 3 };

/* The kernel's struct user_hwdebug_state. */
struct state {
	uint32_t info, pad; /* info: how many there are, in the lowest byte */
	struct {
		uint64_t addr;
		uint32_t control, pad;
	} each[TL__WATCHES_MOST];
};
enum { HEAD = 8, EACH = 16 };

bool tl__hwdebug_has(uint32_t note)
{
	return TL__BY_HOST(false, true) && (note == BREAK || note == WATCH);
}

static int64_t read_real(const struct tl__tracee *t, unsigned kind, struct state *ret)
{
	memset(ret, 0, sizeof(*ret));
	return tl_task_request(t->task, TL__REQ_GETREGSET, BREAK + kind, 0, ret, sizeof(*ret));
}

/* The first n. */
static int64_t write_real(const struct tl__tracee *t, unsigned kind, struct state *s, size_t n)
{
	return tl_task_request(t->task, TL__REQ_SETREGSET, BREAK + kind, 0, s, HEAD + n * EACH);
}

static int places_of(const struct state *s)
{
	int n = (int)(s->info & 0xff);

	return n < TL__WATCHES_MOST ? n : TL__WATCHES_MOST;
}

/* Registers that nobody has touched yet are not: each takes one of the machine's. */
static int64_t write_all(const struct tl__tracee *t, unsigned kind, struct state *real,
			 const struct tl__watches *const *all, size_t n)
{
	struct tl__watch task[TL__WATCHES_MOST];
	size_t last = 0;
	int64_t r;

	tl__watches_merge(all, n, task);
	for (size_t i = 0; i < TL__WATCHES_MOST; i++)
		if (task[i].enables || real->each[i].control & ON)
			last = i + 1;
	/* First those that change are off: half of the new with half of the old may be wrong. */
	for (size_t i = 0; i < last; i++)
		if (!task[i].enables || task[i].addr != real->each[i].addr ||
		    task[i].kind != real->each[i].control >> KIND_AT)
			real->each[i].control &= ~(uint32_t)ON;
	r = write_real(t, kind, real, last);
	for (size_t i = 0; i < last; i++) {
		if (!task[i].enables)
			continue;
		real->each[i].addr = task[i].addr;
		real->each[i].control = task[i].kind << KIND_AT | FOR_PROGRAMS | ON;
	}
	return r < 0 ? r : write_real(t, kind, real, last);
}

void tl__hwdebug_renew(const struct tl__tracee *t)
{
	const struct tl__watches *all[TL__WATCHERS];
	struct state real;

	for (unsigned kind = 0; kind < TL__WATCH_KINDS; kind++)
		if (read_real(t, kind, &real) >= 0)
			tl__ignore(write_all(t, kind, &real, all,
					     tl__debugregs_used(t, kind, NULL, all)));
}

/* The first n. */
static void note(struct tl__watches *w, const struct state *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		w->each[i].addr = s->each[i].addr;
		w->each[i].kind = s->each[i].control >> KIND_AT;
		w->each[i].enables = s->each[i].control & ON;
	}
	w->used = true;
}

/* As the kernel would have it, were this tracer alone. */
static void show(const struct tl__watches *w, const struct state *real, struct state *ret)
{
	for (size_t i = 0; i < TL__WATCHES_MOST; i++) {
		const struct tl__watch *one = &w->each[i];

		if (one->place_plus_1) {
			ret->each[i] = real->each[one->place_plus_1 - 1];
			continue;
		}
		ret->each[i].addr = one->addr;
		ret->each[i].control = one->kind ? one->kind << KIND_AT | FOR_PROGRAMS : 0;
		ret->each[i].pad = 0;
	}
}

int64_t tl__hwdebug_read(const struct tl__link *l, uint32_t note, void *buf, size_t len)
{
	const struct tl__watches *list[TL__WATCHERS], *w = &l->watches[note - BREAK];
	struct state real, mine;
	int64_t r = read_real(l->tracee, note - BREAK, &real);

	if (r < 0 || len % 4 ||
	    (!tl__debugregs_used(l->tracee, note - BREAK, l, list) && tl__debugregs_plain(w)))
		return tl_task_request(l->tracee->task, TL__REQ_GETREGSET, note, 0, buf, len);
	mine = real;
	show(w, &real, &mine);
	len = len < (size_t)r ? len : (size_t)r;
	memcpy(buf, &mine, len);
	return (int64_t)len;
}

/* Alone: the kernel's errors, and what it has made of it. */
static int64_t write_plain(struct tl__link *l, unsigned kind, const void *buf, size_t len)
{
	uint8_t copy[sizeof(struct state)];
	struct state real;
	int64_t r;

	memcpy(copy, buf, len);
	r = tl_task_request(l->tracee->task, TL__REQ_SETREGSET, BREAK + kind, 0, copy, len);
	if (read_real(l->tracee, kind, &real) >= 0) {
		note(&l->watches[kind], &real, TL__WATCHES_MOST);
		tl__ignore(tl__watches_place(&l->watches[kind], TL__WATCHES_MOST, NULL, 0));
	}
	return r;
}

static int64_t write_divided(struct tl__link *l, unsigned kind, const void *buf, size_t len,
			     const struct tl__watches *list[TL__WATCHERS + 1], size_t n)
{
	struct tl__watches now = l->watches[kind];
	struct state real, given = { 0 };
	int64_t r = read_real(l->tracee, kind, &real);
	size_t whole;

	if (r < 0)
		return r;
	memcpy(&given, buf, len);
	/* The last one's padding may be missing, or its control, which stays then. */
	whole = len > HEAD ? (len - HEAD + 4) / EACH : 0;
	note(&now, &given, whole);
	if (len >= HEAD + whole * EACH + 8)
		now.each[whole].addr = given.each[whole].addr;
	r = tl__watches_place(&now, places_of(&real), list, n);
	if (r < 0)
		return r;
	list[n] = &now;
	r = write_all(l->tracee, kind, &real, list, n + 1);
	if (r >= 0) {
		l->watches[kind] = now;
		return (int64_t)len;
	}
	list[n] = &l->watches[kind];
	if (read_real(l->tracee, kind, &real) >= 0)
		tl__ignore(write_all(l->tracee, kind, &real, list, n + 1));
	return r;
}

int64_t tl__hwdebug_write(struct tl__link *l, uint32_t note, const void *buf, size_t len)
{
	const struct tl__watches *list[TL__WATCHERS + 1];
	unsigned kind = note - BREAK;
	size_t n = tl__debugregs_used(l->tracee, kind, l, list);

	len = len < sizeof(struct state) ? len : sizeof(struct state);
	if ((!n && tl__debugregs_plain(&l->watches[kind])) || len % 4)
		return write_plain(l, kind, buf, len);
	return write_divided(l, kind, buf, len, list, n);
}

static uint64_t distance(const struct tl__link *l, uint64_t addr)
{
	uint64_t a = tl__watches_distance(&l->watches[0], addr);
	uint64_t b = tl__watches_distance(&l->watches[1], addr);

	return a < b ? a : b;
}

bool tl__hwdebug_owners(struct tl__tracee *t, uint64_t addr)
{
	uint64_t least = UINT64_MAX;
	struct tl__link *l;

	TAILQ_FOREACH (l, &t->links, of_tracee)
		if (distance(l, addr) < least)
			least = distance(l, addr);
	if (least == UINT64_MAX)
		return false;
	/* The nearest is what was hit. */
	TAILQ_FOREACH (l, &t->links, of_tracee)
		l->owns = distance(l, addr) == least;
	return true;
}
