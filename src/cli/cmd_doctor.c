/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The doctor command: what this kernel, user and container allow, each row with its cause and
 * remedy. */
#define _GNU_SOURCE
#include "doctor.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
	bool kernel, repair, json;
	int pid;
};

enum { OPT_KERNEL = 256, OPT_REPAIR, OPT_JSON };

static const struct argp_option options[] = {
	{ "kernel", OPT_KERNEL, NULL, 0, "Only what this kernel was measured to do", 0 },
	{ "repair", OPT_REPAIR, NULL, 0,
	  "With PID: lift breakpoints that a dead debugger left in its text", 0 },
	{ "json", OPT_JSON, NULL, 0, "One JSON object a row", 0 },
	{ 0 },
};

static const char doc[] =
	"Tells what tracing this kernel, user and container allow, and for a process why it cannot "
	"be "
	"traced, who traces it, and what a dead debugger left in its text."
	"\vThe exit status is 0 when nothing stands in the way, else 1. See trapline-doctor(1).";

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	char *end;

	switch (key) {
	case OPT_KERNEL:
		o->kernel = true;
		return 0;
	case OPT_REPAIR:
		o->repair = true;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case ARGP_KEY_ARG:
		o->pid = (int)strtol(arg, &end, 10);
		if (end == arg || *end || o->pid <= 0 || state->arg_num)
			argp_error(state, "not a process id: %s", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void put_json(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if ((unsigned char)*s < ' ')
			printf("\\u%04x", (unsigned char)*s);
		else
			putchar(*s);
	}
	putchar('"');
}

static bool as_json;
static int troubles;

void doctor_row(enum verdict verdict, const char *what, const char *is, const char *remedy)
{
	static const char *const marks[] = { "ok", "note", "BAD" };

	troubles += verdict == VERDICT_BAD;
	if (as_json) {
		printf("{\"what\":");
		put_json(what);
		printf(",\"verdict\":\"%s\",\"is\":",
		       verdict == VERDICT_BAD ? "bad" : marks[verdict]);
		put_json(is);
		if (remedy) {
			printf(",\"remedy\":");
			put_json(remedy);
		}
		puts("}");
		return;
	}
	printf("%-4s  %-18s  %s\n", marks[verdict], what, is);
	if (remedy)
		printf("      %-18s  -> %s\n", "", remedy);
}

static void kernel_rows(void)
{
	struct tl_feature f = { .size = sizeof(f) };

	for (size_t i = 0; tl_caps_feature(i, &f) == 0; i++) {
		char is[128];

		snprintf(is, sizeof(is), "%s: %s", f.present ? "yes" : "no", f.help);
		doctor_row(f.present ? VERDICT_OK : VERDICT_NOTE, f.name, is, NULL);
		f.size = sizeof(f);
	}
}

int cmd_doctor(int argc, char **argv)
{
	static const struct argp argp = { options, parse, "[PID]", doc, NULL, NULL, NULL };
	struct options o = { 0 };

	argv[0] = (char *)"trapline doctor";
	argp_err_exit_status = EXIT_USAGE;
	if (argp_parse(&argp, argc, argv, 0, NULL, &o))
		return EXIT_USAGE;
	if (o.repair && !o.pid) {
		say("--repair needs a process id");
		return EXIT_USAGE;
	}
	as_json = o.json;
	if (o.kernel) {
		kernel_rows();
		return 0;
	}
	if (o.pid)
		doctor_process(o.pid, o.repair);
	else
		doctor_system();
	return troubles ? EXIT_TROUBLE : 0;
}
