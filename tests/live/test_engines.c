/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The engine contract on a real kernel, through the public headers only. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live.h"

static char true_[] = "/bin/true";
static int order[64], norder, releases;

static void reset(void)
{
	memset(seen, 0, sizeof(seen));
	norder = releases = 0;
}

static void on_release(struct tl_engine *e, void *data)
{
	(void)e;
	(void)data;
	releases++;
}

static tl_verdict note(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	(void)task;
	seen[ev->type]++;
	if (norder < 64)
		order[norder++] = (int)(intptr_t)tl_engine_data(e);
	return 0;
}

static const struct tl_engine_ops noting = {
	.size = sizeof(noting),
	.name = "noting",
	.quiesce = note,
	.signal = note,
	.handler = note,
	.syscall_entry = note,
	.syscall_exit = note,
	.step = note,
	.exec = note,
	.clone = note,
	.vfork_done = note,
	.group_stop = note,
	.exit = note,
	.death = note,
	.release = on_release,
};

static void three_in_order(struct tl_task *task)
{
	for (intptr_t i = 1; i <= 3; i++)
		attach(task, &noting, i, TL_EVENTS_SYSCALLS);
}

static void entry_runs_in_reverse(void **state)
{
	char *argv[] = { true_, NULL };
	struct tl_session *s = session_new(0, NULL);

	(void)state;
	reset();
	prepare = three_in_order;
	spawn(s, argv);
	assert_int_equal(tl_session_run(s), 0);
	tl_session_free(s);
	for (int i = 0; i < 48; i++)
		assert_int_equal(order[i], i / 3 % 2 ? i % 3 + 1 : 3 - i % 3);
	assert_int_equal(releases, 3);
	/* exit_group has no exit */
	assert_int_equal(seen[TL_EVENT_SYSCALL_ENTRY], seen[TL_EVENT_SYSCALL_EXIT] + 3);
}

static int writes, refused;

static tl_verdict no_space(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	(void)e;
	if (strcmp(tl_syscall_name(ev->syscall.abi, ev->syscall.nr), "write") || ++writes != 3)
		return 0;
	refused++;
	assert_int_equal(tl_syscall_set_result(task, -ENOSPC), 0);
	return TL_SYSCALL_SKIP;
}

static int counted, counted_failed;

static tl_verdict count_writes(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	(void)e;
	(void)task;
	if (strcmp(tl_syscall_name(ev->syscall.abi, ev->syscall.nr), "write"))
		return 0;
	counted++;
	if (ev->syscall.flags & TL_SYSCALL_FAILED) {
		counted_failed++;
		assert_int_equal(ev->syscall.ret, -ENOSPC);
		assert_true(ev->syscall.flags & TL_SYSCALL_SKIPPED);
	}
	return 0;
}

static const struct tl_engine_ops injecting = { .size = sizeof(injecting),
						.name = "inject",
						.syscall_entry = no_space };
static const struct tl_engine_ops counting = { .size = sizeof(counting),
					       .name = "count",
					       .syscall_exit = count_writes };

static void inject_and_count(struct tl_task *task)
{
	attach(task, &counting, 0, TL_EVENTS(TL_EVENT_SYSCALL_EXIT));
	attach(task, &injecting, 0, TL_EVENTS(TL_EVENT_SYSCALL_ENTRY));
}

static void one_injects_while_another_counts(void **state)
{
	static char script[] = "for i in 1 2 3 4; do echo $i || exit 9; done >/dev/null";
	char *argv[] = { sh, dash_c, script, NULL };
	struct tl_session *s = session_new(0, *state);

	writes = refused = counted = counted_failed = 0;
	prepare = inject_and_count;
	spawn(s, argv);
	assert_int_equal(tl_session_run(s), 0);
	tl_session_free(s);
	assert_int_equal(refused, 1);
	assert_true(counted >= 3);
	assert_int_equal(counted_failed, 1);
}

static long steps, stepped_entries;

