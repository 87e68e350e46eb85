/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The trace command's options, by argp. Options end at the first word that is not one. */
#define _GNU_SOURCE
#include "trace.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	OPT_FORMAT = 256,
	OPT_VIA,
	OPT_NO_FOLLOW,
	OPT_NO_PLACE,
	OPT_INJECT,
	OPT_RECORD,
	OPT_REPLAY,
	OPT_PRETEND,
	OPT_CHECK,
	OPT_UNDECODED,
	OPT_LIST,
	OPT_FF,
	OPT_APPEND,
	OPT_REGS,
};

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "What to trace:", 1 },
	{ "attach", 'p', "PID", 0,
	  "Attach to a running process, with all its threads; may be repeated", 1 },
	{ "trace", 'e', "EXPR", 0,
	  "Which system calls: names or %classes, comma-separated; ! negates. Also signal=SET, "
	  "inject=..., trace=...",
	  1 },
	{ "path", 'P', "PATH", 0, "Only calls that touch this path", 1 },
	{ "successful-only", 'z', NULL, 0, "Only calls that succeeded", 1 },
	{ "failed-only", 'Z', NULL, 0, "Only calls that failed", 1 },
	{ "no-follow", OPT_NO_FOLLOW, NULL, 0, "Do not follow children and threads", 1 },
	{ "follow", 'f', NULL, 0, "Follow children and threads (this is the default)", 1 },
	{ NULL, 0, NULL, 0, "Output:", 2 },
	{ "output", 'o', "FILE", 0, "Write the trace to FILE instead of standard error", 2 },
	{ "output-separately", OPT_FF, NULL, 0, "One FILE.TID per thread (with -o)", 2 },
	{ "append", 'A', NULL, 0, "Append to the file instead of overwriting it", 2 },
	{ "format", OPT_FORMAT, "text|json", 0, "Lines in strace's grammar, or JSON lines", 2 },
	{ "summary", 'c', NULL, 0, "Count calls, errors and times; print a table at the end", 2 },
	{ "summary-too", 'C', NULL, 0, "Like -c, and the lines as well", 2 },
	{ "stacks", 'k', NULL, 0, "Print the stack after each call and signal", 2 },
	{ "string-limit", 's', "N", 0, "Show up to N bytes of a string (32)", 2 },
	{ "relative-timestamps", 'r', NULL, 0, "Time since the previous line", 2 },
	{ "timestamps", 't', NULL, 0, "Wall clock time; -tt with microseconds, -ttt as seconds",
	  2 },
	{ "times", 'T', NULL, 0, "Time spent in each call", 2 },
	{ "decode-fds", 'y', NULL, 0,
	  "Show what descriptors are open on; -yy with socket addresses", 2 },
	{ "no-abbrev", 'v', NULL, 0, "Whole structures and environments", 2 },
	{ "strings-in-hex", 'x', NULL, 0, "Strings that are not text in hex; -xx all of them", 2 },
	{ "instruction-pointer", 'i', NULL, 0, "Where each call was made", 2 },
	{ "regs", OPT_REGS, "NAME,...", 0,
	  "Registers as the program has them, at the entry and at the exit of each call", 2 },
	{ "columns", 'a', "N", 0, "Align results at column N (40)", 2 },
	{ "quiet", 'q', NULL, 0, "No messages about attaching and exits", 2 },
	{ NULL, 0, NULL, 0, "The program:", 3 },
	{ "env", 'E', "VAR[=VALUE]", 0, "Set (or remove) an environment variable for it", 3 },
	{ "user", 'u', "NAME", 0, "Run it as this user", 3 },
	{ "inject", OPT_INJECT, "SET:WHAT", 0,
	  "Tamper: error=, retval=, signal=, delay_enter=, delay_exit=, when=", 3 },
	{ NULL, 0, NULL, 0, "How:", 4 },
	{ "via", OPT_VIA, "auto|stops", 0,
	  "auto: with -e, a seccomp filter in a spawned program makes only the selected calls "
	  "stop. The "
	  "filter outlives the tracer, so the program is killed if trapline is killed; on Ctrl-C a "
	  "caretaker stays behind. setuid programs gain no privileges where the filter needs "
	  "no_new_privs. stops: no filter",
	  4 },
	{ "no-place", OPT_NO_PLACE, NULL, 0, "Let the scheduler place the tracee (slower stops)",
	  4 },
	{ "record", OPT_RECORD, "FILE", 0, "Record what the kernel answers, for a bug report", 4 },
	{ "replay", OPT_REPLAY, "FILE", 0, "Trace a recording instead of a program", 4 },
	{ "pretend", OPT_PRETEND, "no-FEATURE,...", 0,
	  "Do without kernel features; 'trapline doctor --kernel' names them", 4 },
	{ "check-stops", OPT_CHECK, NULL, 0,
	  "Tell entry from exit twice, with the kernel's answer and without; stop on a difference",
	  4 },
	{ "list-undecoded", OPT_UNDECODED, NULL, 0,
	  "List the calls with arguments that are still plain numbers, and end", 4 },
	{ "list-calls", OPT_LIST, NULL, 0, "List all system calls, and end", 4 },
	{ 0 },
};

