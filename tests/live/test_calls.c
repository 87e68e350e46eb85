/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls that a tracer changes, with the kernel's requests and without. Usage: test_calls DIR
 * [only-64]
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
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

/* How own_filter is led astray. */
static struct way {
	const char *program, *how;
	bool raw, by_name;
} way;

static void set_first(struct tl_task *task, const struct tl_event *ev, uint64_t value)
{
	static const char *const names[] = { [TL_ABI_X86_64] = "rdi",
					     [TL_ABI_I386] = "ebx",
					     [TL_ABI_ARM64] = "x0",
					     [TL_ABI_ARM] = "r0" };
	uint64_t args[6];

	memcpy(args, ev->syscall.args, sizeof(args));
	args[0] = value;
	if (!way.by_name) {
		assert_int_equal(tl_syscall_set(task, ev->syscall.nr, args), 0);
		return;
	}
	assert_int_equal(tl_task_write_reg(task, names[ev->syscall.abi], value), 0);
	/* There the call is made with one, and judged by the other. */
	if (ev->syscall.abi == TL_ABI_ARM)
		assert_int_equal(tl_task_write_reg(task, "orig_r0", value), 0);
}

/* seen[0]: calls that are left alone, seen[1]: entries and exits of those, seen[2]: the status. */
static tl_verdict mislead(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	const char *name = tl_syscall_name(ev->syscall.abi, ev->syscall.nr);

	(void)e;
	if (ev->type == TL_EVENT_DEATH) {
		seen[2] = ev->exit.status;
		return 0;
	}
	if (!name || strcmp(name, "close"))
		return 0;
	seen[1] += ev->syscall.args[0] == 1500;
	if (ev->type == TL_EVENT_SYSCALL_EXIT)
		return 0;
	seen[0] += ev->syscall.args[0] == 1500;
	if (ev->syscall.args[0] == 1000 && ev->syscall.args[1] & 1)
		set_first(task, ev, 2000);
	else if (ev->syscall.args[0] == 4000)
		assert_int_equal(tl_syscall_set(task, tl_syscall_number(ev->syscall.abi, "getppid"),
						ev->syscall.args),
				 0);
	if (ev->syscall.args[0] != 3000 || strcmp(way.how, "skipped") != 0)
		return 0;
	assert_int_equal(tl_syscall_set_result(task, 7), 0);
	return TL_SYSCALL_SKIP;
}

static const struct tl_engine_ops misleading = { .size = sizeof(misleading),
						 .name = "mislead",
						 .syscall_entry = mislead,
						 .syscall_exit = mislead,
						 .death = mislead };

static void misleader(struct tl_task *task)
{
	attach(task, &misleading, 0,
	       TL_EVENTS_SYSCALLS | TL_EVENTS(TL_EVENT_DEATH) | (way.raw ? TL_RAW_REGISTERS : 0));
}

/* Not all kernels run others: User Mode Linux does not. */
static bool only_64;

static void a_filter_judges_what_was_changed(void **state)
{
	static char path[4096];
	struct tl_session *s;
	char *argv[] = { path, NULL, NULL };

	way = *(const struct way *)*state;
	argv[1] = (char *)(uintptr_t)way.how;
	snprintf(path, sizeof(path), "%s/%s", dir, way.program);
	if (only_64 && strstr(way.program, "_32"))
		return;
	memset(seen, 0, sizeof(seen));
	prepare = misleader;
	s = session_new(0, NULL);
	spawn(s, argv);
	assert_int_equal(tl_session_run(s), 0);
	tl_session_free(s);
	assert_int_equal(seen[2], 0);
	assert_int_equal(seen[0], 100);
	assert_int_equal(seen[1], 200);
}

int main(int argc, char **argv)
{
	static struct way ways[] = {
		{ "own_filter", "changed", false, false },
		{ "own_filter", "changed", true, false },
		{ "own_filter", "changed", false, true },
		{ "own_filter", "changed", true, true },
		{ "own_filter", "skipped", false, false },
		{ "own_filter_32", "changed", false, false },
		{ "own_filter_32", "changed", true, false },
		{ "own_filter_32", "changed", false, true },
		{ "own_filter_32", "changed", true, true },
		{ "own_filter_32", "skipped", false, false },
	};
#define WAY(i) cmocka_unit_test_prestate(a_filter_judges_what_was_changed, &ways[i])
	const struct CMUnitTest tests[] = {
		VIA(a_call_can_be_another, NULL),
		VIA(a_call_can_be_another, "no-set-syscall-info"),
		WAY(0),
		WAY(1),
		WAY(2),
		WAY(3),
		WAY(4),
		WAY(5),
		WAY(6),
		WAY(7),
		WAY(8),
		WAY(9),
	};

	dir = argc > 1 ? argv[1] : ".";
	only_64 = getenv("ONLY_64") || (argc > 2 && !strcmp(argv[2], "only-64"));
	alarm(50);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
