/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The registers that the kernel hides at system call stops: read, and written, in calls of all
 * kinds. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live.h"

enum { OURS = 0x1000000, AT_ENTRY = 0x2000000, AT_EXIT = 0x3000000, MARK = 0x7a7a7a7a };

static char path[4096], count[16] = "2000";
static bool writes;
static unsigned entries, exits, elsewhere, wrong, status;

/* What a task has in the register, as far as its tracer knows. */
struct known {
	uint64_t counter, value;
};

static const char *const names64[] = { "x7", "x9", "x10" }, *const names32[] = { "ip", "r8", "r9" };

static const char *const *names(struct tl_task *task)
{
	const char *view = "";
	uint16_t machine;

	assert_int_equal(tl_task_view(task, &view, &machine), 0);
	return strcmp(view, "arm") ? names64 : names32;
}

static uint64_t reg(struct tl_task *task, const char *name)
{
	uint64_t v = 0;

	assert_int_equal(tl_task_read_reg(task, name, &v), 0);
	return v;
}

/* Right in front of, in or behind a call of ours: the counter. */
static bool is_ours(struct tl_task *task, uint64_t *counter)
{
	*counter = reg(task, names(task)[1]);
	return reg(task, names(task)[2]) == MARK;
}

static void expect(struct tl_engine *e, struct tl_task *task, const char *where, int64_t nr)
{
	struct known *k = tl_engine_data(e);
	uint64_t counter, value = reg(task, names(task)[0]);

	if (!is_ours(task, &counter))
		return;
	if (counter != k->counter)
		*k = (struct known){ counter, counter + OURS };
	if (value == k->value)
		return;
	if (wrong++ < 5)
		printf("%d: call %#llx (number %lld) %s: %#llx, not %#llx\n", tl_task_tid(task),
		       (unsigned long long)counter, (long long)nr, where, (unsigned long long)value,
		       (unsigned long long)k->value);
}

static void change(struct tl_engine *e, struct tl_task *task, uint64_t value)
{
	struct known *k = tl_engine_data(e);

	k->value = value;
	assert_int_equal(tl_task_write_reg(task, names(task)[0], value), 0);
}

static bool is_sigreturn(const struct tl_event *ev)
{
	const char *name = tl_syscall_name(ev->syscall.abi, ev->syscall.nr);

	return name && strstr(name, "sigreturn");
}

static tl_verdict on_entry(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	uint64_t counter;

	/* There the mark may be what the handler was begun with. */
	if (is_sigreturn(ev) || !is_ours(task, &counter))
		return 0;
	entries++;
	expect(e, task, "entry", ev->syscall.nr);
	if (writes && counter & 1)
		change(e, task, counter + AT_ENTRY);
	return 0;
}

static tl_verdict on_exit_(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	uint64_t counter;

	if (!is_ours(task, &counter))
		return 0;
	exits++;
	expect(e, task, is_sigreturn(ev) ? "exit of sigreturn" : "exit", ev->syscall.nr);
	if (writes && counter & 2 && !is_sigreturn(ev))
		change(e, task, counter + AT_EXIT);
	return 0;
}

static void watch(struct tl_task *task);

static tl_verdict on_other(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	elsewhere++;
	if (ev->type == TL_EVENT_CLONE && ev->clone.child)
		watch(ev->clone.child);
	expect(e, task, ev->type == TL_EVENT_SIGNAL ? "signal" : "clone", 0);
	return 0;
}

static tl_verdict on_death(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	(void)e;
	(void)task;
	if (ev->exit.status)
		status = (unsigned)ev->exit.status;
	return 0;
}

static void on_release(struct tl_engine *e, void *data)
{
	(void)e;
	free(data);
}

static const struct tl_engine_ops watching = { .size = sizeof(watching),
					       .name = "watch",
					       .syscall_entry = on_entry,
					       .syscall_exit = on_exit_,
					       .signal = on_other,
					       .clone = on_other,
					       .death = on_death,
					       .release = on_release };

