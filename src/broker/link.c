/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules of one link: which stops its tracer sees, and what its requests do. Pure. */
#define _GNU_SOURCE
#include "link.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

enum { SIGNALS = 64 };

/* The head of the kernel's siginfo, where kill(2) and ptrace's own stops fill it in. */
struct info_head {
	int32_t signo, error, code, pad;
	int32_t pid;
	uint32_t uid;
};

static void say(struct tl__vstop *stop, int signo, int code, int32_t pid, uint32_t uid)
{
	struct info_head head = { .signo = signo, .code = code, .pid = pid, .uid = uid };

	memset(stop->info, 0, sizeof(stop->info));
	memcpy(stop->info, &head, sizeof(head));
	stop->has_info = true;
}

static bool stop_at(struct tl__vlink *l, const struct tl__happening *h, uint32_t code, uint64_t msg)
{
	l->state = TL__LINK_STOPPED;
	l->reported = l->asked_about = false;
	/* Any trap takes the place of an interrupt's that is due; a SIGSTOP is still to come. */
	if (l->seized)
		l->stop_owed = false;
	l->stop = (struct tl__vstop){ .what = h->what, .code = code, .msg = msg };
	if (h->info) {
		memcpy(l->stop.info, h->info, sizeof(l->stop.info));
		l->stop.has_info = true;
	} else {
		say(&l->stop, SIGTRAP, (int)code, h->tid, h->uid);
	}
	return true;
}

static bool event(struct tl__vlink *l, const struct tl__happening *h, unsigned option,
		  unsigned number)
{
	return l->options & option && stop_at(l, h, number << 8 | SIGTRAP, h->msg);
}

static bool call(struct tl__vlink *l, const struct tl__happening *h)
{
	bool entry = h->what == TL__WHAT_ENTRY;

	if (l->mode != TL__MODE_SYSCALL && !(tl__vlink_emulates(l) && entry))
		return false;
	return stop_at(l, h, SIGTRAP | (l->options & TL__OPT_SYSGOOD ? 0x80u : 0), entry ? 1 : 2);
}

/* A tracer that attached without SEIZE is told by a signal, as from the kernel itself. */
static bool by_signal(struct tl__vlink *l, const struct tl__happening *h, int sig, int code)
{
	stop_at(l, h, (uint32_t)sig, 0);
	l->stop.what = TL__WHAT_SIGNAL;
	say(&l->stop, sig, code, code == SI_USER ? h->tid : 0, code == SI_USER ? h->uid : 0);
	return true;
}

/* Where calls are emulated a step does not end behind one (entry/common.c: report_single_step). */
static bool is_calls_end(const struct tl__happening *h)
{
	struct info_head head;

	if (!h->info)
		return false;
	memcpy(&head, h->info, sizeof(head));
	return head.code == TRAP_BRKPT;
}

static bool executed(struct tl__vlink *l, const struct tl__happening *h)
{
	if (l->options & TL__OPT_EXEC)
		return event(l, h, TL__OPT_EXEC, TL__TE_EXEC);
	/* It comes when the call is over (kernel/ptrace.h: ptrace_event). */
	l->trap_owed = !l->seized;
	return false;
}

static bool group_stop(struct tl__vlink *l, const struct tl__happening *h)
{
	if (l->seized) {
		l->stop_owed = false;
		stop_at(l, h, TL__TE_STOP << 8 | (uint32_t)h->sig, 0);
		say(&l->stop, h->sig, (int)l->stop.code, h->tid, h->uid);
		return true;
	}
	stop_at(l, h, (uint32_t)h->sig, 0);
	l->stop.has_info = false;
	return true;
}

/* Of a step over a call (user_single_step_report). */
enum { BEHIND_CALL = TL__BY_HOST(TRAP_BRKPT, SI_USER) };

/* It stands still: for those who wanted that. */
static bool quiet(struct tl__vlink *l, const struct tl__happening *h)
{
	bool stop;

	if (l->trap_owed) {
		l->trap_owed = false;
		return by_signal(l, h, SIGTRAP, SI_USER);
	}
	if (l->hit_owed) {
		by_signal(l, h, SIGTRAP, TRAP_HWBKPT);
		/* Where a siginfo has the address. */
		say(&l->stop, SIGTRAP, TRAP_HWBKPT, (int32_t)l->hit_owed,
		    (uint32_t)(l->hit_owed >> 32));
		l->hit_owed = 0;
		return true;
	}
	if (l->group_owed && (!h->sig || h->continued))
		l->group_owed = false; /* it has ended meanwhile */
	if (l->group_owed) {
		bool owed = l->stop_owed;

		l->group_owed = false;
		group_stop(l, h);
		l->stop_owed = owed;
		return true;
	}
	if (l->stop_from) {
		by_signal(l, h, SIGSTOP, SI_TKILL);
		say(&l->stop, SIGSTOP, SI_TKILL, l->stop_from, l->stop_uid);
		l->stop_from = 0;
		return true;
	}
	stop = l->stop_owed || (l->seized && h->continued);
	if (!stop && l->step_owed) {
		l->step_owed = false;
		return by_signal(l, h, SIGTRAP, BEHIND_CALL);
	}
	if (!stop)
		return false;
	l->stop_owed = false;
	if (l->seized && h->sig && !h->continued)
		return group_stop(l, h);
	l->met_continued |= l->seized && h->continued;
	if (l->seized)
		return stop_at(l, h, TL__TE_STOP << 8 | SIGTRAP, 0);
	by_signal(l, h, SIGSTOP, l->born ? SI_USER : SI_KERNEL);
	/* Put among its signals without a word of whose it is (ptrace_init_task). */
	if (l->born)
		say(&l->stop, SIGSTOP, SI_USER, 0, 0);
	l->born = false;
	return true;
}

