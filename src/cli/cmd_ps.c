/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* trapline ps: which processes tools of 'trapline run' trace, and what each of them is at. */
#define _GNU_SOURCE
#include "cli.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char doc[] = "Shows what the tools of 'trapline run' trace: each thread, who traces "
			  "it, and what that one is at.";

static bool json;
static unsigned count;

enum { KEY_JSON = 256 };

static const struct argp_option options[] = { { "json", KEY_JSON, NULL, 0, "One object a line", 0 },
					      { 0 } };

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case KEY_JSON:
		json = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "no process is to be named: %s", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const char *const states[] = { [TL_BROKER_RUNS] = "runs",
				      [TL_BROKER_RUNS_TO_CALL] = "runs to the next call",
				      [TL_BROKER_STEPS] = "steps",
				      [TL_BROKER_HOLDS] = "holds it",
				      [TL_BROKER_LISTENS] = "listens in a group stop",
				      [TL_BROKER_DEAD] = "has not waited for its end" };

static void say_at(const struct tl_broker_link *l, char *text, size_t size)
{
	const char *name = sigabbrev_np(l->signo);

	if (l->state != TL_BROKER_HOLDS)
		snprintf(text, size, "%s", states[l->state]);
	else if (l->event)
		snprintf(text, size, "holds it: %s, event %d", name ? name : "?", l->event);
	else
		snprintf(text, size, "holds it: %s", name ? name : "?");
}

static void show_json(const struct tl_broker_link *l)
{
	static const char *const words[] = {
		[TL_BROKER_RUNS] = "runs",       [TL_BROKER_RUNS_TO_CALL] = "runs-to-call",
		[TL_BROKER_STEPS] = "steps",     [TL_BROKER_HOLDS] = "holds",
		[TL_BROKER_LISTENS] = "listens", [TL_BROKER_DEAD] = "dead"
	};
	const char *name = sigabbrev_np(l->signo);
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	printf("{\"ts\":%lld,\"pid\":%d,\"tid\":%d,\"ev\":\"link\",\"tool\":%d,\"server\":%d,"
	       "\"state\":\"%s\"",
	       (long long)now.tv_sec * 1000000000 + now.tv_nsec, l->pid, l->tid, l->tool, l->server,
	       words[l->state]);
	if (l->state == TL_BROKER_HOLDS && name)
		printf(",\"sig\":\"SIG%s\"", name);
	if (l->state == TL_BROKER_HOLDS && l->event)
		printf(",\"event\":%d", l->event);
	puts("}");
}

static void show(const struct tl_broker_link *l, void *data)
{
	char program[32], tool[32], at[64];

	(void)data;
	proc_name(l->pid, program, sizeof(program));
	proc_name(l->tool, tool, sizeof(tool));
	say_at(l, at, sizeof(at));
	if (json)
		show_json(l);
	else if (!count)
		printf("%7s %7s %-16s %7s %-16s %s\n", "PID", "TID", "PROGRAM", "TRACER", "",
		       "WHICH");
	if (!json)
		printf("%7d %7d %-16s %7d %-16s %s\n", l->pid, l->tid, program, l->tool, tool, at);
	count++;
}

int cmd_ps(int argc, char **argv)
{
	struct argp argp = { options, parse, "", doc, NULL, NULL, NULL };
	int r;

	argv[0] = (char *)(uintptr_t) "trapline ps";
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	if (json)
		puts("{\"v\":1,\"ev\":\"begin\",\"clock\":\"monotonic\"}");
	r = tl_broker_list(show, NULL);
	if (r < 0) {
		say("cannot ask the servers of 'trapline run': %s", strerror(-r));
		return EXIT_TROUBLE;
	}
	if (!count && !json)
		say("no tool that was started by 'trapline run' traces anything");
	return 0;
}