static tl_verdict step_on(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	(void)e;
	(void)task;
	(void)ev;
	steps++;
	return TL_STEP_SINGLE;
}

static tl_verdict step_after_exec(struct tl_engine *e, struct tl_task *task,
				  const struct tl_event *ev)
{
	(void)e;
	(void)task;
	(void)ev;
	return TL_STEP_SINGLE;
}

static const struct tl_engine_ops stepping = {
	.size = sizeof(stepping), .name = "step", .exec = step_after_exec, .step = step_on
};

static tl_verdict see_entry(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	(void)e;
	(void)task;
	(void)ev;
	stepped_entries++;
	return 0;
}
static const struct tl_engine_ops seeing = { .size = sizeof(seeing),
					     .name = "see",
					     .syscall_entry = see_entry };

static bool with_step;

static void step_and_see(struct tl_task *task)
{
	if (with_step)
		attach(task, &stepping, 0, TL_EVENTS(TL_EVENT_EXEC) | TL_EVENTS(TL_EVENT_STEP));
	attach(task, &seeing, 0, TL_EVENTS(TL_EVENT_SYSCALL_ENTRY));
}

static long entries_of(bool step, const char *pretend)
{
	char name[4096];
	char *argv[] = { name, NULL };
	struct tl_session *s = session_new(0, pretend);

	snprintf(name, sizeof(name), "%s/static_i386", dir);
	if (access(name, X_OK) < 0 || getenv("ONLY_64"))
		snprintf(name, sizeof(name), "%s/static_64", dir);
	steps = stepped_entries = 0;
	with_step = step;
	prepare = step_and_see;
	spawn(s, argv);
	assert_int_equal(tl_session_run(s), 0);
	tl_session_free(s);
	return stepped_entries;
}

static void one_steps_while_another_sees_every_call(void **state)
{
	long plain = entries_of(false, *state), stepped = entries_of(true, *state);

	assert_true(plain > 10);
	assert_true(steps > 1000);
	assert_int_equal(stepped, plain);
}

static const char *native_pc(void)
{
	return tl_abi_native(64) == TL_ABI_ARM64 ? "pc" : "rip";
}

static struct tl_engine *holder;
static int quiesces;

static tl_verdict hold(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	(void)task;
	(void)ev;
	holder = e;
	quiesces++;
	return TL_HOLD_STOP;
}
static const struct tl_engine_ops holding = {
	.size = sizeof(holding), .name = "hold", .quiesce = hold, .release = on_release
};

static void two_holders(struct tl_task *task)
{
	attach(task, &holding, 1, TL_EVENTS(TL_EVENT_QUIESCE));
	attach(task, &holding, 2, TL_EVENTS(TL_EVENT_QUIESCE));
}

static void a_task_stays_while_anybody_holds_it(void **state)
{
	char *argv[] = { true_, NULL };
	struct tl_session *s = session_new(0, NULL);
	struct tl_engine *second;
	struct tl_task *task;
	uint64_t ip;

	(void)state;
	quiesces = 0;
	reset();
	prepare = two_holders;
	task = tl_task_ref(spawn(s, argv));
	turn_until(s, is_stopped, task);
	assert_int_equal(quiesces, 2);
	second = holder;
	assert_int_equal(tl_task_read_reg(task, native_pc(), &ip), 0);
	assert_int_equal(tl_engine_control(second, TL_RUN), 0);
	assert_true(tl_task_is_stopped(task));
	assert_int_equal(tl_session_turn(s), 1);
	assert_true(tl_task_is_stopped(task));
	/* detaching is letting go as well */
	tl_engine_detach(second);
	assert_int_equal(releases, 1);
	assert_true(tl_task_is_stopped(task));
	assert_int_equal(kill(tl_task_pid(task), SIGKILL), 0);
	turn_until(s, is_dead, task);
	assert_int_equal(releases, 2);
	assert_int_equal(tl_session_task_count(s), 0);
	tl_task_unref(task);
	tl_session_free(s);
}

