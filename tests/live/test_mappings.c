/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sites in code that is written over, moved, unmapped and mapped anew: the program always executes
 * its own code. Usage: test_mappings DIR */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "live.h"

enum { STAGES = 8, CALLS = 100 };

static struct {
	struct tl_prober *prober;
	int status;
	bool sparse;
	unsigned stages, hits[STAGES + 1], refused, gone, lib_hits, lib_armed;
	const char *why[STAGES + 1];
} run;

static void on_hit(struct tl_site *site, struct tl_task *task, const struct tl_hit *hit)
{
	(void)task;
	assert_int_equal(hit->ip, tl_site_address(site));
	run.hits[(uintptr_t)tl_site_data(site)]++;
}

static void on_changed(struct tl_site *site, enum tl_site_state state, int error, const char *why)
{
	(void)error;
	if (state == TL_SITE_REFUSED)
		run.why[(uintptr_t)tl_site_data(site)] = why;
	run.refused += state == TL_SITE_REFUSED;
	run.gone += state == TL_SITE_GONE;
}

static const struct tl_site_ops site_ops = { .size = sizeof(site_ops),
					     .hit = on_hit,
					     .changed = on_changed };

/* A stage begins: one more site, and those before it stay. */
static tl_verdict on_entry(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	const char *name = tl_syscall_name(ev->syscall.abi, ev->syscall.nr);
	uint64_t at = 0;

	(void)e;
	if (!name || strcmp(name, "write") || (int32_t)ev->syscall.args[0] != -1)
		return 0;
	assert_in_range(++run.stages, 1, STAGES);
	assert_int_equal(tl_task_read_mem(task, ev->syscall.args[1], &at, 8), 8);
	/* What moves away with a breakpoint in it is nobody's any more, and runs on. */
	if (!run.sparse || run.stages % 2)
		assert_int_equal(
			tl_site_add(task, at, &site_ops, (void *)(uintptr_t)run.stages, NULL), 0);
	return 0;
}

static tl_verdict on_death(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	(void)e;
	(void)task;
	run.status |= ev->exit.status;
	return 0;
}

static const struct tl_engine_ops ops = {
	.size = sizeof(ops), .name = "test", .syscall_entry = on_entry, .death = on_death
};

static void on_version(struct tl_probe *probe, struct tl_task *task, const struct tl_place *place,
		       const struct tl_hit *hit)
{
	(void)probe;
	(void)task;
	(void)place;
	(void)hit;
	run.lib_hits++;
}

static void on_placed(struct tl_probe *probe, const struct tl_place *place,
		      enum tl_site_state state, int error, const char *why)
{
	(void)probe;
	(void)place;
	(void)error;
	(void)why;
	run.lib_armed += state == TL_SITE_ARMED;
}

static const struct tl_probe_ops probe_ops = { .size = sizeof(probe_ops),
					       .hit = on_version,
					       .placed = on_placed };

static void watch(struct tl_task *task)
{
	assert_int_equal(tl_prober_attach(run.prober, task, TL_ORIGIN_SPAWN), 0);
	attach(task, &ops, 0, TL_EVENTS(TL_EVENT_SYSCALL_ENTRY) | TL_EVENTS(TL_EVENT_DEATH));
}

static void run_program(bool sparse)
{
	static char path[4096];
	char *argv[] = { path, NULL };
	struct tl_session *s = session_new(0, NULL);

	memset(&run, 0, sizeof(run));
	run.sparse = sparse;
	assert_int_equal(tl_prober_new(&run.prober), 0);
	assert_int_equal(tl_probe_add(run.prober, "libz:zlibVersion", &probe_ops, NULL, NULL), 0);
	snprintf(path, sizeof(path), "%s/remapped", dir);
	prepare = watch;
	spawn(s, argv);
	assert_int_equal(tl_session_run(s), 0);
	tl_session_free(s);
	tl_prober_free(run.prober);
	for (unsigned i = 1; i <= STAGES; i++)
		print_message("stage %u: %u hits%s%s\n", i, run.hits[i],
			      run.why[i] ? ", refused: " : "", run.why[i] ? run.why[i] : "");
	print_message("libz: armed %u times, %u hits\n", run.lib_armed, run.lib_hits);
	assert_int_equal(run.stages, STAGES);
	assert_int_equal(run.status, 0);
	/* Whoever asks for a place means what is there then. */
	for (unsigned i = 1; i <= STAGES; i++)
		if (!sparse || i % 2)
			assert_true(run.why[i] ? i > 6 : run.hits[i] >= CALLS);
	/* Each load of it anew, where it is there at all. */
	assert_int_equal(run.lib_hits, run.lib_armed);
}

static void all_asked_for(void **state)
{
	(void)state;
	run_program(false);
}

static void some_asked_for(void **state)
{
	(void)state;
	run_program(true);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(all_asked_for),
					    cmocka_unit_test(some_asked_for) };

	dir = argc > 1 ? argv[1] : ".";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
