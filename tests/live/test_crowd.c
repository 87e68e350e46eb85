/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sixteen threads on one hot function, with signals at 1 kHz and forks, while a thousand other
 * probes come and go: as many hits as calls were made. Usage: test_crowd DIR SECONDS [PROGRAM]
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "live.h"

enum { OFTEN_US = 100000, OTHERS_MIN = 1000 };

static struct {
	struct tl_session *session;
	struct tl_prober *prober;
	struct tl_probe *others;
	int32_t pid;
	int status;
	uint64_t hits, child_hits, children, sum, other_hits, armed, gone;
	size_t places;
	unsigned rounds;
	bool on, asked;
	time_t until;
	volatile bool over;
} run;

static const char *program = "called";
static int seconds = 5;

static void on_hot(struct tl_probe *probe, struct tl_task *task, const struct tl_place *place,
		   const struct tl_hit *hit)
{
	(void)probe;
	(void)place;
	(void)hit;
	if (tl_task_pid(task) == run.pid)
		run.hits++;
	else
		run.child_hits++;
}

static void on_other(struct tl_probe *probe, struct tl_task *task, const struct tl_place *place,
		     const struct tl_hit *hit)
{
	(void)probe;
	(void)task;
	assert_int_equal(place->ip, hit->ip);
	run.other_hits++;
}

static void on_placed(struct tl_probe *probe, const struct tl_place *place,
		      enum tl_site_state state, int error, const char *why)
{
	(void)probe;
	(void)place;
	(void)error;
	(void)why;
	run.armed += state == TL_SITE_ARMED;
}

static const struct tl_probe_ops hot_ops = { .size = sizeof(hot_ops), .hit = on_hot };
static const struct tl_probe_ops other_ops = { .size = sizeof(other_ops),
					       .hit = on_other,
					       .placed = on_placed };

static tl_verdict on_entry(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	const char *name = tl_syscall_name(ev->syscall.abi, ev->syscall.nr);

	(void)e;
	if (name && !strcmp(name, "write") && (int32_t)ev->syscall.args[0] == -2)
		assert_int_equal(tl_task_read_mem(task, ev->syscall.args[1], &run.sum, 8), 8);
	return 0;
}

static tl_verdict on_death(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	(void)e;
	if (ev->exit.last_thread)
		run.status |= ev->exit.status;
	if (ev->exit.last_thread && tl_task_pid(task) == run.pid)
		run.over = true;
	return 0;
}

static tl_verdict on_clone(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	(void)e;
	(void)task;
	run.children += ev->clone.kind == TL_CLONE_FORK;
	return 0;
}

static const struct tl_engine_ops ops = { .size = sizeof(ops),
					  .name = "test",
					  .syscall_entry = on_entry,
					  .clone = on_clone,
					  .death = on_death };

static void follow(struct tl_session *s, struct tl_task *task, enum tl_origin origin, void *data)
{
	(void)s;
	(void)data;
	if (!run.pid)
		run.pid = tl_task_pid(task);
	assert_int_equal(tl_prober_attach(run.prober, task, origin), 0);
	attach(task, &ops, 0,
	       TL_EVENTS(TL_EVENT_SYSCALL_ENTRY) | TL_EVENTS(TL_EVENT_DEATH) |
		       TL_EVENTS(TL_EVENT_CLONE));
}

static int on_wake(struct tl_session *s, void *data)
{
	(void)s;
	(void)data;
	if (run.over)
		return 0;
	run.on = !run.on;
	tl_probe_enable(run.others, run.on);
	run.rounds++;
	if (time(NULL) >= run.until && !run.asked) {
		run.asked = true;
		assert_int_equal(kill(run.pid, SIGTERM), 0);
	}
	return 0;
}

static void *wakes(void *arg)
{
	while (!run.over) {
		usleep(OFTEN_US);
		tl_session_wake(arg);
	}
	return NULL;
}

static void crowd(void **state)
{
	struct tl_session_options o = { .size = sizeof(o), .on_task = follow, .on_wake = on_wake };
	static char path[4096], n[] = "16", endless[] = "0", both[] = "both";
	char *argv[] = { path, n, endless, both, NULL };
	pthread_t thread;

	(void)state;
	snprintf(path, sizeof(path), "%s/%s", dir, program);
	run.until = time(NULL) + seconds;
	assert_int_equal(tl_prober_new(&run.prober), 0);
	assert_int_equal(tl_session_new(&o, &run.session), 0);
	assert_int_equal(tl_probe_add(run.prober, "hot", &hot_ops, NULL, NULL), 0);
	/* What is called all the time is among them, and what is called while forking. */
	assert_int_equal(tl_probe_add(run.prober, "*[a-f]*", &other_ops, NULL, &run.others), 0);
	spawn(run.session, argv);
	assert_int_equal(pthread_create(&thread, NULL, wakes, run.session), 0);
	assert_int_equal(tl_session_run(run.session), 0);
	run.over = true;
	pthread_join(thread, NULL);
	run.places = tl_probe_places(run.others, NULL);
	tl_session_free(run.session);
	tl_prober_free(run.prober);
	print_message("%llu hits of %llu calls, %llu of %llu children, %llu other hits, "
		      "%u changes, %llu times armed\n",
		      (unsigned long long)run.hits, (unsigned long long)run.sum,
		      (unsigned long long)run.child_hits, (unsigned long long)run.children,
		      (unsigned long long)run.other_hits, run.rounds,
		      (unsigned long long)run.armed);
	assert_int_equal(run.status, 0);
	assert_true(run.hits > 1000 && run.armed > OTHERS_MIN);
	assert_int_equal(run.hits, run.sum);
	assert_int_equal(run.child_hits, run.children);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(crowd) };

	dir = argc > 1 ? argv[1] : ".";
	seconds = argc > 2 ? atoi(argv[2]) : 5;
	program = argc > 3 ? argv[3] : "called_32";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
