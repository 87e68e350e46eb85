/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How long malloc takes in a running process, as a histogram: malloc_latency PID SECONDS */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <trapline/trapline.h>
#include <unistd.h>

static struct tl_session *session;
static unsigned long buckets[64];

static void on_returned(struct tl_probe *probe, struct tl_task *task, const struct tl_place *place,
			const struct tl_return *ret)
{
	(void)probe;
	(void)task;
	(void)place;
	buckets[63 - __builtin_clzll((ret->time - ret->entered) | 1)]++;
}

static const struct tl_probe_ops ops = { .size = sizeof(ops), .returned = on_returned };

static void on_task(struct tl_session *s, struct tl_task *task, enum tl_origin origin, void *data)
{
	(void)s;
	if (tl_prober_attach(data, task, origin) < 0)
		fprintf(stderr, "cannot follow %d\n", tl_task_tid(task));
}

static void on_alarm(int sig)
{
	(void)sig;
	tl_session_wake(session);
}

static int on_wake(struct tl_session *s, void *data)
{
	(void)data;
	tl_session_detach_all(s);
	return 0;
}

int main(int argc, char **argv)
{
	struct tl_session_options so = { .size = sizeof(so),
					 .on_task = on_task,
					 .on_wake = on_wake };
	struct sigaction sa = { .sa_handler = on_alarm };
	struct tl_prober *prober;
	struct tl_probe *probe;

	if (argc < 3 || tl_prober_new(&prober) < 0)
		return 2;
	so.data = prober;
	if (tl_probe_add(prober, "libc:malloc", &ops, NULL, &probe) < 0 ||
	    tl_session_new(&so, &session) < 0)
		return 2;
	if (tl_session_attach(session, atoi(argv[1])) < 0) {
		fprintf(stderr, "cannot attach to %s\n", argv[1]);
		return 1;
	}
	sigaction(SIGALRM, &sa, NULL);
	alarm((unsigned)atoi(argv[2]));
	if (tl_session_run(session) < 0)
		return 1;
	for (int i = 0; i < 64; i++)
		if (buckets[i])
			printf("%12llu ns and more: %lu\n", 1ull << i, buckets[i]);
	tl_session_free(session);
	tl_prober_free(prober);
	return 0;
}
