/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The loop: wait, type the stop, hand it on. Nobody else concludes that a task has died. */
#include "core.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SIGTRAP_ = 5, EVENT_EXIT = 6 };

void tl__load_siginfo(struct tl_task *task)
{
	int r = tl__pt_buf(task->session->sys, TL__PT_GETSIGINFO, task->tid, 0, task->stop.info,
			   sizeof(task->stop.info));

	task->stop.have_info = r >= 0;
}

static bool tells_of_exit(const uint8_t *info)
{
	int32_t head[3]; /* signo, errno, code */

	memcpy(head, info, sizeof(head));
	return head[0] == SIGTRAP_ && head[2] == (SIGTRAP_ | EVENT_EXIT << 8);
}

/* An exit's message: what was exited with, times 256; or a signal's number, and whether it has
 * dumped core. */
static bool may_be_a_status(uint64_t msg)
{
	enum { STATUS = 0x100, SIGNAL = 0x40, CORE = 0x80 };

	return msg % STATUS == 0 || (msg < STATUS && (msg & ~(uint64_t)CORE) <= SIGNAL);
}

bool tl__stop_names(struct tl_task *task, pid_t *ret)
{
	uint64_t msg = 0;

	if (tl__pt_buf(task->session->sys, TL__PT_GETEVENTMSG, task->tid, 0, &msg, sizeof(msg)) < 0)
		return false;
	*ret = (pid_t)msg;
	return !may_be_a_status(msg) || !tl__is_exiting(task);
}

bool tl__is_exiting(struct tl_task *task)
{
	uint8_t info[sizeof(task->stop.info)];

	return tl__pt_buf(task->session->sys, TL__PT_GETSIGINFO, task->tid, 0, info,
			  sizeof(info)) >= 0 &&
	       tells_of_exit(info);
}

static bool stepping(const struct tl_task *task)
{
	return task->last_request == TL__PT_SINGLESTEP ||
	       task->last_request == TL__PT_SINGLEBLOCK ||
	       task->last_request == TL__PT_SYSEMU_SINGLESTEP;
}

/* Fills in the kind and the call of a syscall stop. False when there is nothing to report. */
static bool type_stop(struct tl_task *task)
{
	int r = 0;

	switch (task->stop.kind) {
	case TL__STOP_SIGNAL:
		tl__load_siginfo(task);
		/* (A program may send itself a SIGTRAP that says so.) */
		if (task->stop.sig != SIGTRAP_ && task->stop.have_info &&
		    tells_of_exit(task->stop.info)) {
			r = -ESRCH;
			break;
		}
		if (stepping(task) && tl__regs_arch(task))
			tl__stop_refine(&task->stop, tl__regs_arch(task)->step_call_code);
		tl__step_typed(task);
		break;
	case TL__STOP_SYSCALL:
		r = tl__syscall_stop(task);
		task->stop.hides = true;
		break;
	case TL__STOP_SECCOMP:
		if (!task->filtered)
			break;
		r = tl__syscall_seccomp(task);
		if (r == 0) {
			tl__resume_claimed(task, TL__PT_CONT, 0);
			return false;
		}
		break;
	default:
		break;
	}
	if (r == -ESRCH) {
		/* Killed in its stop, it may stand in the one of its exit already, of which what
		 * was asked here tells; or all that is owed is its death. */
		task->state = TL__TASK_RUNNING;
		return false;
	}
	if (r < 0)
		tl__fail(task->session, task, "tell a system call stop", r);
	return true;
}

/* The interrupt's own stop, or another that took its place: the kernel drops a queued one at any
 * trap. */
static void settle_interrupt(struct tl_task *task)
{
	if (!task->interrupted || task->stop.kind == TL__STOP_ENTRY)
		return;
	task->interrupted = false;
	task->stop.asked = true;
	if (task->stop.kind == TL__STOP_TRAP)
		tl__reissue_broken(task);
}

static void exec_under_new_id(struct tl_task **task)
{
	pid_t tid = (*task)->tid, former;
	struct tl_session *s = (*task)->session;

	/* Until its stop is taken, a task that exec has given another id answers no request (since
	 * 5.13: kernel/ptrace.c, looks_like_a_spurious_pid). */
	tl__task_consume(*task);
	if (!tl__stop_names(*task, &former))
		return;
	tl__lifecycle_exec(*task, former);
	*task = tl__task_find(s, tid);
}

/* Let go in the middle of a call, which goes on: its engines see no end of it. */
static bool broken_by_detach(struct tl_task *task)
{
	if (!task->detach_wanted || task->stop.kind != TL__STOP_EXIT || task->skip_owed)
		return false;
	return tl__is_restart_code(task->call.ret) || tl__reissue_broken(task);
}

/* Nothing to be told; what engines want is seen to, if it has not gone on already. */
static void at_site(struct tl_task *task)
{
	if (task->state != TL__TASK_STOPPED)
		return;
	task->interrupted = false;
	tl__place_stopped(task);
	tl__task_settle(task);
}

static void stopped(struct tl_task *task)
{
	tl__systrack_stop(&task->track, task->stop.kind);
	if (tl__claim(task))
		return;
	if (task->sited && task->session->site_hooks->stopped(task)) {
		at_site(task);
		return;
	}
	if (!type_stop(task))
		return;
	if (tl__raw_stopped(task))
		return;
	if (tl__step_stopped(task))
		return;
	tl__restart_repair(task);
	settle_interrupt(task);
	tl__place_stopped(task);
	tl__task_ref(task);
	if (!broken_by_detach(task))
		tl__report_stop(task);
	tl__task_settle(task);
	tl__task_unref(task);
}

