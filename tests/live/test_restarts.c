/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls that an engine changes and a signal breaks: what is made again, by the kernel, is the
 * changed call. And calls that a task goes through before it is let go. Usage: test_restarts DIR
 * [only-64]
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live.h"

enum { MARK = 0x7e57, BAD = 99 };

/* How it is run: with what the kernel has, without, through a filter, let go before the restart. */
struct way {
	const char *program, *pretend;
	bool filter, let_go;
};

static struct {
	const struct way *way;
	const char *call;
	int entries, again, wrong, let_go, status;
} run;

/* The mark may still stand in the registers of others. */
static bool is_the_call(const struct tl_event *ev)
{
	const char *name = tl_syscall_name(ev->syscall.abi, ev->syscall.nr);

	return ev->syscall.args[4] == MARK && name && !strcmp(name, run.call);
}

static tl_verdict on_entry(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	uint64_t args[6];

	(void)e;
	if (!is_the_call(ev))
		return 0;
	run.entries++;
	memcpy(args, ev->syscall.args, sizeof(args));
	if (args[0] == BAD && run.entries == 1) {
		args[0] = args[5];
		assert_int_equal(tl_syscall_set(task, ev->syscall.nr, args), 0);
	} else if (args[0] == args[5]) {
		run.again++;
	} else {
		run.wrong++;
	}
	return 0;
}

static tl_verdict on_call_exit(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	(void)e;
	if (run.let_go || !run.way->let_go || !is_the_call(ev))
		return 0;
	run.let_go = 1;
	assert_int_equal(tl_task_detach(task), -EINPROGRESS);
	return 0;
}

static tl_verdict on_death(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	(void)e;
	(void)task;
	run.status = ev->exit.status;
	return 0;
}

static const struct tl_engine_ops ops = { .size = sizeof(ops),
					  .name = "change",
					  .syscall_entry = on_entry,
					  .syscall_exit = on_call_exit,
					  .death = on_death };

static bool first;

static void change_the_first(struct tl_task *task)
{
	if (first)
		attach(task, &ops, 0, TL_EVENTS_SYSCALLS | TL_EVENTS(TL_EVENT_DEATH));
	first = false;
}

static struct tl_task *start(struct tl_session *s, const struct way *way, char **argv)
{
	static const char *const names[] = { "read", "nanosleep", "futex", "accept4" };
	int32_t wide[4], narrow[4];
	struct tl_spawn_options o = { .size = sizeof(o),
				      .path = argv[0],
				      .argv = argv,
				      .envp = environ,
				      .select = way->filter,
				      .select_64 = wide,
				      .n_select_64 = 4,
				      .select_32 = narrow,
				      .n_select_32 = 4 };
	struct tl_task *task;

	for (int i = 0; i < 4; i++) {
		wide[i] = (int32_t)tl_syscall_number(tl_abi_native(64), names[i]);
		narrow[i] = (int32_t)tl_syscall_number(tl_abi_native(32), names[i]);
	}
	assert_int_equal(tl_session_spawn(s, &o, &task), 0);
	return task;
}

static void check(const struct way *way, const char *call, const char *handler)
{
	bool restarts = !strcmp(handler, "none") ||
			(!strcmp(handler, "restart") && strcmp(call, "nanosleep"));
	char path[4096];
	char *argv[] = { path, (char *)(uintptr_t)call, (char *)(uintptr_t)handler, NULL };
	struct tl_session *s = session_new(0, way->pretend);
	pid_t pid;

	snprintf(path, sizeof(path), "%s/%s", dir, way->program);
	memset(&run, 0, sizeof(run));
	run.way = way;
	run.call = call;
	run.status = -1;
	first = true;
	prepare = change_the_first;
	pid = tl_task_tid(start(s, way, argv));
	assert_int_equal(tl_session_run(s), 0);
	tl_session_free(s);
	if (way->let_go) {
		assert_int_equal(run.let_go, 1);
		assert_int_equal(waitpid(pid, &run.status, 0), pid);
	}
	if (run.status || run.wrong)
		print_message("%s, %s: status %#x\n", call, handler, run.status);
	assert_int_equal(run.status, 0);
	assert_int_equal(run.wrong, 0);
	/* A sleep is restarted by a call of its own, with what the kernel has kept. */
	if (!way->let_go && strcmp(call, "nanosleep"))
		assert_int_equal(run.again, restarts);
}