static const char doc[] =
	"Shows the system calls, signals and process life of a program, decoded, in strace's "
	"grammar."
	"\vExamples:\n"
	"  trapline trace -- ls -l              every call of ls\n"
	"  trapline trace -e %file -- make      what make and its children open\n"
	"  trapline trace -p 4711 -c            count what a process does, until Ctrl-C\n"
	"  trapline trace --inject=write:error=ENOSPC:when=3 -- cp a b\n\n"
	"The exit status is that of the program. See trapline-trace(1).";

static void list_calls(bool undecoded)
{
	const enum tl_abi abis[] = { tl_abi_native(64), tl_abi_native(32) };
	unsigned n = 0;

	for (int a = 0; a < 2; a++) {
		for (int64_t nr = 0; nr < tl_syscall_limit(abis[a]); nr++) {
			const char *name = tl_syscall_name(abis[a], nr);

			if (!name || (undecoded && !tl_syscall_undecoded(abis[a], nr)))
				continue;
			n++;
			if (undecoded)
				printf("%-7s %4d %s: %u of %u arguments\n", tl_abi_name(abis[a]),
				       (int)nr, name, tl_syscall_undecoded(abis[a], nr),
				       tl_syscall_argument_count(abis[a], nr));
			else
				printf("%-7s %4d %s\n", tl_abi_name(abis[a]), (int)nr, name);
		}
	}
	if (undecoded)
		printf("%u calls\n", n);
}

static int parse_signals(struct trace_options *o, const char *text)
{
	bool negate = *text == '!';
	char *copy = strdup(text + negate), *word, *save = NULL;
	int r = 0;

	if (!copy)
		return -ENOMEM;
	memset(o->signals, negate, sizeof(o->signals));
	if (!strcmp(copy, "all"))
		memset(o->signals, !negate, sizeof(o->signals));
	else if (strcmp(copy, "none"))
		for (word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
			int sig = tl_signal_number(word);

			if (sig < 0) {
				say("unknown signal: %s", word);
				r = -EINVAL;
				break;
			}
			o->signals[sig] = !negate;
		}
	free(copy);
	return r;
}

static int add_inject(struct trace_options *o, const char *text)
{
	if (o->ninjects == INJECT_MAX) {
		say("--inject: more than %d of them", INJECT_MAX);
		return -EINVAL;
	}
	return inject_parse(&o->injects[o->ninjects++], text);
}

static int parse_expr(struct trace_options *o, const char *text)
{
	if (!strncmp(text, "trace=", 6))
		return call_set_parse(&o->calls, text + 6);
	if (!strncmp(text, "t=", 2))
		return call_set_parse(&o->calls, text + 2);
	if (!strncmp(text, "signal=", 7) || !strncmp(text, "signals=", 8))
		return parse_signals(o, strchr(text, '=') + 1);
	if (!strncmp(text, "inject=", 7))
		return add_inject(o, text + 7);
	if (!strncmp(text, "fault=", 6)) {
		char spec[512];

		snprintf(spec, sizeof(spec), "%s%s", text + 6,
			 strstr(text, "error=") ? "" : ":error=ENOSYS");
		return add_inject(o, spec);
	}
	return call_set_parse(&o->calls, text);
}

static int parse_pids(struct trace_options *o, const char *text)
{
	char *end;

	while (*text) {
		long pid = strtol(text, &end, 10);

		if (end == text || pid <= 0 || pid > 1 << 30 || o->npids == PIDS_MAX) {
			say("-p: not a process id: %s", text);
			return -EINVAL;
		}
		o->pids[o->npids++] = (int)pid;
		text = end + strspn(end, ", \n\t");
	}
	return 0;
}

static int parse_number(const char *text, const char *option, unsigned *value)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || *end || n > 1u << 24) {
		say("%s: not a number: %s", option, text);
		return -EINVAL;
	}
	*value = (unsigned)n;
	return 0;
}

