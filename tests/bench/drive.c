/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a stop costs by each way to drive a session: drive run|turn N, prints ns a stop. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <trapline/trapline.h>

extern char **environ;
static unsigned long stops;

static tl_verdict count(struct tl_engine *engine, struct tl_task *task,
			const struct tl_event *event)
{
	(void)engine;
	(void)task;
	(void)event;
	stops++;
	return 0;
}

static const struct tl_engine_ops ops = {
	.size = sizeof(ops),
	.name = "drive",
	.syscall_entry = count,
	.syscall_exit = count,
};

static int drive_by_turns(struct tl_session *session)
{
	struct pollfd p = { .fd = tl_session_fd(session), .events = POLLIN };
	int left;

	while ((left = tl_session_turn(session)) > 0)
		if (poll(&p, 1, -1) < 0)
			return -1;
	return left;
}

int main(int argc, char **argv)
{
	struct tl_session_options so = { .size = sizeof(so) };
	char path[] = "./loop", *loop[] = { path, argc > 2 ? argv[2] : NULL, NULL };
	struct tl_spawn_options po = {
		.size = sizeof(po), .path = path, .argv = loop, .envp = environ
	};
	struct tl_session *session;
	struct tl_engine *engine;
	struct timespec a, b;
	struct tl_task *task;

	if (argc < 3 || tl_session_new(&so, &session) < 0 ||
	    tl_session_spawn(session, &po, &task) < 0 ||
	    tl_engine_attach(task, &ops, NULL, TL_EVENTS_SYSCALLS, &engine) < 0)
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &a);
	if (strcmp(argv[1], "turn") ? tl_session_run(session) : drive_by_turns(session))
		return 1;
	clock_gettime(CLOCK_MONOTONIC, &b);
	tl_session_free(session);
	printf("%.1f\n", ((b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec)) / stops);
	return 0;
}
