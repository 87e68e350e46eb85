/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* trapline run: an unmodified tracer, or a shell to start some from, on the broker. */
#define _GNU_SOURCE
#include "cli.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char doc[] =
	"Runs an unmodified tracer, strace or gdb say, so that others can trace the same processes "
	"meanwhile: all that is started below shares its tracees.\v"
	"Without TOOL a shell is run, and everything typed there shares. Examples:\n"
	"  trapline run\n"
	"  $ gdb -p 1234 &  strace -p 1234\n"
	"  trapline run -- gdb ./prog\n";

static char *const *tool;

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	if (key != ARGP_KEY_ARGS)
		return ARGP_ERR_UNKNOWN;
	tool = state->argv + state->next;
	return 0;
}

static void explain(const char *name, int err)
{
	switch (err) {
	case EBUSY:
		say("cannot run %s: there is a listener for system calls above this process "
		    "already, and the "
		    "kernel allows one. Inside 'trapline run' everything shares, so run %s by "
		    "itself; "
		    "inside a container, run trapline outside of it",
		    name, name);
		break;
	case ENOSYS:
	case EACCES:
		if (access(name, F_OK) < 0 || access(name, X_OK) == 0) {
			say("cannot run %s: this kernel or container allows no seccomp listener "
			    "(%s)",
			    name, strerror(err));
			break;
		}
		/* fallthrough */
	default:
		explain_exec_failure(name, err);
	}
}

int cmd_run(int argc, char **argv)
{
	struct argp argp = { NULL, parse, "[--] [TOOL ARGS...]", doc, NULL, NULL, NULL };
	char *shell[] = { getenv("SHELL"), NULL };
	char *const *args, *path;
	int r, status = 0;

	argv[0] = (char *)(uintptr_t) "trapline run";
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, NULL);
	if (!shell[0] || !*shell[0])
		shell[0] = (char *)(uintptr_t) "/bin/sh";
	args = tool ? tool : shell;
	path = find_program(args[0]);
	if (!path) {
		explain_exec_failure(args[0], errno);
		return errno == EACCES ? 126 : 127;
	}
	r = run_on_broker(path, args, &status);
	free(path);
	if (r < 0) {
		explain(args[0], -r);
		return EXIT_TROUBLE;
	}
	return end_as(status);
}
