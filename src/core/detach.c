/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Letting go: asynchronous, ordered, and leaving the task as it was.
 *
 * A task can only be detached in a stop, so a running one is interrupted first; one that sleeps in
 * vfork cannot be until its child is let go, which is why nothing here waits. A signal in delivery
 * is delivered, a group stop goes on, a call that our interrupt broke is made again. There is no
 * step in flight: a step's end is a stop too.
 */
#include "core.h"

#include "compat.h"

#include <errno.h>

/*
 * A leader that has ended before its threads is dead and cannot be detached; its death is only
 * reported when the last thread has died. Nobody can wait for that who wants to let go: once its
 * threads are let go it is given up, and stays with this thread until that ends or waits for it.
 *
 * While a thread of it is still ours it is kept: an exec by that thread is reported under the
 * leader's id. And a process that is dying as a whole will be reported.
 */
static bool is_dead_leader(const struct tl_task *task)
{
	struct tl__sys *sys = task->session->sys;
	char status[4096], state[32];

	return task->tid == task->process->tgid && task->state == TL__TASK_RUNNING &&
	       task->process->tasks == 1 &&
	       sys->ops->proc_read(sys, task->tid, TL__PROC_STATUS, status, sizeof(status)) > 0 &&
	       tl__proc_field(status, "State", state, sizeof(state)) && state[0] == 'Z' &&
	       tl__proc_field_dec(status, "Threads") > 1;
}

static void give_up_dead_leader(struct tl_session *s, pid_t tgid)
{
	struct tl_task *task = tl__task_find(s, tgid);

	if (task && task->detach_wanted && is_dead_leader(task))
		tl__task_gone(task);
}

bool tl__detach_now(struct tl_task *task)
{
	struct tl_session *s = task->session;
	pid_t tgid = task->process->tgid;
	int r;

	/* The filter stays behind and would answer ENOSYS to what it selects. */
	if (task->filtered || task->remote)
		return false;
	if (task->sited && s->site_hooks->leaving(task))
		return false;
	tl__regs_flush(task);
	/* A register, or a changed argument of a call that comes again, is not in place yet. */
	if (task->stop.hides && task->raw.write_owed) {
		task->exit_wanted |= task->stop.kind == TL__STOP_ENTRY;
		return false;
	}
	if (task->stop.kind == TL__STOP_EXIT &&
	    (task->restart_owed || tl__restart_is_put_back(task))) {
		task->interrupted = tl__pt(s->sys, TL__PT_INTERRUPT, task->tid, 0, 0) == 0;
		return false;
	}
	/* An interrupt sent before this entry breaks the call all the same: its exit must be seen.
	 * And what SYSEMU stopped is not made (judge.c). */
	if (task->stop.kind == TL__STOP_ENTRY &&
	    (task->skip_owed || task->interrupted || task->last_request == TL__PT_SYSEMU)) {
		task->exit_wanted = true;
		return false;
	}
	tl__place_release(task);
	r = tl__pt(s->sys, TL__PT_DETACH, task->tid, 0, (uint64_t)task->deliver);
	if (r == -ESRCH)
		return false;
	tl__task_gone(task);
	give_up_dead_leader(s, tgid);
	return true;
}

int tl__detach(struct tl_task *task)
{
	bool gone;

	if (task->state == TL__TASK_GONE)
		return -ESRCH;
	if (task->filtered)
		return -EBUSY;
	task->detach_wanted = true;
	if (is_dead_leader(task)) {
		tl__task_gone(task);
		return 0;
	}
	if (task->state != TL__TASK_STOPPED) {
		tl__task_interrupt(task);
		return -EINPROGRESS;
	}
	tl__task_ref(task);
	tl__task_settle(task);
	gone = task->state == TL__TASK_GONE;
	tl__task_unref(task);
	return gone ? 0 : -EINPROGRESS;
}

/*
 * Threads that ignored signals are sent to go first, for the reason that attach.c gives: once they
 * are untraced such signals are dropped again, and no thread is woken that nobody mends. The others
 * wait for a parent, which may sleep in vfork; not for a leader, which may die without a word.
 */
static bool must_wait(const struct tl_task *task)
{
	return task->process->parents && !task->parent && task->tid != task->process->tgid;
}

static void detach_each(struct tl_session *s, bool whatever)
{
	struct tl_task *task = TAILQ_FIRST(&s->tasks), *next;
	bool gone;

	while (task) {
		next = TAILQ_NEXT(task, link);
		if (next)
			tl__task_ref(next);
		if (!task->detach_wanted && (whatever || !must_wait(task))) {
			if (task->state == TL__TASK_PARKED)
				task->state = TL__TASK_STOPPED;
			tl__ignore(tl__detach(task) < 0);
		}
		/* A dead leader may have gone with its last thread. */
		gone = next && next->state == TL__TASK_GONE;
		if (next)
			tl__task_unref(next);
		task = gone ? TAILQ_FIRST(&s->tasks) : next;
	}
}

/* Those whose turn it is, and again when the last parent of a process has gone. */
void tl__detach_next(struct tl_session *s)
{
	do {
		s->parents_gone = false;
		detach_each(s, false);
	} while (s->parents_gone);
}

void tl__detach_all(struct tl_session *s)
{
	s->detaching = true;
	tl__detach_next(s);
}

/* Everything that can be detached in this moment, in whatever order. */
void tl__detach_stopped(struct tl_session *s)
{
	s->detaching = true;
	detach_each(s, true);
}
