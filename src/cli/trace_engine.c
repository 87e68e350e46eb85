/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The engine of the trace command: what is of interest, what is injected, what is counted. */
#define _GNU_SOURCE
#include "trace.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const struct format *format_of(const struct trace *trace)
{
	return trace->o.json ? &format_json : &format_text;
}

static bool lines_wanted(const struct trace *trace)
{
	return !trace->counts || trace->o.counts_and_lines;
}

static bool path_matches(struct traced *t, const struct tl_syscall *call)
{
	struct trace *trace = t->trace;
	struct tl_source source;

	if (!trace->o.npaths)
		return true;
	tl_source_task(t->task, &source);
	for (size_t i = 0; i < trace->o.npaths; i++)
		if (tl_decode_touches(trace->decoder, call, &source, trace->o.paths[i]))
			return true;
	return false;
}

static bool due_now(const struct inject *inj, unsigned hit)
{
	return hit >= inj->first && hit <= inj->last && (hit - inj->first) % inj->step == 0;
}

static tl_verdict hold_until(struct traced *t, uint64_t due)
{
	t->due = due;
	tl_session_wake(t->trace->session);
	return TL_HOLD_STOP;
}

/* What --inject wants of a call's entry. */
static tl_verdict inject_entry(struct traced *t, const struct tl_event *ev)
{
	struct trace *trace = t->trace;
	tl_verdict v = 0;

	for (size_t i = 0; i < trace->o.ninjects; i++) {
		const struct inject *inj = &trace->o.injects[i];

		if (!call_set_has(&inj->calls, ev->syscall.abi, ev->syscall.nr) ||
		    !due_now(inj, ++t->hits[i]))
			continue;
		if (inj->skip && tl_syscall_set_result(t->task, inj->ret) == 0)
			v |= TL_SYSCALL_SKIP;
		if (inj->has_signal && tl_task_signal(t->task, inj->signo) < 0)
			say("cannot send %s to %d", tl_signal_name(inj->signo), t->tid);
		if (inj->delay_enter_ns)
			v = (v & ~(tl_verdict)TL_HOLD_MASK) |
			    hold_until(t, ev->time + inj->delay_enter_ns);
	}
	return v;
}

static tl_verdict inject_exit(struct traced *t, const struct tl_event *ev)
{
	struct trace *trace = t->trace;

	for (size_t i = 0; i < trace->o.ninjects; i++) {
		const struct inject *inj = &trace->o.injects[i];

		if (inj->delay_exit_ns && call_set_has(&inj->calls, t->call.abi, t->call.nr) &&
		    due_now(inj, t->hits[i]))
			return hold_until(t, ev->time + inj->delay_exit_ns);
	}
	return 0;
}

/* -z and -Z decide at the exit only, and -P by the arguments: such a line is written whole at the
 * exit. */
static bool decided_late(const struct trace *trace)
{
	return trace->o.only_ok || trace->o.only_failed;
}

static tl_verdict on_entry(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	struct traced *t = tl_engine_data(e);
	struct trace *trace = t->trace;

	(void)task;
	t->in_call = true;
	t->call = ev->syscall;
	t->entered = ev->time;
	t->shown = call_set_has(&trace->o.calls, ev->syscall.abi, ev->syscall.nr) &&
		   path_matches(t, &ev->syscall);
	if (t->shown)
		regs_take(t, &t->regs_in);
	if (t->shown && lines_wanted(trace) && (!decided_late(trace) || trace->o.json))
		format_of(trace)->entry(t, ev);
	return trace->o.ninjects ? inject_entry(t, ev) : 0;
}

static bool wanted_by_result(const struct trace *trace, const struct tl_syscall *call)
{
	bool failed = call->flags & TL_SYSCALL_FAILED;

	if (trace->o.only_ok)
		return !failed;
	return !trace->o.only_failed || failed;
}

static tl_verdict on_exit_(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	struct traced *t = tl_engine_data(e);
	struct trace *trace = t->trace;
	bool no_entry = ev->syscall.flags & TL_SYSCALL_NO_ENTRY;

	(void)task;
	if (t->shown)
		regs_take(t, &t->regs_out);
	if (no_entry) {
		/* The call was under way when we came: what it was called with is not known for
		 * sure. */
		t->in_call = false;
		t->entered = 0;
		return 0;
	}
	t->in_call = false;
	if (!t->shown || !wanted_by_result(trace, &ev->syscall))
		return trace->o.ninjects ? inject_exit(t, ev) : 0;
	if (trace->counts)
		counts_add(trace->counts, &ev->syscall, ev->time - t->entered);
	if (lines_wanted(trace)) {
		if (decided_late(trace) && !trace->o.json) {
			struct tl_event entry = *ev;

			entry.time = t->entered;
			format_of(trace)->entry(t, &entry);
		}
		format_of(trace)->exit(t, ev);
		if (trace->o.stacks)
			stack_print(t);
	}
	return trace->o.ninjects ? inject_exit(t, ev) : 0;
}

