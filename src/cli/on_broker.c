/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting a tool on the broker; and this command itself as one, where a broker holds the process
 * that it is to trace.
 */
#define _GNU_SOURCE
#include "cli.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile pid_t running;
static volatile sig_atomic_t missed; /* a signal from before there was one */
static volatile sig_atomic_t stayed; /* the terminal's, from before that */

/* The terminal's go to the tool as well, which decides what becomes of us. */
static void stay(int sig)
{
	if (running <= 0)
		stayed = sig;
}

static void pass_on(int sig)
{
	if (running > 0)
		kill(running, sig);
	else
		missed = sig;
}

static void on_start(int32_t pid, void *data)
{
	(void)data;
	running = pid;
	if (missed)
		kill(pid, missed);
}

/* One that tries to trace many is told once. */
static void on_refused(int32_t tracer, int32_t tid, void *data)
{
	int *last = data;

	if (*last != tracer && explain_tools_failure(tracer, tid))
		*last = tracer;
}

static struct handled {
	int sig;
	void (*handler)(int);
	bool is;
	struct sigaction was;
} handled[] = { { .sig = SIGINT, .handler = stay },
		{ .sig = SIGQUIT, .handler = stay },
		{ .sig = SIGTERM, .handler = pass_on },
		{ .sig = SIGHUP, .handler = pass_on } };

/* Handlers are not inherited through an exec: the tool has its signals as they were. */
static void handle(struct handled *h)
{
	struct sigaction sa = { .sa_handler = h->handler, .sa_flags = SA_RESTART };

	h->is = sigaction(h->sig, NULL, &h->was) == 0 && h->was.sa_handler != SIG_IGN &&
		sigaction(h->sig, &sa, NULL) == 0;
}

/* There is no tool after all: what has come meanwhile is for us. */
static void handle_no_more(void)
{
	int came = missed ? missed : stayed;

	for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
		if (handled[i].is)
			sigaction(handled[i].sig, &handled[i].was, NULL);
	if (came)
		raise(came);
}

int run_on_broker(const char *path, char *const *argv, int *ret_status)
{
	int told = 0, r;
	struct tl_broker_options o = {
		.size = sizeof(o),
		.path = path,
		.argv = argv,
		.envp = environ,
		.on_start = on_start,
		.data = &told,
		.on_refused = on_refused,
	};

	for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
		handle(&handled[i]);
	r = tl_broker_run(&o, ret_status);
	if (r < 0)
		handle_no_more();
	return r;
}

int end_as(int status)
{
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	signal(WTERMSIG(status), SIG_DFL);
	kill(getpid(), WTERMSIG(status));
	return 128 + WTERMSIG(status);
}

static enum tracer_kind kind_of_tracer(int pid)
{
	char name[64], parent[32];

	for (bool below = false; pid > 1; below = true) {
		proc_name(pid, name, sizeof(name));
		if (!strcmp(name, "trapline-server"))
			return below ? TRACER_ON_BROKER : TRACER_IS_SERVER;
		if (!proc_status_field(pid, "PPid", parent, sizeof(parent)))
			break;
		pid = atoi(parent);
	}
	return TRACER_IS_NATIVE;
}

int process_tracer(int pid, char *name, size_t size, enum tracer_kind *ret_kind)
{
	char value[32];
	int by = 0;

	if (proc_status_field(pid, "TracerPid", value, sizeof(value)))
		by = atoi(value);
	*ret_kind = TRACER_IS_NATIVE;
	if (!by)
		return 0;
	proc_name(by, name, size);
	*ret_kind = kind_of_tracer(by);
	return by;
}

bool trace_through_broker(const int *pids, size_t n, char *const *argv, int *ret)
{
	char path[PATH_MAX], name[64];
	bool held = false;
	enum tracer_kind kind;
	int status;
	ssize_t len;

	for (size_t i = 0; i < n && !held; i++)
		held = process_tracer(pids[i], name, sizeof(name), &kind) &&
		       kind != TRACER_IS_NATIVE;
	if (!held)
		return false;
	len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (len < 0)
		return false;
	path[len] = '\0';
	/* Below a broker it is refused, and what is asked for is shared anyway. */
	if (run_on_broker(path, argv, &status) < 0)
		return false;
	*ret = end_as(status);
	return true;
}