static int parse_how(struct trace_options *o, int key, char *arg)
{
	switch (key) {
	case OPT_FORMAT:
		o->json = !strcmp(arg, "json");
		if (o->json || !strcmp(arg, "text"))
			return 0;
		say("--format: text or json, not %s", arg);
		return -EINVAL;
	case OPT_VIA:
		o->via = !strcmp(arg, "stops") ? VIA_STOPS : VIA_AUTO;
		if (!strcmp(arg, "stops") || !strcmp(arg, "auto"))
			return 0;
		say("--via: auto or stops, not %s", arg);
		return -EINVAL;
	case OPT_NO_FOLLOW:
		o->follow = false;
		return 0;
	case OPT_NO_PLACE:
		o->place = false;
		return 0;
	case OPT_INJECT:
		return add_inject(o, arg);
	case OPT_RECORD:
		o->record = arg;
		return 0;
	case OPT_REPLAY:
		o->replay = arg;
		return 0;
	case OPT_PRETEND:
		o->pretend = arg;
		return 0;
	case OPT_REGS:
		return regs_parse(o, arg);
	case OPT_CHECK:
		o->check_stops = true;
		return 0;
	case OPT_UNDECODED:
	case OPT_LIST:
		list_calls(key == OPT_UNDECODED);
		exit(0);
	case OPT_FF:
		o->separate = true;
		return 0;
	default:
		return -ENOENT;
	}
}

static int parse_flag(struct trace_options *o, int key)
{
	switch (key) {
	case 'f': /* -ff, as strace has it: a file each */
		o->separate |= o->follows++ > 0;
		o->follow = true;
		break;
	case 'z':
		o->only_ok = true;
		break;
	case 'Z':
		o->only_failed = true;
		break;
	case 'A':
		o->append = true;
		break;
	case 'c':
		o->counts = true;
		break;
	case 'C':
		o->counts = o->counts_and_lines = true;
		break;
	case 'k':
		o->stacks = true;
		break;
	case 'r':
		o->relative = true;
		break;
	case 't':
		o->timestamps++;
		break;
	case 'T':
		o->durations = true;
		break;
	case 'y':
		o->decode.flags |= o->decode.flags & TL_DECODE_FD_PATHS ? TL_DECODE_FD_DETAILS
									: TL_DECODE_FD_PATHS;
		break;
	case 'v':
		o->decode.flags |= TL_DECODE_VERBOSE;
		break;
	case 'x':
		o->decode.flags |= o->decode.flags & TL_DECODE_HEX_STRINGS ? TL_DECODE_HEX_ALL
									   : TL_DECODE_HEX_STRINGS;
		break;
	case 'i':
		o->instruction_pointer = true;
		break;
	case 'q':
		o->quiet = true;
		break;
	default:
		return -ENOENT;
	}
	return 0;
}

static int parse_value(struct trace_options *o, int key, char *arg)
{
	switch (key) {
	case 'p':
		return parse_pids(o, arg);
	case 'e':
		return parse_expr(o, arg);
	case 'P':
		if (o->npaths == PATHS_MAX) {
			say("-P: more than %d paths", PATHS_MAX);
			return -EINVAL;
		}
		o->paths[o->npaths++] = arg;
		return 0;
	case 'o':
		o->output = arg;
		return 0;
	case 's':
		return parse_number(arg, "-s", &o->decode.max_string);
	case 'a':
		return parse_number(arg, "-a", &o->column);
	case 'u':
		o->user = arg;
		return 0;
	case 'E': {
		char **more = realloc(o->env, (o->nenv + 1) * sizeof(*more));

		if (!more)
			return -ENOMEM;
		o->env = more;
		o->env[o->nenv++] = arg;
		return 0;
	}
	default:
		return -ENOENT;
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct trace_options *o = state->input;
	int r;

	if (key == ARGP_KEY_ARG) {
		o->argv = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	}
	r = parse_flag(o, key);
	if (r == -ENOENT && arg)
		r = parse_value(o, key, arg);
	if (r == -ENOENT)
		r = parse_how(o, key, arg);
	if (r == -ENOENT)
		return ARGP_ERR_UNKNOWN;
	if (r < 0)
		exit(EXIT_USAGE);
	return 0;
}

static int check(const struct trace_options *o)
{
	if (!o->argv && !o->npids && !o->replay) {
		say("nothing to trace: give a program (trapline trace -- CMD ARGS...) or a process "
		    "(-p PID)");
		return EXIT_USAGE;
	}
	if (o->separate && !o->output) {
		say("--output-separately needs -o FILE");
		return EXIT_USAGE;
	}
	if (o->only_ok && o->only_failed) {
		say("-z and -Z leave nothing to show together");
		return EXIT_USAGE;
	}
	if (o->user && geteuid() != 0) {
		say("-u %s: only root may become another user", o->user);
		return EXIT_USAGE;
	}
	return -1;
}

int trace_options_parse(struct trace_options *o, int argc, char **argv)
{
	static const struct argp argp = { options, parse, "CMD ARGS...\n-p PID", doc, NULL,
					  NULL,    NULL };

	memset(o, 0, sizeof(*o));
	o->follow = o->place = true;
	o->column = 40;
	o->calls.all = true;
	o->decode.size = sizeof(o->decode);
	memset(o->signals, 1, sizeof(o->signals));
	argv[0] = (char *)"trapline trace";
	argp_err_exit_status = EXIT_USAGE;
	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, o))
		return EXIT_USAGE;
	return check(o);
}
