/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ways past the filter for what a tool that shares asks the kernel through us: reads of memory that
 * no other tool has to do with, and waits that find nothing. Of the fourteen calls that a debugger
 * makes for a step seven are such. Of the others five ask about the stop: that is written to the
 * tool before it is told of the stop, where nobody else traces the task. One is the wait that finds
 * the stop: where that is all there is to find, its status lies there, too, and is taken once.
 *
 * Bytes in the tool say whether calls take them. They are changed before what makes them wrong can
 * be seen: a breakpoint in that memory comes some requests after the link of who sets it, a stop is
 * told of after its signal is sent. Who has looked at one just before makes the call a little later
 * than it could have: so it is with a call that we have let pass, too.
 */
#include "shortcut.h"

#include "broker.h"
#include "traced.h"

#include <errno.h>
#include <string.h>

enum { X86_64 = 0xc000003eu, INSN_LEN = 2, MET_FIRST = 16, MOST_THREADS = 64, GETREGS = 12 };

struct held {
	pid_t tid[MOST_THREADS];
	int n;
};

static bool is_held(const struct held *h, pid_t tid)
{
	for (int i = 0; i < h->n; i++)
		if (h->tid[i] == tid)
			return true;
	return false;
}

static void let_go(struct held *h)
{
	while (h->n)
		tl__puppet_release(h->tid[--h->n]);
}

/* All threads but this one stand still: its text changes under them. Those that are made meanwhile,
 * too. */
static bool hold_others(struct held *h, pid_t tgid, pid_t but)
{
	pid_t tids[MOST_THREADS];
	struct tl__traced is;
	int n, before, r = 0;

	do {
		before = h->n;
		n = tl__threads_of(tgid, tids, MOST_THREADS);
		for (int i = 0; i < n && n < MOST_THREADS && r >= 0; i++) {
			if (tids[i] == but || is_held(h, tids[i]))
				continue;
			/* What cannot be stopped would be waited for. */
			r = tl__traced_read(tids[i], &is) < 0 || is.state == 'D' ? -EAGAIN : 0;
			if (r == 0)
				r = tl__puppet_hold(tids[i]);
			if (r == 0)
				h->tid[h->n++] = tids[i];
		}
	} while (r >= 0 && n < MOST_THREADS && h->n > before);
	return r >= 0 && n > 0 && n < MOST_THREADS;
}

static bool is_ours_to_change(struct tl__broker *b, const struct tl__tool *tool,
			      const struct tl__notice *n)
{
	struct tl__person p;

	return TL__BY_HOST(true, false) && n->arch == X86_64 && !tool->peer && !tool->was_alone &&
	       tl__person_read(n->tid, &p) == 0 && !p.tracer && tl__person_shares_pids(n->tid) &&
	       !tl__hash_get(&b->visits, (uint64_t)n->tid);
}

static void mark(struct tl__shortcut *s, enum tl__bypass_kind kind)
{
	s->answers |= kind == TL__BYPASS_STOPS;
	s->waits |= kind == TL__BYPASS_WAITS;
}

/* The call that the thread is in is made again when it is let go. */
static bool lay(struct tl__broker *b, struct tl__tool *tool, const struct tl__notice *n,
		enum tl__bypass_kind kind)
{
	struct tl__shortcut *s = &tool->shortcut;
	struct held others = { .n = 0 };
	struct tl__puppet p;
	bool done = hold_others(&others, tool->tgid, n->tid) &&
		    tl__tool_drive(b->open, &p, tool->tgid, n->tid) == 0;

	if (done) {
		done = s->state == TL__SHORTCUT_THERE ||
		       tl__way_make_room(&s->way, &p, n->ip - INSN_LEN);
		if (done && tl__way_add(&s->way, n, kind))
			mark(s, kind);
		tl__tool_let_go(b->open, &p);
	}
	let_go(&others);
	/* Answers to calls of theirs may have got lost. */
	tl__taken_back(b);
	return done;
}

static void not_ahead(struct tl__tool *tool)
{
	if (tool->shortcut.ahead)
		tool->broker->ahead--;
	tool->shortcut.ahead = 0;
}

static void refuse(struct tl__tool *tool)
{
	struct tl__shortcut *s = &tool->shortcut;

	not_ahead(tool);
	if (s->state == TL__SHORTCUT_THERE) {
		tl__way_close(&s->way);
		tl__open_answered(tool->broker->open, tool->tgid, false);
	}
	s->state = TL__SHORTCUT_REFUSED;
}

