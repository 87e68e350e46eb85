/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The step contract, cell by cell: docs/step.md. Usage: test_steps DIR [OPTION...] [STOP].
 *
 * own-filter: of programs with a system call filter of their own, which lets all pass
 * only-64: where there are no others
 *
 * A cell is one run of step_cells: to its stop, where things are written and the task goes on; what
 * comes next is the result.
 */
#define _GNU_SOURCE
#include "steps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

struct exception {
	const char *machine;
	struct cell cell;
};

#include "step_cells.h"

enum { REGISTER_VALUE = 0x5a5a5a, TARGET_COPIES = 64 /* bytes from one to the next */ };

extern char **environ;
static const char *dir;
struct run run;

/* What all cells are run on at present. */
static const struct machine *machine;

static bool is(const char *a, const char *b)
{
	return !strcmp(a, b);
}

/* Where the pc stands, in words. */
static const char *where(uint64_t at)
{
	static const char *const names[LABELS] = { "Z",  "A",  "B",  "C",  "D",  "E", "Z2",
						   "A2", "B2", "C2", "D2", "E2", "H" };
	static char other[32];

	for (int i = 0; i < LABELS; i++)
		if (run.label[i] == at)
			return names[i];
	snprintf(other, sizeof(other), "%#llx", (unsigned long long)at);
	return other;
}

static bool is_call(const struct tl_event *ev, const char *name)
{
	const char *call = tl_syscall_name(ev->syscall.abi, ev->syscall.nr);

	return call && is(call, name);
}

/* The program tells where its labels are. */
static void learn(const struct tl_event *ev)
{
	if (ev->type != TL_EVENT_SYSCALL_ENTRY || !is_call(ev, "write"))
		return;
	run.told = tl_task_read_mem(run.task, ev->syscall.args[1], run.label, sizeof(run.label)) ==
		   sizeof(run.label);
}

/* In the new program the labels are elsewhere, but as far from each other. */
static void move_labels(void)
{
	uint64_t by = pc() - run.label[SECOND + A];

	for (int i = 0; i < SECOND; i++)
		run.label[i] = run.label[SECOND + i] + by;
	for (int i = SECOND; i < H; i++)
		run.label[i] = run.label[i - SECOND] + TARGET_COPIES;
	run.label[H] = 0;
}

static const char *const behind_a_call[] = { "exit",  "flags",   "fault",  "exclusive",
					     "sleep", "restart", "uprobe", NULL };

static bool is_among(const char *word, const char *const *words)
{
	while (*words && !is(*words, word))
		words++;
	return *words;
}

/* Is this the stop that the cell is about? */
static bool is_the_stop(const struct tl_event *ev)
{
	const char *stop = run.cell->stop;

	switch (ev->type) {
	case TL_EVENT_SYSCALL_ENTRY:
		return (is(stop, "entry") || is(stop, "seccomp")) && is_call(ev, "getuid");
	case TL_EVENT_SYSCALL_EXIT:
		return is_among(stop, behind_a_call) &&
		       (is_call(ev, "getuid") || is_call(ev, "nanosleep"));
	case TL_EVENT_SIGNAL:
		return is(stop, "breakpoint") || is(stop, "handled signal") ||
		       is(stop, "ignored signal") || is(stop, "hardware");
	case TL_EVENT_CLONE:
		return is(stop, "fork") || is(stop, "vfork") || is(stop, "clone");
	case TL_EVENT_EXEC:
		return is(stop, "exec") && run.told;
	case TL_EVENT_GROUP_STOP:
		return is(stop, "group stop");
	case TL_EVENT_QUIESCE:
		return is(stop, "plain") && run.near;
	case TL_EVENT_STEP:
		return is(stop, "step");
	default:
		return false;
	}
}

static void put_signal(const struct tl_event *ev)
{
	int r = ev->type == TL_EVENT_SIGNAL ? tl_signal_set(run.task, SIGUSR1, NULL)
					    : tl_task_signal(run.task, SIGUSR1);

	if (r < 0)
		snprintf(run.result, sizeof(run.result), "cannot send");
}

