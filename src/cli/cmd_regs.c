/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The regs command: every register set of every thread of a process, and changing one register. */
#define _GNU_SOURCE
#include "cli.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SETS_MAX = 32, STOP_MS = 5000, LET_GO_MS = 1000, OPT_JSON = 256, OPT_SET };

struct setting {
	char *name;
	uint64_t value;
};

struct regs {
	bool json;
	int pid, only; /* only: this thread, or 0 for all */
	struct setting sets[SETS_MAX];
	size_t nsets;
	FILE *out; /* in memory: nobody who reads slowly, or no more, keeps a thread stopped */
	struct tl_session *session;
	struct tl_task **tasks;
	size_t ntasks;
	int status;
};

static const struct argp_option options[] = {
	{ "set", OPT_SET, "NAME=VALUE", 0,
	  "Write a general register of this thread (of the first one, for a process)", 0 },
	{ "json", OPT_JSON, NULL, 0, "One JSON object a thread", 0 },
	{ 0 },
};

static const char doc[] =
	"Shows the registers of a process or of one thread, each for a moment stopped."
	"\vExamples:\n"
	"  trapline regs 4711                    all sets of all threads\n"
	"  trapline regs 4711 --set rbx=0x10     write one, and show what is there then\n\n"
	"See trapline-regs(1).";