static void begin(struct tl__broker *b, struct tl__tool *tool, const struct tl__notice *n,
		  enum tl__bypass_kind kind)
{
	struct tl__shortcut *s = &tool->shortcut;

	if (++s->met < MET_FIRST)
		return;
	if (!is_ours_to_change(b, tool, n) || tl__way_open(&s->way, n->tid) < 0) {
		refuse(tool);
		return;
	}
	if (tl__way_fits(&s->way, n) && tl__open_answered(b->open, tool->tgid, true)) {
		if (lay(b, tool, n, kind)) {
			s->state = TL__SHORTCUT_THERE;
			return;
		}
		tl__open_answered(b->open, tool->tgid, false);
	}
	tl__way_close(&s->way);
	refuse(tool);
}

void tl__shortcut_met(struct tl__broker *b, struct tl__tool *tool, const struct tl__notice *n,
		      enum tl__bypass_kind kind)
{
	struct tl__shortcut *s = &tool->shortcut;

	if (s->state == TL__SHORTCUT_NONE)
		begin(b, tool, n, kind);
	else if (s->state == TL__SHORTCUT_THERE && tl__way_has_room(&s->way, kind) &&
		 tl__way_fits(&s->way, n) &&
		 (!is_ours_to_change(b, tool, n) || !lay(b, tool, n, kind)))
		tl__shortcut_end(tool);
}

/* In a program that has taken its place there is nothing to be changed. */
static void set_all(struct tl__tool *tool, const struct tl__bypass_modes *modes)
{
	struct tl__shortcut *s = &tool->shortcut;

	if (s->state != TL__SHORTCUT_THERE || !memcmp(&s->data.modes, modes, sizeof(*modes)))
		return;
	s->data.modes = *modes;
	if (tl__way_set(&s->way, modes) < 0)
		refuse(tool);
}

void tl__shortcut_reads(struct tl__tool *tool, bool past)
{
	struct tl__bypass_modes modes = tool->shortcut.data.modes;

	modes.reads = past;
	set_all(tool, &modes);
}

void tl__shortcut_waits(struct tl__tool *tool, bool past)
{
	struct tl__bypass_modes modes = tool->shortcut.data.modes;

	modes.waits = past;
	set_all(tool, &modes);
}

static struct tl__link *link_ahead(const struct tl__tool *tool)
{
	struct tl__link *l;

	TAILQ_FOREACH (l, &tool->links, of_tool)
		if (l->tracee->tid == tool->shortcut.ahead && l->v.state == TL__LINK_STOPPED)
			return l;
	return NULL;
}

/* It has been taken, or will not be. caller: who makes a call now, and so no other. */
static void settle(struct tl__tool *tool, pid_t caller)
{
	struct tl__shortcut *s = &tool->shortcut;
	struct tl__link *l;
	bool taken = false;

	if (!s->ahead)
		return;
	l = link_ahead(tool);
	not_ahead(tool);
	/* Or a wait between the two would find that there is nothing. */
	if (caller != s->data.stop.tracer)
		tl__shortcut_waits(tool, false);
	if (tl__way_withdraw(&s->way, &taken) < 0)
		refuse(tool);
	else if (!taken)
		tl__shortcut_waits(tool, false);
	else if (l)
		l->v.reported = true;
}

void tl__shortcut_stop_over(struct tl__tool *tool)
{
	struct tl__bypass_modes modes = tool->shortcut.data.modes;

	modes.stop = false;
	set_all(tool, &modes);
}

void tl__shortcut_news(struct tl__tool *tool)
{
	struct tl__bypass_modes modes = tool->shortcut.data.modes;

	settle(tool, 0);
	modes.waits = modes.stop = false;
	set_all(tool, &modes);
}

void tl__shortcuts_settle(struct tl__broker *b, pid_t caller)
{
	struct tl__tool *tool;

	if (!b->ahead)
		return;
	TAILQ_FOREACH (tool, &b->tools, link)
		if (tool->shortcut.ahead &&
		    (caller == tool->shortcut.data.stop.tracer || tl__tool_of(b, caller) == tool))
			settle(tool, caller);
}

void tl__shortcuts_killed(const struct tl__tracee *t)
{
	const struct tl__link *l;

	TAILQ_FOREACH (l, &t->links, of_tracee) {
		settle(l->tool, 0);
		tl__shortcut_stop_over(l->tool);
	}
}

