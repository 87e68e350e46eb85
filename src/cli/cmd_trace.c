/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The trace command: starts or attaches, runs, and lets go in order. */
#define _GNU_SOURCE
#include "trace.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static volatile sig_atomic_t stop_signal; /* which asked us to end */
static struct tl_session *session_to_wake;

static void on_stop_signal(int sig)
{
	stop_signal = sig;
	if (session_to_wake)
		tl_session_wake(session_to_wake);
}

static void on_alarm(int sig)
{
	(void)sig;
	if (session_to_wake)
		tl_session_wake(session_to_wake);
}

static void on_pipe(int sig)
{
	(void)sig;
}

static void catch_signals(void)
{
	static const int stops[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_stop_signal };

	for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
		struct sigaction old;

		/* nohup and background shells ignore some: so do we then. */
		if (sigaction(stops[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN)
			continue;
		sigaction(stops[i], &sa, NULL);
	}
	sa.sa_handler = on_alarm;
	sigaction(SIGALRM, &sa, NULL);
	/* A pipe that closes is an output error like any other; ignored, the program would inherit
	 * it. */
	sa.sa_handler = on_pipe;
	sigaction(SIGPIPE, &sa, NULL);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void on_task(struct tl_session *session, struct tl_task *task, enum tl_origin origin,
		    void *data)
{
	struct trace *trace = data;

	(void)session;
	(void)origin;
	trace_watch_task(trace, task);
}

static void arm_alarm(uint64_t ns)
{
	uint64_t us = ns / 1000 + 1;
	struct itimerval it = { .it_value = { (time_t)(us / 1000000),
					      (suseconds_t)(us % 1000000) } };

	setitimer(ITIMER_REAL, &it, NULL);
}

/* Filtered tasks cannot be let go: they run on, unwatched, with this process behind them. */
static void become_caretaker(struct trace *trace)
{
	struct traced *t;

	trace->o.quiet = true;
	while ((t = TAILQ_FIRST(&trace->tasks)))
		tl_engine_detach(t->engine);
	out_flush(trace->out);
	trace->ended = true;
	caretaker_release();
}

static void begin_detach(struct trace *trace)
{
	if (trace->detaching)
		return;
	trace->detaching = true;
	if (caretaker_is_behind())
		become_caretaker(trace);
	else
		tl_session_detach_all(trace->session);
}

enum { FLUSH_MS = 200, SECOND_INTERRUPT = 1 };

/*
 * Interrupted by a signal of ours: to end, to flush, or to release an injected delay. A second
 * Ctrl-C ends at once: what is still running (a parent that sleeps in vfork, say) is let go by the
 * kernel.
 */
static int on_wake(struct tl_session *session, void *data)
{
	struct trace *trace = data;
	uint64_t due = trace_release_delayed(trace, clock_ns(CLOCK_MONOTONIC)), now;

	(void)session;
	if (out_is_buffered(trace->out))
		out_flush(trace->out);
	if (stop_signal) {
		if (trace->detaching)
			return SECOND_INTERRUPT;
		stop_signal = 0;
		begin_detach(trace);
		return tl_session_task_count(trace->session) ? 0 : 0;
	}
	if (out_error(trace->out) && !trace->detaching)
		begin_detach(trace);
	now = clock_ns(CLOCK_MONOTONIC);
	if (due)
		arm_alarm(due > now ? due - now : 1000);
	else if (out_is_buffered(trace->out))
		arm_alarm(FLUSH_MS * 1000000ull);
	return 0;
}

static char **make_env(const struct trace_options *o)
{
	char **env = NULL;

	for (size_t i = 0; i < o->nenv; i++) {
		if (strchr(o->env[i], '='))
			putenv(o->env[i]);
		else
			unsetenv(o->env[i]);
	}
	env = environ;
	return env;
}

/* The calls whose stops the trace needs: those to show, and those to tamper with. */
static void select_calls(struct trace *trace)
{
	static int32_t n64[CALLS_MAX], n32[CALLS_MAX];
	struct tl_spawn_options *so = &trace->spawn;

	struct call_set all = trace->o.calls;

	for (size_t i = 0; i < trace->o.ninjects; i++)
		call_set_add(&all, &trace->o.injects[i].calls);
	trace->spawn.size = sizeof(trace->spawn);
	if (all.all || trace->o.via == VIA_STOPS || !trace->o.argv || trace->o.record)
		return;
	/* What selects nearly everything gains nothing from a filter. */
	so->n_select_64 = call_set_numbers(&all, tl_abi_native(64), n64);
	so->n_select_32 = call_set_numbers(&all, tl_abi_native(32), n32);
	if (so->n_select_64 > CALLS_MAX / 2 || !caretaker_split())
		return;
	so->select = true;
	so->select_64 = n64;
	so->select_32 = n32;
}

static int user_ids(const char *name, struct tl_spawn_options *so)
{
	struct passwd *pw = getpwnam(name);

	if (!pw) {
		say("-u %s: no such user", name);
		return -EINVAL;
	}
	so->user = name;
	so->uid = pw->pw_uid;
	so->gid = pw->pw_gid;
	return 0;
}

static int spawn(struct trace *trace)
{
	struct tl_spawn_options so = trace->spawn;
	char *none[] = { NULL }, *path = NULL;
	struct tl_task *task;
	int r;

	if (trace->o.replay) {
		so.argv = none;
	} else {
		so.argv = trace->o.argv;
		path = find_program(trace->o.argv[0]);
		if (!path) {
			explain_exec_failure(trace->o.argv[0], errno);
			return -ENOENT;
		}
	}
	so.path = path ? path : "replayed";
	so.envp = make_env(&trace->o);
	r = trace->o.user ? user_ids(trace->o.user, &so) : 0;
	if (r == 0) {
		r = tl_session_spawn(trace->session, &so, &task);
		if (r == -EPERM)
			say("cannot trace a program: the kernel refuses ptrace here (a container's "
			    "seccomp profile, say). 'trapline doctor' tells more");
		else if (r < 0)
			say("cannot start %s: %s", trace->o.argv[0], strerror(-r));
	}
	free(path);
	if (r == 0)
		trace->main_pid = tl_task_pid(task);
	return r;
}

static int attach(struct trace *trace)
{
	for (size_t i = 0; i < trace->o.npids; i++) {
		int pid = trace->o.pids[i], r = tl_session_attach(trace->session, pid);
		char name[64];

		if (r < 0) {
			explain_attach_failure(pid, r);
			return r;
		}
		if (trace->o.quiet)
			continue;
		proc_name(pid, name, sizeof(name));
		say("attached to %d (%s), %zu thread%s", pid, name,
		    tl_session_task_count(trace->session),
		    tl_session_task_count(trace->session) == 1 ? "" : "s");
	}
	return 0;
}

static int open_output(struct trace *trace)
{
	const char *path = trace->o.output;

	if (!path || trace->o.separate)
		trace->out = out_stderr();
	else
		trace->out = out_open(path, trace->o.append);
	if (trace->out)
		return 0;
	say("cannot write to %s: %s", path ? path : "standard error", strerror(errno));
	return -EIO;
}

static int open_session(struct trace *trace)
{
	struct tl_session_options so = { .size = sizeof(so),
					 .on_task = on_task,
					 .on_wake = on_wake,
					 .data = trace,
					 .pretend = trace->o.pretend,
					 .record = trace->o.record,
					 .replay = trace->o.replay };
	int r;

	if (!trace->o.place)
		so.flags |= TL_SESSION_NO_PLACE;
	if (!trace->o.follow)
		so.flags |= TL_SESSION_NO_FOLLOW;
	if (trace->o.check_stops)
		so.flags |= TL_SESSION_CHECK_STOPS;
	r = tl_session_new(&so, &trace->session);
	if (r == -EINVAL && trace->o.pretend)
		say("--pretend=%s: unknown feature. 'trapline doctor --kernel' names them",
		    trace->o.pretend);
	else if (r == -EINVAL && trace->o.replay)
		say("%s is not a recording of trapline", trace->o.replay);
	else if (r < 0)
		say("cannot begin: %s", strerror(-r));
	session_to_wake = trace->session;
	return r;
}

static int open_trace(struct trace *trace)
{
	int r = open_output(trace);

	if (r == 0)
		r = tl_decoder_new(&trace->o.decode, &trace->decoder);
	if (r == 0)
		r = open_session(trace);
	if (r == 0 && trace->o.counts) {
		trace->counts = counts_new();
		r = trace->counts ? 0 : -ENOMEM;
	}
	return r;
}

static void close_trace(struct trace *trace)
{
	session_to_wake = NULL;
	tl_session_free(trace->session);
	tl_decoder_free(trace->decoder);
	tl_unwinder_free(trace->unwinder);
	counts_free(trace->counts);
	out_close(trace->out);
	free(trace->o.env);
}

static void say_run_failure(struct trace *trace, int r)
{
	struct tl_error e;

	if (r == SECOND_INTERRUPT)
		return;
	tl_session_last_error(trace->session, &e);
	say("stopped tracing: %s (pid %d): %s", e.op ? e.op : "run", e.task.tid, strerror(-r));
}

/* Ends as the program did, by the same signal. */
int exit_as(int status)
{
	int sig = status & 0x7f;

	if (!sig)
		return status >> 8 & 0xff;
	if (sig != SIGKILL) {
		struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		signal(sig, SIG_DFL);
	}
	raise(sig);
	return 128 + sig;
}

static int run(struct trace *trace)
{
	int r;

	trace->clock_offset = (int64_t)(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC));
	if (trace->o.json && !trace->o.separate)
		json_begin(trace);
	catch_signals();
	r = trace->o.argv || trace->o.replay ? spawn(trace) : 0;
	if (r == 0)
		r = attach(trace);
	if (r < 0)
		begin_detach(trace);
	if (out_is_buffered(trace->out))
		arm_alarm(FLUSH_MS * 1000000ull);
	int run_result = tl_session_run(trace->session);
	if (run_result && r == 0)
		say_run_failure(trace, run_result);
	return r < 0 ? r : run_result;
}

static int finish(struct trace *trace, int r)
{
	int err, exec_error;

	if (trace->counts && r >= 0)
		counts_print(trace->counts, trace->out, trace->o.json);
	out_flush(trace->out);
	err = out_error(trace->out);
	if (err && err != EPIPE) {
		say("cannot write the trace%s%s: %s. Stopped tracing; the program runs on",
		    trace->o.output ? " to " : "", trace->o.output ? trace->o.output : "",
		    strerror(err));
		return EXIT_TROUBLE;
	}
	if (r < 0)
		return EXIT_TROUBLE;
	exec_error = tl_session_spawn_error(trace->session);
	if (trace->ended && exec_error && trace->status == 127 << 8)
		explain_exec_failure(trace->o.argv[0], exec_error);
	return -1;
}

int cmd_trace(int argc, char **argv)
{
	static struct trace trace; /* large: the sets of calls */
	int r = trace_options_parse(&trace.o, argc, argv), status;

	if (r >= 0)
		return r;
	if (trace_through_broker(trace.o.pids, trace.o.npids, command_line, &r))
		return r;
	TAILQ_INIT(&trace.tasks);
	select_calls(&trace);
	r = open_trace(&trace);
	if (r == 0) {
		r = run(&trace);
		r = finish(&trace, r);
	} else {
		r = EXIT_TROUBLE;
	}
	status = trace.status;
	close_trace(&trace);
	if (r >= 0) {
		caretaker_done(r << 8);
		return r;
	}
	caretaker_done(status);
	return exit_as(status);
}