static int parse_setting(struct regs *g, const char *text, struct argp_state *state)
{
	const char *equals = strchr(text, '=');
	struct setting *s = &g->sets[g->nsets];
	char *end;

	if (!equals || equals == text || !equals[1])
		argp_error(state, "not NAME=VALUE: %s", text);
	if (g->nsets == SETS_MAX)
		argp_error(state, "more than %d registers to write", SETS_MAX);
	errno = 0;
	s->value = strtoull(equals + 1, &end, 0);
	if (*end || errno)
		argp_error(state, "not a number of 64 bits: %s", equals + 1);
	s->name = strndup(text, (size_t)(equals - text));
	g->nsets++;
	return s->name ? 0 : ENOMEM;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct regs *g = state->input;
	char *end;

	switch (key) {
	case OPT_JSON:
		g->json = true;
		return 0;
	case OPT_SET:
		return parse_setting(g, arg, state);
	case ARGP_KEY_ARG:
		g->pid = (int)strtol(arg, &end, 10);
		if (end == arg || *end || g->pid <= 0 || state->arg_num)
			argp_error(state, "not a process id: %s", arg);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which process?");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static tl_verdict hold(struct tl_engine *engine, struct tl_task *task, const struct tl_event *event)
{
	(void)engine;
	(void)task;
	(void)event;
	return TL_HOLD_STOP;
}

static const struct tl_engine_ops holding = { .size = sizeof(holding),
					      .name = "regs",
					      .quiesce = hold };

static void on_task(struct tl_session *session, struct tl_task *task, enum tl_origin origin,
		    void *data)
{
	struct regs *g = data;
	struct tl_engine *engine;
	struct tl_task **more = realloc(g->tasks, (g->ntasks + 1) * sizeof(*more));

	(void)session;
	(void)origin;
	if (!more)
		return;
	g->tasks = more;
	g->tasks[g->ntasks++] = tl_task_ref(task);
	if (tl_engine_attach(task, &holding, NULL, TL_EVENTS(TL_EVENT_QUIESCE), &engine) < 0)
		say("cannot hold thread %d", tl_task_tid(task));
}

static bool is_running(struct tl_task *task)
{
	const char *view;
	uint16_t machine;

	return tl_task_view(task, &view, &machine) == -EBUSY;
}

static size_t running(const struct regs *g)
{
	size_t n = 0;

	for (size_t i = 0; i < g->ntasks; i++)
		n += is_running(g->tasks[i]);
	return n;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static size_t stay(const struct regs *g)
{
	return tl_session_task_count(g->session);
}

/* Until count says 0. A thread that sleeps in the kernel for good (vfork, a dead disk) is not
 * waited for. */
static int turn_until_none(struct regs *g, size_t (*count)(const struct regs *g), int limit_ms)
{
	struct pollfd p = { .fd = tl_session_fd(g->session), .events = POLLIN };
	int64_t end = now_ms() + limit_ms;

	if (p.fd < 0)
		return p.fd;
	while (count(g) && now_ms() < end) {
		int r;

		poll(&p, 1, 20);
		r = tl_session_turn(g->session);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Killed with threads held, we would leave calls broken that the interrupt broke. What reads our
 * messages may be gone, too. */
static void block_signals(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGPIPE);
	sigprocmask(how, &set, NULL);
}

static void put_hex(FILE *out, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		fprintf(out, "%02x", data[i]);
}

/* Sixteen bytes a line; of lines that are alike only the first is shown. */
static void dump(FILE *out, const uint8_t *data, size_t len)
{
	bool starred = false;

	for (size_t at = 0; at < len; at += 16) {
		size_t n = len - at < 16 ? len - at : 16;

		if (at && n == 16 && at + 16 < len && !memcmp(data + at, data + at - 16, 16)) {
			if (!starred)
				fputs("    *\n", out);
			starred = true;
			continue;
		}
		starred = false;
		fprintf(out, "    %04zx ", at);
		for (size_t i = 0; i < n; i++)
			fprintf(out, "%s%02x", i % 4 ? "" : " ", data[at + i]);
		putc('\n', out);
	}
}

static void general(const struct regs *g, struct tl_task *task)
{
	const char *name, *next;
	uint64_t v;

	for (size_t i = 0; tl_task_reg_name(task, i, &name) == 0; i++) {
		bool last = tl_task_reg_name(task, i + 1, &next) < 0 || i % 3 == 2;
		char value[24];

		if (tl_task_read_reg(task, name, &v) < 0)
			return;
		snprintf(value, sizeof(value), "0x%" PRIx64, v);
		if (g->json)
			fprintf(g->out, "%s\"%s\":\"%s\"", i ? "," : "", name, value);
		else
			fprintf(g->out, "%s%-8s %-*s%s", i % 3 ? "  " : "    ", name, last ? 0 : 18,
				value, last ? "\n" : "");
	}
}

static void one_set(const struct regs *g, struct tl_task *task, const struct tl_regset_info *info)
{
	size_t most = (size_t)info->slot_size * info->count;
	uint8_t *data = malloc(most);
	int64_t n = data ? tl_task_read_regset(task, info->note, data, most) : -ENOMEM;

	/* What this CPU or kernel lacks is left out. */
	if (n <= 0) {
		free(data);
		return;
	}
	if (g->json) {
		fprintf(g->out, ",\"%s\":{\"note\":%" PRIu32 ",\"size\":%" PRId64 ",\"data\":\"",
			info->name, info->note, n);
		put_hex(g->out, data, (size_t)n);
		fprintf(g->out, "\"}");
	} else {
		fprintf(g->out, "  %s: %" PRId64 " bytes (note %#" PRIx32 "%s)\n", info->name, n,
			info->note, info->readonly ? ", read-only" : "");
		dump(g->out, data, (size_t)n);
	}
	free(data);
}

static void all_sets(const struct regs *g, struct tl_task *task)
{
	struct tl_regset_info info = { .size = sizeof(info) };

	for (size_t i = 0; tl_task_regset_info(task, i, &info) == 0; i++) {
		if (info.note != 1) {
			one_set(g, task, &info);
		} else if (g->json) {
			fprintf(g->out, ",\"general\":{");
			general(g, task);
			putc('}', g->out);
		} else {
			fputs("  general\n", g->out);
			general(g, task);
		}
		info.size = sizeof(info);
	}
}

static void show(struct regs *g, struct tl_task *task)
{
	const char *view = "unknown";
	uint16_t machine;
	char comm[64];

	if (is_running(task)) {
		say("thread %d does not stop: it sleeps in the kernel", tl_task_tid(task));
		g->status = EXIT_TROUBLE;
		return;
	}
	if (tl_task_view(task, &view, &machine) < 0)
		return;
	proc_name(tl_task_tid(task), comm, sizeof(comm));
	if (g->json)
		fprintf(g->out, "{\"pid\":%d,\"tid\":%d,\"view\":\"%s\"", tl_task_pid(task),
			tl_task_tid(task), view);
	else
		fprintf(g->out, "%d (%s), %s\n", tl_task_tid(task), comm, view);
	all_sets(g, task);
	fputs(g->json ? "}\n" : "\n", g->out);
}

static void name_registers(struct tl_task *task)
{
	char line[512] = "";
	const char *name;

	for (size_t i = 0; tl_task_reg_name(task, i, &name) == 0; i++) {
		size_t len = strlen(line);

		snprintf(line + len, sizeof(line) - len, " %s", name);
	}
	say("there are:%s", line);
}

/* Written at once, so that what the kernel refuses is told. */
static int write_one(struct tl_task *task, const struct setting *s)
{
	uint8_t general[512];
	uint64_t old, is;
	int64_t n;
	int r = tl_task_read_reg(task, s->name, &old);

	if (r == -ENOENT) {
		say("no general register '%s' in thread %d", s->name, tl_task_tid(task));
		name_registers(task);
		return r;
	}
	if (r == 0)
		r = tl_task_write_reg(task, s->name, s->value);
	if (r == 0)
		r = tl_task_read_reg(task, s->name, &is);
	if (r == 0 && is != s->value) {
		r = tl_task_write_reg(task, s->name, old);
		say("%s is a register of 32 bits: %#" PRIx64 " does not fit", s->name, s->value);
		return r < 0 ? r : -EINVAL;
	}
	n = r == 0 ? tl_task_read_regset(task, 1, general, sizeof(general)) : r;
	r = n < 0 ? (int)n : tl_task_write_regset(task, 1, general, (size_t)n);
	if (r < 0)
		say("cannot set %s of thread %d to %#" PRIx64 ": %s", s->name, tl_task_tid(task),
		    s->value, strerror(-r));
	return r;
}

static int write_all(struct regs *g)
{
	int target = g->only ? g->only : g->pid;

	if (!g->nsets)
		return 0;
	for (size_t i = 0; i < g->ntasks; i++) {
		if (tl_task_tid(g->tasks[i]) != target || !tl_task_is_stopped(g->tasks[i]))
			continue;
		for (size_t j = 0; j < g->nsets; j++) {
			int r = write_one(g->tasks[i], &g->sets[j]);

			if (r < 0)
				return r;
		}
		return 0;
	}
	say("thread %d is not stopped: nothing was written", target);
	return -EBUSY;
}

static int by_tid(const void *a, const void *b)
{
	return tl_task_tid(*(struct tl_task *const *)a) - tl_task_tid(*(struct tl_task *const *)b);
}

static void show_all(struct regs *g)
{
	qsort(g->tasks, g->ntasks, sizeof(struct tl_task *), by_tid);
	for (size_t i = 0; i < g->ntasks; i++)
		if (!g->only || tl_task_tid(g->tasks[i]) == g->only)
			show(g, g->tasks[i]);
}

/* A thread's number stands for that thread alone. */
static void find_process(struct regs *g)
{
	char tgid[32];

	if (proc_status_field(g->pid, "Tgid", tgid, sizeof(tgid)) && atoi(tgid) != g->pid) {
		g->only = g->pid;
		g->pid = atoi(tgid);
	}
}

static void let_go(struct regs *g)
{
	int r = 0;

	/* What does not stop is let go by the kernel when we end. */
	if (g->session) {
		tl_session_detach_all(g->session);
		r = turn_until_none(g, stay, LET_GO_MS);
	}
	if (r < 0)
		say("cannot let %d go: %s", g->pid, strerror(-r));
	for (size_t i = 0; i < g->ntasks; i++)
		tl_task_unref(g->tasks[i]);
	free(g->tasks);
	tl_session_free(g->session);
	for (size_t i = 0; i < g->nsets; i++)
		free(g->sets[i].name);
}

static int show_and_let_go(struct regs *g)
{
	struct tl_session_options so = { .size = sizeof(so), .on_task = on_task, .data = g };
	int r;

	so.flags = TL_SESSION_NO_PLACE | TL_SESSION_NO_FOLLOW;
	r = tl_session_new(&so, &g->session);
	if (r == 0) {
		r = tl_session_attach(g->session, g->pid);
		if (r < 0)
			explain_attach_failure(g->pid, r);
	}
	if (r == 0)
		r = turn_until_none(g, running, STOP_MS);
	if (r == 0)
		r = write_all(g);
	if (r == 0)
		show_all(g);
	let_go(g);
	return r;
}

int cmd_regs(int argc, char **argv)
{
	static const struct argp argp = { options, parse, "PID", doc, NULL, NULL, NULL };
	struct regs g = { 0 };
	char *text = NULL;
	size_t len = 0;
	int r;

	argv[0] = (char *)"trapline regs";
	argp_err_exit_status = EXIT_USAGE;
	if (argp_parse(&argp, argc, argv, 0, NULL, &g))
		return EXIT_USAGE;
	find_process(&g);
	if (trace_through_broker(&g.pid, 1, command_line, &r))
		return r;
	g.out = open_memstream(&text, &len);
	block_signals(SIG_BLOCK);
	r = g.out ? show_and_let_go(&g) : -ENOMEM;
	if (g.out)
		fclose(g.out);
	block_signals(SIG_UNBLOCK);
	if (text)
		fwrite(text, 1, len, stdout);
	free(text);
	if (fflush(stdout)) {
		say("cannot write: %s", strerror(errno));
		return EXIT_TROUBLE;
	}
	return r < 0 ? EXIT_TROUBLE : g.status;
}
