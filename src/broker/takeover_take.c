/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One tracee of a tool that was alone comes to us, as it is.
 *
 * We bring it back to the very stop that it was in: in front of its call for an entry, over a call
 * that is not made for an exit, by a signal with the same siginfo for a signal's. So the kernel's
 * state is what it was, and so is what a tracer sees. What the tool has not waited for yet we tell
 * it of. Where filters of the program's own would judge a call that is not made, our interrupt's
 * stop stands for the exit.
 *
 * Between two tracers a task has to stand still without one. In its own text, at its pc, is put a
 * jump to itself, and its signals are blocked; a group stop holds by itself.
 */
#define _GNU_SOURCE
#include "takeover.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SETSIGMASK = 0x420b, RESTART_RESTARTBLOCK = -516 };

static const uint8_t in_place[2] = { 0xeb, 0xfe }; /* jmp . */

static uint64_t ip_of(const struct tl__taken *k)
{
	return tl__taken_arch(k)->get_ip(k->regs, k->len);
}

int tl__taken_put_in_front(struct tl__taken *k)
{
	const struct tl__arch *arch = tl__taken_arch(k);
	struct tl__frame f;
	int r = arch->get_frame(k->regs, k->len, &f);

	if (r < 0)
		return r;
	/* What is left of a call that knows how to go on. */
	if (k->in == TL__IN_CALL && f.ret == RESTART_RESTARTBLOCK)
		f.nr = arch->known.restart_syscall;
	arch->set_nr(k->regs, k->len, -1);
	arch->set_ret(k->regs, k->len, f.nr);
	return arch->set_ip(k->regs, k->len, f.ip - arch->call_insn_len);
}

/* If we are killed the front sees to it that it goes on; if the tool is, we do. */
static void note_driven(struct tl__takeover *t, const struct tl__taken *k)
{
	struct tl__driven *d = tl__open_driven(t->tool->broker->open, TL__DRIVEN_TRACEE);
	struct tl__taken goes_on = *k;

	/* In front of its call once more. */
	if (k->in == TL__IN_ENTRY)
		tl__ignore(tl__taken_put_in_front(&goes_on));
	d->is = (struct tl__puppet){
		.tgid = k->tgid, .tid = k->tid, .mask = k->mask, .len = k->len
	};
	memcpy(d->is.regs, goes_on.regs, sizeof(d->is.regs));
	memcpy(d->at_stop, k->regs, sizeof(d->at_stop));
	d->ip = ip_of(k);
	memcpy(d->text, k->text, sizeof(d->text));
	__atomic_store_n(&d->tid, k->tid, __ATOMIC_RELEASE);
}

/* It is to run in place once nobody traces it: should the tool die after that, it gets no further.
 */
static int64_t hold(struct tl__takeover *t, struct tl__taken *k)
{
	uint8_t regs[TL__PUPPET_REGS];
	int64_t r;

	r = tl__tool_writes(&t->puppet, k->tid, ip_of(k), in_place);
	if (r < 0)
		return r;
	memcpy(regs, k->regs, sizeof(regs));
	/* No call is made, none is made again. */
	tl__taken_arch(k)->set_nr(k->regs, k->len, -1);
	r = tl__tool_asks_regs(t, TL__REQ_SETREGSET, k);
	memcpy(k->regs, regs, sizeof(regs));
	return r;
}

static bool block(struct tl__takeover *t, struct tl__taken *k)
{
	uint64_t all = UINT64_MAX;

	return tl__tool_asks_for(t, SETSIGMASK, k->tid, sizeof(all), &all, sizeof(all)) >= 0;
}

static int signal_of(const struct tl__taken *k)
{
	siginfo_t si;

	memcpy(&si, k->info, sizeof(si));
	return si.si_signo;
}

/* On to that stop, which is left for the session to wait for if it is the last. A SIGSTOP cannot be
 * blocked: it is sent again. */
static int go_on(struct tl__taken *k, bool call, bool last)
{
	struct tl__puppet_stop stop;
	int want = call ? TL__PUPPET_CALL : TL__PUPPET_SIGNAL;
	int r = tl__puppet_go_on(k->tid, call, true, &stop);

	while (r == 0 && ((int)stop.kind != want || (!call && stop.sig != signal_of(k)))) {
		k->stop_owed = true;
		r = tl__puppet_wait(k->tid, false, &stop);
		if (r == 0)
			r = tl__puppet_go_on(k->tid, call, true, &stop);
	}
	return r == 0 && !last ? tl__puppet_wait(k->tid, false, &stop) : r;
}

/* In front of its call again, and in. */
static int into_entry(struct tl__taken *k)
{
	uint8_t regs[TL__PUPPET_REGS];
	int r;

	memcpy(regs, k->regs, sizeof(regs));
	r = tl__taken_put_in_front(k);
	if (r == 0)
		r = tl__puppet_store(k->tid, k->regs, k->len);
	memcpy(k->regs, regs, sizeof(regs));
	if (r >= 0)
		r = go_on(k, true, true);
	return r < 0 ? r : tl__puppet_block(k->tid, k->mask);
}

/* By the instruction that it has come from, with a call that there is none of. */
static int into_exit(struct tl__taken *k)
{
	const struct tl__arch *arch = tl__taken_arch(k);
	uint8_t regs[TL__PUPPET_REGS];
	int r;

	memcpy(regs, k->regs, sizeof(regs));
	arch->set_nr(regs, k->len, -1);
	arch->set_ret(regs, k->len, -1);
	arch->set_ip(regs, k->len, ip_of(k) - arch->call_insn_len);
	r = tl__puppet_store(k->tid, regs, k->len);
	if (r >= 0)
		r = go_on(k, true, false);
	if (r >= 0)
		r = go_on(k, true, true);
	if (r >= 0)
		r = tl__puppet_store(k->tid, k->regs, k->len);
	return r < 0 ? r : tl__puppet_block(k->tid, k->mask);
}

