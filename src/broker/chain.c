/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How an event goes along a tracee's links: in the order in which they were made (a call's entry
 * the other way round), waiting at each whose tracer sees a stop until that lets go. So each sees a
 * signal as the ones before have left it, and the task runs when nobody holds it.
 */
#define _GNU_SOURCE
#include "broker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tl__link *tl__chain_next(const struct tl__tracee *t, struct tl__link *l)
{
	return t->backwards ? TAILQ_PREV(l, tl__links, of_tracee) : TAILQ_NEXT(l, of_tracee);
}

/* It has left the stop that links are in: killed. */
static void forget_stops(struct tl__tracee *t)
{
	struct tl__link *l;

	TAILQ_FOREACH (l, &t->links, of_tracee)
		if (l->v.state == TL__LINK_STOPPED)
			l->v.state = TL__LINK_RUNNING;
}

/* A tracer takes the first stop of a call that it is shown for its entry: TL__CALL_LATE. */
static void note_call(struct tl__tracee *t, enum tl__what what)
{
	bool begins = what == TL__WHAT_ENTRY;
	struct tl__link *l;

	if (begins || tl__chain_rests(t))
		TAILQ_FOREACH (l, &t->links, of_tracee)
			l->call = TL__CALL_UNSEEN;
	t->in_call = begins || (t->in_call && what != TL__WHAT_EXIT && !tl__chain_rests(t));
}

static void begin(struct tl__tracee *t, const struct tl__happening *h)
{
	t->interrupted = false;
	note_call(t, h->what);
	if (h->what != TL__WHAT_QUIET && !t->passing)
		forget_stops(t);
	t->passing = false;
	if (h->what != TL__WHAT_SIGNAL)
		t->met = 0;
	t->now = *h;
	if (h->what == TL__WHAT_GROUP_STOP || h->what == TL__WHAT_GROUP_END)
		t->group_sig = h->what == TL__WHAT_GROUP_STOP ? h->sig : 0;
	if (h->what == TL__WHAT_QUIET || h->what == TL__WHAT_STEP)
		t->now.sig = t->group_sig;
	t->continue_told = tl__is_continue_told(t, h);
	if (h->what == TL__WHAT_QUIET)
		t->now.continued = tl__tell_continued(t);
	t->now.tid = t->tid;
	t->now.uid = t->uid;
	t->events++;
	t->backwards = h->what == TL__WHAT_ENTRY;
	t->at = t->backwards ? TAILQ_LAST(&t->links, tl__links) : TAILQ_FIRST(&t->links);
	t->shown = false;
	t->deliver = h->what == TL__WHAT_SIGNAL ? h->sig : 0;
	t->replaced = t->taken = false;
	if (h->info) {
		memcpy(t->info, h->info, sizeof(t->info));
		t->now.info = t->info;
	}
}

/* What the chain has left of a signal. */
static void finish(struct tl__tracee *t)
{
	if (t->now.what != TL__WHAT_SIGNAL)
		return;
	/* Its debugger was killed before it has seen it. */
	if (t->taken || (t->deliver && tl__lifted_owns(t, t->deliver, t->info, NULL)))
		t->deliver = 0;
	if (!t->deliver || t->replaced)
		tl__ignore(tl_signal_set(t->task, t->deliver, t->deliver ? t->info : NULL));
	t->now.what = TL__WHAT_QUIET;
}

/* Whether what goes along may be anything to this link. */
static bool concerns(const struct tl__tracee *t, const struct tl__link *l)
{
	/* Not what it came in the middle of. */
	if (l->since >= t->events || l->seen == t->events)
		return false;
	if (t->now.what == TL__WHAT_EXIT && l->call == TL__CALL_LATE)
		return false;
	/* The trap of a SIGCONT is for seized links: it does not wait until another lets go. */
	if (t->now.what == TL__WHAT_GROUP_END && !l->v.seized && !tl__vlink_owes(&l->v))
		return false;
	return t->now.what != TL__WHAT_SIGNAL ||
	       (t->deliver && !(l->spared && t->deliver == SIGTRAP));
}

static void show(struct tl__tracee *t, struct tl__link *l)
{
	t->shown = true;
	if (!concerns(t, l))
		return;
	l->seen = t->events;
	t->now.sig = t->now.what == TL__WHAT_SIGNAL ? t->deliver : t->now.sig;
	if (!tl__vlink_meets(&l->v, &t->now))
		return;
	l->call = t->now.what == TL__WHAT_ENTRY ? TL__CALL_ENTERED : l->call;
	t->emulated |= t->now.what == TL__WHAT_ENTRY && tl__vlink_emulates(&l->v);
	if (l->tool->wants_usage) {
		tl__person_usage(t->tid, t->usage);
		t->usage_known = true;
	}
	tl__tool_tell(l);
}

