/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The only place where a task is restarted.
 *
 * settle() looks at a stopped task and at what its engines want now: it stays, reports a quiesce
 * first, is let go, or runs on by the one request that gives every engine its events. An -ESRCH
 * here means that it was killed meanwhile; the wait will say so.
 */
#include "core.h"

#include <errno.h>
#include <signal.h>

static bool is_call_insn(struct tl_task *task, const struct tl__arch *arch)
{
	uint64_t ip = arch->get_ip(task->regs, task->regs_len);
	unsigned len = arch->call_len(task->regs, task->regs_len);
	uint8_t insn[4] = { 0 };

	return tl__mem_read(task, ip, insn, len) == len &&
	       arch->is_call(insn, task->regs, task->regs_len);
}

/* The pc is set back to a call only when it goes on. */
bool tl__will_restart(struct tl_task *task)
{
	const struct tl__arch *arch = tl__regs_arch(task);
	struct tl__frame f;

	return arch && arch->in_syscall && arch->in_syscall(task->regs, task->regs_len) &&
	       arch->get_frame(task->regs, task->regs_len, &f) == 0 && tl__is_restart_code(f.ret) &&
	       !tl__has_handler(task);
}

bool tl__in_call_event(const struct tl_task *task)
{
	switch (task->stop.kind) {
	case TL__STOP_FORK:
	case TL__STOP_VFORK:
	case TL__STOP_CLONE:
	case TL__STOP_EXEC:
	case TL__STOP_VFORK_DONE:
		return true;
	default:
		return false;
	}
}

/*
 * A plain SINGLESTEP swallows the stops of a call that it steps over. With somebody listening for
 * calls, SYSEMU_SINGLESTEP stops at one without making it, and claim.c enters it for real. Where
 * there is no SYSEMU, the next instruction is looked at instead.
 */
static enum tl__pt_request step_request(struct tl_task *task, uint32_t step)
{
	struct tl__sys *sys = task->session->sys;
	bool calls = tl__traces_calls(task) && !task->filtered;

	/* Behind a call the step's SIGTRAP is forced: it would be unblocked, and lose its handler.
	 */
	if (tl__step_trap_blocked(task) &&
	    (tl__in_call_event(task) ||
	     (tl__regs_arch(task) && is_call_insn(task, tl__regs_arch(task)))))
		return TL__PT_SYSCALL;
	if (!calls) {
		if (step == TL_STEP_BLOCK && tl__sys_has(sys, TL__FEATURE_SINGLEBLOCK))
			return TL__PT_SINGLEBLOCK;
		return TL__PT_SINGLESTEP;
	}
	if (tl__sys_has(sys, TL__FEATURE_SYSEMU))
		return TL__PT_SYSEMU_SINGLESTEP;
	if (tl__regs_arch(task) &&
	    (is_call_insn(task, tl__regs_arch(task)) || tl__will_restart(task)))
		return TL__PT_SYSCALL;
	return TL__PT_SINGLESTEP;
}

/* In an event's stop in the middle of a call whose entry was reported: its exit is owed. */
static bool inside_reported_call(const struct tl_task *task)
{
	return tl__in_call_event(task) && task->call_valid;
}

enum tl__pt_request tl__resume_plain(const struct tl_task *task)
{
	bool calls = tl__traces_calls(task);

	if (task->stop.kind == TL__STOP_ENTRY)
		return calls || task->exit_wanted ? TL__PT_SYSCALL : TL__PT_CONT;
	if (task->filtered && !inside_reported_call(task))
		return TL__PT_CONT;
	return calls ? TL__PT_SYSCALL : TL__PT_CONT;
}

static enum tl__pt_request choose(struct tl_task *task, const struct tl__fold *fold)
{
	if (task->stop.kind == TL__STOP_GROUP && fold->step == TL_STEP_NONE &&
	    !task->passes_group_stop)
		return TL__PT_LISTEN;
	if (fold->step == TL_STEP_NONE)
		return tl__resume_plain(task);
	/* Through the call to its exit stop, which is the step's end as well. */
	if (task->stop.kind == TL__STOP_ENTRY ||
	    (inside_reported_call(task) && tl__traces_calls(task)))
		return TL__PT_SYSCALL;
	return step_request(task, fold->step);
}

