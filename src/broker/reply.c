/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Answers to calls, and signals that take calls back. A caller that a signal has woken drops what
 * it is answered before it has taken the filter's lock: SECCOMP_IOCTL_NOTIF_SEND says that all is
 * well, and the call is made again, by the kernel or by the tool (seccomp_do_user_notification).
 * With a signal every 50 us one of 50 such calls lost its answer (tests/conform/rain.c). So
 *
 * - for some time after a call has been taken back we answer when the caller sleeps, for then no
 *   signal has woken it; and
 * - where signals may come, a call that changes something is taken for the one before, if it is the
 *   same, of the same thread (not of one that has its id now), and cannot be meant: it gets the
 *   answer of the first. A wait gets it when nothing else has come for a while, or it comes again
 *   and again for as long.
 */
#define _GNU_SOURCE
#include "broker.h"
#include "clock.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

/* So many answers are given with care; and so often a caller is looked at that is not asleep. */
enum { WARY = 4096, YIELDS = 20, LOOKS = 60, NAP_NS = 50000, PLACES = 512, SHARED = 8 };

struct tl__answer {
	struct tl__notice n;
	int64_t result;
	uint64_t at;  /* ms */
	bool refused; /* it was taken back before */
};

static bool is_same(const struct tl__notice *a, const struct tl__notice *b)
{
	return a->nr == b->nr && a->ip == b->ip && memcmp(a->args, b->args, sizeof(a->args)) == 0;
}

static const struct tl__link *link_of(struct tl__broker *b, pid_t caller, pid_t pid)
{
	const struct tl__tool *tool = tl__tool_of(b, caller);
	const struct tl__tracee *t = tl__tracee_find(b, pid);
	const struct tl__link *l;

	if (!tool || !t)
		return NULL;
	TAILQ_FOREACH (l, &t->links, of_tracee)
		if (l->tool == tool)
			return l;
	return NULL;
}

/* A process that it waits for by its id, and is told of by that. */
static pid_t told_of(const struct tl__answer *a)
{
	unsigned word = 8;

	switch (tl__filter_served(&a->n, &word)) {
	case TL__SERVE_WAIT4:
	case TL__SERVE_WAITPID:
		return a->n.args[2] & WNOHANG || a->result != (int32_t)a->n.args[0]
			       ? 0
			       : (pid_t)a->result;
	case TL__SERVE_WAITID:
		return a->n.args[3] & (WNOHANG | WNOWAIT) || a->result != 0 || a->n.args[0] != P_PID
			       ? 0
			       : (pid_t)a->n.args[1];
	default:
		return 0;
	}
}

/* Nobody asks twice for what can be done once. */
static bool is_lost_request(struct tl__broker *b, const struct tl__answer *a)
{
	uint32_t request = (uint32_t)a->n.args[0];
	const struct tl__link *l;
	unsigned word = 8;
	enum tl__served what = tl__filter_served(&a->n, &word);

	/* A SIGSTOP that is sent is waited for before another. */
	if (what == TL__SERVE_TKILL || what == TL__SERVE_TGKILL)
		return true;
	if (what != TL__SERVE_PTRACE || a->result != 0)
		return false;
	if (request == TL__REQ_TRACEME || request == TL__REQ_ATTACH || request == TL__REQ_SEIZE)
		return true;
	l = link_of(b, a->n.tid, (pid_t)a->n.args[1]);
	if (request == TL__REQ_DETACH)
		return !l;
	return tl__resumes(request) && (!l || l->v.state != TL__LINK_STOPPED || !l->v.reported);
}

/* There is no end of threads. A few share some places, and who has been answered the longest ago
 * loses its memory: not one who waits for an answer while its children ask once each. */
static struct tl__answer *places_of(struct tl__broker *b, pid_t tid)
{
	if (!b->answers)
		b->answers = calloc(PLACES, sizeof(struct tl__answer));
	return b->answers ? b->answers + (unsigned)tid % (PLACES / SHARED) * SHARED : NULL;
}