enum {
	POKEUSER = 6,
	SETREGSET = TL__REQ_SETREGSET,
	ORIG_RAX = 15 * 8,
	NT_ARM_SYSTEM_CALL_ = 0x404
};

/* No call is made, and the registers stay as the tracers have left them. */
static void skip_call(struct tl__tracee *t)
{
	int32_t none = -1;

	t->emulated = false;
	if (TL__BY_HOST(true, false))
		tl__ignore(tl_task_request(t->task, POKEUSER, ORIG_RAX, ~(uint64_t)0, NULL, 0));
	else
		tl__ignore(tl_task_request(t->task, SETREGSET, NT_ARM_SYSTEM_CALL_, 0, &none,
					   sizeof(none)));
}

/* The end of a step is for all who have asked for one, in no order. Those that are in a stop of
 * their own see it when they have let go of that. */
static void go_to_all(struct tl__tracee *t)
{
	struct tl__link *l;

	t->at = NULL;
	TAILQ_FOREACH (l, &t->links, of_tracee) {
		if (l->v.state == TL__LINK_RUNNING)
			show(t, l);
		else if (l->v.state == TL__LINK_STOPPED && concerns(t, l))
			t->at = l;
	}
	t->shown = false;
}

static void go_along(struct tl__tracee *t)
{
	if (t->at && t->now.what == TL__WHAT_STEP)
		go_to_all(t);
	while (t->at && t->now.what != TL__WHAT_STEP) {
		struct tl__link *l = t->at;

		if (!t->shown && l->v.state == TL__LINK_STOPPED) {
			/* In a stop of its own. */
			if (concerns(t, l))
				return;
		} else {
			if (!t->shown)
				show(t, l);
			if (l->v.state == TL__LINK_STOPPED)
				return;
		}
		t->at = tl__chain_next(t, l);
		t->shown = false;
	}
	if (!t->at)
		finish(t);
}

bool tl__chain_is_held(const struct tl__tracee *t)
{
	const struct tl__link *l;

	TAILQ_FOREACH (l, &t->links, of_tracee)
		if (l->v.state == TL__LINK_STOPPED)
			return true;
	return false;
}

/* Where the kernel's own interrupt could have stopped it: in no call. */
bool tl__chain_rests(const struct tl__tracee *t)
{
	switch (t->stands_in) {
	case TL__WHAT_SIGNAL:
	case TL__WHAT_STEP:
	case TL__WHAT_GROUP_STOP:
	case TL__WHAT_GROUP_END:
	case TL__WHAT_QUIET:
		return true;
	default:
		return false;
	}
}

/* It stands still anyway: whoever wants that has it. In the middle of a call only who has sent a
 * SIGSTOP, or is what the one who holds the task waits for. */
static void show_quiet(struct tl__tracee *t)
{
	struct tl__happening quiet = {
		.what = TL__WHAT_QUIET, .sig = t->group_sig, .tid = t->tid, .uid = t->uid
	};
	struct tl__link *l;
	bool rests = tl__chain_rests(t), now;

	if (!tl__stuck_owes(t))
		return;
	/* Its own trap would be that of the group stop that another thread is in already. */
	if (rests && !t->group_sig && tl__tracee_group_stop(t->broker, t->tgid) &&
	    !tl__chain_is_held(t))
		return;
	now = rests || tl__stuck_hold(t);
	quiet.continued = now && tl__tell_continued(t);
	t->broker->stuck |= !now;
	TAILQ_FOREACH (l, &t->links, of_tracee)
		if (l->v.state != TL__LINK_STOPPED && (now || l->v.stop_from) &&
		    tl__vlink_meets(&l->v, &quiet)) {
			if (!rests && l->call == TL__CALL_UNSEEN)
				l->call = TL__CALL_LATE;
			tl__tool_tell(l);
		}
}

