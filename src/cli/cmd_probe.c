/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The probe command: which threads come by which instructions of a program, and how often. */
#define _GNU_SOURCE
#include "probe_cmd.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

enum { STRING_MOST = 1 << 20 };
enum { OPT_FORMAT = 256, OPT_MAX_HITS, OPT_DURATION, OPT_THREAD, OPT_NO_PLACE };

static const struct argp_option options[] = {
	{ "entry", 'e', "SPEC", 0, "Tell of each thread that comes by this place", 0 },
	{ "return", 'r', "SPEC", 0, "Tell of its return as well, with the result and the time", 0 },
	{ "pid", 'p', "PID", 0, "Attach to this process", 0 },
	{ "count", 'c', NULL, 0, "Only count, and print a table at the end", 0 },
	{ "stack-trace", 'k', NULL, 0, "With each hit the stack, as far as it can be unwound", 0 },
	{ "list", 'l', NULL, 0, "Print the places that a SPEC means, instead of hits", 0 },
	{ "output", 'o', "FILE", 0, "Write there instead of to standard error", 0 },
	{ "format", OPT_FORMAT, "text|json", 0, "How it is written", 0 },
	{ "string-limit", 's', "SIZE", 0, "Show so many bytes of a string (64)", 0 },
	{ "thread", OPT_THREAD, "TID|NAME", 0, "Only of this thread, or those with this name", 0 },
	{ "max-hits", OPT_MAX_HITS, "N", 0, "End after so many, and let the program run on", 0 },
	{ "duration", OPT_DURATION, "SECONDS", 0, "End after this time", 0 },
	{ "no-place", OPT_NO_PLACE, NULL, 0, "Never hold the program on one core", 0 },
	{ 0 },
};

static const char doc[] =
	"Runs a program, or attaches to one, with probes in it."
	"\vSPEC is [MODULE:]SYMBOL[+OFFSET|+*], [MODULE:]0xADDR, [MODULE:]FILE:LINE, or "
	"MODULE:PROVIDER:NAME. Without MODULE it is the program's own; +* is every instruction of "
	"the function; MODULE and SYMBOL may be shell patterns. Arguments and results are shown by "
	"debuginfo, or as (TYPE, ...) = TYPE behind a SYMBOL says: bool, char, short, int, uint, "
	"long, ulong, hex, ptr or str. \"if CONDITION\" behind it tells only of some.\n\n"
	"Examples:\n"
	"  trapline probe -e libc:malloc -c -- ls\n"
	"  trapline probe -r 'libc:fopen(str, str) = ptr' -- ls\n"
	"  trapline probe -e 'main.c:42 if i > 3' -- ./program\n"
	"  trapline probe -e main -e 'do_*' -p 4711\n"
	"  trapline probe -l -e 'libc:qsort+*' -- ls\n\n"
	"See trapline-probe(1).";

static void add_spec(struct probing *pr, char *text, bool returns, struct argp_state *state)
{
	if (pr->nspecs == SPECS_MAX)
		argp_error(state, "more than %d probes", SPECS_MAX);
	pr->returns[pr->nspecs] = returns;
	pr->specs[pr->nspecs++] = text;
}

static uint64_t number(const char *arg, const char *what, struct argp_state *state)
{
	char *end;
	uint64_t v;

	errno = 0;
	v = strtoull(arg, &end, 0);
	if (end == arg || *end || errno || *arg == '-' || !v)
		argp_error(state, "%s: not a number above 0: %s", what, arg);
	return v;
}

