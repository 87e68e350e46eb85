/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Debug registers: x86's, in the user area, and what is the same for arm64's (hwdebug.c). While one
 * tracer alone uses them they are the task's; when a second does, each has its own (watches.c), and
 * sees those hits that are of its own.
 */
#define _GNU_SOURCE
#include "debugregs.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

enum { PEEKUSER = 3, POKEUSER = 6, AREA = 848 /* in struct user */ };
/* x86 has one kind for all. */
enum { X86 = 0 };
static const uint64_t HITS = TL__WATCH_HITS, STEP = TL__WATCH_STEP, OWN = HITS | STEP;

bool tl__debugregs_has(uint64_t offset)
{
	return TL__BY_HOST(true, false) && offset >= AREA && offset < AREA + 8 * 8 &&
	       offset % 8 == 0;
}

static int64_t read_real(const struct tl__tracee *t, unsigned which, uint64_t *ret)
{
	return tl_task_request(t->task, PEEKUSER, AREA + 8 * which, 0, ret, sizeof(*ret));
}

static int64_t write_real(const struct tl__tracee *t, unsigned which, uint64_t value)
{
	return tl_task_request(t->task, POKEUSER, AREA + 8 * which, value, NULL, 0);
}

bool tl__debugregs_plain(const struct tl__watches *w)
{
	for (int i = 0; i < TL__WATCHES_MOST; i++)
		if (w->each[i].place_plus_1 && w->each[i].place_plus_1 != i + 1)
			return false;
	return true;
}

size_t tl__debugregs_used(const struct tl__tracee *t, unsigned kind, const struct tl__link *but,
			  const struct tl__watches *list[TL__WATCHERS])
{
	const struct tl__link *l;
	size_t n = 0;

	TAILQ_FOREACH (l, &t->links, of_tracee)
		if (l != but && l->watches[kind].used && n < TL__WATCHERS)
			list[n++] = &l->watches[kind];
	return n;
}

static int64_t write_all(const struct tl__tracee *t, const struct tl__watches *const *all, size_t n)
{
	struct tl__watch task[TL__WATCHES_MOST];
	int64_t r;

	tl__watches_merge(all, n, task);
	r = write_real(t, TL__WATCH_CONTROL, 0);
	for (unsigned i = 0; r >= 0 && i < TL__WATCHES_X86; i++)
		r = write_real(t, i, task[i].addr);
	return r < 0 ? r : write_real(t, TL__WATCH_CONTROL, tl__watches_control(all, n, task));
}

void tl__debugregs_renew(struct tl__tracee *t)
{
	const struct tl__watches *all[TL__WATCHERS];

	if (!t->rewatch)
		return;
	t->rewatch = false;
	if (TL__BY_HOST(true, false))
		tl__ignore(write_all(t, all, tl__debugregs_used(t, X86, NULL, all)));
	else
		tl__hwdebug_renew(t);
}

static void note(struct tl__watches *w, unsigned which, uint64_t value)
{
	if (which < TL__WATCHES_X86)
		w->each[which].addr = value;
	else if (which == TL__WATCH_CONTROL)
		tl__watches_note_control(w, value);
	else
		return;
	w->used = true;
}

/* Its own hits, and what is not of one. */
static int64_t write_status(struct tl__link *l, uint64_t value)
{
	uint64_t real;
	int64_t r = read_real(l->tracee, TL__WATCH_STATUS, &real);

	if (r >= 0)
		r = write_real(l->tracee, TL__WATCH_STATUS, (value & ~OWN) | (real & OWN));
	if (r >= 0)
		l->watches[X86].hits = value & OWN;
	return r;
}

int64_t tl__debugregs_write(struct tl__link *l, uint64_t offset, uint64_t value)
{
	const struct tl__watches *list[TL__WATCHERS + 1];
	unsigned which = (unsigned)(offset - AREA) / 8;
	size_t n = tl__debugregs_used(l->tracee, X86, l, list);
	struct tl__watches now = l->watches[X86];
	int64_t r;

	note(&now, which, value);
	if ((!n && tl__debugregs_plain(&l->watches[X86])) || which == 4 || which == 5) {
		r = write_real(l->tracee, which, value);
		if (r >= 0 && which == TL__WATCH_STATUS)
			now.hits = 0;
		if (r >= 0 && tl__watches_place(&now, TL__WATCHES_X86, list, 0) == 0)
			l->watches[X86] = now;
		return r;
	}
	if (which == TL__WATCH_STATUS)
		return write_status(l, value);
	r = tl__watches_place(&now, TL__WATCHES_X86, list, n);
	if (r < 0)
		return r;
	list[n] = &now;
	r = write_all(l->tracee, list, n + 1);
	if (r >= 0) {
		l->watches[X86] = now;
		return r;
	}
	list[n] = &l->watches[X86];
	tl__ignore(write_all(l->tracee, list, n + 1));
	return r;
}