static tl_verdict leave_at_first(struct tl_engine *e, struct tl_task *task,
				 const struct tl_event *ev)
{
	seen[ev->type]++;
	/* A newcomer during a report does not see that report. */
	attach(task, &noting, 9, TL_EVENTS_SYSCALLS);
	assert_int_equal(norder, 0);
	tl_engine_detach(e);
	assert_int_equal(releases, 0);
	return TL_HOLD_STOP; /* from one who has left: of no effect */
}
static const struct tl_engine_ops leaving = { .size = sizeof(leaving),
					      .name = "leave",
					      .syscall_entry = leave_at_first,
					      .release = on_release };

static void leaver(struct tl_task *task)
{
	attach(task, &leaving, 1, TL_EVENTS_SYSCALLS);
}

static void engines_come_and_go_inside_reports(void **state)
{
	char *argv[] = { true_, NULL };
	struct tl_session *s = session_new(0, NULL);

	(void)state;
	reset();
	prepare = leaver;
	spawn(s, argv);
	assert_int_equal(tl_session_run(s), 0);
	tl_session_free(s);
	assert_int_equal(releases, 2);
	assert_int_equal(order[0], 9);
	/* the newcomer's first event is the exit of that execve */
	assert_true(seen[TL_EVENT_SYSCALL_EXIT] >= seen[TL_EVENT_SYSCALL_ENTRY] - 1);
}

static void all_events(struct tl_task *task)
{
	attach(task, &noting, 1, TL_EVENTS_ALL);
}

static void every_kind_of_event_is_reported(void **state)
{
	static char script[] = "trap 'x=1' USR1; kill -USR1 $$; /bin/true; kill -STOP $$; exit 3";
	char *argv[] = { sh, dash_c, script, NULL };
	struct tl_session *s = session_new(0, NULL);
	struct tl_task *task;

	(void)state;
	reset();
	prepare = all_events;
	task = tl_task_ref(spawn(s, argv));
	for (int i = 0; i < 2000 && tl_session_task_count(s); i++) {
		struct pollfd p = { .fd = tl_session_fd(s), .events = POLLIN };

		poll(&p, 1, 10);
		assert_true(tl_session_turn(s) >= 0);
		if (seen[TL_EVENT_GROUP_STOP] == 1)
			kill(tl_task_pid(task), SIGCONT);
	}
	tl_task_unref(task);
	tl_session_free(s);
	assert_true(seen[TL_EVENT_QUIESCE] >= 1);
	assert_true(seen[TL_EVENT_SIGNAL] >= 2);
	assert_true(seen[TL_EVENT_HANDLER] >= 1);
	assert_true(seen[TL_EVENT_CLONE] >= 1);
	assert_int_equal(seen[TL_EVENT_EXEC], 1);
	assert_true(seen[TL_EVENT_GROUP_STOP] >= 2);
	assert_int_equal(seen[TL_EVENT_DEATH], 1);
	assert_int_equal(seen[TL_EVENT_EXIT], 1);
}