static void watch(struct tl_task *task)
{
	struct known *k = malloc(sizeof(*k));

	k->counter = UINT64_MAX;
	attach(task, &watching, (intptr_t)k,
	       TL_EVENTS_SYSCALLS | TL_EVENTS(TL_EVENT_SIGNAL) | TL_EVENTS(TL_EVENT_CLONE) |
		       TL_EVENTS(TL_EVENT_DEATH) | TL_RAW_REGISTERS);
}

static void begin(const char *program, const char *how)
{
	snprintf(path, sizeof(path), "%s/%s", dir, program);
	writes = !strcmp(how, "write");
	entries = exits = elsewhere = wrong = status = 0;
	prepare = watch;
}

static void end(struct tl_session *s, unsigned least)
{
	assert_int_equal(tl_session_run(s), 0);
	tl_session_free(s);
	printf("   %s%s: %u entries, %u exits, %u other stops, %u wrong\n", path,
	       writes ? " write" : "", entries, exits, elsewhere, wrong);
	assert_int_equal(wrong, 0);
	assert_int_equal(status, 0);
	assert_true(entries >= least && exits >= least);
}

static void spawned(const char *program, const char *how, bool select)
{
	char mode[8], ignore[] = "ignore";
	char *argv[] = { path, count, mode, select ? ignore : NULL, NULL };
	struct tl_session *s = session_new(0, NULL);
	static int32_t all[460];
	struct tl_spawn_options so = {
		.size = sizeof(so), .path = path, .argv = argv, .envp = environ, .select = select
	};
	struct tl_task *task;

	strcpy(mode, how);
	begin(program, how);
	for (int i = 0; i < 460; i++)
		all[i] = i;
	so.select_64 = so.select_32 = all;
	so.n_select_64 = so.n_select_32 = 460;
	assert_int_equal(tl_session_spawn(s, &so, &task), 0);
	/* The numbers -1, -10 and 4000 are not selected. */
	end(s, (unsigned)atoi(count) / 23 * (select ? 20 : 23));
}

static void attached(const char *program, const char *how)
{
	char file[] = "/tmp/trapline-raw-XXXXXX";
	struct tl_session *s = session_new(0, NULL);
	int fd = mkstemp(file);
	pid_t pid;

	begin(program, how);
	close(fd);
	unlink(file);
	setenv("WAIT_FOR", file, 1);
	pid = fork();
	if (pid == 0) {
		execl(path, path, count, how, (char *)NULL);
		_exit(127);
	}
	unsetenv("WAIT_FOR");
	usleep(300000);
	assert_int_equal(tl_session_attach(s, pid), 0);
	close(open(file, O_CREAT | O_WRONLY, 0600));
	end(s, (unsigned)atoi(count) / 23 * 23);
	unlink(file);
}

#define TESTS(name, program)                                                                       \
	static void name##_is_read(void **state)                                                   \
	{                                                                                          \
		(void)state;                                                                       \
		spawned(program, "read", false);                                                   \
	}                                                                                          \
	static void name##_is_written(void **state)                                                \
	{                                                                                          \
		(void)state;                                                                       \
		spawned(program, "write", false);                                                  \
	}                                                                                          \
	static void name##_is_read_with_a_filter(void **state)                                     \
	{                                                                                          \
		(void)state;                                                                       \
		spawned(program, "read", true);                                                    \
	}                                                                                          \
	static void name##_is_read_and_written_attached(void **state)                              \
	{                                                                                          \
		(void)state;                                                                       \
		attached(program, "write");                                                        \
	}
TESTS(a64, "hidden_register")
TESTS(a32, "hidden_register_a32")
TESTS(t32, "hidden_register_t32")

/* The set of our own, as either kind of task has it. */
struct raw {
	uint64_t x0, hidden, orig;
	uint8_t bytes[sizeof(struct tl_raw_arm64)];
	size_t len;
};