int64_t tl__debugregs_read(const struct tl__link *l, uint64_t offset, uint64_t *ret)
{
	const struct tl__watches *list[TL__WATCHERS], *w = &l->watches[X86];
	unsigned which = (unsigned)(offset - AREA) / 8;
	bool plain = !tl__debugregs_used(l->tracee, X86, l, list) && tl__debugregs_plain(w);
	int64_t r;

	if (which < TL__WATCHES_X86 && !plain) {
		*ret = w->each[which].addr;
		return 0;
	}
	if (which == TL__WATCH_CONTROL && !plain) {
		*ret = w->control;
		return 0;
	}
	r = read_real(l->tracee, which, ret);
	if (r < 0 || which != TL__WATCH_STATUS)
		return r;
	if (!plain)
		*ret = tl__watches_status(w, *ret);
	*ret |= w->hits;
	return r;
}

/* Where there are several each has its hits to itself: one clears what another has not read. */
static void take_hits(struct tl__tracee *t, uint64_t status)
{
	struct tl__link *l;

	TAILQ_FOREACH (l, &t->links, of_tracee)
		l->watches[X86].hits |= tl__watches_status(&l->watches[X86], status) & HITS;
	tl__ignore(write_real(t, TL__WATCH_STATUS, status & ~OWN));
}

/* Sets `owns` of those whose the hit is; false: it cannot be said. */
static bool find_owners(struct tl__tracee *t, const siginfo_t *si)
{
	const struct tl__watches *list[TL__WATCHERS];
	size_t n = tl__debugregs_used(t, X86, NULL, list);
	struct tl__link *l;
	uint64_t status;

	if (TL__BY_HOST(false, true))
		return tl__hwdebug_owners(t, (uintptr_t)si->si_addr);
	if (!n || read_real(t, TL__WATCH_STATUS, &status) < 0)
		return false;
	TAILQ_FOREACH (l, &t->links, of_tracee)
		l->owns = l->watches[X86].used && tl__watches_bits(&l->watches[X86]) & status;
	if (n > 1)
		take_hits(t, status);
	return true;
}

bool tl__debugregs_is_hit(int sig, const void *info)
{
	siginfo_t si;

	if (sig != SIGTRAP)
		return false;
	memcpy(&si, info, sizeof(si));
	return si.si_code == TRAP_HWBKPT;
}

void tl__debugregs_met(struct tl__tracee *t, int sig, const void *info)
{
	struct tl__link *l;
	bool owned = false;
	siginfo_t si;

	if (!tl__debugregs_is_hit(sig, info))
		return;
	memcpy(&si, info, sizeof(si));
	if (!find_owners(t, &si))
		return;
	TAILQ_FOREACH (l, &t->links, of_tracee)
		owned |= l->owns;
	TAILQ_FOREACH (l, &t->links, of_tracee)
		l->spared = owned && !l->owns;
}

static bool has_stepped(const struct tl__link *l)
{
	return l->v.state == TL__LINK_RUNNING &&
	       (l->v.mode == TL__MODE_STEP || l->v.mode == TL__MODE_BLOCK);
}

void tl__debugregs_stepped(struct tl__tracee *t, const void *info)
{
	const struct tl__watches *list[TL__WATCHERS];
	struct tl__link *l;
	uint64_t status;
	siginfo_t si;

	memcpy(&si, info, sizeof(si));
	/* Others come without a trap of the machine's, and DR6 is from before. */
	if (TL__BY_HOST(false, true) || si.si_code != TRAP_TRACE ||
	    !tl__debugregs_used(t, X86, NULL, list) || read_real(t, TL__WATCH_STATUS, &status) < 0)
		return;
	TAILQ_FOREACH (l, &t->links, of_tracee)
		if (has_stepped(l))
			l->watches[X86].hits |= status & STEP;
		else if (tl__watches_bits(&l->watches[X86]) & status)
			l->v.hit_owed = (uintptr_t)si.si_addr;
	take_hits(t, status);
}

/* A link goes: what it had must not stay behind. */
void tl__debugregs_left(const struct tl__link *l)
{
	for (int kind = 0; kind < TL__WATCH_KINDS; kind++)
		l->tracee->rewatch |= tl__watches_bits(&l->watches[kind]) != 0;
}

/* An exec clears them (flush_thread). */
void tl__debugregs_forget(struct tl__tracee *t)
{
	struct tl__link *l;

	t->rewatch = false;
	TAILQ_FOREACH (l, &t->links, of_tracee) {
		memset(l->watches, 0, sizeof(l->watches));
		l->v.hit_owed = 0;
	}
}
