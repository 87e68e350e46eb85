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

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		VIA(a_call_can_be_another, NULL),
		VIA(a_call_can_be_another, "no-set-syscall-info"),
	};

	dir = argc > 1 ? argv[1] : ".";
	alarm(50);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