/* User Mode Linux runs no others. */
static bool only_64;

static void a_restart_keeps_what_was_changed(void **state)
{
	static const char *const calls[] = { "read", "nanosleep", "futex", "accept4" };
	static const char *const handlers[] = { "restart", "plain", "none" };
	const struct way *way = *state;

	if (only_64 && strstr(way->program, "_32"))
		return;
	for (int c = 0; c < 4; c++)
		for (int h = 0; h < 3; h++)
			check(way, calls[c], handlers[h]);
}

#define OLD "no-syscall-info,no-syscall-eventmsg,no-set-syscall-info"

static struct tl_engine *holder;

static tl_verdict hold_at_exit(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	(void)task;
	holder = e;
	return seen[ev->type]++ == 4 ? TL_HOLD_STOP : 0;
}

static tl_verdict hold_at_entry(struct tl_engine *e, struct tl_task *task,
				const struct tl_event *ev)
{
	(void)e;
	(void)task;
	(void)ev;
	return seen[TL_EVENT_SYSCALL_EXIT] > 4 ? TL_HOLD_STOP : 0;
}

static const struct tl_engine_ops holding_calls = { .size = sizeof(holding_calls),
						    .name = "hold calls",
						    .syscall_entry = hold_at_entry,
						    .syscall_exit = hold_at_exit };

static void holder_of_calls(struct tl_task *task)
{
	attach(task, &holding_calls, 1, TL_EVENTS_SYSCALLS);
}

/* In front of a call that an interrupt of ours is about to break: it goes through the call first,
 * whoever holds it. */
static void a_held_task_is_let_go(void **state)
{
	char program[] = "/bin/true", *argv[] = { program, NULL };
	struct tl_session *s = session_new(0, NULL);
	struct tl_task *task;
	int status;

	(void)state;
	memset(seen, 0, sizeof(seen));
	prepare = holder_of_calls;
	task = tl_task_ref(spawn(s, argv));
	turn_until(s, is_stopped, task);
	assert_int_equal(tl_engine_control(holder, TL_RUN), 0);
	usleep(50000); /* it is there, and we do not know */
	assert_int_equal(tl_engine_control(holder, TL_HOLD_INTERRUPT), -EINPROGRESS);
	turn_until(s, is_stopped, task);
	assert_int_equal(tl_task_detach(task), -EINPROGRESS);
	turn_until(s, is_dead, task);
	assert_int_equal(waitpid(tl_task_pid(task), &status, 0), tl_task_pid(task));
	assert_int_equal(status, 0);
	tl_task_unref(task);
	tl_session_free(s);
}

int main(int argc, char **argv)
{
	static struct way ways[] = {
		{ "restarted", NULL, false, false },
		{ "restarted", "no-set-syscall-info", false, false },
		{ "restarted", OLD, false, false },
		{ "restarted", NULL, true, false },
		{ "restarted", NULL, false, true },
		{ "restarted_32", NULL, false, false },
		{ "restarted_32", NULL, true, false },
		{ "restarted_32", OLD, false, false },
		{ "restarted_32", NULL, false, true },
	};
#define WAY(i) cmocka_unit_test_prestate(a_restart_keeps_what_was_changed, &ways[i])
	const struct CMUnitTest tests[] = {
		WAY(0), WAY(1), WAY(2), WAY(3), WAY(4),
		WAY(5), WAY(6), WAY(7), WAY(8), cmocka_unit_test(a_held_task_is_let_go)
	};

	dir = argc > 1 ? argv[1] : ".";
	only_64 = getenv("ONLY_64") || (argc > 2 && !strcmp(argv[2], "only-64"));
	return cmocka_run_group_tests_name("restarted calls", tests, NULL, NULL);
}
