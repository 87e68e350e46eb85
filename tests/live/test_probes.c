/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Probes that come and go while their program runs. Usage: test_probes DIR */
#define _GNU_SOURCE
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live.h"

static struct {
	struct tl_session *session;
	struct tl_prober *prober;
	struct tl_probe *probe;
	unsigned hits, armed, refused, released, wakes, rounds;
} run;

static void on_hit(struct tl_probe *probe, struct tl_task *task, const struct tl_place *place,
		   const struct tl_hit *hit)
{
	(void)probe;
	(void)task;
	assert_true(!strcmp(place->symbol, "hot") || !strcmp(place->symbol, "outer"));
	assert_int_equal(place->ip, hit->ip);
	run.hits++;
}

static void on_placed(struct tl_probe *probe, const struct tl_place *place,
		      enum tl_site_state state, int error, const char *why)
{
	(void)probe;
	(void)place;
	(void)error;
	(void)why;
	run.armed += state == TL_SITE_ARMED;
	run.refused += state == TL_SITE_REFUSED;
}

static void on_release(struct tl_probe *probe, void *data)
{
	(void)probe;
	(void)data;
	run.released++;
}

static const struct tl_probe_ops ops = {
	.size = sizeof(ops), .hit = on_hit, .placed = on_placed, .release = on_release
};

static void follow(struct tl_session *s, struct tl_task *task, enum tl_origin origin, void *data)
{
	(void)s;
	(void)data;
	assert_int_equal(tl_prober_attach(run.prober, task, origin), 0);
}

static void on_alarm(int sig)
{
	(void)sig;
	tl_session_wake(run.session);
}

/* Every other time one is added, of which the next is waited for, and then it is removed. */
static int on_wake(struct tl_session *s, void *data)
{
	static const char *const specs[] = { "hot", "outer+*", "hot+1", "hot+*" };

	(void)data;
	run.wakes++;
	if (run.rounds == 12) {
		tl_session_detach_all(s);
		return 0;
	}
	if (!run.probe) {
		run.hits = run.armed = run.refused = 0;
		assert_int_equal(
			tl_probe_add(run.prober, specs[run.rounds % 4], &ops, NULL, &run.probe), 0);
	} else if (run.rounds % 4 == 2 ? run.refused : run.hits > 10) {
		assert_int_equal(run.refused, run.rounds % 4 == 2);
		assert_true(run.armed >= (run.rounds % 2 ? 3u : run.rounds % 4 == 0));
		tl_probe_remove(run.probe);
		run.probe = NULL;
		run.rounds++;
	}
	return 0;
}

static struct {
	unsigned hits, since, pending, armed, calm, rounds;
} on_off;

/* From inside the callback. */
static void on_few_hits(struct tl_probe *probe, struct tl_task *task, const struct tl_place *place,
			const struct tl_hit *hit)
{
	(void)task;
	(void)place;
	(void)hit;
	on_off.hits++;
	if (++on_off.since == 10)
		tl_probe_enable(probe, false);
	assert_in_range(on_off.since, 1, 10);
}

static void on_switched(struct tl_probe *probe, const struct tl_place *place,
			enum tl_site_state state, int error, const char *why)
{
	(void)probe;
	(void)place;
	(void)why;
	assert_int_equal(error, 0);
	on_off.pending += state == TL_SITE_PENDING;
	on_off.armed += state == TL_SITE_ARMED;
}

static const struct tl_probe_ops few_ops = { .size = sizeof(few_ops),
					     .hit = on_few_hits,
					     .placed = on_switched };

static int is_pending(const struct tl_place *place, enum tl_site_state state, void *data)
{
	unsigned *n = data;

	assert_string_equal(place->symbol, "hot");
	*n += state == TL_SITE_PENDING;
	return 0;
}

/* Enabled again when it was calm for a while, three times. */
static int on_wake_again(struct tl_session *s, void *data)
{
	struct tl_probe *probe = tl_prober_probe(run.prober, 0);
	unsigned pending = 0;

	(void)data;
	assert_non_null(probe);
	assert_null(tl_prober_probe(run.prober, 1));
	assert_int_equal(tl_probe_each_place(probe, is_pending, &pending), 0);
	/* Pending is also what has been asked for and is not in place yet. */
	if (on_off.since < 10 || !pending || ++on_off.calm < 5)
		return 0;
	on_off.calm = on_off.since = 0;
	if (++on_off.rounds == 3)
		tl_session_detach_all(s);
	else
		tl_probe_enable(probe, true);
	return 0;
}

static void run_attached(int (*wake)(struct tl_session *, void *), const char *spec)
{
	struct tl_session_options o = { .size = sizeof(o), .on_task = follow, .on_wake = wake };
	struct itimerval often = { { 0, 20000 }, { 0, 20000 } }, never = { 0 };
	struct sigaction sa = { .sa_handler = on_alarm };
	char path[4096];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/called", dir);
	assert_int_equal(tl_prober_new(&run.prober), 0);
	if (spec)
		assert_int_equal(tl_probe_add(run.prober, spec, &few_ops, NULL, NULL), 0);
	assert_int_equal(tl_session_new(&o, &run.session), 0);
	pid = fork();
	if (pid == 0) {
		execl(path, path, "3", "1000000000", (char *)NULL);
		_exit(127);
	}
	usleep(300000);
	assert_int_equal(tl_session_attach(run.session, pid), 0);
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	assert_int_equal(tl_session_run(run.session), 0);
	setitimer(ITIMER_REAL, &never, NULL);
	tl_session_free(run.session);
	tl_prober_free(run.prober);
	/* It runs on as ever. */
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void while_it_runs(void **state)
{
	(void)state;
	run_attached(on_wake, NULL);
	assert_int_equal(run.released, 12);
}

static void on_and_off(void **state)
{
	(void)state;
	run_attached(on_wake_again, "hot");
	assert_int_equal(on_off.hits, 30);
	assert_int_equal(on_off.pending, 3);
	assert_int_equal(on_off.armed, 3);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(while_it_runs),
					    cmocka_unit_test(on_and_off) };

	dir = argc > 1 ? argv[1] : ".";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
