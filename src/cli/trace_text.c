/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The trace as text, in strace's grammar.
 *
 * A call's line begins at its entry and ends at its exit. When another task has something to say in
 * between, the line is ended with "<unfinished ...>" and taken up again later, so every reader of
 * strace logs copes.
 */
#define _GNU_SOURCE
#include "trace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#define ERESTART_RESTARTBLOCK 516 /* the kernel's own, in no user header */

static struct out *out_of(struct traced *t)
{
	return t->out ? t->out : t->trace->out;
}

/* Columns since the line began: strace aligns the results. */
static unsigned column;

static void put(struct traced *t, const char *text)
{
	size_t len = strlen(text);

	column += (unsigned)len;
	out_write(out_of(t), text, len);
}

static void putf(struct traced *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void putf(struct traced *t, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put(t, text);
}

static void end_line(struct traced *t)
{
	struct trace *trace = t->trace;

	out_write(out_of(t), "\n", 1);
	if (!out_is_buffered(out_of(t)))
		out_flush(out_of(t));
	column = 0;
	t->open = false;
	if (trace->open_line == t)
		trace->open_line = NULL;
}

static void end_open_line(struct trace *trace)
{
	struct traced *t = trace->open_line;

	if (!t)
		return;
	put(t, " <unfinished ...>");
	end_line(t);
}

static void put_time(struct traced *t, uint64_t now)
{
	struct trace *trace = t->trace;
	uint64_t real = now + (uint64_t)trace->clock_offset;
	time_t sec = (time_t)(real / 1000000000u);
	unsigned us = (unsigned)(real % 1000000000u / 1000);
	char text[32];
	struct tm tm;

	if (trace->o.relative) {
		uint64_t gap = trace->last_time ? now - trace->last_time : 0;

		trace->last_time = now;
		putf(t, "%6u.%06u ", (unsigned)(gap / 1000000000u),
		     (unsigned)(gap % 1000000000u / 1000));
	}
	if (!trace->o.timestamps)
		return;
	if (trace->o.timestamps == 3) {
		putf(t, "%" PRId64 ".%06u ", (int64_t)sec, us);
		return;
	}
	localtime_r(&sec, &tm);
	strftime(text, sizeof(text), "%T", &tm);
	put(t, text);
	if (trace->o.timestamps == 2)
		putf(t, ".%06u", us);
	put(t, " ");
}

static void begin_line(struct traced *t, uint64_t now)
{
	struct trace *trace = t->trace;

	if (trace->open_line && !t->out)
		end_open_line(trace);
	column = 0;
	if (trace->o.output && !t->out && trace->o.follow)
		putf(t, "%-5d ", t->tid);
	else if (!t->out && trace->ntasks > 1)
		putf(t, "[pid %5d] ", t->tid);
	put_time(t, now);
}

static void pad(struct traced *t)
{
	static const char spaces[] =
		"                                                                ";
	unsigned to = t->trace->o.column;

	if (column < to && to - column < sizeof(spaces)) {
		put(t, spaces + sizeof(spaces) - 1 - (to - column));
		return;
	}
	put(t, " ");
}

static const char *call_name(const struct tl_syscall *call, char buf[32])
{
	const char *name = tl_syscall_name(call->abi, call->nr);

	if (name)
		return name;
	snprintf(buf, 32, "syscall_%#" PRIx64, (uint64_t)call->nr);
	return buf;
}

static bool is_restart(const struct tl_syscall *call)
{
	const char *name = tl_syscall_name(call->abi, call->nr);

	return name && !strcmp(name, "restart_syscall");
}

/* Which call a restart_syscall goes on with, its registers do not tell: the one interrupted last.
 */
static void note_interrupted(struct traced *t, const struct tl_syscall *call)
{
	if (call->ret == -ERESTART_RESTARTBLOCK && !is_restart(call))
		t->interrupted = tl_syscall_name(call->abi, call->nr);
}

static void text_entry(struct traced *t, const struct tl_event *ev)
{
	struct tl_source source;

	tl_source_task(t->task, &source);
	begin_line(t, ev->time);
	if (t->trace->o.instruction_pointer)
		putf(t, "[%016" PRIx64 "] ", (uint64_t)ev->syscall.ip);
	put(t, tl_decode_entry(t->trace->decoder, &ev->syscall, &source, &t->decoding));
	if (is_restart(&ev->syscall))
		putf(t, "<... resuming interrupted %s ...>",
		     t->interrupted ? t->interrupted : "system call");
	t->open = true;
	if (!t->out)
		t->trace->open_line = t;
	if (out_is_terminal(out_of(t)))
		out_flush(out_of(t));
}

static void resume_line(struct traced *t, const struct tl_event *ev)
{
	char buf[32];

	if (t->open)
		return;
	begin_line(t, ev->time);
	putf(t, "<... %s resumed>", call_name(&t->call, buf));
}

static void text_exit(struct traced *t, const struct tl_event *ev)
{
	struct tl_source source;
	struct trace *trace = t->trace;

	note_interrupted(t, &ev->syscall);
	tl_source_task(t->task, &source);
	if (ev->syscall.flags & TL_SYSCALL_NO_ENTRY) {
		begin_line(t, ev->time);
		put(t, tl_decode_entry(trace->decoder, &ev->syscall, &source, NULL));
	} else {
		resume_line(t, ev);
	}
	put(t, tl_decode_exit(trace->decoder, &ev->syscall, &source, &t->decoding));
	pad(t);
	put(t, "= ");
	put(t, tl_decode_result(trace->decoder, &ev->syscall, &source));
	if (ev->syscall.flags & TL_SYSCALL_SKIPPED)
		put(t, " (INJECTED)");
	if (trace->o.durations) {
		uint64_t ns = ev->time - t->entered;

		putf(t, " <%u.%06u>", (unsigned)(ns / 1000000000u),
		     (unsigned)(ns % 1000000000u / 1000));
	}
	if (trace->o.nregs) {
		put(t, " [");
		regs_text(trace, &t->regs_in, out_of(t));
		put(t, " ->");
		regs_text(trace, &t->regs_out, out_of(t));
		put(t, " ]");
	}
	end_line(t);
}

static bool is_exit(const struct tl_syscall *call)
{
	const char *name = tl_syscall_name(call->abi, call->nr);

	return name && (!strcmp(name, "exit") || !strcmp(name, "exit_group"));
}

static void text_never_returned(struct traced *t, const struct tl_event *ev)
{
	if (is_exit(&t->call)) {
		resume_line(t, ev);
		put(t, ")");
		pad(t);
		put(t, "= ?");
	} else if (t->open) {
		put(t, " <unfinished ...>)");
		pad(t);
		put(t, "= ?");
	} else {
		resume_line(t, ev);
		put(t, " <unfinished ...>)");
		pad(t);
		put(t, "= ?");
	}
	end_line(t);
}

static const char *colour(struct traced *t, const char *code)
{
	return out_is_terminal(out_of(t)) ? code : "";
}

static void text_signal(struct traced *t, const struct tl_event *ev)
{
	begin_line(t, ev->time);
	putf(t, "%s--- %s ", colour(t, "\033[33m"), tl_signal_name(ev->signal.signo));
	put(t, tl_decode_siginfo(t->trace->decoder, ev->signal.info));
	putf(t, " ---%s", colour(t, "\033[0m"));
	end_line(t);
}

static void text_group_stop(struct traced *t, const struct tl_event *ev)
{
	if (!ev->group_stop.signo)
		return;
	begin_line(t, ev->time);
	putf(t, "--- stopped by %s ---", tl_signal_name(ev->group_stop.signo));
	end_line(t);
}

static void text_clone(struct traced *t, const struct tl_event *ev)
{
	(void)t;
	(void)ev;
}

static void text_exec(struct traced *t, const struct tl_event *ev)
{
	(void)t;
	(void)ev;
}

static void text_death(struct traced *t, const struct tl_event *ev)
{
	begin_line(t, ev->time);
	put(t, colour(t, ev->exit.killed ? "\033[31m" : "\033[36m"));
	if (ev->exit.superseded)
		putf(t, "+++ superseded by execve in pid %d +++", tl_task_pid(t->task));
	else if (ev->exit.killed)
		putf(t, "+++ killed by %s%s +++", tl_signal_name(ev->exit.status & 0x7f),
		     ev->exit.core_dumped ? " (core dumped)" : "");
	else
		putf(t, "+++ exited with %d +++", ev->exit.status >> 8 & 0xff);
	put(t, colour(t, "\033[0m"));
	end_line(t);
}

static void text_detached(struct traced *t)
{
	if (!t->open)
		return;
	put(t, " <detached ...>");
	end_line(t);
}

const struct format format_text = {
	.entry = text_entry,
	.exit = text_exit,
	.never_returned = text_never_returned,
	.signal = text_signal,
	.group_stop = text_group_stop,
	.clone = text_clone,
	.exec = text_exec,
	.death = text_death,
	.detached = text_detached,
};