/* SIGCONT was sent (prepare_signal): seized, it traps, whether it was in a group stop or not. With
 * an interrupt that was asked for before it is one trap. */
static bool continued(struct tl__vlink *l, const struct tl__happening *h)
{
	bool met = l->met_continued;

	l->group_owed = l->met_continued = false;
	if (met && !l->stop_owed)
		return false;
	l->stop_owed |= l->seized;
	return l->stop_owed && quiet(l, h);
}

/* The SIGTRAP behind a call is sent, so that it comes after an interrupt's trap. */
static bool stepped_over_call(struct tl__vlink *l, const struct tl__happening *h)
{
	struct tl__happening still = {
		.what = TL__WHAT_QUIET, .sig = h->sig, .tid = h->tid, .uid = h->uid
	};

	if (!l->seized || !l->stop_owed)
		return stop_at(l, h, SIGTRAP, 0);
	quiet(l, &still);
	l->step_owed = true;
	return true;
}

static bool stepped(struct tl__vlink *l, const struct tl__happening *h)
{
	bool asked = l->mode == TL__MODE_STEP || l->mode == TL__MODE_BLOCK ||
		     (l->mode == TL__MODE_SYSEMU_STEP && !is_calls_end(h));

	if (!asked)
		return false;
	/* Both are sent, and one is pending already (legacy_queue). */
	if (l->trap_owed) {
		l->trap_owed = false;
		return by_signal(l, h, SIGTRAP, SI_USER);
	}
	return h->call ? stepped_over_call(l, h) : stop_at(l, h, SIGTRAP, 0);
}

bool tl__vlink_meets(struct tl__vlink *l, const struct tl__happening *h)
{
	if (h->what != TL__WHAT_GROUP_END && h->what != TL__WHAT_QUIET)
		l->met_continued = false;
	switch (h->what) {
	case TL__WHAT_SIGNAL:
		return stop_at(l, h, (uint32_t)h->sig, 0);
	case TL__WHAT_ENTRY:
	case TL__WHAT_EXIT:
		return call(l, h);
	case TL__WHAT_STEP:
		return stepped(l, h);
	case TL__WHAT_FORK:
		return event(l, h, TL__OPT_FORK, TL__TE_FORK);
	case TL__WHAT_VFORK:
		return event(l, h, TL__OPT_VFORK, TL__TE_VFORK);
	case TL__WHAT_CLONE:
		return event(l, h, TL__OPT_CLONE, TL__TE_CLONE);
	case TL__WHAT_VFORK_DONE:
		return event(l, h, TL__OPT_VFORK_DONE, TL__TE_VFORK_DONE);
	case TL__WHAT_EXEC:
		return executed(l, h);
	case TL__WHAT_LEAVING:
		return event(l, h, TL__OPT_EXIT, TL__TE_EXIT);
	case TL__WHAT_SECCOMP:
		return event(l, h, TL__OPT_SECCOMP, TL__TE_SECCOMP);
	case TL__WHAT_GROUP_STOP:
		return group_stop(l, h);
	case TL__WHAT_GROUP_END:
		return continued(l, h);
	case TL__WHAT_QUIET:
		return quiet(l, h);
	}
	return false;
}

bool tl__vlink_emulates(const struct tl__vlink *l)
{
	return l->mode == TL__MODE_SYSEMU || l->mode == TL__MODE_SYSEMU_STEP;
}

/* The first instruction of a handler is told by no signal (kernel/signal.c: signal_setup_done). */
static bool is_handlers(const struct tl__vstop *stop)
{
	struct info_head head;

	memcpy(&head, stop->info, sizeof(head));
	return head.code == SIGTRAP;
}

/* What CONT's signal does depends on the stop that it ends. */
static void leave(const struct tl__vlink *l, int sig, struct tl__let_go *ret)
{
	bool at_call = l->stop.what == TL__WHAT_ENTRY || l->stop.what == TL__WHAT_EXIT;

	*ret = (struct tl__let_go){ 0 };
	if (l->stop.what == TL__WHAT_SIGNAL ||
	    (l->stop.what == TL__WHAT_STEP && !is_handlers(&l->stop)))
		ret->sig = sig;
	else if (at_call && sig)
		*ret = (struct tl__let_go){ .sig = sig, .sent = true };
}

