/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the live tests in C begin with. Included once by each. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <trapline/trapline.h>

#include <cmocka.h>

extern char **environ;
static const char *dir;

/* What each test sets up before its program starts. */
static void (*prepare)(struct tl_task *);

static void on_task(struct tl_session *s, struct tl_task *task, enum tl_origin origin, void *data)
{
	(void)s;
	(void)origin;
	(void)data;
	if (prepare)
		prepare(task);
}

__attribute__((unused)) static struct tl_session *session_new(uint32_t flags, const char *pretend)
{
	struct tl_session_options o = {
		.size = sizeof(o), .flags = flags, .on_task = on_task, .pretend = pretend
	};
	struct tl_session *s;

	assert_int_equal(tl_session_new(&o, &s), 0);
	return s;
}

__attribute__((unused)) static struct tl_task *spawn(struct tl_session *s, char **argv)
{
	struct tl_spawn_options so = {
		.size = sizeof(so), .path = argv[0], .argv = argv, .envp = environ
	};
	struct tl_task *task;

	assert_int_equal(tl_session_spawn(s, &so, &task), 0);
	return task;
}

__attribute__((unused)) static char sh[] = "/bin/sh", dash_c[] = "-c";
__attribute__((unused)) static int seen[TL_EVENT_COUNT];

__attribute__((unused)) static void attach(struct tl_task *task, const struct tl_engine_ops *ops,
					   intptr_t data, uint32_t events)
{
	struct tl_engine *e;

	assert_int_equal(tl_engine_attach(task, ops, (void *)data, events, &e), 0);
}

/* Can this kernel do that? */
__attribute__((unused)) static bool has(const char *feature)
{
	struct tl_feature f = { .size = sizeof(f) };

	for (size_t i = 0; tl_caps_feature(i, &f) == 0; i++)
		if (!strcmp(f.name, feature))
			return f.present;
	return false;
}

__attribute__((unused)) static void turn_until(struct tl_session *s, bool (*done)(struct tl_task *),
					       struct tl_task *task)
{
	for (int i = 0; i < 5000 && !done(task); i++) {
		struct pollfd p = { .fd = tl_session_fd(s), .events = POLLIN };

		assert_true(p.fd >= 0);
		poll(&p, 1, 10);
		assert_true(tl_session_turn(s) >= 0);
	}
	assert_true(done(task));
}

__attribute__((unused)) static bool is_stopped(struct tl_task *task)
{
	return tl_task_is_stopped(task);
}

__attribute__((unused)) static bool is_dead(struct tl_task *task)
{
	uint64_t v;

	return tl_task_read_reg(task, "rip", &v) == -ESRCH;
}

#define VIA(test, how) cmocka_unit_test_prestate(test, (void *)(uintptr_t)(how))
