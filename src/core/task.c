/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tasks and processes: creation, lookup, references. Identity is (tid, serial): tids are recycled.
 */
#include "core.h"

#include <errno.h>
#include <stdlib.h>

static struct tl__process *process_get(struct tl_session *s, pid_t tgid)
{
	struct tl__process *p = tl__hash_get(&s->processes, (uint64_t)tgid);

	if (!p) {
		p = calloc(1, sizeof(*p));
		if (!p)
			return NULL;
		p->tgid = tgid;
		if (tl__hash_put(&s->processes, (uint64_t)tgid, p) < 0) {
			free(p);
			return NULL;
		}
	}
	p->tasks++;
	p->refs++;
	return p;
}

static void process_unref(struct tl__process *p)
{
	if (--p->refs == 0)
		free(p);
}

/* The structure outlives the process: tombstones of its tasks still answer for their pid. */
static void process_leave(struct tl_session *s, struct tl__process *p)
{
	if (--p->tasks == 0)
		tl__hash_del(&s->processes, (uint64_t)p->tgid);
}

struct tl_task *tl__task_new(struct tl_session *s, pid_t tid, pid_t tgid)
{
	struct tl_task *task = calloc(1, sizeof(*task));

	if (!task)
		return NULL;
	task->process = process_get(s, tgid);
	if (!task->process || tl__hash_put(&s->by_tid, (uint64_t)tid, task) < 0) {
		if (task->process) {
			process_leave(s, task->process);
			process_unref(task->process);
		}
		free(task);
		return NULL;
	}
	task->session = s;
	task->tid = tid;
	task->serial = ++s->next_serial;
	task->refs = 1;
	task->state = TL__TASK_STARTING;
	task->options = tl__attach_options(s);
	TAILQ_INIT(&task->engines);
	TAILQ_INIT(&task->arriving);
	TAILQ_INSERT_TAIL(&s->tasks, task, link);
	s->ntasks++;
	return task;
}

struct tl_task *tl__task_find(struct tl_session *s, pid_t tid)
{
	return tl__hash_get(&s->by_tid, (uint64_t)tid);
}

void tl__task_is_parent(struct tl_task *task)
{
	if (task->parent)
		return;
	task->parent = true;
	task->process->parents++;
}

void tl__task_gone(struct tl_task *task)
{
	struct tl_session *s = task->session;

	if (task->state == TL__TASK_GONE)
		return;
	tl__place_gone(task);
	task->state = TL__TASK_GONE;
	task->regs_valid = false;
	tl__remote_gone(task);
	tl__engines_drop_all(task);
	if (tl__hash_get(&s->by_tid, (uint64_t)task->tid) == task)
		tl__hash_del(&s->by_tid, (uint64_t)task->tid);
	TAILQ_REMOVE(&s->tasks, task, link);
	s->ntasks--;
	if (task->parent && --task->process->parents == 0)
		s->parents_gone = true;
	process_leave(s, task->process);
	tl__task_unref(task);
}

/* After an exec from a thread that was not the leader: it goes on under the leader's id. */
int tl__task_rename(struct tl_task *task, pid_t tid)
{
	struct tl_session *s = task->session;

	tl__hash_del(&s->by_tid, (uint64_t)task->tid);
	task->tid = tid;
	return tl__hash_put(&s->by_tid, (uint64_t)tid, task);
}

void tl__task_announce(struct tl_task *task, enum tl_origin origin)
{
	struct tl_session *s = task->session;

	if (s->options.on_task && !s->detaching)
		s->options.on_task(s, task, origin, s->options.data);
}

struct tl_task *tl__task_ref(struct tl_task *task)
{
	task->refs++;
	return task;
}

struct tl_task *tl__task_unref(struct tl_task *task)
{
	if (!task || --task->refs)
		return NULL;
	process_unref(task->process);
	free(task);
	return NULL;
}