bool tl__has_handler(struct tl_task *task)
{
	char status[4096];

	if (!task->deliver ||
	    task->session->sys->ops->proc_read(task->session->sys, task->tid, TL__PROC_STATUS,
					       status, sizeof(status)) < 0)
		return false;
	return tl__proc_field_hex(status, "SigCgt") >> (task->deliver - 1) & 1;
}

/* A handler's first instruction is only reported to a step: take one if the signal has a handler.
 */
static bool handler_wanted(struct tl_task *task)
{
	return tl__engines_events(task) & TL_EVENTS(TL_EVENT_HANDLER) && tl__has_handler(task);
}

static void restart(struct tl_task *task, enum tl__pt_request req, int sig)
{
	struct tl__sys *sys = task->session->sys;
	enum tl__stop_kind kind = task->stop.kind;
	int r;

	tl__arg0_resuming(task);
	tl__step_resuming(task, req);
	if (tl__regs_flush(task) < 0) {
		/* Dead, or registers that the kernel refuses: it must not run on with others. */
		task->regs_dirty = false;
	}
	task->regs_valid = false;
	task->deliver = 0;
	task->unconsumed = task->stepped_out = false;
	task->last_request = req;
	task->state = req == TL__PT_LISTEN ? TL__TASK_LISTENING : TL__TASK_RUNNING;
	tl__systrack_resume(&task->track, kind, req);
	if (!task->track.in_call)
		task->call_valid = task->raw.known = task->raw.changed = false;
	r = tl__pt(sys, req, task->tid, 0, (uint64_t)sig);
	/* -ESRCH: killed. Its death is on the way, and nobody else concludes it. */
	if (r < 0 && r != -ESRCH)
		tl__fail(task->session, task, "resume", r);
}

void tl__resume_claimed(struct tl_task *task, enum tl__pt_request req, int sig)
{
	restart(task, req, sig);
}

void tl__task_interrupt(struct tl_task *task)
{
	if (task->interrupted)
		return;
	if (task->state != TL__TASK_RUNNING && task->state != TL__TASK_LISTENING)
		return;
	tl__arg0_note_sleeper(task);
	if (tl__pt(task->session->sys, TL__PT_INTERRUPT, task->tid, 0, 0) == 0)
		task->interrupted = true;
}

void tl__task_bounce(struct tl_task *task)
{
	if (tl__pt(task->session->sys, TL__PT_INTERRUPT, task->tid, 0, 0) < 0)
		return;
	task->quiesce_owed = true;
	restart(task, tl__resume_plain(task), task->deliver);
	task->interrupted = true;
}

void tl__task_consume(struct tl_task *task)
{
	if (task->unconsumed)
		task->session->sys->ops->consume(task->session->sys, &task->waited);
	task->unconsumed = false;
}

/* A held task keeps its stop for others to see, so the wait must not find it again. From there on
 * a breakpoint's signal is gone if we are killed: the pc has to be where it goes on. */
static void stay(struct tl_task *task)
{
	if (task->unconsumed && task->sited)
		tl__regs_flush(task);
	tl__task_consume(task);
}

static bool is_at_rest(const struct tl_task *task)
{
	switch (task->stop.kind) {
	case TL__STOP_SIGNAL:
	case TL__STOP_STEP:
		/* The kernel's own interrupt comes when the signal has been dealt with. */
		return !task->deliver;
	case TL__STOP_GROUP:
	case TL__STOP_TRAP:
	case TL__STOP_HANDLER:
		return true;
	default:
		return false;
	}
}

static bool safe_point(const struct tl_task *task)
{
	if (task->session->options.flags & TL_SESSION_QUIESCE_AT_REST)
		return is_at_rest(task);
	return task->stop.kind != TL__STOP_ENTRY;
}

