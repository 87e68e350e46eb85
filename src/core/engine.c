/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list of engines on a task: arrivals, departures, masks. */
#include "core.h"

#include <errno.h>
#include <stdlib.h>

/* What a detached engine is left with: nothing to call, until the report that goes on is over. */
static const struct tl_engine_ops inert = { .size = sizeof(inert), .name = "detached" };

uint32_t tl__engines_events(const struct tl_task *task)
{
	const struct tl_engine *e;
	uint32_t events = 0;

	TAILQ_FOREACH (e, &task->engines, link)
		events |= e->events;
	TAILQ_FOREACH (e, &task->arriving, link)
		events |= e->events;
	return events;
}

static void release(struct tl_engine *e)
{
	void (*callback)(struct tl_engine *, void *) = e->own_ops->release;

	if (callback)
		callback(e, e->data);
	free(e);
}

void tl__engines_settle(struct tl_task *task)
{
	struct tl_engine *e, *next;

	if (task->reporting)
		return;
	while ((e = TAILQ_FIRST(&task->arriving))) {
		TAILQ_REMOVE(&task->arriving, e, link);
		TAILQ_INSERT_TAIL(&task->engines, e, link);
	}
	for (e = TAILQ_FIRST(&task->engines); e; e = next) {
		next = TAILQ_NEXT(e, link);
		if (!e->detached) {
			e->events = e->next_events;
			continue;
		}
		TAILQ_REMOVE(&task->engines, e, link);
		release(e);
	}
}

void tl__engines_drop_all(struct tl_task *task)
{
	struct tl_engine *e;

	TAILQ_FOREACH (e, &task->engines, link) {
		e->detached = true;
		e->ops = &inert;
		e->events = 0;
	}
	TAILQ_FOREACH (e, &task->arriving, link)
		e->detached = true;
	tl__engines_settle(task);
}

int tl__engine_attach(struct tl_task *task, const struct tl_engine_ops *ops, void *data,
		      uint32_t events, struct tl_engine **ret)
{
	struct tl_engine *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->task = task;
	e->ops = e->own_ops = ops;
	e->data = data;
	e->events = e->next_events = events;
	tl__judge_anew(task);
	e->hold = TL_RUN;
	e->step = TL_STEP_NONE;
	if (task->reporting)
		TAILQ_INSERT_TAIL(&task->arriving, e, link);
	else
		TAILQ_INSERT_TAIL(&task->engines, e, link);
	*ret = e;
	return 0;
}

void tl__engine_set_events(struct tl_engine *e, uint32_t events)
{
	e->next_events = events;
	tl__judge_anew(e->task);
	if (!e->task->reporting)
		e->events = events;
}

void tl__engine_detach(struct tl_engine *e)
{
	struct tl_task *task = e->task;

	e->detached = true;
	e->ops = &inert;
	e->events = 0;
	e->hold = TL_RUN;
	e->step = TL_STEP_NONE;
	if (task->reporting)
		return;
	/* The release callback may drop the last reference to the task. */
	tl__task_ref(task);
	tl__engines_settle(task);
	tl__task_settle(task);
	tl__task_unref(task);
}
