/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command: finds the subcommand and hands it its arguments. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trapline/version.h>

static const struct command commands[] = {
	{ "trace", cmd_trace, "show system calls, signals and process life, decoded" },
	{ "probe", cmd_probe, "tell which threads come by which instructions, and count them" },
	{ "run", cmd_run, "run an unmodified tracer, so that others can trace the same processes" },
	{ "ps", cmd_ps, "show what the tools of 'trapline run' trace" },
	{ "regs", cmd_regs, "show and change the registers of a process" },
	{ "doctor", cmd_doctor,
	  "tell what this kernel and user allow, and why a process cannot be traced" },
};

static void usage(FILE *out)
{
	fputs("Usage: trapline COMMAND [OPTIONS] [--] CMD ARGS...\n\nCommands:\n", out);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
	fputs("\nTry 'trapline COMMAND --help', or trapline(1).\n", out);
}

char **command_line;

int main(int argc, char **argv)
{
	/* Where there is no memory it is what the parsers have left of it. */
	command_line = calloc((size_t)argc + 1, sizeof(*argv));
	if (command_line)
		memcpy(command_line, argv, (size_t)argc * sizeof(*argv));
	else
		command_line = argv;
	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		usage(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("trapline " TRAPLINE_VERSION);
		return 0;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	say("no such command: %s. To trace a program: trapline trace -- %s", argv[1], argv[1]);
	usage(stderr);
	return EXIT_USAGE;
}
