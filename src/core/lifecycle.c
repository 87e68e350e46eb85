/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Birth, exec and death.
 *
 * A child may be seen stopped before its parent reports the birth. It is parked then, so that an
 * engine that attaches to it inside the clone report misses nothing. A parent killed between the
 * two never reports; its death, seen later, sets the orphan free.
 */
#include "core.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

struct early_death {
	struct tl__waited how;
	uint64_t when;
};

#define STALE_NS 5000000000u /* by then the thread id may be somebody else's */

/* Died before its parent reported its birth: kept until that report. */
static void remember_death(struct tl_session *s, const struct tl__waited *w, uint64_t now)
{
	struct early_death *d = tl__hash_del(&s->early_deaths, (uint64_t)w->tid);

	if (!d)
		d = malloc(sizeof(*d));
	if (!d)
		return;
	d->how = *w;
	d->when = now;
	if (tl__hash_put(&s->early_deaths, (uint64_t)w->tid, d) < 0)
		free(d);
}

static bool recall_death(struct tl_session *s, pid_t tid, uint64_t now, struct tl__waited *w)
{
	struct early_death *d = tl__hash_del(&s->early_deaths, (uint64_t)tid);
	bool fresh = d && now - d->when < STALE_NS;

	if (fresh)
		*w = d->how;
	free(d);
	return fresh;
}

void tl__lifecycle_done(struct tl_session *s)
{
	for (size_t i = 0; i < s->early_deaths.cap; i++)
		free(s->early_deaths.slots[i].value);
	tl__hash_done(&s->early_deaths);
}

static enum tl_clone_kind clone_kind(const struct tl_task *task, bool thread)
{
	if (thread)
		return TL_CLONE_THREAD;
	switch (task->stop.kind) {
	case TL__STOP_FORK:
		return TL_CLONE_FORK;
	case TL__STOP_VFORK:
		return TL_CLONE_VFORK;
	default:
		return TL_CLONE_OTHER;
	}
}

static struct tl_task *child_of(struct tl_task *parent, pid_t tid, bool thread)
{
	struct tl_session *s = parent->session;
	struct tl_task *child = tl__task_find(s, tid);

	if (!child) {
		child = tl__task_new(s, tid, thread ? parent->process->tgid : tid);
		if (!child)
			tl__fail(s, parent, "follow a child", -ENOMEM);
	}
	if (child) {
		child->filtered = parent->filtered;
		child->options = parent->options;
		child->single = parent->single;
		tl__place_born(child, parent);
		tl__raw_inherit(child, parent);
	}
	return child;
}

static void first_stop(struct tl_task *task)
{
	task->state = TL__TASK_STOPPED;
	task->quiesce_owed = true;
	/* A thread is born into the group stop of its process (task_join_group_stop). */
	task->group_stopped = task->stop.kind == TL__STOP_GROUP;
	if (task->session->detaching)
		task->detach_wanted = true;
	tl__task_settle(task);
}

void tl__lifecycle_birth(struct tl_task *task, struct tl_event *ev)
{
	struct tl_session *s = task->session;
	struct tl__waited death;
	struct tl_task *child;
	bool parked, thread;
	pid_t tid;

	/* Killed: what is owed is its death, or its exit. */
	if (!tl__stop_names(task, &tid)) {
		task->state = TL__TASK_RUNNING;
		return;
	}
	thread = s->sys->ops->same_process(s->sys, task->process->tgid, tid);
	if (!thread)
		tl__task_is_parent(task);
	child = child_of(task, tid, thread);
	ev->clone.tid = tid;
	ev->clone.kind = clone_kind(task, thread);
	ev->clone.child = child;
	parked = child && child->state == TL__TASK_PARKED;
	if (child)
		child->reporting++; /* it must not start while it is being reported */
	tl__dispatch(task, ev);
	if (!child)
		return;
	child->reporting--;
	tl__engines_settle(child);
	if (recall_death(s, child->tid, task->stop.time, &death))
		tl__lifecycle_death(child, &death, task->stop.time);
	else if (parked)
		first_stop(child);
}

static void report_death(struct tl_task *task, struct tl_event *ev)
{
	if (task->state == TL__TASK_PARKED)
		return;
	ev->type = TL_EVENT_DEATH;
	ev->exit.last_thread = task->process->tasks == 1;
	tl__dispatch(task, ev);
}

/* A thread other than the leader has become the program, under the leader's thread id. */
void tl__lifecycle_exec(struct tl_task *task, pid_t former)
{
	struct tl_session *s = task->session;
	struct tl_event ev = { .exit = { .superseded = true } };
	struct tl_task *thread = tl__task_find(s, former);

	if (former == task->tid || !thread || thread == task)
		return;
	/* The old leader never reports its own death. */
	tl__task_ref(task);
	report_death(task, &ev);
	thread->stop = task->stop;
	thread->state = task->state;
	thread->waited = task->waited;
	thread->unconsumed = task->unconsumed;
	task->unconsumed = false;
	tl__task_gone(task);
	if (tl__task_rename(thread, task->tid) < 0)
		tl__fail(s, thread, "follow an exec", -ENOMEM);
	tl__task_unref(task);
}

