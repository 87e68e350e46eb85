/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* trapline run: an unmodified tracer, or a shell to start some from, on the broker. */
#define _GNU_SOURCE
#include "cli.h"

#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
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

static volatile pid_t running;

/* The terminal's go to the tool as well, which decides what becomes of us. */
static void stay(int sig)
{
	(void)sig;
}

static void pass_on(int sig)
{
	if (running > 0)
		kill(running, sig);
}

static void on_start(int32_t pid, void *data)
{
	(void)data;
	running = pid;
}

/* Handlers are not inherited through an exec: the tool has its signals as they were. */
static void handle(int sig, void (*handler)(int))
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART }, old;

	if (sigaction(sig, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		sigaction(sig, &sa, NULL);
}

static int end_as(int status)
{
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	signal(WTERMSIG(status), SIG_DFL);
	kill(getpid(), WTERMSIG(status));
	return 128 + WTERMSIG(status);
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
	struct tl_broker_options o = { .size = sizeof(o), .envp = environ, .on_start = on_start };
	char *shell[] = { getenv("SHELL"), NULL };
	int r, status = 0;
	char *path;

	argv[0] = (char *)(uintptr_t) "trapline run";
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, NULL);
	if (!shell[0] || !*shell[0])
		shell[0] = (char *)(uintptr_t) "/bin/sh";
	o.argv = tool ? tool : shell;
	path = find_program(o.argv[0]);
	o.path = path;
	if (!path) {
		explain_exec_failure(o.argv[0], errno);
		return errno == EACCES ? 126 : 127;
	}
	handle(SIGINT, stay);
	handle(SIGQUIT, stay);
	handle(SIGTERM, pass_on);
	handle(SIGHUP, pass_on);
	r = tl_broker_run(&o, &status);
	free(path);
	if (r < 0) {
		explain(o.argv[0], -r);
		return EXIT_TROUBLE;
	}
	return end_as(status);
}
