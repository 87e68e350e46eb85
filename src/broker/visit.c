/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Visits: a tool's thread that is nobody's tracee, seized for a moment. To break a wait that was
 * left to the kernel, unseen; or until a SIGCHLD has come that is to say what only a tracer may
 * make it say.
 */
#define _GNU_SOURCE
#include "broker.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct visit {
	struct tl__broker *broker;
	struct tl_engine *engine;
	pid_t tid;
	bool interrupting; /* its stop is to come */
	bool info_owed;
	_Alignas(8) uint8_t info[TL__INFO_SIZE];
};

static tl_verdict leave(const struct visit *v, struct tl_task *task)
{
	if (v->info_owed)
		return 0;
	/* It has become somebody's tracee meanwhile. */
	if (tl__tracee_find(v->broker, v->tid))
		return TL_DETACH;
	tl__ignore(tl_task_detach(task));
	return 0;
}

static tl_verdict on_quiesce(struct tl_engine *engine, struct tl_task *task,
			     const struct tl_event *ev)
{
	struct visit *v = tl_engine_data(engine);

	(void)ev;
	v->interrupting = false;
	return leave(v, task);
}

static tl_verdict on_signal(struct tl_engine *engine, struct tl_task *task,
			    const struct tl_event *ev)
{
	struct visit *v = tl_engine_data(engine);

	if (!v->info_owed || ev->signal.signo != SIGCHLD || ev->signal.code != SI_TKILL ||
	    ev->signal.pid != getpid())
		return 0;
	v->info_owed = false;
	tl__ignore(tl_signal_set(task, SIGCHLD, v->info));
	return leave(v, task);
}

static tl_verdict on_death(struct tl_engine *engine, struct tl_task *task,
			   const struct tl_event *ev)
{
	struct visit *v = tl_engine_data(engine);

	if (tl_task_tid(task) == v->broker->first)
		tl__first_tool_ended(v->broker, ev->exit.status);
	return 0;
}

static void on_release(struct tl_engine *engine, void *data)
{
	struct visit *v = data;

	(void)engine;
	tl__hash_del(&v->broker->visits, (uint64_t)v->tid);
	free(v);
}

static const struct tl_engine_ops ops = {
	.size = sizeof(ops),
	.name = "visit",
	.quiesce = on_quiesce,
	.signal = on_signal,
	.death = on_death,
	.release = on_release,
};

static struct visit *visit(struct tl__broker *b, pid_t tid)
{
	const uint32_t events = TL_EVENTS(TL_EVENT_QUIESCE) | TL_EVENTS(TL_EVENT_SIGNAL) |
				TL_EVENTS(TL_EVENT_DEATH);
	struct visit *v = tl__hash_get(&b->visits, (uint64_t)tid);

	if (v)
		return v;
	v = calloc(1, sizeof(*v));
	if (!v)
		return NULL;
	v->broker = b;
	v->tid = tid;
	if (tl__hash_put(&b->visits, (uint64_t)tid, v) < 0) {
		free(v);
		return NULL;
	}
	if (tl_session_seize(b->session, tid, &ops, v, events, &v->engine) < 0) {
		tl__hash_del(&b->visits, (uint64_t)tid);
		free(v);
		return NULL;
	}
	return v;
}

void tl__visit_interrupt(struct tl__broker *b, pid_t tid)
{
	struct visit *v = visit(b, tid);

	if (!v)
		return;
	v->interrupting = true;
	tl__ignore(tl_engine_control(v->engine, TL_HOLD_INTERRUPT));
}

bool tl__visit_interrupts(struct tl__broker *b, pid_t tid)
{
	const struct visit *v = tl__hash_get(&b->visits, (uint64_t)tid);

	return v && v->interrupting;
}

bool tl__visit_sigchld(struct tl__broker *b, pid_t tgid, pid_t tid, const void *info)
{
	struct visit *v = visit(b, tid);

	if (!v)
		return false;
	/* One that is pending already says the later news, as the kernel's does not; but it comes.
	 */
	memcpy(v->info, info, sizeof(v->info));
	v->info_owed = true;
	return syscall(SYS_tgkill, tgid, tid, SIGCHLD) == 0;
}
