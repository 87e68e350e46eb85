/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the commands share. The command sees installed headers only. */
#ifndef TL_CLI_CLI_H
#define TL_CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <trapline/trapline.h>

enum { EXIT_USAGE = 2, EXIT_TROUBLE = 1 };

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
};

extern char **command_line; /* main()'s argv, as it was */

int cmd_probe(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_ps(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_regs(int argc, char **argv);
int cmd_doctor(int argc, char **argv);

/* say.c: messages to the person; "trapline: ..." on standard error */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Is there a line on the terminal that the next message has to take the place of? */
void say_over_progress(bool shown);
/* Why a process cannot be traced, and what would help: one line or more. */
void explain_attach_failure(int pid, int err);
/* The same for a tool that has been refused, if the reason is not in what it asked for: it can
 * say no more than that itself. Does not block. True: something was said. */
bool explain_tools_failure(int tool, int pid);

/* on_broker.c */
/* As tl_broker_run(); the terminal's signals are the tool's, others that end it are passed on. */
int run_on_broker(const char *path, char *const *argv, int *ret_status);
/* The exit status that tells of it; dies of the signal that it died of. */
int end_as(int status);
enum tracer_kind { TRACER_IS_NATIVE, TRACER_IS_SERVER, TRACER_ON_BROKER };
/* Who traces a process: its pid and name, and whether it is a broker's server, or a tool that is
 * alone on a broker; or 0. */
int process_tracer(int pid, char *name, size_t size, enum tracer_kind *ret_kind);
/* Where a broker holds one of them: runs this command line as a tool of a broker, once more; true:
 * it has, and *ret is its exit status. */
bool trace_through_broker(const int *pids, size_t n, char *const *argv, int *ret);

/* program.c: finding and starting what the command line names */
/* Resolves a name through PATH as a shell would. Returns a malloc'd path, or NULL with errno. */
char *find_program(const char *name);
/* Says why it cannot be executed. */
void explain_exec_failure(const char *name, int err);

/* pidinfo.c: what /proc says about a process, for people */
bool proc_status_field(int pid, const char *key, char *value, size_t size);
void proc_name(int pid, char *buf, size_t size);
int read_small_file(const char *path, char *buf, size_t size);

#endif