static void memory_is_counted_exactly(void **state)
{
	char *argv[] = { true_, NULL }, *two, buf[8192];
	struct tl_session *s = session_new(0, NULL);
	struct tl_task *task;
	tl_addr at;
	int fd;

	(void)state;
	/* Two pages of a file that has one: the second is mapped and cannot be read. */
	fd = memfd_create("one page", 0);
	assert_int_equal(ftruncate(fd, 4096), 0);
	two = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(two, MAP_FAILED);
	memset(two, 'x', 4096);
	at = (uintptr_t)two;
	quiesces = 0;
	prepare = two_holders;
	task = spawn(s, argv);
	turn_until(s, is_stopped, task);
	assert_int_equal(tl_task_read_mem(task, at, buf, 8192), 4096);
	assert_int_equal(tl_task_read_mem(task, at + 4000, buf, 200), 96);
	assert_int_equal(tl_task_read_mem(task, at + 4096, buf, 10), -EFAULT);
	assert_int_equal(tl_task_read_mem(task, 0, buf, 10), -EFAULT);
	assert_int_equal(tl_task_write_mem(task, at + 4090, "0123456789", 10), 6);
	assert_int_equal(tl_task_read_string(task, at + 4000, buf, 100), -EFAULT);
	assert_int_equal(tl_task_read_string(task, at, buf, 10), -ERANGE);
	/* text that the program itself may not write */
	at = (uintptr_t)memory_is_counted_exactly;
	assert_int_equal(tl_task_read_mem(task, at, buf, 4), 4);
	assert_int_equal(tl_task_write_mem(task, at, buf, 4), 4);
	munmap(two, 8192);
	close(fd);
	kill(tl_task_pid(task), SIGKILL);
	assert_int_equal(tl_session_run(s), 0);
	tl_session_free(s);
}

static void foreign_children_are_left_alone(void **state)
{
	char *argv[] = { true_, NULL };
	struct tl_session *s = session_new(0, NULL);
	pid_t mine = fork();
	int status;

	(void)state;
	if (mine == 0)
		_exit(42);
	usleep(20000);
	prepare = NULL;
	spawn(s, argv);
	assert_int_equal(tl_session_run(s), 0);
	tl_session_free(s);
	assert_int_equal(waitpid(mine, &status, 0), mine);
	assert_int_equal(WEXITSTATUS(status), 42);
}

static int busy;

/* Woken while the program sleeps: nothing of a running task can be read or written. */
static int look_at_running(struct tl_session *s, void *data)
{
	struct tl_task *task = *(struct tl_task **)data;
	uint8_t bytes[512];
	uint64_t v;

	(void)s;
	if (!task || busy)
		return 0;
	assert_int_equal(tl_task_read_reg(task, "no matter", &v), -EBUSY);
	assert_int_equal(tl_task_write_reg(task, "no matter", 0), -EBUSY);
	assert_int_equal(tl_task_read_regset(task, 1, bytes, sizeof(bytes)), -EBUSY);
	assert_int_equal(tl_task_write_regset(task, 1, bytes, sizeof(bytes)), -EBUSY);
	busy = 1;
	assert_int_equal(tl_task_signal(task, SIGKILL), 0);
	return 0;
}

static struct tl_session *to_be_woken;

static void wake_it(int sig)
{
	(void)sig;
	if (to_be_woken)
		tl_session_wake(to_be_woken);
}

static void a_running_task_is_busy(void **state)
{
	static char script[] = "while :; do sleep 1; done";
	char *argv[] = { sh, dash_c, script, NULL };
	struct itimerval often = { { 0, 200000 }, { 0, 200000 } }, never = { 0 };
	struct sigaction sa = { .sa_handler = wake_it };
	struct tl_task *task = NULL;
	struct tl_session_options o = { .size = sizeof(o),
					.on_wake = look_at_running,
					.data = &task };

	(void)state;
	busy = 0;
	assert_int_equal(tl_session_new(&o, &to_be_woken), 0);
	task = spawn(to_be_woken, argv);
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	assert_int_equal(tl_session_run(to_be_woken), 0);
	setitimer(ITIMER_REAL, &never, NULL);
	signal(SIGALRM, SIG_DFL);
	alarm(100);
	tl_session_free(to_be_woken);
	to_be_woken = NULL;
	assert_int_equal(busy, 1);
}