void tl__shortcut_asked(struct tl__broker *b, struct tl__tool *tool, const struct tl__notice *n)
{
	struct tl__shortcut *s = &tool->shortcut;
	struct tl__bypass_stop *stop = &s->data.stop;

	if (s->asks || !tool->debugs)
		return;
	tl__shortcut_met(b, tool, n, TL__BYPASS_STOPS);
	/* It asks from one place, which has been changed now, or cannot be. */
	s->asks = s->state != TL__SHORTCUT_NONE;
	if (!s->answers)
		return;
	s->answers = tl__way_stack(tool->tgid, &stop->low, &stop->high);
	stop->high -= TL__BYPASS_REGS;
}

static bool is_a_steps(const struct tl__link *l)
{
	return l->v.state == TL__LINK_STOPPED && l->v.stop.what == TL__WHAT_STEP &&
	       l->v.stop.has_info && l->tracee->stands_in == TL__WHAT_STEP;
}

static bool is_alone(const struct tl__link *l)
{
	const struct tl__links *all = &l->tracee->links;

	return !l->tracee->peer && TAILQ_FIRST(all) == TAILQ_LAST(all, tl__links);
}

/* What the kernel and the link would say, if they were asked. */
static bool read_stop(const struct tl__link *l, struct tl__bypass_stop *stop)
{
	struct tl_task *task = l->tracee->task;
	const uint8_t *info;

	stop->tid = l->tracee->tid;
	stop->tracer = l->tracer;
	if (tl__vlink_siginfo(&l->v, &info) < 0)
		return false;
	memcpy(stop->info, info, sizeof(stop->info));
	return tl__debugregs_read(l, TL__BYPASS_DR6, &stop->dr6) >= 0 &&
	       tl_task_request(task, GETREGS, 0, 0, stop->regs, sizeof(stop->regs)) >= 0;
}

static bool show(struct tl__link *l, bool no_more)
{
	struct tl__shortcut *s = &l->tool->shortcut;

	if (s->state != TL__SHORTCUT_THERE || !s->answers || !is_a_steps(l) || !is_alone(l) ||
	    !read_stop(l, &s->data.stop))
		return false;
	/* Whether it asks is not seen any more. */
	l->v.asked_about = true;
	s->data.modes.stop = true;
	s->data.modes.waits = no_more;
	s->data.told.turn++;
	if (tl__way_show(&s->way, &s->data) == 0)
		return true;
	refuse(l->tool);
	return false;
}

void tl__shortcut_stop(struct tl__link *l, pid_t caller, bool no_more)
{
	if (caller == l->tracer)
		show(l, no_more);
}

void tl__shortcut_ahead(struct tl__link *l, int status)
{
	struct tl__shortcut *s = &l->tool->shortcut;

	s->data.stop.status = status;
	if (!s->waits || !show(l, true))
		return;
	/* All that belongs to it is there. */
	if (tl__way_tell(&s->way) < 0) {
		refuse(l->tool);
		return;
	}
	s->ahead = l->tracee->tid;
	l->tool->broker->ahead++;
}

void tl__shortcuts_read_no_more(struct tl__broker *b)
{
	struct tl__tool *tool;

	TAILQ_FOREACH (tool, &b->tools, link)
		tl__shortcut_reads(tool, false);
}

void tl__shortcuts_linked(const struct tl__tracee *t)
{
	struct tl__tool *traced = tl__tool_find(t->broker, t->tgid);
	const struct tl__link *l;

	tl__shortcuts_read_no_more(t->broker);
	TAILQ_FOREACH (l, &t->links, of_tracee)
		tl__shortcut_stop_over(l->tool);
	if (traced)
		tl__shortcut_end(traced);
}

void tl__shortcut_end(struct tl__tool *tool)
{
	settle(tool, 0);
	set_all(tool, &(const struct tl__bypass_modes){ 0 });
	refuse(tool);
}

static void take_answers_away(pid_t tgid)
{
	const struct tl__bypass_modes none = { 0 };
	struct tl__way w;
	bool taken;

	if (tl__way_open(&w, tgid) < 0)
		return;
	tl__ignore(tl__way_set(&w, &none) < 0 || tl__way_withdraw(&w, &taken) < 0);
	tl__way_close(&w);
}

void tl__shortcuts_stand_in(const struct tl__open *open)
{
	tl__open_each_answered(open, take_answers_away);
}