static int mode_of(uint32_t request, bool has_block)
{
	switch (request) {
	case TL__REQ_CONT:
		return TL__MODE_CONT;
	case TL__REQ_SYSCALL:
		return TL__MODE_SYSCALL;
	case TL__REQ_SINGLESTEP:
		return TL__MODE_STEP;
	case TL__REQ_SYSEMU:
		return TL__MODE_SYSEMU;
	case TL__REQ_SYSEMU_SINGLESTEP:
		return TL__MODE_SYSEMU_STEP;
	case TL__REQ_SINGLEBLOCK:
		return has_block ? TL__MODE_BLOCK : -EIO;
	default:
		return -EIO;
	}
}

bool tl__vlink_resumes(uint32_t request, bool has_block)
{
	return mode_of(request, has_block) >= 0;
}

int tl__vlink_resume(struct tl__vlink *l, uint32_t request, uint64_t data, bool has_block,
		     struct tl__let_go *ret)
{
	int mode = mode_of(request, has_block);

	if (l->state != TL__LINK_STOPPED)
		return -ESRCH;
	if (mode < 0 || data > SIGNALS)
		return -EIO;
	leave(l, (int)data, ret);
	l->mode = (enum tl__mode)mode;
	l->state = TL__LINK_RUNNING;
	return 0;
}

int tl__vlink_detach(const struct tl__vlink *l, uint64_t data, struct tl__let_go *ret)
{
	if (l->state != TL__LINK_STOPPED)
		return -ESRCH;
	if (data > SIGNALS)
		return -EIO;
	leave(l, (int)data, ret);
	/* (A SIGSTOP that has been waited for is most often the one that a TRACEME begins with.) */
	ret->unseen = !l->asked_about && !(l->reported && tl__vlink_in_sigstop(l));
	return 0;
}

bool tl__vlink_in_sigstop(const struct tl__vlink *l)
{
	return l->state == TL__LINK_STOPPED && l->stop.code == SIGSTOP;
}

int tl__vlink_listen(struct tl__vlink *l)
{
	if (l->state != TL__LINK_STOPPED)
		return -ESRCH;
	if (!l->seized || l->stop.code >> 8 != TL__TE_STOP)
		return -EIO;
	/* Behind an interrupt there is no group stop to listen in: it stays as it is, unseen. One
	 * that came in this stop is part of the next. */
	l->state = TL__LINK_LISTENING;
	l->stop_owed = false;
	return 0;
}

int tl__vlink_interrupt(struct tl__vlink *l)
{
	if (!l->seized)
		return -EIO;
	if (l->state == TL__LINK_DEAD)
		return -ESRCH;
	l->stop_owed = true;
	return 0;
}

void tl__vlink_send_stop(struct tl__vlink *l, int32_t from, uint32_t uid)
{
	l->stop_from = from;
	l->stop_uid = uid;
}

bool tl__vlink_owes(const struct tl__vlink *l)
{
	/* Behind an exec that is stepped over it comes with the step's end. */
	bool trap = l->trap_owed && l->mode != TL__MODE_STEP && l->mode != TL__MODE_BLOCK;

	return trap || l->stop_owed || l->step_owed || l->hit_owed || l->group_owed || l->stop_from;
}

int tl__vlink_check_options(uint64_t data)
{
	return data & ~(uint64_t)TL__OPT_KNOWN ? -EINVAL : 0;
}

int tl__vlink_set_options(struct tl__vlink *l, uint64_t data)
{
	if (l->state != TL__LINK_STOPPED)
		return -ESRCH;
	if (tl__vlink_check_options(data) < 0)
		return -EINVAL;
	l->options = (uint32_t)data;
	return 0;
}

int tl__vlink_siginfo(const struct tl__vlink *l, const uint8_t **ret)
{
	if (l->state != TL__LINK_STOPPED)
		return -ESRCH;
	if (!l->stop.has_info)
		return -EINVAL;
	*ret = l->stop.info;
	return 0;
}

bool tl__vlink_wants_calls(const struct tl__vlink *l)
{
	return l->state != TL__LINK_DEAD && (l->mode == TL__MODE_SYSCALL || tl__vlink_emulates(l));
}

bool tl__vlink_wants_birth(const struct tl__vlink *l, enum tl__what what)
{
	static const struct {
		enum tl__what what;
		uint32_t option;
	} births[] = { { TL__WHAT_FORK, TL__OPT_FORK },
		       { TL__WHAT_VFORK, TL__OPT_VFORK },
		       { TL__WHAT_CLONE, TL__OPT_CLONE } };

	for (size_t i = 0; i < sizeof(births) / sizeof(births[0]); i++)
		if (births[i].what == what)
			return l->options & births[i].option;
	return false;
}

int tl__vlink_status(const struct tl__vlink *l)
{
	if (l->state == TL__LINK_DEAD)
		return l->status;
	if (l->state != TL__LINK_STOPPED || l->reported)
		return -1;
	return (int)(l->stop.code << 8 | 0x7f);
}