/* True when the quiesce is done, and the engines' wishes have to be looked at again. */
static bool quiesce_first(struct tl_task *task, const struct tl__fold *fold)
{
	bool asked = fold->hold == TL_HOLD_INTERRUPT || fold->hold == TL_HOLD_REPORT;

	if (!asked && !task->quiesce_owed)
		return false;
	if (!safe_point(task)) {
		/* In front of a call: its exit stop is the next safe point. */
		task->quiesce_owed = true;
		task->exit_wanted = task->stop.kind == TL__STOP_ENTRY;
		return false;
	}
	tl__quiesce(task);
	return true;
}

/* It has left a group stop, and is to be in it again. */
static bool is_to_stop_again(const struct tl_task *task)
{
	return task->group_stopped && !task->passes_group_stop && is_at_rest(task) &&
	       task->stop.kind != TL__STOP_GROUP && task->stop.kind != TL__STOP_TRAP;
}

static bool stops_group(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

/* A new group stop begins, for those that are in one, too (do_signal_stop). */
static void begin_group_stop(struct tl_task *task)
{
	struct tl_task *other;

	TAILQ_FOREACH (other, &task->session->tasks, link)
		if (other->process == task->process)
			other->stops_anew = other->group_stopped;
}

void tl__task_sync_options(struct tl_task *task)
{
	uint32_t want = tl__asked_options(task, tl__engines_events(task));

	if (want == task->options || task->state != TL__TASK_STOPPED)
		return;
	if (tl__pt(task->session->sys, TL__PT_SETOPTIONS, task->tid, 0, want) >= 0)
		task->options = want;
}

void tl__task_settle(struct tl_task *task)
{
	struct tl__fold fold;
	enum tl__pt_request req;
	bool interrupt, early;

	if (task->state != TL__TASK_STOPPED || task->reporting)
		return;
	do {
		if (task->detach_wanted && tl__detach_now(task))
			return;
		fold = tl__verdict_fold(task);
		if (fold.hold == TL_HOLD_STOP) {
			if (!(task->quiesce_owed && safe_point(task))) {
				stay(task);
				return;
			}
		}
	} while (quiesce_first(task, &fold) && task->state == TL__TASK_STOPPED);
	if (task->state != TL__TASK_STOPPED)
		return;
	/* What is written may ask for the call's exit. */
	tl__regs_flush(task);
	interrupt = is_to_stop_again(task) || (fold.hold == TL_HOLD_INTERRUPT && !safe_point(task));
	if (stops_group(task->deliver) && !tl__has_handler(task))
		begin_group_stop(task);
	/* What it steps through, its calls are. */
	if (fold.step != TL_STEP_NONE)
		task->hot = false;
	req = choose(task, &fold);
	if (req != TL__PT_LISTEN && handler_wanted(task) && fold.step == TL_STEP_NONE)
		req = step_request(task, TL_STEP_SINGLE);
	req = tl__step_request(task, tl__raw_request(task, req));
	tl__task_sync_options(task);
	tl__place_resuming(task, req);
	if (tl__raw_write_first(task, req) || tl__judge_leaving(task, req, interrupt))
		return;
	/* In the middle of a call it must not go on past its end. */
	early = ((interrupt && task->stop.kind != TL__STOP_ENTRY) ||
		 tl__restart_is_put_back(task)) &&
		tl__pt(task->session->sys, TL__PT_INTERRUPT, task->tid, 0, 0) == 0;
	restart(task, req, task->deliver);
	if (early)
		task->interrupted = true;
	else if (interrupt)
		tl__task_interrupt(task);
}

int tl__engine_control(struct tl_engine *e, tl_verdict want)
{
	struct tl_task *task = e->task;

	if (e->detached || task->state == TL__TASK_GONE)
		return -ESRCH;
	tl__verdict_note(e, want);
	if (task->state == TL__TASK_STOPPED) {
		if (e->hold == TL_HOLD_REPORT || e->hold == TL_HOLD_INTERRUPT)
			task->quiesce_owed = true;
		tl__task_settle(task);
		return 0;
	}
	if (e->hold == TL_RUN && e->step == TL_STEP_NONE)
		return 0;
	task->quiesce_owed = true;
	tl__task_interrupt(task);
	return -EINPROGRESS;
}
