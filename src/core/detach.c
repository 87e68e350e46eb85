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

bool tl__detach_now(struct tl_task *task)
{
	struct tl_session *s = task->session;
	int r;

	/* An interrupt sent before this entry breaks the call all the same: its exit must be seen.
	 */
	if (task->stop.kind == TL__STOP_ENTRY && (task->skip_owed || task->interrupted)) {
		task->exit_wanted = true;
		return false;
	}
	/* The filter stays behind and would answer ENOSYS to what it selects. */
	if (task->filtered)
		return false;
	tl__place_release(task);
	tl__regs_flush(task);
	r = tl__pt(s->sys, TL__PT_DETACH, task->tid, 0, (uint64_t)task->deliver);
	if (r == -ESRCH)
		return false;
	tl__task_gone(task);
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

void tl__detach_all(struct tl_session *s)
{
	struct tl_task *task, *next;

	s->detaching = true;
	for (task = TAILQ_FIRST(&s->tasks); task; task = next) {
		next = TAILQ_NEXT(task, link);
		if (task->state == TL__TASK_PARKED)
			task->state = TL__TASK_STOPPED;
		tl__ignore(tl__detach(task) < 0);
	}
}