static double seconds(const char *arg, struct argp_state *state)
{
	char *end;
	double v = strtod(arg, &end);

	if (end == arg || *end || !(v > 0) || v > 1e9)
		argp_error(state, "--duration: not a number above 0: %s", arg);
	return v;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct probing *pr = state->input;
	uint64_t v;

	switch (key) {
	case 'e':
	case 'r':
		add_spec(pr, arg, key == 'r', state);
		return 0;
	case 'p':
		pr->pid = (int)number(arg, "-p", state);
		return 0;
	case 'c':
		pr->count = true;
		return 0;
	case 'k':
		pr->stacks = true;
		return 0;
	case 'l':
		pr->list = true;
		return 0;
	case 's':
		v = number(arg, "-s", state);
		if (v > STRING_MOST)
			argp_error(state, "-s: at most %d bytes", STRING_MOST);
		pr->string_max = (unsigned)v;
		return 0;
	case 'o':
		pr->output = arg;
		return 0;
	case OPT_FORMAT:
		pr->json = !strcmp(arg, "json");
		if (!pr->json && strcmp(arg, "text") != 0)
			argp_error(state, "--format is text or json, not %s", arg);
		return 0;
	case OPT_MAX_HITS:
		pr->max_hits = number(arg, "--max-hits", state);
		return 0;
	case OPT_DURATION:
		pr->duration = seconds(arg, state);
		return 0;
	case OPT_NO_PLACE:
		pr->flags |= TL_SESSION_NO_PLACE;
		return 0;
	case OPT_THREAD:
		if (pr->nthreads == SPECS_MAX)
			argp_error(state, "more than %d threads", SPECS_MAX);
		pr->threads[pr->nthreads++] = arg;
		return 0;
	case ARGP_KEY_ARGS:
		pr->argv = state->argv + state->next;
		return 0;
	case ARGP_KEY_END:
		if (!pr->nspecs)
			argp_error(state, "which place? -e libc:malloc, for one");
		if (pr->stacks && (pr->count || pr->list))
			argp_error(state, "-k tells of single hits, which -c and -l do not");
		if (!pr->argv == !pr->pid)
			argp_error(state, "a program to run, or -p PID");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static volatile sig_atomic_t interrupts, expired;
static struct tl_session *session_to_wake;

static void on_signal(int sig)
{
	if (sig == SIGALRM)
		expired = 1;
	else
		interrupts++;
	if (session_to_wake)
		tl_session_wake(session_to_wake);
}

static void on_pipe(int sig)
{
	(void)sig;
}

static void on_task(struct tl_session *session, struct tl_task *task, enum tl_origin origin,
		    void *data)
{
	uint32_t events = TL_EVENTS(TL_EVENT_DEATH);
	struct probing *pr = data;
	struct tl_engine *e;
	int r = tl_prober_attach(pr->prober, task, origin);

	(void)session;
	if (pr->list && pr->pid)
		events |= TL_EVENTS(TL_EVENT_QUIESCE);
	if (r == 0)
		r = tl_engine_attach(task, &probing_ops, pr, events, &e);
	if (r < 0)
		say("cannot follow thread %d: %s", tl_task_tid(task), strerror(-r));
}

static void let_go(struct probing *pr)
{
	if (!pr->leaving)
		tl_session_detach_all(pr->session);
	pr->leaving = true;
}

static int on_wake(struct tl_session *session, void *data)
{
	struct probing *pr = data;

	(void)session;
	if (interrupts > 1)
		return 1;
	if (expired && live_tick(pr))
		pr->over = true;
	expired = 0;
	if (interrupts || pr->over)
		let_go(pr);
	return 0;
}

static void catch_signals(struct probing *pr)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal }, old;

	/* nohup and background shells ignore some: so do we then. */
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigaction(signals[i], NULL, &old) < 0 || old.sa_handler != SIG_IGN)
			sigaction(signals[i], &sa, NULL);
	sigaction(SIGALRM, &sa, NULL);
	/* An output error like any other; ignored, it would be so in the program. */
	sa.sa_handler = on_pipe;
	sigaction(SIGPIPE, &sa, NULL);
	live_begin(pr);
}

static int start(struct probing *pr)
{
	struct tl_spawn_options so = { .size = sizeof(so), .argv = pr->argv, .envp = environ };
	int r;

	if (pr->pid) {
		r = tl_session_attach(pr->session, pr->pid);
		if (r < 0)
			explain_attach_failure(pr->pid, r);
		return r;
	}
	so.path = find_program(pr->argv[0]);
	if (!so.path) {
		explain_exec_failure(pr->argv[0], errno);
		return -ENOENT;
	}
	r = tl_session_spawn(pr->session, &so, &pr->child);
	if (r < 0)
		say("cannot run %s: %s", pr->argv[0], strerror(-r));
	free((char *)(uintptr_t)so.path);
	return r;
}