static void read_raw(struct tl_task *task, struct raw *raw)
{
	struct tl_raw_arm64 a64;
	struct tl_raw_arm a32;
	int64_t n = tl_task_read_regset(task, TL_NT_RAW, raw->bytes, sizeof(raw->bytes));

	assert_int_equal(n, names(task) == names64 ? sizeof(a64) : sizeof(a32));
	raw->len = (size_t)n;
	memcpy(&a64, raw->bytes, sizeof(a64));
	memcpy(&a32, raw->bytes, sizeof(a32));
	if (names(task) == names64) {
		raw->x0 = a64.x[0];
		raw->hidden = a64.x[7];
		raw->orig = a64.orig_x0;
	} else {
		raw->x0 = (uint64_t)(int32_t)a32.r[0];
		raw->hidden = a32.r[12];
		raw->orig = a32.orig_r0;
	}
}

static void write_raw(struct tl_task *task, const struct raw *raw)
{
	struct tl_raw_arm64 a64;
	struct tl_raw_arm a32;
	uint8_t bytes[sizeof(raw->bytes)];

	memcpy(&a64, raw->bytes, sizeof(a64));
	memcpy(&a32, raw->bytes, sizeof(a32));
	a64.x[0] = raw->x0;
	a64.orig_x0 = raw->orig;
	a32.r[0] = (uint32_t)raw->x0;
	a32.orig_r0 = (uint32_t)raw->orig;
	memcpy(bytes, names(task) == names64 ? (void *)&a64 : (void *)&a32, raw->len);
	assert_int_equal(tl_task_write_regset(task, TL_NT_RAW, bytes, raw->len), 0);
}

static bool is_call(const struct tl_event *ev, const char *name)
{
	const char *is = tl_syscall_name(ev->syscall.abi, ev->syscall.nr);

	return is && !strcmp(is, name);
}

/* entries, exits: looked at; elsewhere: calls that came out as they were changed. */
static tl_verdict set_at_entry(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	struct raw raw;
	uint64_t counter;

	(void)e;
	if (is_sigreturn(ev) || !is_ours(task, &counter))
		return 0;
	read_raw(task, &raw);
	assert_int_equal(raw.x0, (uint64_t)-ENOSYS);
	assert_int_equal(raw.orig, ev->syscall.args[0]);
	assert_int_equal(raw.hidden, counter + OURS);
	entries++;
	if (is_call(ev, "fcntl") || is_call(ev, "fcntl64")) {
		raw.orig = 99;
		write_raw(task, &raw);
	}
	if (!is_call(ev, "getppid"))
		return 0;
	raw.x0 = 1234;
	write_raw(task, &raw);
	return TL_SYSCALL_SKIP;
}

static tl_verdict set_at_exit(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	struct raw raw;
	uint64_t counter;

	(void)e;
	if (is_sigreturn(ev) || !is_ours(task, &counter))
		return 0;
	read_raw(task, &raw);
	assert_int_equal(raw.x0, (uint64_t)ev->syscall.ret);
	assert_int_equal(raw.orig, ev->syscall.args[0]);
	assert_int_equal(raw.hidden, counter + OURS);
	exits++;
	if (is_call(ev, "fcntl") || is_call(ev, "fcntl64")) {
		assert_int_equal(ev->syscall.ret, -EBADF);
		elsewhere++;
	}
	if (is_call(ev, "getppid")) {
		assert_int_equal(ev->syscall.ret, 1234);
		elsewhere++;
	}
	return 0;
}

static const struct tl_engine_ops with_set = { .size = sizeof(with_set),
					       .name = "set",
					       .syscall_entry = set_at_entry,
					       .syscall_exit = set_at_exit };

static void watch_set(struct tl_task *task)
{
	attach(task, &with_set, 0, TL_EVENTS_SYSCALLS | TL_RAW_REGISTERS);
}

