/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tracees of a tool that was alone come to us.
 *
 * The tool's thread is stopped, and makes the requests that only a tracer may: it looks at each
 * task (takeover_look.c) and lets it go; we seize it, and bring it back to where it was
 * (takeover_take.c).
 *
 * Where a task is in an event's stop all can be taken a moment later: then all stays as it is. One
 * that cannot be stopped, in a vfork, stays the tool's until it can. If we are killed meanwhile the
 * front lets go of what we have in hand (stand_in.c). (ptrace(2); kernel/ptrace.c, __ptrace_unlink,
 * ptrace_attach.)
 */
#define _GNU_SOURCE
#include "takeover.h"
#include "traced.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_THREADS = 1024 };

static bool add(struct tl__takeover *t, pid_t tgid, pid_t tid)
{
	struct tl__taken *more = realloc(t->of, (t->n + 1) * sizeof(*more));

	if (!more)
		return false;
	t->of = more;
	t->of[t->n++] = (struct tl__taken){ .tid = tid, .tgid = tgid, .mem = -1 };
	return true;
}

static bool add_one(pid_t tid, const struct tl__traced *is, void *data)
{
	const struct tl__takeover *t = data;

	for (size_t i = 0; i < t->n; i++)
		if (t->of[i].tid == tid)
			return true;
	return add(data, is->tgid, tid);
}

/* Its own call has to be told of, if it is made again. */
static void leave_bypass(struct tl__takeover *t)
{
	uint8_t page[TL__BYPASS_PAGE];
	struct tl__puppet *p = &t->puppet;
	const struct tl__arch *arch = tl__arch_of_gpr(p->len);
	struct tl__frame f;

	if (pread(t->alone->way.mem, page, sizeof(page), TL__BYPASS_AT) != sizeof(page) ||
	    arch->get_frame(p->regs, p->len, &f) < 0)
		return;
	f.ip = tl__bypass_leave(page, f.ip, f.nr >= 0 && tl__is_restart_code(f.ret));
	arch->set_ip(p->regs, p->len, f.ip);
}

/* And so for all who come back to it later. */
static void close_bypass(const struct tl__alone *a)
{
	uint8_t page[TL__BYPASS_PAGE];

	if (pread(a->way.mem, page, sizeof(page), TL__BYPASS_AT) != sizeof(page))
		return;
	tl__bypass_close(page);
	tl__ignore(pwrite(a->way.mem, page, sizeof(page), TL__BYPASS_AT) > 0);
}

static bool is_there(const struct tl__alone *a)
{
	uint8_t insn[2];

	return pread(a->way.mem, insn, sizeof(insn), TL__WAY_INSN) == sizeof(insn) &&
	       !memcmp(insn, "\x0f\x05", sizeof(insn));
}

/* A leader's death is told when it is the last. */
static bool is_due(const struct tl__person *p)
{
	return p->state == 'Z' ? p->threads <= 1 : p->state != 'D';
}

/* Those that were late, and are the tool's yet. */
static int find_late(struct tl__takeover *t)
{
	struct tl__alone *a = t->alone;
	bool due = false;
	size_t n = 0;

	a->sleeps = true;
	for (size_t i = 0; i < a->n_late; i++) {
		struct tl__person p;

		if (tl__person_read(a->late[i], &p) < 0 || p.tracer != a->tracer)
			continue;
		a->late[n++] = a->late[i];
		a->sleeps &= p.state == 'Z';
		due |= is_due(&p);
		if (!add(t, p.tgid, a->late[i]))
			return -ENOMEM;
	}
	a->n_late = n;
	return due ? 0 : -EALREADY;
}

static void let_go(struct tl__takeover *t)
{
	struct tl__driven *d = tl__open_driven(t->tool->broker->open, TL__DRIVEN_TRACEE);

	__atomic_store_n(&d->tid, 0, __ATOMIC_RELEASE);
}

/* Not while it cannot be stopped: we would wait for that, and others for us. */
static int begin_tool(struct tl__takeover *t)
{
	struct tl__traced is;
	int r;

	if (tl__traced_read(t->alone->tracer, &is) < 0 || is.state == 'D')
		return -EAGAIN;
	r = tl__tool_drive(t->tool->broker->open, &t->puppet, t->tool->tgid, t->alone->tracer);
	/* An answer that it has not come to take may have got lost. */
	if (r == 0)
		tl__taken_back(t->tool->broker);
	return r == -EPERM ? -EAGAIN : r;
}