static struct tl__answer *find(struct tl__answer *places, pid_t tid)
{
	/* 0: of another pid namespace. */
	for (int i = 0; tid && i < SHARED; i++)
		if (places[i].n.tid == tid)
			return places + i;
	return NULL;
}

static struct tl__answer *oldest(struct tl__answer *places)
{
	struct tl__answer *a = places;

	for (int i = 1; i < SHARED; i++)
		if (places[i].at < a->at)
			a = places + i;
	return a;
}

static void remember(struct tl__broker *b, const struct tl__notice *n, int64_t result, bool refused)
{
	struct tl__answer *places = places_of(b, n->tid), *a;

	if (!places)
		return;
	a = find(places, n->tid);
	*(a ? a : oldest(places)) = (struct tl__answer){
		.n = *n, .result = result, .at = tl__now_ms(), .refused = refused
	};
}

void tl__taken_back(struct tl__broker *b)
{
	b->wary = WARY;
}

/* Until it sleeps, or is gone. That it sleeps may be hidden from us: then not for long. */
static void await_sleep(struct tl__broker *b, const struct tl__notice *n)
{
	const struct timespec nap = { .tv_nsec = NAP_NS };

	for (int i = 0; i < (b->blind ? 1 : LOOKS); i++) {
		if (tl__person_sleeps(&b->sleeper, n->tid)) {
			b->blind = false;
			return;
		}
		if (!tl__notify_valid(b->listener, n->id))
			return;
		if (i < YIELDS)
			sched_yield();
		else
			nanosleep(&nap, NULL);
	}
	b->blind = true;
}

int tl__reply_to(struct tl__broker *b, const struct tl__notice *n, int64_t result)
{
	int r;

	if (b->wary) {
		b->wary--;
		await_sleep(b, n);
	}
	r = tl__reply(b, n->id, result);
	if (r == -ENOENT)
		tl__taken_back(b);
	else
		remember(b, n, result, false);
	return r;
}

int tl__give(struct tl__broker *b, const struct tl__notice *n, uint64_t addr, const void *buf,
	     size_t len)
{
	if (tl__notify_valid(b->listener, n->id))
		return tl__caller_write(n->tid, addr, buf, len);
	b->ungiven = n->id;
	return 0;
}

void tl__answer(struct tl__broker *b, const struct tl__notice *n, int64_t result)
{
	if (tl__reply_to(b, n, result) == -ENOENT && b->ungiven != n->id)
		remember(b, n, result, true);
}

static bool signals_may_come(const struct tl__broker *b, pid_t tid)
{
	return b->wary || tl__person_catches_signals(tid);
}

/* The thread's last answer, if that was to the same call. Another call says that it has given up.
 */
static struct tl__answer *last_of(struct tl__broker *b, const struct tl__notice *n)
{
	struct tl__answer *a = b->answers ? find(places_of(b, n->tid), n->tid) : NULL;

	if (!a)
		return NULL;
	if (is_same(&a->n, n))
		return a;
	*a = (struct tl__answer){ 0 };
	return NULL;
}

/* Ids come again. */
static bool is_of_same_thread(const struct tl__answer *a)
{
	return tl__person_since(a->n.tid) <= a->at;
}

bool tl__answered_before(struct tl__broker *b, const struct tl__notice *n)
{
	const struct tl__answer *a = last_of(b, n);

	if (!a || !(a->refused || (is_lost_request(b, a) && signals_may_come(b, n->tid))) ||
	    !is_of_same_thread(a))
		return false;
	/* This one may get lost, too. */
	tl__answer(b, n, a->result);
	return true;
}

bool tl__told_before(struct tl__broker *b, const struct tl__notice *n, bool *ret_long_ago)
{
	const struct tl__answer *a = last_of(b, n);
	const struct tl__link *l = a ? link_of(b, n->tid, told_of(a)) : NULL;

	if (!l || l->v.state != TL__LINK_STOPPED || !l->v.reported ||
	    !signals_may_come(b, n->tid) || !is_of_same_thread(a))
		return false;
	*ret_long_ago = tl__now_ms() - a->at > TL__SWEEP_MS;
	return true;
}
