/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tool that nobody shares with is left alone: the kernel serves it, as fast as ever, and its
 * tracees are its own, until somebody else asks for one of them. Then they are taken over.
 *
 * Its calls go past the filter by code that is put into it (bypass.h); calls from elsewhere are
 * told of, and let pass. So it is with tools that seize what they trace and ask for the events that
 * strace asks for: debuggers, which set breakpoints, are served from the first call on.
 */
#define _GNU_SOURCE
#include "alone.h"

#include "clock.h"
#include "memory.h"
#include "puppet.h"
#include "traced.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { X86_64 = 0xc000003eu, MOST_MS = 1000, RETRY_US = 500, LATE_MS = 3, LEADER_MS = 50 };
enum { ASKS_FOR = TL__OPT_SYSGOOD | TL__OPT_EXEC };
enum {
	MAY_ASK_FOR = ASKS_FOR | TL__OPT_FORK | TL__OPT_VFORK | TL__OPT_CLONE | TL__OPT_EXIT |
		      TL__OPT_EXITKILL
};

static int set_modes(struct tl__alone *a, bool open)
{
	struct tl__bypass_modes m = { .open = open, .resumes = open && !a->mixed };

	return tl__way_set(&a->way, &m);
}

/* Only calls of the tool's own text, and while no other thread of it can be in there. Its text we
 * may write as its tracer everywhere, and else where the kernel is not told otherwise (6.12:
 * proc_mem). */
static void shorten(struct tl__broker *b, struct tl__tool *tool, const struct tl__notice *n,
		    bool traces)
{
	struct tl__alone *a = tool->alone;
	struct tl__traced is;
	struct tl__puppet p;

	if (a->way.entries == TL__BYPASS_ENTRIES || !tl__way_fits(&a->way, n) ||
	    tl__traced_read(n->tid, &is) < 0 || is.threads != 1 ||
	    tl__tool_drive(b->open, &p, tool->tgid, n->tid) < 0)
		return;
	tl__way_add(&a->way, n, traces ? TL__BYPASS_TRACES : TL__BYPASS_ALL);
	tl__tool_let_go(b->open, &p);
}

static struct tl__alone *alone_new(const struct tl__notice *n)
{
	struct tl__alone *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->tracer = n->tid;
	a->options = (uint32_t)n->args[3];
	if (tl__way_open(&a->way, n->tid) < 0) {
		free(a);
		return NULL;
	}
	return a;
}

static void alone_drop(struct tl__alone *a)
{
	tl__way_close(&a->way);
	tl__hash_done(&a->modes);
	free(a->late);
	free(a);
}

/* The call that it is in is made again when it is let go. */
static struct tl__alone *prepare(struct tl__broker *b, const struct tl__notice *n, pid_t tgid)
{
	struct tl__alone *a = alone_new(n);
	struct tl__puppet p;
	bool done;

	if (!a)
		return NULL;
	if (!tl__way_fits(&a->way, n) || tl__tool_drive(b->open, &p, tgid, n->tid) < 0) {
		alone_drop(a);
		return NULL;
	}
	done = tl__way_make_room(&a->way, &p, n->ip - 2) && set_modes(a, true) == 0;
	tl__tool_let_go(b->open, &p);
	if (done)
		return a;
	alone_drop(a);
	return NULL;
}

static bool is_free(struct tl__broker *b, pid_t tid, const struct tl__person *caller)
{
	struct tl__person p;
	struct tl__tool *tool;

	if (tl__tracee_find(b, tid) || tl__person_read(tid, &p) < 0 || p.tracer || p.state == 'Z' ||
	    p.tgid == caller->tgid || p.tgid == getpid() || p.tgid == getppid())
		return false;
	tool = tl__tool_find(b, p.tgid);
	return !tool || (TAILQ_EMPTY(&tool->links) && !tool->alone);
}

static bool begin(struct tl__broker *b, const struct tl__notice *n, unsigned word)
{
	uint64_t options = n->args[3];
	struct tl__person caller;
	struct tl__tool *tool;

	if (TL__BY_HOST(false, true) || word != 8 || n->arch != X86_64 ||
	    (uint32_t)n->args[0] != TL__REQ_SEIZE || n->args[2] ||
	    options & ~(uint64_t)MAY_ASK_FOR || (options & ASKS_FOR) != ASKS_FOR)
		return false;
	if (tl__person_read(n->tid, &caller) < 0 || caller.threads != 1 || caller.tracer ||
	    tl__hash_get(&b->visits, (uint64_t)n->tid) || !tl__person_shares_pids(n->tid) ||
	    !is_free(b, (pid_t)n->args[1], &caller))
		return false;
	tool = tl__tool_get(b, caller.tgid);
	if (!tool || tool->peer || !TAILQ_EMPTY(&tool->links) || tool->was_alone)
		return false;
	/* The front is to know of it. */
	if (!tl__open_alone(b->open, tool->tgid, true))
		return false;
	tool->alone = prepare(b, n, caller.tgid);
	tool->was_alone = true;
	if (tool->alone)
		b->alone++;
	else
		tl__open_alone(b->open, tool->tgid, false);
	return tool->alone;
}

static bool is_shortened(enum tl__served what)
{
	return what == TL__SERVE_PTRACE || what == TL__SERVE_WAIT4 || what == TL__SERVE_WAITID ||
	       what == TL__SERVE_VM_READ;
}

/* How it was resumed last has to be known when it is taken over. */
static void note_mode(struct tl__alone *a, pid_t tid, enum tl__mode mode)
{
	if (!a->mixed) {
		a->mixed = true;
		tl__ignore(set_modes(a, true));
	}
	tl__ignore(tl__hash_put(&a->modes, (uint64_t)tid, (void *)(uintptr_t)(mode + 1)));
}