uint32_t tl__chain_events(const struct tl__tracee *t)
{
	uint32_t e = TL_EVENTS(TL_EVENT_QUIESCE) | TL_EVENTS(TL_EVENT_SIGNAL) |
		     TL_EVENTS(TL_EVENT_STEP) | TL_EVENTS(TL_EVENT_EXEC) |
		     TL_EVENTS(TL_EVENT_GROUP_STOP) | TL_EVENTS(TL_EVENT_CONTINUED) |
		     TL_EVENTS(TL_EVENT_DEATH);
	const struct tl__link *l;

	if (t->leaves)
		e |= TL_EVENTS(TL_EVENT_EXIT);
	TAILQ_FOREACH (l, &t->links, of_tracee) {
		if (tl__vlink_wants_calls(&l->v))
			e |= TL_EVENTS_SYSCALLS;
		if (l->v.options &
		    (TL__OPT_FORK | TL__OPT_VFORK | TL__OPT_CLONE | TL__OPT_VFORK_DONE))
			e |= TL_EVENTS(TL_EVENT_CLONE) | TL_EVENTS(TL_EVENT_VFORK_DONE);
		if (l->v.options & TL__OPT_EXIT)
			e |= TL_EVENTS(TL_EVENT_EXIT);
		if (l->v.options & TL__OPT_SECCOMP)
			e |= TL_EVENTS(TL_EVENT_SECCOMP);
		if (l->v.options & TL__OPT_RAW_REGS)
			e |= TL_RAW_REGISTERS;
	}
	return e;
}

static tl_verdict wanted(const struct tl__tracee *t)
{
	tl_verdict hold = TL_RUN, step = TL_STEP_NONE;
	const struct tl__link *l;

	TAILQ_FOREACH (l, &t->links, of_tracee) {
		if (l->v.state == TL__LINK_DEAD || l->v.state == TL__LINK_STOPPED)
			continue;
		/* Behind the signal that it has put in. */
		if (tl__vlink_owes(&l->v) && !l->injects)
			hold = TL_HOLD_INTERRUPT;
		if (l->v.state == TL__LINK_LISTENING)
			continue;
		if (l->v.mode == TL__MODE_STEP || l->v.mode == TL__MODE_SYSEMU_STEP)
			step = TL_STEP_SINGLE;
		else if (l->v.mode == TL__MODE_BLOCK && step == TL_STEP_NONE)
			step = TL_STEP_BLOCK;
	}
	return hold | step;
}

/* Not of a task whose own calls we serve. */
static bool wants_no_filters(const struct tl__tracee *t)
{
	const struct tl__link *l;

	TAILQ_FOREACH (l, &t->links, of_tracee)
		if (l->v.options & TL__OPT_SUSPEND_SECCOMP && l->v.state != TL__LINK_DEAD)
			return !tl__tool_find(t->broker, t->tgid);
	return false;
}

static int settle_filters(struct tl__tracee *t, bool unfiltered)
{
	int r = t->unfiltered != unfiltered ? tl_task_suspend_filters(t->task, unfiltered) : 0;

	if (r == 0)
		t->unfiltered = unfiltered;
	return r;
}

int tl__chain_suspend_filters(struct tl__tracee *t)
{
	return tl__tool_find(t->broker, t->tgid) ? 0 : settle_filters(t, true);
}

static void begin_step(struct tl__tracee *t)
{
	struct tl__happening h = { .what = TL__WHAT_STEP,
				   .info = t->step_info,
				   .call = t->step_call };

	t->step_owed = false;
	begin(t, &h);
	go_along(t);
}

/* The first tracer waits for it, and would do so for as long as another holds the task. */
static void look_for_sent_stop(struct tl__tracee *t)
{
	enum { QUEUE = 8 };
	siginfo_t pending[QUEUE];
	struct tl__link *l;
	int64_t n;

	t->checks--;
	n = tl_task_request(t->task, TL__REQ_PEEKSIGINFO, 0, 0, pending, sizeof(pending));
	for (int64_t i = 0; i < n; i++)
		TAILQ_FOREACH (l, &t->links, of_tracee) {
			if (pending[i].si_signo != SIGSTOP || pending[i].si_code != SI_TKILL ||
			    pending[i].si_pid != l->tool->tgid)
				continue;
			tl__vlink_send_stop(&l->v, l->tool->tgid, l->tool->uid);
			t->swallow = l->tool->tgid;
			t->checks = 0;
		}
}

/* Somebody has let it go by CONT or its like, not by LISTEN: out of a group stop, too, it runs. */
static bool is_continued(const struct tl__tracee *t)
{
	const struct tl__link *l;

	TAILQ_FOREACH (l, &t->links, of_tracee)
		if (l->v.state == TL__LINK_RUNNING)
			return true;
	return false;
}

