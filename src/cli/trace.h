/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The trace command's parts. One trace at a time: struct trace is made in cmd_trace.c and handed
 * around. */
#ifndef TL_CLI_TRACE_H
#define TL_CLI_TRACE_H

#include "cli.h"

#include <stdio.h>
#include <sys/queue.h>

enum {
	CALLS_MAX = 1024,
	PATHS_MAX = 16,
	PIDS_MAX = 64,
	INJECT_MAX = 16,
	SIGNALS_MAX = 65,
	REGS_MAX = 32
};

/* A set of system calls, by number in each ABI. */
struct call_set {
	bool all;                 /* nothing was said */
	uint8_t in[4][CALLS_MAX]; /* by ABI: select.c */
};

/* select.c: "open,read", "%file", "!write", "/^get" */
int call_set_parse(struct call_set *set, const char *expr);
bool call_set_has(const struct call_set *set, enum tl_abi abi, int64_t nr);
void call_set_add(struct call_set *set, const struct call_set *more);
size_t call_set_numbers(const struct call_set *set, enum tl_abi abi, int32_t *numbers);

struct inject {
	struct call_set calls;
	bool skip, has_signal;
	int64_t ret;
	int signo;
	uint64_t delay_enter_ns, delay_exit_ns;
	unsigned first, last, step; /* when= */
};
int inject_parse(struct inject *inj, const char *text);

struct trace_options {
	bool json, counts, counts_and_lines, stacks, follow, quiet;
	bool only_ok, only_failed; /* -z, -Z */
	bool relative, durations;  /* -r, -T */
	int timestamps;            /* -t, -tt, -ttt */
	bool separate;             /* -ff */
	unsigned follows;          /* -f so far */
	bool instruction_pointer;  /* -i */
	bool place, check_stops, list_undecoded;
	bool append;
	enum { VIA_AUTO, VIA_STOPS, VIA_PATCH } via;
	unsigned column;
	const char *output, *user, *record, *replay, *pretend;
	struct tl_decode_options decode;
	struct call_set calls;
	bool signals[SIGNALS_MAX];
	const char *paths[PATHS_MAX];
	size_t npaths;
	const char *regs[REGS_MAX];
	size_t nregs;
	int pids[PIDS_MAX];
	size_t npids;
	struct inject injects[INJECT_MAX];
	size_t ninjects;
	char **env; /* -E: as given */
	size_t nenv;
	char **argv; /* the program */
};
/* trace_opts.c; the exit status when the command is over, -1 to go on */
int trace_options_parse(struct trace_options *o, int argc, char **argv);

/* --regs: what a task had at a stop. */
struct regs_taken {
	uint32_t have; /* bit i: value[i]; a task of another ABI may lack the register */
	uint64_t value[REGS_MAX];
};

/* What the trace knows of a task. */
struct traced {
	TAILQ_ENTRY(traced) link;
	struct tl_task *task;
	struct tl_engine *engine;
	struct trace *trace;
	int pid, tid;
	bool in_call, shown, open; /* entered; of interest; its line is not ended */
	struct tl_syscall call;
	struct tl_decode_state decoding;
	const char *interrupted; /* the call that restart_syscall would resume, where known */
	uint64_t entered;
	unsigned hits[INJECT_MAX];
	uint64_t due;    /* an injected delay's end */
	struct out *out; /* its own file with -ff */
	struct regs_taken regs_in, regs_out;
	char *args[6]; /* JSON: texts taken at entry */
};
TAILQ_HEAD(traced_list, traced);

struct trace {
	struct trace_options o;
	struct tl_session *session;
	struct tl_decoder *decoder;
	struct out *out;
	struct traced_list tasks;
	unsigned ntasks;
	struct traced *open_line; /* whose line is not ended */
	uint64_t last_time;       /* -r */
	int64_t clock_offset;     /* realtime - monotonic, ns */
	int main_pid, status;     /* the spawned program, and how it ended */
	bool ended, detaching, nnp_said;
	struct counts *counts;
	struct tl_spawn_options spawn; /* with the calls to select */
	struct tl_unwinder *unwinder;
};

/* out.c: a file, pipe or standard error, with what happens when it is full or closed */
struct out;
struct out *out_open(const char *path, bool append);
struct out *out_stderr(void);
void out_write(struct out *out, const char *data, size_t len);
void out_printf(struct out *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool out_is_terminal(const struct out *out);
bool out_is_buffered(const struct out *out); /* a named file: flushed now and then, not by line */
void out_flush(struct out *out);
int out_error(const struct out *out);                 /* errno of the first failed write, or 0 */
void out_json_string(struct out *out, const char *s); /* with its quotes */
void out_close(struct out *out);

/* trace_text.c and trace_json.c: the two ways to show an event */
struct format {
	void (*entry)(struct traced *t, const struct tl_event *ev);
	void (*exit)(struct traced *t, const struct tl_event *ev);
	void (*never_returned)(struct traced *t, const struct tl_event *ev);
	void (*signal)(struct traced *t, const struct tl_event *ev);
	void (*group_stop)(struct traced *t, const struct tl_event *ev);
	void (*clone)(struct traced *t, const struct tl_event *ev);
	void (*exec)(struct traced *t, const struct tl_event *ev);
	void (*death)(struct traced *t, const struct tl_event *ev);
	void (*detached)(struct traced *t);
};
extern const struct format format_text, format_json;
void json_begin(struct trace *trace);
void text_detached_open_lines(struct trace *trace);

/* trace_engine.c */
extern const struct tl_engine_ops trace_ops;
void trace_watch_task(struct trace *trace, struct tl_task *task);
uint64_t trace_release_delayed(struct trace *trace, uint64_t now); /* the next due time, or 0 */

/*
 * caretaker.c: the calls that a filter selects fail with ENOSYS once their tracer is gone, so a
 * tracer with a filter stays until the last filtered task has ended. It runs in a process behind
 * the one that the shell sees; when it is asked to end, the front leaves and it only continues
 * tasks.
 */
bool caretaker_split(void); /* false: cannot */
bool caretaker_is_behind(void);
void caretaker_release(void);    /* the front leaves; this process goes on in the background */
int exit_as(int status);         /* cmd_trace.c: ends by the signal that ended the program */
void caretaker_done(int status); /* the front ends with this wait status */

/* trace_regs.c */
int regs_parse(struct trace_options *o, char *text);
void regs_take(struct traced *t, struct regs_taken *taken);
void regs_text(const struct trace *trace, const struct regs_taken *taken, struct out *out);
void regs_json(const struct trace *trace, const struct regs_taken *taken, const char *key,
	       struct out *out);

/* trace_stack.c: -k */
void stack_write(struct out *out, struct tl_unwinder **unwinder, struct tl_task *task, bool json);
void stack_print(struct traced *t);

/* trace_count.c */
struct counts *counts_new(void);
void counts_add(struct counts *c, const struct tl_syscall *call, uint64_t ns);
void counts_print(struct counts *c, struct out *out, bool json);
void counts_free(struct counts *c);

#endif
