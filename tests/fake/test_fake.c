/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A recording of a real kernel, through the core, again and again: once as it was, then with a task
 * killed before its n-th answer, for every n. Nothing may be left: no task, no engine unreleased,
 * no endless wait.
 *
 * Usage: test-fake RECORDING
 */
#define _GNU_SOURCE
#include "core.h"
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int attached, released, deaths, calls;
static const char *path;

static tl_verdict on_call(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	(void)e;
	(void)task;
	(void)ev;
	calls++;
	return 0;
}

static tl_verdict on_death(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	(void)e;
	(void)task;
	(void)ev;
	deaths++;
	return 0;
}

static void watch(struct tl_task *task);

static tl_verdict on_clone(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	(void)e;
	(void)task;
	if (ev->clone.child)
		watch(ev->clone.child);
	return 0;
}

static void on_release(struct tl_engine *e, void *data)
{
	(void)e;
	(void)data;
	released++;
}

static const struct tl_engine_ops ops = {
	.size = sizeof(ops),
	.name = "fake test",
	.quiesce = on_call,
	.signal = on_call,
	.syscall_entry = on_call,
	.syscall_exit = on_call,
	.exec = on_call,
	.clone = on_clone,
	.group_stop = on_call,
	.death = on_death,
	.release = on_release,
};

static void watch(struct tl_task *task)
{
	/* A recording "...-raw.rec" was made with --regs. */
	const uint32_t events =
		(TL_EVENTS_ALL & ~TL_EVENTS(TL_EVENT_EXIT) & ~TL_EVENTS(TL_EVENT_HANDLER)) |
		(strstr(path, "-raw") ? TL_RAW_REGISTERS : 0);
	struct tl_engine *e;

	if (tl__engine_attach(task, &ops, NULL, events, &e) == 0)
		attached++;
}

static void on_task(struct tl_session *s, struct tl_task *task, enum tl_origin origin, void *data)
{
	(void)s;
	(void)origin;
	(void)data;
	watch(task);
}

/* The recording's tracer was told to end: so are we. */
static int on_wake(struct tl_session *s, void *data)
{
	(void)data;
	/* (A spawned one was not let go: a child of the tracer's own had ended.) */
	if (tl__sys_fake_attached(s->sys))
		tl__detach_all(s);
	return 0;
}

static int begin(struct tl_session *s)
{
	char *argv[] = { NULL };
	struct tl_spawn_options so = {
		.size = sizeof(so), .path = "x", .argv = argv, .envp = argv
	};
	pid_t pid = tl__sys_fake_attached(s->sys);
	struct tl_task *task;

	return pid ? tl__attach(s, pid) : tl__spawn(s, &so, &task);
}

static int fail(unsigned long step, const char *what, int r)
{
	fprintf(stderr, "%s, killed at %lu: %s (%d)\n", path, step, what, r);
	return 1;
}

/* Returns 0, or 1 after saying what went wrong. steps: how many answers there were. */
static int play(unsigned long kill_at, unsigned long *steps)
{
	struct tl_session_options o = {
		.size = sizeof(o), .replay = path, .on_task = on_task, .on_wake = on_wake
	};
	struct tl_session *s;
	struct tl_task *task;
	int r, bad = 0;

	attached = released = deaths = calls = 0;
	r = tl__session_new(&o, &s);
	if (r < 0)
		return fail(kill_at, "cannot open", r);
	tl__sys_fake_kill_at(s->sys, kill_at);
	r = begin(s);
	if (r == 0)
		r = tl__loop_run(s);
	else if (kill_at && r == -ESRCH)
		r = 0; /* killed before the first of it was seized */
	if (r)
		bad |= fail(kill_at, s->error.op ? s->error.op : "run", r);
	if (s->ntasks)
		bad |= fail(kill_at, "tasks left", (int)s->ntasks);
	TAILQ_FOREACH (task, &s->tasks, link)
		fprintf(stderr, "  task %d: state %d, stop %d\n", (int)task->tid, (int)task->state,
			(int)task->stop.kind);
	if (tl__sys_fake_stuck(s->sys))
		bad |= fail(kill_at, "stuck", 0);
	if (!kill_at && tl__sys_fake_missing(s->sys))
		bad |= fail(0, "questions that the recording does not answer",
			    (int)tl__sys_fake_missing(s->sys));
	if (steps)
		*steps = tl__sys_fake_steps(s->sys);
	tl__session_free(s);
	if (attached != released)
		bad |= fail(kill_at, "engines not released", attached - released);
	return bad;
}

int main(int argc, char **argv)
{
	unsigned long steps = 0, stride;
	int bad;

	if (argc != 2) {
		fprintf(stderr, "usage: test-fake RECORDING\n");
		return 2;
	}
	path = argv[1];
	bad = play(0, &steps);
	if (!calls || !steps) {
		fprintf(stderr, "%s: nothing happened\n", path);
		return 1;
	}
	/* Every step; of a very long recording an even choice, and all of its beginning. */
	stride = steps > 4000 ? steps / 2000 : 1;
	for (unsigned long n = 1; n <= steps && bad < 10; n += n < 1000 ? 1 : stride)
		bad += play(n, NULL);
	printf("%s: %lu steps, %d failures\n", path, steps, bad);
	return bad != 0;
}
