/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Public: engines and tasks. */
#include "api.h"

#include <errno.h>

int tl__api_check_task(const struct tl_task *task)
{
	int r;

	if (!task)
		return -EINVAL;
	/* A tombstone may have outlived its session. */
	if (task->state == TL__TASK_GONE)
		return -ESRCH;
	r = tl__api_check(task->session);
	return r;
}

int tl__api_check_stopped(const struct tl_task *task)
{
	int r = tl__api_check_task(task);

	if (r < 0)
		return r;
	return task->state == TL__TASK_STOPPED ? 0 : -EBUSY;
}

int tl_engine_attach(struct tl_task *task, const struct tl_engine_ops *ops, void *data,
		     uint32_t events, struct tl_engine **ret_engine)
{
	struct tl_engine *unused;
	int r = tl__api_check_task(task);

	if (r < 0)
		return r;
	if (!ops || ops->size < sizeof(*ops) || events & ~TL__EVENTS_KNOWN)
		return -EINVAL;
	return tl__err_public(
		tl__engine_attach(task, ops, data, events, ret_engine ? ret_engine : &unused));
}

void tl_engine_detach(struct tl_engine *engine)
{
	if (engine && !engine->detached)
		tl__engine_detach(engine);
}

int tl_engine_set_events(struct tl_engine *engine, uint32_t events)
{
	if (!engine || events & ~TL__EVENTS_KNOWN)
		return -EINVAL;
	if (engine->detached)
		return -ESRCH;
	tl__engine_set_events(engine, events);
	tl__task_sync_options(engine->task);
	return 0;
}

int tl_engine_control(struct tl_engine *engine, tl_verdict want)
{
	int r;

	if (!engine || want & ~(tl_verdict)(TL_HOLD_MASK | TL_STEP_MASK))
		return -EINVAL;
	if (engine->detached)
		return -ESRCH;
	r = tl__api_check_task(engine->task);
	return r < 0 ? r : tl__err_public(tl__engine_control(engine, want));
}

struct tl_task *tl_engine_task(const struct tl_engine *engine)
{
	return engine->task;
}

void *tl_engine_data(const struct tl_engine *engine)
{
	return engine->data;
}

struct tl_task *tl_task_ref(struct tl_task *task)
{
	return tl__task_ref(task);
}

struct tl_task *tl_task_unref(struct tl_task *task)
{
	return tl__task_unref(task);
}

struct tl_task_id tl_task_id(const struct tl_task *task)
{
	return (struct tl_task_id){ .tid = task->tid, .serial = task->serial };
}

int32_t tl_task_tid(const struct tl_task *task)
{
	return task->tid;
}

int32_t tl_task_pid(const struct tl_task *task)
{
	return task->process->tgid;
}

struct tl_session *tl_task_session(const struct tl_task *task)
{
	return task->session;
}

bool tl_task_is_stopped(const struct tl_task *task)
{
	return task->state == TL__TASK_STOPPED;
}

struct tl_task *tl_task_find(struct tl_session *session, int32_t tid)
{
	return tl__task_find(session, tid);
}

int tl_task_detach(struct tl_task *task)
{
	int r = tl__api_check_task(task);

	return r < 0 ? r : tl__err_public(tl__detach(task));
}

int tl_task_signal(struct tl_task *task, int32_t signo)
{
	int r = tl__api_check_task(task);

	if (r < 0)
		return r;
	r = task->session->sys->ops->kill(task->session->sys, task->process->tgid, task->tid,
					  signo);
	return tl__err_public(r);
}
