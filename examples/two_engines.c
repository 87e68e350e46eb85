/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two engines on one thread, neither knowing of the other: one makes the third write fail with
 * ENOSPC, the other counts what came of the writes. two_engines CMD ARGS...
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <trapline/trapline.h>

extern char **environ;
static int writes, good, failed;

static bool is_write(const struct tl_event *event)
{
	const char *name = tl_syscall_name(event->syscall.abi, event->syscall.nr);

	return name && !strcmp(name, "write");
}

static tl_verdict refuse(struct tl_engine *engine, struct tl_task *task,
			 const struct tl_event *event)
{
	(void)engine;
	if (!is_write(event) || ++writes != 3)
		return 0;
	if (tl_syscall_set_result(task, -ENOSPC) < 0)
		return 0;
	return TL_SYSCALL_SKIP;
}

static tl_verdict tally(struct tl_engine *engine, struct tl_task *task,
			const struct tl_event *event)
{
	(void)engine;
	(void)task;
	if (is_write(event) && event->syscall.flags & TL_SYSCALL_FAILED)
		failed++;
	else if (is_write(event))
		good++;
	return 0;
}

static const struct tl_engine_ops refusing = { .size = sizeof(refusing),
					       .name = "refuse",
					       .syscall_entry = refuse };
static const struct tl_engine_ops tallying = { .size = sizeof(tallying),
					       .name = "tally",
					       .syscall_exit = tally };

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
	if (tl_engine_attach(task, &tallying, NULL, TL_EVENTS(TL_EVENT_SYSCALL_EXIT), &engine) <
		    0 ||
	    tl_engine_attach(task, &refusing, NULL, TL_EVENTS(TL_EVENT_SYSCALL_ENTRY), &engine) < 0)
		return 2;
	if (tl_session_run(session) < 0)
		return 1;
	printf("%d writes went well, %d failed\n", good, failed);
	tl_session_free(session);
	return 0;
}