static void end_tool(struct tl__takeover *t)
{
	tl__tool_let_go(t->tool->broker->open, &t->puppet);
}

/* Other threads of the tool may be waiting in the kernel, for what is not there any more. */
static void break_waits(struct tl__takeover *t)
{
	struct tl__takeover other = { .tool = t->tool, .alone = t->alone };
	pid_t tids[MOST_THREADS];
	int n = tl__threads_of(t->tool->tgid, tids, MOST_THREADS);

	for (int i = 0; i < n && i < MOST_THREADS; i++) {
		if (tids[i] == t->alone->tracer ||
		    tl__puppet_begin(&other.puppet, t->tool->tgid, tids[i], NULL, NULL) < 0)
			continue;
		leave_bypass(&other);
		tl__puppet_end(&other.puppet);
	}
}

/* Until there are none that have been made meanwhile. */
static int look(struct tl__takeover *t)
{
	size_t before;
	int r;

	do {
		before = t->n;
		r = tl__taken_look(t);
		if (r == 0 && !t->alone->ended && !tl__traced_each(t->alone->tracer, add_one, t))
			r = -ENOMEM;
	} while (r == 0 && t->n > before);
	if (r < 0)
		tl__taken_put_back(t);
	return r;
}

static int begin(struct tl__takeover *t)
{
	const struct tl__bypass_modes closed = { 0 };
	int r = 0;

	if (t->alone->ended)
		r = find_late(t);
	else if (!tl__traced_each(t->alone->tracer, add_one, t))
		r = -ENOMEM;
	if (r < 0)
		return r;
	if (!is_there(t->alone))
		return -EPERM;
	r = begin_tool(t);
	if (r < 0)
		return r;
	r = look(t);
	if (r == 0 && pwrite(t->alone->way.mem, &closed, sizeof(closed),
			     TL__BYPASS_AT + TL__BYPASS_PAGE) != sizeof(closed))
		r = -EIO;
	if (r < 0)
		end_tool(t);
	return r;
}

static void note_late(struct tl__takeover *t)
{
	struct tl__alone *a = t->alone;
	pid_t *late = calloc(t->n + 1, sizeof(*late));

	a->ended = true;
	a->n_late = 0;
	free(a->late);
	a->late = late;
	for (size_t i = 0; late && i < t->n; i++)
		if (t->of[i].late)
			late[a->n_late++] = t->of[i].tid;
}

static bool is_taken(const struct tl__takeover *t, pid_t tid)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->of[i].tid == tid)
			return true;
	return false;
}

/* Threads beside those that are traced stand still meanwhile: text changes under them. */
static void hold_others(struct tl__takeover *t, pid_t tgid)
{
	struct tl__puppet *more;
	pid_t tids[MOST_THREADS];
	struct tl__traced is;
	int n = tl__threads_of(tgid, tids, MOST_THREADS);

	for (int i = 0; i < n && i < MOST_THREADS; i++) {
		if (is_taken(t, tids[i]) || tl__traced_read(tids[i], &is) < 0 || is.state == 'D')
			continue;
		more = realloc(t->others, (t->n_others + 1) * sizeof(*more));
		if (!more)
			return;
		t->others = more;
		if (tl__puppet_begin(&more[t->n_others], tgid, tids[i], NULL, NULL) == 0)
			t->n_others++;
	}
}

static void hold_all_others(struct tl__takeover *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (i == 0 || t->of[i].tgid != t->of[i - 1].tgid)
			hold_others(t, t->of[i].tgid);
}

static void let_others_go(struct tl__takeover *t)
{
	while (t->n_others)
		tl__puppet_end(&t->others[--t->n_others]);
	free(t->others);
}

int tl__takeover(struct tl__tool *tool)
{
	struct tl__takeover t = { .tool = tool, .alone = tool->alone };
	int r = begin(&t);

	if (r == 0)
		hold_all_others(&t);
	for (size_t i = 0; r == 0 && i < t.n; i++) {
		tl__taken_take(&t, &t.of[i]);
		let_go(&t);
	}
	let_others_go(&t);
	if (r == 0) {
		leave_bypass(&t);
		close_bypass(t.alone);
		end_tool(&t);
		break_waits(&t);
		note_late(&t);
		tool->broker->stops = true;
	}
	if (tool->tgid == tool->broker->first)
		tl__look_at_first(tool->broker);
	for (size_t i = 0; i < t.n; i++)
		if (t.of[i].mem >= 0)
			close(t.of[i].mem);
	free(t.of);
	return r == -EALREADY ? 0 : r;
}