static tl_verdict go_on(const struct tl_event *ev)
{
	const struct cell *c = run.cell;
	uint32_t calls = strstr(c->how, "calls") ? TL_EVENTS_SYSCALLS : 0;
	uint32_t events = TL_EVENTS_ALL & ~TL_EVENTS_SYSCALLS;
	tl_verdict v = 0;

	if (is(c->stop, "exec"))
		move_labels();
	if (is(c->stop, "hardware"))
		set_hardware_breakpoint(0);
	if (is(c->stop, "uprobe"))
		uprobes_begin();
	if (is(c->written, "register"))
		set_reg(run.machine->scratch, REGISTER_VALUE);
	if (is(c->written, "flags"))
		set_reg(run.machine->flags, reg(run.machine->flags) | run.machine->carry);
	if (is(c->written, "pc"))
		set_reg(run.machine->pc, run.label[SECOND + A]);
	if (is(c->written, "signal"))
		put_signal(ev);
	else if (is(c->stop, "breakpoint") || is(c->stop, "hardware"))
		v |= TL_SIGNAL_IGNORE;
	if (strstr(c->next, "group-end") && tl_task_signal(run.task, SIGCONT) < 0)
		snprintf(run.result, sizeof(run.result), "cannot continue");
	run.how = is(c->how, "block") ? TL_STEP_BLOCK : strstr(c->how, "step") ? TL_STEP_SINGLE : 0;
	run.armed = true;
	/* Who listens for handlers is stepped into them. */
	if (!strstr(c->how, "step") && !is(c->how, "block"))
		events &= ~TL_EVENTS(TL_EVENT_HANDLER);
	if (tl_engine_set_events(run.engine, events) < 0 ||
	    tl_engine_set_events(run.listener, calls) < 0)
		snprintf(run.result, sizeof(run.result), "cannot choose events");
	return v | run.how;
}

/* That it is being stepped shows nowhere. */
static bool trap_flag_shows(const struct tl_event *ev)
{
	const struct machine *m = run.machine;
	uint64_t at = pc();
	uint32_t saved = 0;

	if (reg(m->flags) & m->trap_flag)
		return true;
	if (ev->type == TL_EVENT_HANDLER &&
	    (tl_task_read_mem(run.task, reg(m->sp) + m->frame_flags, &saved, sizeof(saved)) !=
		     sizeof(saved) ||
	     (saved & m->constant) != m->value))
		return true;
	/* What pushf and syscall leave behind. */
	if (run.walking && is(run.cell->stop, "flags")) {
		saved |= m->saved[0] && at >= run.label[A] ? (uint32_t)reg(m->saved[0]) : 0;
		saved |= m->saved[1] && at >= run.label[D] ? (uint32_t)reg(m->saved[1]) : 0;
	}
	return saved & m->trap_flag;
}

/* What it is, as docs/step.md would say it. */
static void describe(const struct tl_event *ev, char *text, size_t size)
{
	uint64_t at = pc();

	switch (ev->type) {
	case TL_EVENT_STEP:
		snprintf(text, size, "%s %s",
			 ev->step.kind == TL_STEP_KIND_BLOCK ? "block" : "step", where(at));
		break;
	case TL_EVENT_SIGNAL:
		if (ev->signal.signo == SIGTRAP && ev->signal.code != TRAP_HWBKPT)
			at -= run.machine->break_len;
		snprintf(text, size, "signal %s %s%s", tl_signal_name(ev->signal.signo), where(at),
			 info_is_right(ev, at) ? "" : " (another siginfo)");
		break;
	case TL_EVENT_HANDLER:
		snprintf(text, size, "handler %s", where(at));
		break;
	case TL_EVENT_SYSCALL_ENTRY:
		if (is_call(ev, "rt_sigreturn") || is_call(ev, "sigreturn"))
			snprintf(text, size, "entry sigreturn");
		else
			snprintf(text, size, "entry %s", where(at));
		break;
	case TL_EVENT_SYSCALL_EXIT:
		snprintf(text, size, "exit %s", where(at));
		break;
	case TL_EVENT_GROUP_STOP:
		snprintf(text, size, "group-%s %s", ev->group_stop.signo ? "stop" : "end",
			 where(at));
		break;
	case TL_EVENT_VFORK_DONE:
		snprintf(text, size, "vfork-done %s", where(at));
		break;
	default:
		snprintf(text, size, "event %d %s", ev->type, where(at));
		break;
	}
}