/* Of a task that stands still. */
static tl_verdict settled(struct tl__tracee *t)
{
	go_along(t);
	if (t->step_owed && !t->at && !tl__chain_is_held(t))
		begin_step(t);
	tl__ignore(tl_engine_set_events(t->engine, tl__chain_events(t)));
	tl__ignore(settle_filters(t, wants_no_filters(t)));
	tl__debugregs_renew(t);
	if (t->at || tl__chain_is_held(t)) {
		if (t->checks)
			look_for_sent_stop(t);
		show_quiet(t);
		t->broker->stuck |= tl__stuck_steps(t);
		if (!tl__stuck_may_pass(t))
			return TL_HOLD_STOP | (wanted(t) & TL_STEP_MASK);
		t->passing = true;
		return TL_RUN | TL_STEP_SINGLE;
	}
	if (tl__step_over_keeps(t)) {
		t->kept = t->broker->keeps = true;
		show_quiet(t);
		return TL_HOLD_STOP | (wanted(t) & TL_STEP_MASK);
	}
	t->kept = false;
	if (t->emulated)
		skip_call(t);
	if (t->group_sig)
		tl__ignore(tl_task_pass_group_stop(t->task, is_continued(t)));
	return wanted(t);
}

/* Nobody traces it any more. Of a debugger that was killed a breakpoint's signal may be queued,
 * which has to be seen first; or a SIGSTOP that it has seen already. */
static void leave(struct tl__tracee *t)
{
	finish(t);
	if (tl_task_is_stopped(t->task))
		tl__debugregs_renew(t);
	if ((t->lifted || t->swallow || t->rewatch) && !tl_task_is_stopped(t->task))
		tl__ignore(tl_engine_control(t->engine, TL_HOLD_INTERRUPT));
	else if ((t->lifted && tl__person_has_pending(t->tid, SIGTRAP)) ||
		 (t->swallow && tl__person_has_pending(t->tid, SIGSTOP)))
		tl__ignore(tl_engine_control(t->engine, TL_RUN));
	else
		tl__ignore(tl_task_detach(t->task));
}

tl_verdict tl__chain_report(struct tl_engine *engine, const struct tl__happening *h)
{
	static const struct tl__happening exit = { .what = TL__WHAT_EXIT };
	struct tl__tracee *t = tl_engine_data(engine);
	tl_verdict v;

	if (t->behind_call && h->what == TL__WHAT_QUIET)
		h = &exit;
	t->behind_call = false;

	t->reporting = true;
	tl__lift_go_on(t);
	/* In the stop that is being gone along: nothing new has happened. */
	if (h->what == TL__WHAT_QUIET && (t->at || tl__chain_is_held(t))) {
		t->interrupted = t->passing = false;
	} else {
		t->stands_in = h->what;
		begin(t, h);
	}
	v = settled(t);
	t->reporting = false;
	if (TAILQ_EMPTY(&t->links))
		leave(t);
	return v;
}

void tl__tracee_settle(struct tl__tracee *t)
{
	tl_verdict v;

	if (!t->engine || t->reporting)
		return;
	if (TAILQ_EMPTY(&t->links)) {
		leave(t);
		return;
	}
	if (tl_task_is_stopped(t->task)) {
		v = settled(t);
	} else {
		tl__ignore(tl_engine_set_events(t->engine, tl__chain_events(t)));
		v = t->rewatch || wants_no_filters(t) != t->unfiltered ? TL_HOLD_INTERRUPT
								       : wanted(t) & TL_HOLD_MASK;
		if (v != TL_HOLD_INTERRUPT)
			return;
		t->interrupted = true;
	}
	if ((v & TL_HOLD_MASK) != TL_HOLD_STOP)
		tl__ignore(tl_engine_control(t->engine, v));
}

void tl__chain_look_at_kept(struct tl__broker *b)
{
	struct tl__tracee *t;

	b->keeps = false;
	TAILQ_FOREACH (t, &b->tracees, link)
		if (t->kept && t->engine)
			tl__tracee_settle(t);
}

/* Stops for a moment, unseen. */
void tl__tracee_poke(struct tl__tracee *t)
{
	if (!t->engine || tl_task_is_stopped(t->task))
		return;
	t->interrupted = true;
	tl__ignore(tl_engine_control(t->engine,
				     (wanted(t) & ~(tl_verdict)TL_HOLD_MASK) | TL_HOLD_INTERRUPT));
}

/* A watchpoint of several: the instruction is not executed again, so each sees this one hit. */
static bool is_for_another(const struct tl__tracee *t, const struct tl__link *l)
{
	if (!l->owns || !tl__debugregs_is_hit(t->deliver, t->info))
		return false;
	while ((l = TAILQ_NEXT(l, of_tracee)))
		if (l->owns && concerns(t, l))
			return true;
	return false;
}

static void take_signal(struct tl__tracee *t, const struct tl__link *l)
{
	t->taken = is_for_another(t, l);
	if (!t->taken)
		t->deliver = 0;
}