static bool has_vanished(const struct tl_task *task)
{
	struct tl__sys *sys = task->session->sys;
	char status[4096];

	/* Others end as any task does; and a dead leader is there, traced, until all are dead. */
	return task->state == TL__TASK_RUNNING && task->tid == task->process->tgid &&
	       sys->ops->proc_read(sys, task->tid, TL__PROC_STATUS, status, sizeof(status)) > 0 &&
	       tl__proc_field_dec(status, "TracerPid") != task->session->owner;
}

/*
 * When a thread that nobody traces calls exec, the leader that we trace is released without a word
 * (fs/exec.c: de_thread), and its id is the thread's.
 */
void tl__lifecycle_sweep(struct tl_session *s)
{
	struct tl_event ev = { .exit = { .superseded = true } };
	struct tl_task *task;

	TAILQ_FOREACH (task, &s->tasks, link)
		if (has_vanished(task))
			break;
	if (!task)
		return;
	tl__task_ref(task);
	report_death(task, &ev);
	tl__task_gone(task);
	tl__task_unref(task);
	tl__lifecycle_sweep(s); /* the callbacks may have changed the list */
}

enum { REPORTS_BIRTHS = TL__PTO_FORK | TL__PTO_VFORK | TL__PTO_CLONE };

static long parent_of(struct tl_session *s, pid_t tid)
{
	char status[4096];

	if (s->sys->ops->proc_read(s->sys, tid, TL__PROC_STATUS, status, sizeof(status)) < 0)
		return -1;
	return tl__proc_field_dec(status, "PPid");
}

static bool reports_births(const struct tl_task *task)
{
	return task->options & REPORTS_BIRTHS && task->state != TL__TASK_PARKED;
}

/* Whether a task may have made this one and will report it: one of its process's (of a thread), or
 * of its parent's, or (CLONE_PARENT) one that has the same parent. */
static bool is_expected(struct tl_session *s, const struct tl_task *task, pid_t tgid, pid_t ppid)
{
	pid_t maker = tgid == task->tid ? ppid : tgid;
	const struct tl_task *other;

	TAILQ_FOREACH (other, &s->tasks, link)
		if (other->process->tgid == maker && reports_births(other))
			return true;
	if (tgid != task->tid)
		return false;
	TAILQ_FOREACH (other, &s->tasks, link)
		if (reports_births(other) && parent_of(s, other->tid) == ppid)
			return true;
	return false;
}

/*
 * A parked task that nobody will report: its parent (or, of a thread, its process) has died; or has
 * made it with CLONE_PTRACE, which attaches it without a word of it.
 */
static bool is_orphan(struct tl_session *s, const struct tl_task *task)
{
	char status[4096];
	long ppid, tgid;

	/* Killed while parked: its death is on the way, and its parent may yet report it. */
	if (s->sys->ops->proc_read(s->sys, task->tid, TL__PROC_STATUS, status, sizeof(status)) < 0)
		return false;
	ppid = tl__proc_field_dec(status, "PPid");
	tgid = tl__proc_field_dec(status, "Tgid");
	if (!tl__hash_get(&s->processes, (uint64_t)(tgid == task->tid ? ppid : tgid)))
		return true;
	return !is_expected(s, task, (pid_t)tgid, (pid_t)ppid);
}

static void adopt_orphans(struct tl_session *s)
{
	struct tl_task *task, *next;

	for (task = TAILQ_FIRST(&s->tasks); task; task = next) {
		next = TAILQ_NEXT(task, link);
		if (task->state != TL__TASK_PARKED || !is_orphan(s, task))
			continue;
		tl__task_announce(task, TL_ORIGIN_ORPHAN);
		first_stop(task);
		return adopt_orphans(s); /* the callbacks may have changed the list */
	}
}

void tl__lifecycle_death(struct tl_task *task, const struct tl__waited *w, uint64_t now)
{
	struct tl_session *s = task->session;
	struct tl_event ev = { 0 };

	if (task->state == TL__TASK_PARKED)
		remember_death(s, w, now);
	ev.exit.killed = w->kind == TL__WAIT_KILLED;
	ev.exit.core_dumped = w->core_dumped;
	ev.exit.status = ev.exit.killed ? w->code | (w->core_dumped ? 0x80 : 0) : w->code << 8;
	task->stop.time = now;
	task->regs_valid = false;
	tl__task_ref(task);
	report_death(task, &ev);
	tl__task_gone(task);
	tl__task_unref(task);
	adopt_orphans(s);
}

/* A stop of a task that nobody has told us about: a child ahead of its parent's report. */
void tl__lifecycle_unknown(struct tl_session *s, const struct tl__waited *w, uint64_t now)
{
	char status[4096];
	struct tl_task *task;
	long tgid;

	if (w->kind != TL__WAIT_STOPPED) {
		remember_death(s, w, now);
		return;
	}
	if (s->sys->ops->proc_read(s->sys, w->tid, TL__PROC_STATUS, status, sizeof(status)) < 0)
		return;
	tgid = tl__proc_field_dec(status, "Tgid");
	task = tl__task_new(s, w->tid, tgid > 0 ? (pid_t)tgid : w->tid);
	if (!task) {
		tl__fail(s, NULL, "follow a child", -ENOMEM);
		return;
	}
	task->state = TL__TASK_PARKED;
	tl__stop_from_wait(w, &task->stop);
	task->stop.time = now;
	/* Its parent's death may have been reported before. */
	adopt_orphans(s);
}