static void finish(void)
{
	run.over = true;
	if (tl_task_signal(run.task, SIGKILL) < 0)
		_exit(3);
}

static const char *written_is_lost(const char *stop)
{
	/* (A breakpoint of a program that blocks its signal resets both.) */
	if (run.blocked && !strstr(stop, "SIGTRAP") && !is(run.cell->stop, "breakpoint") &&
	    !is(run.cell->stop, "hardware")) {
		if (!trap_is("SigBlk:"))
			return "that SIGTRAP is blocked";
		if (!is(run.cell->stop, "exec") && !trap_is("SigCgt:"))
			return "the handler of SIGTRAP";
	}
	if (is(run.cell->written, "register") && reg(run.machine->scratch) != REGISTER_VALUE)
		return "the register";
	/* AArch32's handlers begin with none (compat_setup_return). */
	if (run.machine->abi == TL_ABI_ARM &&
	    (strstr(stop, "handler") || strstr(stop, "sigreturn")))
		return NULL;
	if (is(run.cell->written, "flags") && !(reg(run.machine->flags) & run.machine->carry))
		return "the carry";
	return NULL;
}

/* From stop to stop until there are as many as are to be seen. */
static tl_verdict walk_on(const struct tl_event *ev)
{
	size_t len = strlen(run.result);
	unsigned wanted = 1;
	char text[64], *hex;

	describe(ev, text, sizeof(text));
	hex = strstr(text, "0x");
	if (hex)
		strcpy(hex, "?");
	snprintf(run.result + len, sizeof(run.result) - len, "%s%s", len ? ", " : "", text);
	for (const char *p = run.want; *p; p++)
		wanted += *p == ',';
	if (++run.stops == wanted) {
		finish();
		return 0;
	}
	/* A fault is not delivered: it comes again. */
	return TL_STEP_SINGLE | (ev->type == TL_EVENT_SIGNAL ? TL_SIGNAL_IGNORE : 0);
}

/* A step's end at A: the next is B, once. */
static tl_verdict next_stop(const struct tl_event *ev)
{
	char text[64];

	/* The child's death: the step that it came before is still to be made. */
	if (ev->type == TL_EVENT_SIGNAL && ev->signal.signo == SIGCHLD)
		return run.again ? TL_STEP_SINGLE : run.how;
	if (trap_flag_shows(ev))
		snprintf(run.result, sizeof(run.result), "the trap flag shows");
	if (run.walking)
		return walk_on(ev);
	describe(ev, text, sizeof(text));
	if (run.again) {
		if (!is(text, "step B") && !is(text, "step B2"))
			snprintf(run.result, sizeof(run.result), "step A, and then %s", text);
		finish();
		return 0;
	}
	if (run.result[0] == '\0') {
		const char *lost = written_is_lost(text);

		snprintf(run.result, sizeof(run.result), "%s%s%s", text, lost ? ", but lost " : "",
			 lost ? lost : "");
	}
	run.again = ev->type == TL_EVENT_STEP && (is(text, "step A") || is(text, "step A2")) &&
		    !is(run.cell->written, "signal");
	if (run.again)
		return TL_STEP_SINGLE;
	finish();
	return 0;
}

static tl_verdict on_event(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	(void)e;
	if (run.over || task != run.task || ev->type == TL_EVENT_DEATH)
		return 0;
	if (run.armed)
		return next_stop(ev);
	if (!run.told)
		learn(ev);
	else if (is_the_stop(ev))
		return go_on(ev);
	else if (ev->type == TL_EVENT_SYSCALL_EXIT && is_call(ev, "getuid")) {
		run.near = true;
		if (is(run.cell->stop, "hardware"))
			set_hardware_breakpoint(run.label[A]);
		if (is(run.cell->stop, "step"))
			return TL_STEP_SINGLE;
	}
	return 0;
}

