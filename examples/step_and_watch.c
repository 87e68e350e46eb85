/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One engine single-steps a program, another sees all of its system calls: with ptrace alone the
 * step would swallow them. step_and_watch CMD ARGS...
 */
#include <stdio.h>
#include <trapline/trapline.h>

extern char **environ;
static unsigned long steps, calls;

static tl_verdict step(struct tl_engine *engine, struct tl_task *task, const struct tl_event *event)
{
	(void)engine;
	(void)task;
	steps += event->type == TL_EVENT_STEP;
	return TL_STEP_SINGLE;
}

static tl_verdict see(struct tl_engine *engine, struct tl_task *task, const struct tl_event *event)
{
	(void)engine;
	(void)task;
	(void)event;
	calls++;
	return 0;
}

static const struct tl_engine_ops stepping = {
	.size = sizeof(stepping), .name = "step", .exec = step, .step = step
};
static const struct tl_engine_ops seeing = { .size = sizeof(seeing),
					     .name = "see",
					     .syscall_entry = see };

int main(int argc, char **argv)
{
	struct tl_session_options so = { .size = sizeof(so) };
	struct tl_spawn_options po = {
		.size = sizeof(po), .path = argv[1], .argv = argv + 1, .envp = environ
	};
	struct tl_session *session;
	struct tl_engine *engine;
	struct tl_task *task;

	if (argc < 2 || tl_session_new(&so, &session) < 0 ||
	    tl_session_spawn(session, &po, &task) < 0)
		return 2;
	if (tl_engine_attach(task, &seeing, NULL, TL_EVENTS(TL_EVENT_SYSCALL_ENTRY), &engine) < 0 ||
	    tl_engine_attach(task, &stepping, NULL,
			     TL_EVENTS(TL_EVENT_EXEC) | TL_EVENTS(TL_EVENT_STEP), &engine) < 0)
		return 2;
	if (tl_session_run(session) < 0)
		return 1;
	printf("%lu steps, %lu calls\n", steps, calls);
	tl_session_free(session);
	return 0;
}
