/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calling the engines, in order, and handing each what the one before it left. */
#include "core.h"

static tl_report callback(const struct tl_engine_ops *ops, enum tl_event_type type)
{
	switch (type) {
	case TL_EVENT_QUIESCE:
		return ops->quiesce;
	case TL_EVENT_SIGNAL:
		return ops->signal;
	case TL_EVENT_HANDLER:
		return ops->handler;
	case TL_EVENT_SYSCALL_ENTRY:
		return ops->syscall_entry;
	case TL_EVENT_SYSCALL_EXIT:
		return ops->syscall_exit;
	case TL_EVENT_STEP:
		return ops->step;
	case TL_EVENT_EXEC:
		return ops->exec;
	case TL_EVENT_CLONE:
		return ops->clone;
	case TL_EVENT_VFORK_DONE:
		return ops->vfork_done;
	case TL_EVENT_GROUP_STOP:
		return ops->group_stop;
	case TL_EVENT_EXIT:
		return ops->exit;
	case TL_EVENT_DEATH:
		return ops->death;
	case TL_EVENT_SECCOMP:
		return ops->seccomp;
	case TL_EVENT_CONTINUED:
		return ops->continued;
	default:
		return NULL;
	}
}

/* Another engine may have changed the call or the signal: each sees them as they stand now. */
static void refresh(const struct tl_task *task, struct tl_event *ev)
{
	if (ev->type == TL_EVENT_SYSCALL_ENTRY || ev->type == TL_EVENT_SYSCALL_EXIT)
		ev->syscall = task->call;
	else if (ev->type == TL_EVENT_SIGNAL && task->deliver)
		tl__signal_from_info(task->stop.info, task->deliver, &ev->signal);
}

static void fold_dispositions(struct tl_event *ev, tl_verdict v)
{
	if (v & TL_SYSCALL_MASK)
		ev->action = (ev->action & ~(tl_verdict)TL_SYSCALL_MASK) | (v & TL_SYSCALL_MASK);
	if (v & TL_SIGNAL_MASK)
		ev->action = (ev->action & ~(tl_verdict)TL_SIGNAL_MASK) | (v & TL_SIGNAL_MASK);
}

static void call(struct tl_task *task, struct tl_engine *e, struct tl_event *ev)
{
	tl_report report = callback(e->ops, ev->type);
	tl_verdict v;

	/* A step is news for whoever asked for it. */
	if (ev->type == TL_EVENT_STEP && e->step == TL_STEP_NONE)
		return;
	if (!(e->events & TL_EVENTS(ev->type)) || !report)
		return;
	refresh(task, ev);
	v = report(e, task, ev);
	if (v & TL_DETACH)
		tl__engine_detach(e);
	if (e->detached)
		return;
	tl__verdict_note(e, v);
	fold_dispositions(ev, v);
}

void tl__dispatch(struct tl_task *task, struct tl_event *ev)
{
	struct tl_engine *e;

	ev->size = sizeof(*ev);
	ev->time = task->stop.time;
	task->reporting++;
	if (ev->type == TL_EVENT_SYSCALL_ENTRY)
		TAILQ_FOREACH_REVERSE (e, &task->engines, tl__engine_list, link)
			call(task, e, ev);
	else
		TAILQ_FOREACH (e, &task->engines, link)
			call(task, e, ev);
	task->reporting--;
	tl__engines_settle(task);
}

static void meet_demands(struct tl_task *task)
{
	struct tl_engine *e;

	TAILQ_FOREACH (e, &task->engines, link)
		if (e->hold == TL_HOLD_INTERRUPT || e->hold == TL_HOLD_REPORT)
			e->hold = TL_RUN;
}

/*
 * To every engine that listens. Whoever asked for it has it now; asking again from inside would
 * never end (utrace treats that as a plain resume as well).
 */
void tl__quiesce(struct tl_task *task)
{
	struct tl_event ev = { .type = TL_EVENT_QUIESCE };

	task->quiesce_owed = false;
	tl__dispatch(task, &ev);
	meet_demands(task);
}