/* Each in its turn: the first engine is told of all but calls, which the second sees. */
static const struct tl_engine_ops ops = { .size = sizeof(ops),
					  .name = "cell",
					  .quiesce = on_event,
					  .signal = on_event,
					  .handler = on_event,
					  .syscall_entry = on_event,
					  .syscall_exit = on_event,
					  .step = on_event,
					  .exec = on_event,
					  .clone = on_event,
					  .vfork_done = on_event,
					  .group_stop = on_event,
					  .death = on_event };

static const struct tl_engine_ops listening = { .size = sizeof(listening),
						.name = "listener",
						.syscall_entry = on_event,
						.syscall_exit = on_event };

static void on_alarm(int sig)
{
	(void)sig;
	if (run.session)
		tl_session_wake(run.session);
}

/* Every now and then: a program in its loop is interrupted; one that does not stop is ended. */
static int on_wake(struct tl_session *s, void *data)
{
	static int idle;

	(void)s;
	(void)data;
	if (!run.armed || run.over)
		idle = 0;
	if (run.over)
		return 0;
	if (run.walking && is(run.cell->stop, "restart") && run.stops && !run.sent &&
	    ++run.waited > 3 && is_asleep()) {
		run.sent = true;
		return tl_task_signal(run.task, SIGWINCH) == -ESRCH ? 1 : 0;
	}
	if (is(run.cell->stop, "plain") && run.near && !run.armed) {
		idle = 0;
		return tl_engine_control(run.engine, TL_HOLD_INTERRUPT) == -ESRCH ? 1 : 0;
	}
	/* Long where something should come: machines are slow. */
	if (run.armed && ++idle >= (is(run.cell->next, "-") ? 20 : 1000)) {
		snprintf(run.result, sizeof(run.result), "-");
		idle = 0;
		finish();
	}
	return 0;
}

static const char *scene(const char *stop)
{
	static const char *const scenes[][2] = {
		{ "entry", "call" },
		{ "exit", "call" },
		{ "seccomp", "call" },
		{ "handled signal", "handled" },
		{ "ignored signal", "ignored" },
		{ "group stop", "group" },
		{ "breakpoint", "break" },
	};

	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
		if (is(scenes[i][0], stop))
			return scenes[i][1];
	return stop;
}

static bool is_narrow(void)
{
	return machine->abi == tl_abi_native(32);
}

static const char *suffix(void)
{
	return is_narrow() ? "_32" : "";
}

/* Two for all: each finds out anew what the kernel can do. */
static struct tl_session *sessions[2];

static struct tl_session *session_for(const struct cell *cell)
{
	struct tl_session_options o = { .size = sizeof(o), .on_wake = on_wake };
	struct tl_session **s = &sessions[is(cell->stop, "seccomp")];

	if (!*s && tl_session_new(&o, s) < 0)
		*s = NULL;
	return *s;
}

static const char *run_cell(const struct cell *cell, const char *want, bool walk)
{
	const struct machine *m = machine;
	int32_t selected[] = { m->write, m->getuid };
	char path[4096], target[4096];
	char *argv[] = { path, (char *)(uintptr_t)scene(cell->stop), target, NULL };
	struct tl_spawn_options so = {
		.size = sizeof(so), .path = path, .argv = argv, .envp = environ
	};
	struct tl_session *s = session_for(cell);
	int r;

	memset(&run, 0, sizeof(run));
	run.cell = cell;
	run.machine = m;
	run.want = want;
	run.blocked = getenv("BLOCK_SIGTRAP");
	run.walking = walk;
	snprintf(path, sizeof(path), "%s/step_cells%s", dir, suffix());
	snprintf(target, sizeof(target), "%s/step_target%s", dir, suffix());
	if (is(cell->stop, "seccomp")) {
		so.select = true;
		so.select_64 = so.select_32 = selected;
		so.n_select_64 = is_narrow() ? 0 : 2;
		so.n_select_32 = is_narrow() ? 2 : 0;
	}
	if (!s)
		return "no session";
	if (tl_session_spawn(s, &so, &run.task) < 0 ||
	    tl_engine_attach(run.task, &ops, NULL, TL_EVENTS_ALL, &run.engine) < 0 ||
	    tl_engine_attach(run.task, &listening, NULL, 0, &run.listener) < 0)
		return "no program";
	run.session = s;
	r = tl_session_run(s);
	uprobes_end();
	run.session = NULL;
	if (r < 0)
		return "failed";
	return run.result;
}