static void handle(struct tl_session *s, const struct tl__waited *w, bool peeked)
{
	struct tl_task *task = tl__task_find(s, w->tid);
	uint64_t now = s->sys->ops->clock(s->sys);

	if (!task) {
		if (peeked)
			s->sys->ops->consume(s->sys, w);
		tl__lifecycle_unknown(s, w, now);
		return;
	}
	if (w->kind != TL__WAIT_STOPPED) {
		if (peeked)
			s->sys->ops->consume(s->sys, w);
		tl__lifecycle_death(task, w, now);
		return;
	}
	tl__stop_from_wait(w, &task->stop);
	task->waited = *w;
	task->stop.time = now;
	task->unconsumed = peeked;
	task->regs_valid = false;
	if (task->state == TL__TASK_STARTING) {
		task->quiesce_owed = true;
		task->detach_wanted |= s->detaching;
	}
	task->state = TL__TASK_STOPPED;
	if (task->stop.kind == TL__STOP_EXEC)
		exec_under_new_id(&task);
	if (task)
		stopped(task);
}

enum { LOOK_EVERY = 8 };

static int take_one(struct tl_session *s, unsigned flags)
{
	struct tl__waited w;
	int r = s->sys->ops->wait(s->sys, flags | TL__WAIT_PEEK, &w);

	if (r > 0)
		handle(s, &w, true);
	return r;
}

static bool room_for(struct tl_session *s, size_t n)
{
	struct tl__waited *more;

	if (n < s->batch_size)
		return true;
	more = realloc(s->batch, (n + 64) * sizeof(*more));
	if (!more)
		return false;
	s->batch = more;
	s->batch_size = n + 64;
	return true;
}

/* One that has to do with a site is looked at before it is taken: once it is, and we are killed,
 * the thread goes on behind the breakpoint. */
static int take_next(struct tl_session *s, unsigned flags, struct tl__waited *w)
{
	struct tl_task *task;
	int r;

	if (!s->site_hooks)
		return s->sys->ops->wait(s->sys, flags, w);
	r = s->sys->ops->wait(s->sys, flags | TL__WAIT_PEEK, w);
	if (r <= 0)
		return r;
	task = tl__task_find(s, w->tid);
	if (task && task->sited && w->kind == TL__WAIT_STOPPED) {
		task->regs_valid = false;
		tl__stop_from_wait(w, &task->stop);
		if (task->stop.kind == TL__STOP_SIGNAL && task->stop.sig == SIGTRAP_)
			s->site_hooks->secure(task);
	}
	s->sys->ops->consume(s->sys, w);
	return r;
}

static int take_all(struct tl_session *s, unsigned flags)
{
	size_t n = 0;
	int r = -ENOMEM;

	while (room_for(s, n)) {
		r = take_next(s, n ? TL__WAIT_NOHANG : flags, &s->batch[n]);
		if (r <= 0)
			break;
		n++;
	}
	if (!n)
		return r;
	for (size_t i = 0; i < n; i++)
		handle(s, &s->batch[i], false);
	return (int)n;
}

/*
 * With one task its stop is only peeked at and gone the moment it is resumed: one call less, and a
 * signal in delivery is not lost if we are killed now. With more, all stops that are ready are
 * taken before any is handled: the kernel looks for them in the order of its list, and the first
 * tasks would starve the last.
 */
static int take(struct tl_session *s, bool block)
{
	unsigned flags = block ? 0 : TL__WAIT_NOHANG;
	int r;

	if (s->parents_gone && s->detaching)
		tl__detach_next(s);
	if (s->ntasks <= 1)
		return take_one(s, flags);
	/* While but one of them stops, as a parent that waits does not, the others need no looking
	 * at each time. */
	if (s->alone) {
		s->alone--;
		return take_one(s, flags);
	}
	r = take_all(s, flags);
	if (r == 1)
		s->alone = LOOK_EVERY;
	return r;
}

static int woken(struct tl_session *s)
{
	__atomic_store_n(&s->wake, 0, __ATOMIC_RELAXED);
	return s->options.on_wake ? s->options.on_wake(s, s->options.data) : 0;
}

int tl__loop_run(struct tl_session *s)
{
	int r = 0;

	while (!s->failed && s->ntasks) {
		if (__atomic_load_n(&s->wake, __ATOMIC_RELAXED)) {
			r = woken(s);
			if (r)
				return r;
			continue;
		}
		if (s->site_hooks)
			s->site_hooks->work(s);
		/* The last may have been let go. */
		if (!s->ntasks)
			break;
		r = take(s, true);
		if (r == -ECHILD && s->ntasks)
			return tl__fail(s, NULL, "wait", r);
		if (r == -EINTR) {
			r = woken(s);
			if (r)
				return r;
		} else if (r < 0) {
			return tl__fail(s, NULL, "wait", r);
		}
	}
	return s->failed;
}

int tl__loop_turn(struct tl_session *s)
{
	int r;

	do {
		if (s->site_hooks)
			s->site_hooks->work(s);
		r = s->ntasks ? take(s, false) : 0;
	} while (r > 0 && !s->failed);
	if (s->failed)
		return s->failed;
	if (r < 0 && r != -ECHILD && r != -EINTR)
		return tl__fail(s, NULL, "wait", r);
	tl__watch_rearm(s);
	return (int)s->ntasks;
}
