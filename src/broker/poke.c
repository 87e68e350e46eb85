/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Getting a tool's thread out of a wait in the kernel.
 *
 * A wait of a process that has no links is the kernel's: its child may become a tracee after that,
 * of whose stops the kernel will not tell it. An interrupt breaks the wait, unseen, and the kernel
 * makes it again, which is then told of.
 */
#include "broker.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

static tl_verdict on_quiesce(struct tl_engine *engine, struct tl_task *task,
			     const struct tl_event *ev)
{
	(void)engine;
	(void)ev;
	tl__ignore(tl_task_detach(task));
	return 0;
}

static tl_verdict on_death(struct tl_engine *engine, struct tl_task *task,
			   const struct tl_event *ev)
{
	struct tl__broker *b = tl_engine_data(engine);

	if (tl_task_tid(task) == b->first)
		tl__first_tool_ended(b, ev->exit.status);
	return 0;
}

static const struct tl_engine_ops ops = {
	.size = sizeof(ops), .name = "poke", .quiesce = on_quiesce, .death = on_death
};

static void poke(struct tl__broker *b, pid_t tid)
{
	struct tl__tracee *t = tl__tracee_find(b, tid);
	struct tl_engine *engine;

	if (t) {
		tl__tracee_poke(t);
		return;
	}
	if (tl_session_seize(b->session, tid, &ops, b,
			     TL_EVENTS(TL_EVENT_QUIESCE) | TL_EVENTS(TL_EVENT_DEATH), &engine) == 0)
		tl__ignore(tl_engine_control(engine, TL_HOLD_INTERRUPT));
}

void tl__waits_in_kernel(struct tl__broker *b, pid_t tid, bool waits)
{
	if (!waits)
		tl__hash_del(&b->in_kernel, (uint64_t)tid);
	else
		tl__ignore(tl__hash_put(&b->in_kernel, (uint64_t)tid, b));
}

void tl__poke_waits(struct tl__broker *b, pid_t tgid)
{
	for (size_t i = 0; b->in_kernel.used && i < b->in_kernel.cap; i++) {
		pid_t tid = (pid_t)b->in_kernel.slots[i].key;

		if (b->in_kernel.slots[i].value && syscall(SYS_tgkill, tgid, tid, 0) == 0)
			poke(b, tid);
	}
}