/* Nobody asked: what is hidden is refused, not made up. */
static tl_verdict refused(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	uint8_t bytes[sizeof(struct tl_raw_arm64)];
	uint64_t v;

	(void)e;
	(void)ev;
	assert_int_equal(tl_task_read_reg(task, names(task)[0], &v), -ENODATA);
	assert_int_equal(tl_task_write_reg(task, names(task)[0], 1), -ENODATA);
	assert_int_equal(tl_task_read_regset(task, TL_NT_RAW, bytes, sizeof(bytes)), -ENODATA);
	entries++;
	return 0;
}

static const struct tl_engine_ops refusing = { .size = sizeof(refusing),
					       .name = "refuse",
					       .syscall_entry = refused,
					       .syscall_exit = refused };

static void watch_refused(struct tl_task *task)
{
	attach(task, &refusing, 0, TL_EVENTS_SYSCALLS);
}

/* Sets that are not there, and sizes that are wrong. */
static tl_verdict bad_sets(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	bool is64 = names(task) == names64;
	uint8_t bytes[4096] = { 0 };

	(void)e;
	(void)ev;
	assert_int_equal(tl_task_read_regset(task, 0x1234, bytes, sizeof(bytes)), -EOPNOTSUPP);
	/* The other kind's floating point. */
	assert_int_equal(tl_task_read_regset(task, is64 ? 0x400 : 2, bytes, sizeof(bytes)),
			 -EOPNOTSUPP);
	assert_int_equal(tl_task_read_regset(task, TL_NT_RAW, bytes, 8), -ERANGE);
	assert_int_equal(tl_task_write_regset(task, TL_NT_RAW, bytes, 9), -EINVAL);
	assert_int_equal(tl_task_read_regset(task, 1, bytes, 8), -ERANGE);
	assert_int_equal(tl_task_write_regset(task, 1, bytes, 8), -EINVAL);
	entries++;
	return TL_DETACH;
}

static const struct tl_engine_ops misusing = { .size = sizeof(misusing),
					       .name = "misuse",
					       .syscall_entry = bad_sets };

static void watch_misused(struct tl_task *task)
{
	attach(task, &misusing, 0, TL_EVENTS_SYSCALLS | TL_RAW_REGISTERS);
}

static void run_with(void (*each)(struct tl_task *), const char *program)
{
	static char few[] = "460";
	char *argv[] = { path, few, NULL };
	struct tl_session *s = session_new(0, NULL);

	begin(program, "read");
	prepare = each;
	spawn(s, argv);
	assert_int_equal(tl_session_run(s), 0);
	tl_session_free(s);
}

static void the_set_has_what_is_hidden(void **state)
{
	run_with(watch_set, *state);
	/* The first thread's: half of them. */
	assert_true(entries >= 230 && exits >= 230);
	assert_true(elsewhere >= 20);
}

static void what_nobody_asked_for_is_refused(void **state)
{
	run_with(watch_refused, *state);
	assert_true(entries > 100);
}

static void bad_sets_are_refused(void **state)
{
	run_with(watch_misused, *state);
	assert_int_equal(entries, 1);
}

#define OF_THE_SET(program)                                                                        \
	cmocka_unit_test_prestate(the_set_has_what_is_hidden, program),                            \
		cmocka_unit_test_prestate(what_nobody_asked_for_is_refused, program),              \
		cmocka_unit_test_prestate(bad_sets_are_refused, program)

#define CASES(name)                                                                                \
	cmocka_unit_test(name##_is_read), cmocka_unit_test(name##_is_written),                     \
		cmocka_unit_test(name##_is_read_with_a_filter),                                    \
		cmocka_unit_test(name##_is_read_and_written_attached)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { CASES(a64), CASES(a32), CASES(t32),
					    OF_THE_SET((void *)(uintptr_t) "hidden_register"),
					    OF_THE_SET((void *)(uintptr_t) "hidden_register_a32") };

	dir = argc > 1 ? argv[1] : ".";
	if (argc > 2)
		snprintf(count, sizeof(count), "%s", argv[2]);
	if (argc > 3)
		cmocka_set_test_filter(argv[3]);
	setvbuf(stdout, NULL, _IONBF, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