/* Whether it stays alone with this request. */
static bool stays(struct tl__broker *b, struct tl__alone *a, const struct tl__notice *n)
{
	uint32_t request = (uint32_t)n->args[0];
	pid_t tid = (pid_t)n->args[1];
	struct tl__person caller;

	switch (request) {
	case TL__REQ_SEIZE:
		return n->tid == a->tracer && !n->args[2] && n->args[3] == a->options &&
		       tl__person_read(n->tid, &caller) == 0 && is_free(b, tid, &caller);
	case TL__REQ_SETOPTIONS:
	case TL__REQ_OLDSETOPTIONS:
		return n->args[3] == a->options;
	case TL__REQ_CONT:
	case TL__REQ_SYSCALL:
		if (request == TL__REQ_CONT || a->mixed)
			note_mode(a, tid,
				  request == TL__REQ_CONT ? TL__MODE_CONT : TL__MODE_SYSCALL);
		return true;
	case TL__REQ_TRACEME:
	case TL__REQ_ATTACH:
	case TL__REQ_POKETEXT:
	case TL__REQ_POKEDATA:
		return false;
	default:
		return !tl__resumes(request);
	}
}

static bool is_late(const struct tl__alone *a, pid_t tid)
{
	for (size_t i = 0; i < a->n_late; i++)
		if (a->late[i] == tid)
			return true;
	return false;
}

/* Whose tracee it is, of those that are alone. */
static struct tl__tool *traces(struct tl__broker *b, pid_t tid)
{
	struct tl__tool *tool;
	struct tl__person p;

	if (!b->alone || tl__person_read(tid, &p) < 0 || !p.tracer)
		return NULL;
	TAILQ_FOREACH (tool, &b->tools, link)
		if (tool->alone && tool->alone->tracer == p.tracer)
			return tool;
	return NULL;
}

void tl__alone_free(struct tl__tool *tool)
{
	if (!tool->alone)
		return;
	tool->broker->alone--;
	tl__open_alone(tool->broker->open, tool->tgid, false);
	alone_drop(tool->alone);
	tool->alone = NULL;
}

static int try_to_end(struct tl__tool *tool, pid_t tid)
{
	int r = tl__takeover(tool);

	return r == 0 && is_late(tool->alone, tid) ? -EAGAIN : r;
}

/* Where one of its tracees is in the middle of something, that is over soon: it runs meanwhile. */
static int end_alone(struct tl__tool *tool, pid_t tid)
{
	const struct timespec pause = { .tv_nsec = RETRY_US * 1000 };
	uint64_t until = tl__now_ms() + MOST_MS;
	int r;

	if (!tool->alone || (tool->alone->ended && !is_late(tool->alone, tid)))
		return 0;
	if (tool->alone->odd)
		return -EPERM;
	while ((r = try_to_end(tool, tid)) == -EAGAIN && tl__now_ms() < until)
		nanosleep(&pause, NULL);
	if (tool->alone->ended && !tool->alone->n_late)
		tl__alone_free(tool);
	return r < 0 ? -EPERM : 0;
}

bool tl__alone_takes(struct tl__broker *b, const struct tl__notice *n, enum tl__served what,
		     unsigned word)
{
	bool traces = what == TL__SERVE_PTRACE;
	struct tl__tool *tool;

	if (traces && begin(b, n, word)) {
		/* Taken back; it comes again. */
		tl__pass(b, n->id);
		return true;
	}
	tool = b->alone ? tl__tool_of(b, n->tid) : NULL;
	if (!tool || !tool->alone)
		return false;
	if (tool->alone->ended) {
		if (!traces || !is_late(tool->alone, (pid_t)n->args[1]))
			return false;
		tl__pass(b, n->id);
		return true;
	}
	if (what == TL__SERVE_SIGACTION)
		return false;
	if ((traces && !stays(b, tool->alone, n)) || what == TL__SERVE_OPEN ||
	    what == TL__SERVE_OPENAT) {
		/* What it opens may be memory, to set breakpoints. */
		if (!traces && !tl__opens_memory(n, what))
			return false;
		if (end_alone(tool, 0) < 0)
			tool->alone->odd = true;
		/* Else taken back; it comes again. */
	} else if (is_shortened(what)) {
		shorten(b, tool, n, traces);
	}
	tl__pass(b, n->id);
	return true;
}

static int end(struct tl__tool *tool, pid_t tid)
{
	return tool ? end_alone(tool, tid) : 0;
}

int tl__alone_share(struct tl__broker *b, pid_t tracer, pid_t tgid, pid_t tid)
{
	int r;

	if (!b->alone)
		return 0;
	r = end(tl__tool_find(b, tracer), 0);
	if (r == 0)
		r = end(tl__tool_find(b, tgid), 0);
	if (r == 0)
		r = end(traces(b, tracer), 0);
	return r < 0 ? r : end(traces(b, tid), tid);
}

void tl__alone_catch_up(struct tl__broker *b)
{
	struct tl__tool *tool;

	TAILQ_FOREACH (tool, &b->tools, link) {
		if (!tool->alone || !tool->alone->ended)
			continue;
		tl__ignore(tl__takeover(tool));
		if (!tool->alone->n_late)
			tl__alone_free(tool);
	}
}

int tl__alone_patience(const struct tl__broker *b)
{
	const struct tl__tool *tool;
	int ms = -1;

	if (!b->alone)
		return -1;
	TAILQ_FOREACH (tool, &b->tools, link)
		if (tool->alone && tool->alone->ended) {
			if (!tool->alone->sleeps)
				return LATE_MS;
			ms = LEADER_MS;
		}
	return ms;
}
