/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tracer to be killed: one probe on a hot function, and others that come and go in their
 * hundreds. Usage: churn PID [MASKS]
 *
 * MASKS: it kills itself when it has changed a signal mask so often, which it does before and
 * behind a call that a thread makes for it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <trapline/trapline.h>

static struct tl_session *session;
static struct tl_prober *prober;
static struct tl_probe *passing[2];
static unsigned long hits, rounds;
static int masks_left;

/* In place of the C library's, which the library calls. */
__attribute__((visibility("default"))) long syscall(long nr, ...)
{
	static long (*next)(long nr, ...);
	unsigned long a[6];
	va_list args;
	long r;

	va_start(args, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(args, unsigned long);
	va_end(args);
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "syscall");
	r = next(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (nr == SYS_ptrace && a[0] == PTRACE_SETSIGMASK && r == 0 && masks_left &&
	    --masks_left == 0)
		raise(SIGKILL);
	return r;
}

static void on_hit(struct tl_probe *probe, struct tl_task *task, const struct tl_place *place,
		   const struct tl_hit *hit)
{
	(void)probe;
	(void)task;
	(void)place;
	(void)hit;
	hits++;
}

static const struct tl_probe_ops ops = { .size = sizeof(ops), .hit = on_hit };

static void on_task(struct tl_session *s, struct tl_task *task, enum tl_origin origin, void *data)
{
	(void)s;
	(void)data;
	if (tl_prober_attach(prober, task, origin) < 0)
		exit(1);
}

static void on_alarm(int sig)
{
	(void)sig;
	tl_session_wake(session);
}

static int on_wake(struct tl_session *s, void *data)
{
	static const char *const specs[] = { "libc:s*", "outer+*" };

	(void)s;
	(void)data;
	for (int i = 0; i < 2; i++) {
		if (passing[i])
			tl_probe_remove(passing[i]);
		passing[i] = NULL;
		if (rounds % 2 == 0 && tl_probe_add(prober, specs[i], &ops, NULL, &passing[i]) < 0)
			return 1;
	}
	rounds++;
	return 0;
}

int main(int argc, char **argv)
{
	struct tl_session_options o = { .size = sizeof(o), .on_task = on_task, .on_wake = on_wake };
	struct itimerval often = { { 0, 20000 }, { 0, 20000 } };
	struct tl_probe *hot;

	if (argc > 2)
		masks_left = atoi(argv[2]);
	if (argc < 2 || tl_prober_new(&prober) < 0 || tl_session_new(&o, &session) < 0 ||
	    tl_probe_add(prober, "hot", &ops, NULL, &hot) < 0)
		return 2;
	if (tl_session_attach(session, atoi(argv[1])) < 0)
		return 1;
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &often, NULL);
	return tl_session_run(session) < 0 ? 3 : 0;
}