/* Who has died left a signal that it had waited for, and which the kernel then drops
 * (wait_task_stopped). What a tool of another server's has waited for that server knows: but most
 * debuggers ask about a signal, and wait for a SIGSTOP. */
static bool has_waited(const struct tl__link *l)
{
	return l->v.reported ||
	       (l->tool->peer && (l->v.asked_about || tl__vlink_in_sigstop(&l->v)));
}

void tl__chain_tracer_died(struct tl__link *l)
{
	struct tl__tracee *t = l->tracee;
	struct tl__let_go how;
	bool is_told;

	if (t->at != l || !t->shown || l->v.state != TL__LINK_STOPPED ||
	    t->now.what != TL__WHAT_SIGNAL)
		return;
	/* As if it had stepped over it. Where another has one, too, the thread meets that. */
	if (l->owns && t->deliver == SIGTRAP)
		is_told = !tl__breaks_is_trap(t->deliver, t->info) || tl__lift_go_back(t);
	else
		is_told = tl__lifted_owns(t, t->deliver, t->info, l->tool);
	if (is_told)
		take_signal(t, l);
	else if (has_waited(l) && !tl__lift_leaves_fault(t, l) &&
		 tl__vlink_detach(&l->v, 0, &how) == 0)
		tl__link_let_go(l, &how);
}

static void rebuild_info(struct tl__tracee *t, const struct tl__link *l, int sig)
{
	siginfo_t si = { .si_signo = sig, .si_code = SI_USER };

	si.si_pid = l->tracer;
	si.si_uid = l->tool->uid;
	memcpy(t->info, &si, sizeof(t->info));
}

/* strace that is interrupted detaches without a look at what has stopped meanwhile, and the kernel
 * drops the signal, once in seven times. Others, who have passed it on, are not to lose it so. */
static bool leaves_to_others(const struct tl__tracee *t, const struct tl__link *l,
			     const struct tl__let_go *how)
{
	return how->unseen && !l->owns &&
	       TAILQ_FIRST(&t->links) != TAILQ_LAST(&t->links, tl__links);
}

/* Alone it puts the signal in the place of its step's SIGTRAP. */
static bool steps_on_with(struct tl__tracee *t, struct tl__link *l, const struct tl__let_go *how)
{
	siginfo_t is;

	if (l->v.stop.what != TL__WHAT_STEP || t->now.what != TL__WHAT_STEP ||
	    TAILQ_FIRST(&t->links) != TAILQ_LAST(&t->links, tl__links))
		return false;
	memcpy(&is, l->v.stop.info, sizeof(is));
	if (how->sig == is.si_signo)
		memcpy(t->info, &is, sizeof(t->info));
	else
		rebuild_info(t, l, how->sig);
	return tl_signal_set(t->task, how->sig, t->info) == 0;
}

static bool is_blocked(const struct tl__tracee *t, int sig)
{
	uint64_t mask;

	return tl_task_request(t->task, TL__REQ_GETSIGMASK, sizeof(mask), 0, &mask, sizeof(mask)) >=
		       0 &&
	       mask & tl__signal_bit(sig);
}

static void send_for(struct tl__tracee *t, struct tl__link *l, const struct tl__let_go *how)
{
	if (tl_task_signal(t->task, how->sig) < 0)
		return;
	t->sender = l->tracer;
	t->sender_uid = l->tool->uid;
	if (how->sent)
		t->sent |= tl__signal_bit(how->sig);
	/* Behind a signal that was none it has seen it; but for one that has to wait, and is told
	 * again (ptrace_signal). */
	else if (!is_blocked(t, how->sig))
		l->injects = how->sig;
}

void tl__link_let_go(struct tl__link *l, const struct tl__let_go *how)
{
	struct tl__tracee *t = l->tracee;
	bool in_turn = t->at == l && t->shown && t->now.what == TL__WHAT_SIGNAL;
	siginfo_t is;

	if (!in_turn) {
		if (how->sig && !steps_on_with(t, l, how))
			send_for(t, l, how);
		return;
	}
	if (!how->sig) {
		if (!leaves_to_others(t, l, how))
			take_signal(t, l);
		return;
	}
	/* What SETSIGINFO has put there may be of another signal than the stop's (ptrace_signal).
	 */
	memcpy(&is, l->v.stop.info, sizeof(is));
	t->taken = false;
	if (how->sig != is.si_signo) {
		rebuild_info(t, l, how->sig);
		t->replaced = true;
	} else if (memcmp(t->info, l->v.stop.info, sizeof(t->info)) != 0) {
		memcpy(t->info, l->v.stop.info, sizeof(t->info));
		t->replaced = true;
	}
	t->deliver = how->sig;
}
