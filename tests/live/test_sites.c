/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sites in running programs: every hit is told, and the program sees none. Usage: test_sites DIR
 * [DIVISOR] */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live.h"

/* Those that stay, and those that come and go. */
enum { HOT, OUTER, FIXED, FUNCTIONS = 6, EVERY = 20 };

static struct {
	const char *program;
	uint64_t at[FUNCTIONS], hits[FUNCTIONS], sum;
	struct tl_site *site[FUNCTIONS];
	int refused, armed, added, released, status;
	bool told;
} run;

static bool churn;
static const struct tl_site_ops site_ops;

static void add(struct tl_task *task, uint64_t i)
{
	run.added++;
	assert_int_equal(tl_site_add(task, run.at[i], &site_ops, &run.hits[i], &run.site[i]), 0);
}

static void change(struct tl_task *task, uint64_t i)
{
	if (!run.site[i]) {
		add(task, i);
	} else if (tl_site_state(run.site[i]) == TL_SITE_ARMED) {
		tl_site_remove(run.site[i]);
		run.site[i] = NULL;
	}
}

static const char *pc_name(void)
{
	if (tl_abi_native(64) != TL_ABI_X86_64)
		return "pc";
	return strstr(run.program, "_32") ? "eip" : "rip";
}

static void on_hit(struct tl_site *site, struct tl_task *task, const struct tl_hit *hit)
{
	uint64_t *count = tl_site_data(site), pc = 0;

	assert_int_equal(hit->ip, tl_site_address(site));
	assert_int_equal(tl_task_read_reg(task, pc_name(), &pc), 0);
	assert_int_equal(pc, hit->ip);
	(*count)++;
	if (churn && count == &run.hits[HOT] && *count % EVERY == 0)
		change(task, FIXED + *count / EVERY % (FUNCTIONS - FIXED));
}

static void on_changed(struct tl_site *site, enum tl_site_state state, int error, const char *why)
{
	(void)site;
	if (state == TL_SITE_REFUSED)
		print_message("refused: %d %s\n", error, why);
	run.refused += state == TL_SITE_REFUSED;
	run.armed += state == TL_SITE_ARMED;
}

static void on_release(struct tl_site *site, void *data)
{
	(void)site;
	(void)data;
	run.released++;
}

static const struct tl_site_ops site_ops = {
	.size = sizeof(site_ops), .hit = on_hit, .changed = on_changed, .release = on_release
};

static void learn(struct tl_task *task, const struct tl_event *ev)
{
	size_t size = ev->syscall.args[2] / FUNCTIONS;
	uint8_t words[FUNCTIONS * 8];

	run.told = true;
	assert_int_equal(tl_task_read_mem(task, ev->syscall.args[1], words, size * FUNCTIONS),
			 size * FUNCTIONS);
	for (size_t i = 0; i < FUNCTIONS; i++)
		memcpy(&run.at[i], words + i * size, size);
	for (uint64_t i = 0; i < FIXED; i++)
		add(task, i);
}

static tl_verdict on_entry(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	const char *name = tl_syscall_name(ev->syscall.abi, ev->syscall.nr);
	int32_t fd = (int32_t)ev->syscall.args[0];

	(void)e;
	if (!name || strcmp(name, "write"))
		return 0;
	if (fd == -1 && !run.told)
		learn(task, ev);
	if (fd == -2)
		assert_int_equal(tl_task_read_mem(task, ev->syscall.args[1], &run.sum, 8), 8);
	return 0;
}

static tl_verdict on_death(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	(void)e;
	if (tl_task_tid(task) == tl_task_pid(task))
		run.status |= ev->exit.status;
	return 0;
}

static const struct tl_engine_ops ops = {
	.size = sizeof(ops), .name = "test", .syscall_entry = on_entry, .death = on_death
};

static void watch(struct tl_task *task)
{
	attach(task, &ops, 0, TL_EVENTS_SYSCALLS | TL_EVENTS(TL_EVENT_DEATH));
}

/* Slow machines make fewer calls. */
static int divisor = 1;

static void count(const char *program, int threads, int calls, const char *more)
{
	static char path[4096];
	char words[3][16];
	char *argv[] = { path, words[0], words[1], (char *)(uintptr_t)more, words[2], NULL };
	struct tl_session *s = session_new(0, NULL);

	memset(&run, 0, sizeof(run));
	run.program = program;
	snprintf(path, sizeof(path), "%s/%s", dir, program);
	snprintf(words[0], sizeof(words[0]), "%d", threads);
	snprintf(words[1], sizeof(words[1]), "%d", calls / divisor);
	snprintf(words[2], sizeof(words[2]), "%d", 1000 * divisor);
	prepare = watch;
	spawn(s, argv);
	assert_int_equal(tl_session_run(s), 0);
	tl_session_free(s);
	assert_int_equal(run.refused, 0);
	assert_true(run.armed >= FIXED);
	assert_int_equal(run.released, run.added);
	assert_int_equal(run.status, 0);
	assert_true(run.sum > 0);
	assert_int_equal(run.hits[HOT], run.sum);
}

static void one_thread(void **state)
{
	count(*state, 1, 1000, NULL);
	assert_int_equal(run.hits[OUTER], 1000 / divisor);
}

static void threads(void **state)
{
	count(*state, 8, 2000, NULL);
	assert_int_equal(run.hits[OUTER], 16000 / divisor);
}

static void signals(void **state)
{
	count(*state, 4, 5000, "signals");
	assert_true(run.sum > 20000u / (unsigned)divisor);
}

static void forks(void **state)
{
	count(*state, 3, 3000, "forks");
	assert_int_equal(run.hits[OUTER], 9000 / divisor);
}

static void changes(void **state)
{
	churn = true;
	count(*state, 16, 2000, "signals");
	churn = false;
	assert_true(run.added > 300 / divisor);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		VIA(one_thread, "called"), VIA(threads, "called"),    VIA(signals, "called"),
		VIA(forks, "called"),      VIA(changes, "called"),    VIA(one_thread, "called_32"),
		VIA(threads, "called_32"), VIA(signals, "called_32"), VIA(forks, "called_32"),
		VIA(changes, "called_32"),
	};

	dir = argc > 1 ? argv[1] : ".";
	divisor = argc > 2 ? atoi(argv[2]) : 1;
	alarm(divisor > 1 ? 400 : 100);
	/* No probes in AArch32 programs. */
	if (tl_abi_native(64) != TL_ABI_X86_64 || argc > 3 || getenv("ONLY_64"))
		return _cmocka_run_group_tests("sites", tests, 5, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
