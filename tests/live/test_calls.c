/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls that a tracer changes, with the kernel's requests and without. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
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

/* seen[0]: calls that are left alone, seen[1]: entries and exits of those, seen[2]: the status. */
static tl_verdict mislead(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	const char *name = tl_syscall_name(ev->syscall.abi, ev->syscall.nr);
	uint64_t args[6];

	(void)e;
	if (ev->type == TL_EVENT_DEATH) {
		seen[2] = ev->exit.status;
		return 0;
	}
	if (!name || strcmp(name, "close"))
		return 0;
	memcpy(args, ev->syscall.args, sizeof(args));
	seen[1] += args[0] == 1500;
	if (ev->type == TL_EVENT_SYSCALL_EXIT)
		return 0;
	seen[0] += args[0] == 1500;
	if (args[0] == 1000 && args[1] & 1) {
		args[0] = 2000;
		assert_int_equal(tl_syscall_set(task, ev->syscall.nr, args), 0);
	} else if (args[0] == 4000) {
		assert_int_equal(
			tl_syscall_set(task, tl_syscall_number(ev->syscall.abi, "getppid"), args),
			0);
	}
	return 0;
}

static const struct tl_engine_ops misleading = { .size = sizeof(misleading),
						 .name = "mislead",
						 .syscall_entry = mislead,
						 .syscall_exit = mislead,
						 .death = mislead };

static uint32_t raw_too;

static void misleader(struct tl_task *task)
{
	attach(task, &misleading, 0, TL_EVENTS_SYSCALLS | TL_EVENTS(TL_EVENT_DEATH) | raw_too);
}

static void check_filter(const char *program)
{
	static char path[4096];
	char *argv[] = { path, NULL };
	struct tl_session *s;

	snprintf(path, sizeof(path), "%s/%s", dir, program);
	if (access(path, X_OK))
		return;
	memset(seen, 0, sizeof(seen));
	prepare = misleader;
	s = session_new(0, NULL);
	spawn(s, argv);
	assert_int_equal(tl_session_run(s), 0);
	tl_session_free(s);
	/* No filters here. */
	if (seen[2] == 2 << 8)
		return;
	assert_int_equal(seen[2], 0);
	assert_int_equal(seen[0], 100);
	assert_int_equal(seen[1], 200);
}

static void a_filter_judges_what_was_changed(void **state)
{
	raw_too = *state ? TL_RAW_REGISTERS : 0;
	check_filter("own_filter");
	check_filter("own_filter_32");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		VIA(a_call_can_be_another, NULL),
		VIA(a_call_can_be_another, "no-set-syscall-info"),
		VIA(a_filter_judges_what_was_changed, NULL),
		VIA(a_filter_judges_what_was_changed, "raw registers"),
	};

	dir = argc > 1 ? argv[1] : ".";
	alarm(50);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