/* seen[0]: how many sets there are. */
static tl_verdict on_bad_sets(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	struct tl_regset_info info = { .size = sizeof(info) };
	static uint8_t bytes[1 << 17];

	(void)e;
	(void)ev;
	assert_int_equal(tl_task_read_regset(task, 0x7777, bytes, sizeof(bytes)), -EOPNOTSUPP);
	assert_int_equal(tl_task_write_regset(task, 0x7777, bytes, 8), -EOPNOTSUPP);
	for (size_t i = 1; tl_task_regset_info(task, i, &info) == 0; i++) {
		size_t most = (size_t)info.slot_size * info.count;
		int64_t n = tl_task_read_regset(task, info.note, bytes, most);

		/* Of our own: test_raw. */
		if (n < 0 || !strcmp(info.name, "raw"))
			continue;
		seen[0]++;
		assert_int_equal(tl_task_read_regset(task, info.note, bytes, most + 8), n);
		assert_int_equal(tl_task_read_regset(task, info.note, bytes, (size_t)n - 1),
				 -ERANGE);
		if (info.readonly)
			assert_int_equal(tl_task_write_regset(task, info.note, bytes, (size_t)n),
					 -EPERM);
		else
			assert_int_equal(tl_task_write_regset(task, info.note, bytes, most + 1),
					 -EINVAL);
	}
	return TL_DETACH;
}

static const struct tl_engine_ops bad_sets = { .size = sizeof(bad_sets),
					       .name = "bad sets",
					       .syscall_entry = on_bad_sets };

static void on_bad_sets_task(struct tl_task *task)
{
	attach(task, &bad_sets, 0, TL_EVENTS(TL_EVENT_SYSCALL_ENTRY));
}

static void sets_are_refused_for_what_is_wrong(void **state)
{
	static char script[] = "true";
	char *argv[] = { sh, dash_c, script, NULL };
	struct tl_session *s = session_new(0, NULL);

	(void)state;
	memset(seen, 0, sizeof(seen));
	prepare = on_bad_sets_task;
	spawn(s, argv);
	assert_int_equal(tl_session_run(s), 0);
	tl_session_free(s);
	/* User Mode Linux has the general one alone. */
	assert_true(seen[0] > 0 || !has("syscall-info"));
}

static void misuse_is_refused(void **state)
{
	struct {
		struct tl_session_options o;
		uint64_t newer;
	} big = { .newer = 1 };
	struct tl_session_options o = { .size = sizeof(o), .flags = 1u << 30 };
	struct tl_session *s;

	(void)state;
	assert_int_equal(tl_session_new(&o, &s), -EINVAL);
	o.flags = 0;
	o.pretend = "no-such-feature-at-all";
	assert_int_equal(tl_session_new(&o, &s), -EINVAL);
	big.o.size = sizeof(big);
	assert_int_equal(tl_session_new(&big.o, &s), -EINVAL);
	big.newer = 0;
	assert_int_equal(tl_session_new(&big.o, &s), 0);
	assert_int_equal(tl_session_attach(s, -1), -EINVAL);
	assert_int_equal(tl_session_attach(s, 1 << 29), -ESRCH);
	assert_int_equal(tl_session_attach(s, getpid()), -EPERM);
	assert_int_equal(tl_session_run(s), 0);
	tl_session_free(s);
	tl_session_free(NULL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entry_runs_in_reverse),
		VIA(one_injects_while_another_counts, NULL),
		VIA(one_injects_while_another_counts, "no-set-syscall-info,no-syscall-info"),
		VIA(one_steps_while_another_sees_every_call, NULL),
		VIA(one_steps_while_another_sees_every_call, "no-sysemu"),
		VIA(one_steps_while_another_sees_every_call, "no-syscall-info,no-syscall-eventmsg"),
		cmocka_unit_test(a_task_stays_while_anybody_holds_it),
		cmocka_unit_test(engines_come_and_go_inside_reports),
		cmocka_unit_test(every_kind_of_event_is_reported),
		cmocka_unit_test(memory_is_counted_exactly),
		cmocka_unit_test(foreign_children_are_left_alone),
		cmocka_unit_test(a_running_task_is_busy),
		cmocka_unit_test(sets_are_refused_for_what_is_wrong),
		cmocka_unit_test(misuse_is_refused),
	};

	dir = argc > 1 ? argv[1] : ".";
	alarm(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