static bool matches(const char *pattern, const char *word)
{
	return is(pattern, "*") || is(pattern, word);
}

/* The cell, or the exception's that stands in its place. */
static const char *expected(const struct cell *c, bool *exception)
{
	for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++) {
		const struct cell *x = &exceptions[i].cell;

		if ((is(exceptions[i].machine, machine->name) ||
		     (is(exceptions[i].machine, "uml") && is_uml())) &&
		    matches(x->stop, c->stop) && matches(x->written, c->written) &&
		    matches(x->how, c->how)) {
			*exception = true;
			return x->next;
		}
	}
	return c->next;
}

/* Where there is no block-step, one instruction. */
static bool as_expected(const char *want, const char *got)
{
	static bool asked, blocks;
	struct tl_feature f = { .size = sizeof(f) };

	for (size_t i = 0; !asked && tl_caps_feature(i, &f) == 0; i++)
		if (is(f.name, "singleblock"))
			blocks = f.present;
	asked = true;
	if (is(want, got))
		return true;
	if (blocks && !strncmp(got, "block ", 6) && !strncmp(want, "step ", 5))
		return is(want + 5, got + 6);
	return !blocks && !strncmp(want, "block C", 7) && !strncmp(got, "step B", 6) &&
	       is(want + 7, got + 6);
}

static unsigned done, failed, excepted, left_out;
static bool only_64;

static void compare(const struct cell *c, bool walk)
{
	bool exception = false;
	const char *want = expected(c, &exception), *got = "";

	if (is(want, "not made") || (is(c->stop, "hardware") && getenv("NO_WATCHPOINTS")))
		return;
	if (is(c->stop, "uprobe") && !uprobes_possible()) {
		left_out++;
		return;
	}
	for (int tries = 0; tries < 5; tries++) {
		got = run_cell(c, want, walk);
		if (!was_late(c, got))
			break;
	}
	done++;
	excepted += exception;
	if (as_expected(want, got))
		return;
	failed++;
	printf("FAIL %s: %s, %s written, %s%s: %s, not %s\n", machine->name, c->stop, c->written,
	       c->how, run.blocked ? ", SIGTRAP blocked" : "", got, want);
}

static void all(const char *stop)
{
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
		if (!stop || is(stop, cells[i].stop))
			compare(&cells[i], false);
	for (size_t i = 0; i < sizeof(walks) / sizeof(walks[0]); i++)
		if (!stop || is(stop, walks[i].stop))
			compare(&walks[i], true);
}

static void all_on(enum tl_abi abi, const char *stop)
{
	done = failed = excepted = 0;
	machine = machine_of(abi);
	unsetenv("BLOCK_SIGTRAP");
	all(stop);
	setenv("BLOCK_SIGTRAP", "1", 1);
	all(stop);
	printf("%u cells on %s, %u of them by exceptions, %u failed\n", done, machine->name,
	       excepted, failed);
}

int main(int argc, char **argv)
{
	struct itimerval every = { { 0, 10000 }, { 0, 10000 } };
	struct sigaction sa = { .sa_handler = on_alarm };
	const char *stop = NULL;
	unsigned bad;

	dir = argc > 1 ? argv[1] : ".";
	for (int i = 2; i < argc; i++) {
		if (is(argv[i], "only-64"))
			only_64 = true;
		else if (is(argv[i], "own-filter"))
			setenv("OWN_FILTER", "1", 1);
		else
			stop = argv[i];
	}
	only_64 |= getenv("ONLY_64") != NULL;
	setvbuf(stdout, NULL, _IONBF, 0);
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	all_on(tl_abi_native(64), stop);
	bad = failed;
	if (!only_64) {
		all_on(tl_abi_native(32), stop);
		bad += failed;
	}
	tl_session_free(sessions[0]);
	tl_session_free(sessions[1]);
	if (getenv("NO_WATCHPOINTS"))
		printf("no cells of hardware breakpoints: this machine has none\n");
	if (left_out)
		printf("%u cells left out: who runs them may not set uprobes\n", left_out);
	return bad != 0 || (left_out && getenv("CI"));
}