static tl_verdict on_signal(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	struct traced *t = tl_engine_data(e);
	int sig = ev->signal.signo;

	(void)task;
	if (sig > 0 && sig < SIGNALS_MAX && t->trace->o.signals[sig] && lines_wanted(t->trace)) {
		format_of(t->trace)->signal(t, ev);
		if (t->trace->o.stacks)
			stack_print(t);
	}
	return 0;
}

static tl_verdict on_group_stop(struct tl_engine *e, struct tl_task *task,
				const struct tl_event *ev)
{
	struct traced *t = tl_engine_data(e);

	(void)task;
	if (lines_wanted(t->trace))
		format_of(t->trace)->group_stop(t, ev);
	return 0;
}

static tl_verdict on_clone(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	struct traced *t = tl_engine_data(e);

	(void)task;
	if (lines_wanted(t->trace))
		format_of(t->trace)->clone(t, ev);
	if (ev->clone.child)
		trace_watch_task(t->trace, ev->clone.child);
	return 0;
}

static tl_verdict on_exec(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	struct traced *t = tl_engine_data(e);

	t->tid = tl_task_tid(task);
	t->pid = tl_task_pid(task);
	if (!t->trace->o.quiet && !t->trace->nnp_said &&
	    tl_session_no_new_privs(t->trace->session)) {
		t->trace->nnp_said = true;
		say("the filter for -e needed no_new_privs: setuid programs gain nothing here. "
		    "--via=stops does without");
	}
	if (lines_wanted(t->trace))
		format_of(t->trace)->exec(t, ev);
	return 0;
}

static tl_verdict on_death(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	struct traced *t = tl_engine_data(e);
	struct trace *trace = t->trace;

	(void)task;
	if (t->in_call && t->shown && lines_wanted(trace) &&
	    (!decided_late(trace) || trace->o.json))
		format_of(trace)->never_returned(t, ev);
	t->in_call = false;
	if (lines_wanted(trace) && !trace->o.quiet)
		format_of(trace)->death(t, ev);
	if (t->pid == trace->main_pid && ev->exit.last_thread && !ev->exit.superseded) {
		trace->status = ev->exit.status;
		trace->ended = true;
	}
	return 0;
}

static void on_release(struct tl_engine *e, void *data)
{
	struct traced *t = data;
	struct trace *trace = t->trace;

	(void)e;
	if (lines_wanted(trace))
		format_of(trace)->detached(t);
	if (trace->open_line == t)
		trace->open_line = NULL;
	for (int i = 0; i < 6; i++)
		free(t->args[i]);
	if (t->out)
		out_close(t->out);
	TAILQ_REMOVE(&trace->tasks, t, link);
	trace->ntasks--;
	free(t);
}

const struct tl_engine_ops trace_ops = {
	.size = sizeof(struct tl_engine_ops),
	.name = "trace",
	.syscall_entry = on_entry,
	.syscall_exit = on_exit_,
	.signal = on_signal,
	.group_stop = on_group_stop,
	.clone = on_clone,
	.exec = on_exec,
	.death = on_death,
	.release = on_release,
};

void trace_watch_task(struct trace *trace, struct tl_task *task)
{
	const uint32_t events = TL_EVENTS_SYSCALLS | TL_EVENTS(TL_EVENT_SIGNAL) |
				TL_EVENTS(TL_EVENT_GROUP_STOP) | TL_EVENTS(TL_EVENT_CLONE) |
				TL_EVENTS(TL_EVENT_EXEC) | TL_EVENTS(TL_EVENT_DEATH) |
				(trace->o.nregs ? TL_RAW_REGISTERS : 0);
	struct traced *t = calloc(1, sizeof(*t));
	char path[4096];

	if (!t) {
		say("out of memory: %d is not shown", tl_task_tid(task));
		return;
	}
	t->task = task;
	t->trace = trace;
	t->tid = tl_task_tid(task);
	t->pid = tl_task_pid(task);
	if (trace->o.separate) {
		snprintf(path, sizeof(path), "%s.%d", trace->o.output, t->tid);
		t->out = out_open(path, trace->o.append);
		if (!t->out)
			say("cannot write to %s", path);
	}
	TAILQ_INSERT_TAIL(&trace->tasks, t, link);
	trace->ntasks++;
	if (tl_engine_attach(task, &trace_ops, t, events, &t->engine) < 0) {
		TAILQ_REMOVE(&trace->tasks, t, link);
		trace->ntasks--;
		free(t);
	}
}

uint64_t trace_release_delayed(struct trace *trace, uint64_t now)
{
	struct traced *t, *next;
	uint64_t first = 0;

	for (t = TAILQ_FIRST(&trace->tasks); t; t = next) {
		next = TAILQ_NEXT(t, link);
		if (!t->due)
			continue;
		if (t->due <= now) {
			t->due = 0;
			if (tl_engine_control(t->engine, TL_RUN) < 0)
				continue; /* it died meanwhile */
		} else if (!first || t->due < first) {
			first = t->due;
		}
	}
	return first;
}