static void misspelt(struct probing *pr, const char *spec)
{
	say("not a SPEC: %s. It is [MODULE:]SYMBOL[+OFFSET|+*], [MODULE:]0xADDR, "
	    "[MODULE:]FILE:LINE "
	    "or MODULE:PROVIDER:NAME; behind a SYMBOL (TYPE, ...) = TYPE; and \"if CONDITION\"",
	    spec);
	pr->misspelt = true;
}

static int prepare(struct probing *pr)
{
	struct tl_session_options so = { .size = sizeof(so),
					 .flags = pr->flags,
					 .on_task = on_task,
					 .on_wake = on_wake,
					 .data = pr };
	int r = tl_prober_new(&pr->prober);

	pr->out = pr->output ? out_open(pr->output, false) : out_stderr();
	if (!pr->out) {
		say("cannot write to %s: %s", pr->output, strerror(errno));
		return -EIO;
	}
	if (r == 0)
		r = tl_session_new(&so, &pr->session);
	for (size_t i = 0; r == 0 && i < pr->nspecs; i++) {
		r = tl_probe_add(pr->prober, pr->specs[i],
				 pr->returns[i] ? &probing_return_ops : &probing_entry_ops, pr,
				 &pr->probes[i]);
		if (r == 0 && pr->list)
			tl_probe_enable(pr->probes[i], false);
		if (r == -EINVAL)
			misspelt(pr, pr->specs[i]);
	}
	return r;
}

static int finish(struct probing *pr, int r)
{
	int exec_error = r < 0 ? 0 : tl_session_spawn_error(pr->session), err;

	session_to_wake = NULL;
	live_end(pr);
	if (exec_error)
		explain_exec_failure(pr->argv[0], exec_error);
	/* Before the probes go. */
	for (size_t i = 0; r >= 0 && !exec_error && i < pr->nspecs; i++)
		probing_explain(pr, pr->probes[i]);
	if (pr->count && r >= 0)
		probing_table(pr);
	out_flush(pr->out);
	err = out_error(pr->out);
	if (err && err != EPIPE)
		say("cannot write to %s: %s. The program runs on without probes",
		    pr->output ? pr->output : "standard error", strerror(err));
	tl_session_free(pr->session);
	tl_prober_free(pr->prober);
	out_close(pr->out);
	probing_done(pr);
	if (pr->misspelt)
		return EXIT_USAGE;
	if (r < 0 || (err && err != EPIPE))
		return EXIT_TROUBLE;
	return pr->argv && pr->ended ? exit_as(pr->status) : 0;
}

static void explain_run_failure(struct tl_session *session, int r)
{
	struct tl_error e;

	tl_session_last_error(session, &e);
	say("stopped probing: %s (pid %d): %s", e.op ? e.op : "run", e.task.tid, strerror(-r));
}

int cmd_probe(int argc, char **argv)
{
	static struct probing pr = { .string_max = 64 };
	struct argp argp = { options, parse, "-- CMD ARGS...\n-p PID", doc, NULL, NULL, NULL };
	int r;

	argv[0] = (char *)(uintptr_t) "trapline probe";
	/* For what bars are drawn with. */
	setlocale(LC_CTYPE, "");
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &pr);
	if (trace_through_broker(&pr.pid, pr.pid != 0, command_line, &r))
		return r;
	r = prepare(&pr);
	if (!pr.out)
		return EXIT_TROUBLE;
	if (r == 0) {
		catch_signals(&pr);
		session_to_wake = pr.session;
		r = start(&pr);
	}
	if (r == 0) {
		r = tl_session_run(pr.session);
		if (r < 0)
			explain_run_failure(pr.session, r);
	}
	return finish(&pr, r);
}
