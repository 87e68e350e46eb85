/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counts the system calls of a program and its children: counter CMD ARGS... */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trapline/trapline.h>

extern char **environ;
static unsigned long counts[1024];

static tl_verdict count(struct tl_engine *engine, struct tl_task *task,
			const struct tl_event *event)
{
	(void)engine;
	(void)task;
	if (event->syscall.abi == TL_ABI_X86_64 && event->syscall.nr >= 0 &&
	    event->syscall.nr < 1024)
		counts[event->syscall.nr]++;
	return 0;
}

static tl_verdict follow(struct tl_engine *engine, struct tl_task *task,
			 const struct tl_event *event);

static const struct tl_engine_ops ops = {
	.size = sizeof(ops),
	.name = "counter",
	.syscall_entry = count,
	.clone = follow,
};

static void watch(struct tl_task *task)
{
	uint32_t events = TL_EVENTS(TL_EVENT_SYSCALL_ENTRY) | TL_EVENTS(TL_EVENT_CLONE);
	struct tl_engine *engine;

	if (tl_engine_attach(task, &ops, NULL, events, &engine) < 0)
		fprintf(stderr, "cannot watch %d\n", tl_task_tid(task));
}

static tl_verdict follow(struct tl_engine *engine, struct tl_task *task,
			 const struct tl_event *event)
{
	(void)engine;
	(void)task;
	if (event->clone.child)
		watch(event->clone.child);
	return 0;
}

int main(int argc, char **argv)
{
	struct tl_session_options so = { .size = sizeof(so) };
	struct tl_spawn_options po = {
		.size = sizeof(po), .path = argv[1], .argv = argv + 1, .envp = environ
	};
	struct tl_session *session;
	struct tl_task *task;

	if (argc < 2 || tl_session_new(&so, &session) < 0)
		return 2;
	if (tl_session_spawn(session, &po, &task) < 0)
		return 2;
	watch(task);
	if (tl_session_run(session) < 0)
		return 1;
	for (int nr = 0; nr < 1024; nr++)
		if (counts[nr])
			printf("%8lu %s\n", counts[nr], tl_syscall_name(TL_ABI_X86_64, nr));
	tl_session_free(session);
	return 0;
}