static int into_signal(struct tl__taken *k)
{
	int r = tl__puppet_store(k->tid, k->regs, k->len), sig = signal_of(k);

	if (r >= 0)
		r = tl__puppet_block(k->tid, ~tl__signal_bit(sig));
	if (r >= 0 && syscall(SYS_tgkill, k->tgid, k->tid, sig) < 0)
		r = -errno;
	if (r >= 0)
		r = go_on(k, false, true);
	if (r >= 0)
		r = tl__puppet_set_info(k->tid, k->info);
	return r < 0 ? r : tl__puppet_block(k->tid, k->mask);
}

/* Back to where it was, in our hands. The last stop is left for the session to wait for. */
static int bring_back(struct tl__taken *k)
{
	struct tl__puppet_stop stop;
	int r;

	if (k->in == TL__IN_TRAP || k->judged) {
		tl__tracee_poke(k->link->tracee);
		r = tl__puppet_wait(k->tid, true, &stop);
	} else {
		r = tl__puppet_interrupt(k->tid, false, &stop);
	}
	tl__ignore(pwrite(k->mem, k->text, sizeof(k->text), (off_t)ip_of(k)) > 0);
	if (r < 0)
		return r;
	if (k->judged) {
		r = tl__puppet_store(k->tid, k->regs, k->len);
		return r < 0 ? r : tl__puppet_block(k->tid, k->mask);
	}
	switch (k->in) {
	case TL__IN_ENTRY:
	case TL__IN_CALL:
		return into_entry(k);
	case TL__IN_EXIT:
		return into_exit(k);
	case TL__IN_SIGNAL:
		return into_signal(k);
	default:
		r = tl__puppet_store(k->tid, k->regs, k->len);
		return r < 0 ? r : tl__puppet_block(k->tid, k->mask);
	}
}

static void note_link(const struct tl__taken *k)
{
	struct tl__vlink *v = &k->link->v;

	v->mode = k->mode;
	if (k->in == TL__IN_EXIT)
		k->link->call = TL__CALL_ENTERED;
	k->link->tracee->behind_call = k->in == TL__IN_EXIT && k->judged;
	/* Its tracer's own, and not that by which we have stopped it. */
	v->stop_owed = k->in == TL__IN_TRAP && k->was == TL__STANDS;
	if (k->was == TL__LISTENS)
		k->link->comes = TL__COMES_LISTENING;
	else if (k->in == TL__IN_CALL)
		k->link->comes = TL__COMES_RESUMED;
	else if (k->was == TL__STANDS && k->told)
		k->link->comes = TL__COMES_TOLD;
	tl__tracee_settle(k->link->tracee);
}

/* From a call's exit, and nothing is executed: an interrupt comes first. */
static void leave_call(struct tl__takeover *t, struct tl__taken *k)
{
	const struct timespec pause = { .tv_nsec = TL__TAKEN_WAIT_NS };

	tl__tool_asks(t, TL__REQ_INTERRUPT, k->tid, 0, 0);
	tl__tool_asks(t, TL__REQ_SYSCALL, k->tid, 0, 0);
	for (int i = 0; i < TL__TAKEN_MOST_WAITS; i++) {
		if (tl__taken_info(t, k) >= 0)
			return;
		nanosleep(&pause, NULL);
	}
}

static void bury(struct tl__takeover *t, struct tl__taken *k)
{
	int32_t status;

	if (tl__tool_calls(t, SYS_wait4, (uint64_t)k->tid, TL__WAY_ROOM, WNOHANG | __WALL, 0) ==
		    k->tid &&
	    tl__caller_read(t->puppet.tid, TL__WAY_ROOM, &status, sizeof(status)) == 0)
		tl__tracee_died(t->tool, k->tid, k->tgid, t->alone->tracer, t->alone->options,
				status);
}

static int from_tool(struct tl__takeover *t, struct tl__taken *k)
{
	int64_t r = k->in == TL__IN_GROUP_STOP ? 0 : hold(t, k);

	if (r >= 0)
		r = tl__tool_asks(t, TL__REQ_DETACH, k->tid, 0, 0);
	if (r >= 0)
		r = tl__tracee_link(t->tool->broker, k->tid, t->tool, t->alone->tracer, true,
				    t->alone->options, false, &k->link);
	return r < 0 ? (int)r : 0;
}

void tl__taken_take(struct tl__takeover *t, struct tl__taken *k)
{
	struct tl__puppet_stop stop;

	if (k->dead)
		bury(t, k);
	if (k->dead || k->late)
		return;
	if (k->judged)
		leave_call(t, k);
	if (k->in != TL__IN_GROUP_STOP)
		note_driven(t, k);
	if ((k->in != TL__IN_GROUP_STOP && !block(t, k)) || from_tool(t, k) < 0) {
		if (k->in != TL__IN_GROUP_STOP)
			tl__driven_rescue(t->tool->broker->open);
		return;
	}
	note_link(k);
	if (k->in != TL__IN_GROUP_STOP)
		tl__ignore(bring_back(k));
	else
		tl__ignore(tl__puppet_wait(k->tid, true, &stop));
	if (k->stop_owed)
		syscall(SYS_tgkill, k->tgid, k->tid, SIGSTOP);
}
