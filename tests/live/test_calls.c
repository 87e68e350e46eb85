/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls that a tracer changes, with the kernel's requests and without. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <errno.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live.h"

static tl_verdict change_call(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	const char *name = tl_syscall_name(ev->syscall.abi, ev->syscall.nr);
	uint64_t args[6] = { 0 };

	(void)e;
	if (name && !strcmp(name, "getuid")) {
		/* another number, and with it another result */
		assert_int_equal(tl_syscall_set(task, SYS_getppid, args), 0);
		seen[0]++;
	}
	return 0;
}

static tl_verdict check_call(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	(void)e;
	(void)task;
	if (ev->syscall.nr == SYS_getppid && seen[0] == 1) {
		assert_int_equal(ev->syscall.ret, getpid());
		seen[0]++;
	}
	return 0;
}
static const struct tl_engine_ops changing = { .size = sizeof(changing),
					       .name = "change",
					       .syscall_entry = change_call,
					       .syscall_exit = check_call };

static void changer(struct tl_task *task)
{
	attach(task, &changing, 0, TL_EVENTS_SYSCALLS);
}

static void a_call_can_be_another(void **state)
{
	static char script[] = "true";
	char *argv[] = { sh, dash_c, script, NULL };
	struct tl_session *s = session_new(0, *state);

	memset(seen, 0, sizeof(seen));
	prepare = changer;
	spawn(s, argv);
	assert_int_equal(tl_session_run(s), 0);
	tl_session_free(s);
	assert_true(seen[0] >= 2);
}

/* seen[0]: reads begun, seen[1]: of them broken by the signal, seen[2]: how the program ended. */
static tl_verdict redirect_read(struct tl_engine *e, struct tl_task *task,
				const struct tl_event *ev)
{
	uint64_t args[6];

	(void)e;
	if (ev->syscall.nr != SYS_read || seen[1] > 1)
		return 0;
	if (ev->type == TL_EVENT_SYSCALL_EXIT) {
		seen[1] += seen[0] == 1 && ev->syscall.args[0] == 3;
		return 0;
	}
	if (!seen[0] && ev->syscall.args[0] == 99) {
		memcpy(args, ev->syscall.args, sizeof(args));
		args[0] = 3;
		assert_int_equal(tl_syscall_set(task, SYS_read, args), 0);
		seen[0]++;
	} else if (seen[0]) {
		/* The restart, with what was changed. */
		assert_int_equal(ev->syscall.args[0], 3);
		seen[0]++;
	}
	return 0;
}

/* seen[3]: the task is to be let go at the exit of the call that comes again. */
static tl_verdict let_go(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	tl_verdict v = redirect_read(e, task, ev);

	if (seen[1] && !seen[3]++)
		assert_int_equal(tl_task_detach(task), -EINPROGRESS);
	return v;
}

static tl_verdict how_it_ended(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	(void)e;
	(void)task;
	seen[2] = ev->exit.status;
	return 0;
}

static const struct tl_engine_ops redirecting = { .size = sizeof(redirecting),
						  .name = "redirect",
						  .syscall_entry = redirect_read,
						  .syscall_exit = redirect_read,
						  .death = how_it_ended };

static const struct tl_engine_ops letting_go = { .size = sizeof(letting_go),
						 .name = "let go",
						 .syscall_entry = let_go,
						 .syscall_exit = let_go };

static const struct tl_engine_ops *redirector;
static int tasks;

static void redirect(struct tl_task *task)
{
	if (!tasks++)
		attach(task, redirector, 0, TL_EVENTS_SYSCALLS | TL_EVENTS(TL_EVENT_DEATH));
}

/* Returns the program's id. */
static pid_t run_restarted(const struct tl_engine_ops *ops, const char *pretend)
{
	static char path[4096];
	char *argv[] = { path, NULL };
	struct tl_session *s = session_new(0, pretend);
	pid_t pid;

	snprintf(path, sizeof(path), "%s/restarted", dir);
	memset(seen, 0, sizeof(seen));
	tasks = 0;
	seen[2] = -2;
	redirector = ops;
	prepare = redirect;
	pid = tl_task_tid(spawn(s, argv));
	assert_int_equal(tl_session_run(s), 0);
	tl_session_free(s);
	return pid;
}

static void a_restart_keeps_changed_arguments(void **state)
{
	run_restarted(&redirecting, *state);
	assert_int_equal(seen[0], 2);
	assert_int_equal(seen[1], 1);
	assert_int_equal(seen[2], 0);
}

static void a_restart_keeps_them_without_us(void **state)
{
	pid_t pid = run_restarted(&letting_go, *state);
	int status = -1;

	assert_int_equal(seen[3], 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		VIA(a_call_can_be_another, NULL),
		VIA(a_call_can_be_another, "no-set-syscall-info"),
		VIA(a_restart_keeps_changed_arguments, NULL),
		VIA(a_restart_keeps_changed_arguments, "no-set-syscall-info"),
		VIA(a_restart_keeps_changed_arguments, "no-syscall-info,no-syscall-eventmsg"),
		VIA(a_restart_keeps_them_without_us, NULL),
	};

	dir = argc > 1 ? argv[1] : ".";
	alarm(50);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
