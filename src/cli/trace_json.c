/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The trace as JSON lines: one object an event, the same keys everywhere (docs/json.md). */
#define _GNU_SOURCE
#include "trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct out *out_of(struct traced *t)
{
	return t->out ? t->out : t->trace->out;
}

static struct out *head(struct traced *t, uint64_t ts, const char *ev)
{
	struct out *out = out_of(t);

	out_printf(out, "{\"ts\":%" PRIu64 ",\"pid\":%d,\"tid\":%d,\"ev\":\"%s\"", ts, t->pid,
		   t->tid, ev);
	return out;
}

static void tail(struct out *out)
{
	out_write(out, "}\n", 2);
	if (!out_is_buffered(out))
		out_flush(out);
}

void json_begin(struct trace *trace)
{
	out_printf(trace->out, "{\"v\":1,\"ev\":\"begin\",\"clock\":\"monotonic\"}\n");
	if (!out_is_buffered(trace->out))
		out_flush(trace->out);
}

static void drop_args(struct traced *t)
{
	for (int i = 0; i < 6; i++) {
		free(t->args[i]);
		t->args[i] = NULL;
	}
}

/* Texts of what only the entry shows: a path may be overwritten before the exit. */
static void json_entry(struct traced *t, const struct tl_event *ev)
{
	struct tl_source source;

	tl_source_task(t->task, &source);
	drop_args(t);
	for (unsigned i = 0; i < 6; i++) {
		const char *text =
			tl_decode_argument(t->trace->decoder, &ev->syscall, &source, i, false);

		if (!text)
			break;
		if (*text)
			t->args[i] = strdup(text);
	}
}

static void put_call(struct out *out, struct traced *t, const struct tl_syscall *call, bool at_exit)
{
	unsigned n = tl_syscall_argument_count(call->abi, call->nr);
	const char *name = tl_syscall_name(call->abi, call->nr);
	struct tl_source source;

	tl_source_task(t->task, &source);
	out_printf(out, ",\"abi\":\"%s\",\"nr\":%" PRId64 ",\"name\":", tl_abi_name(call->abi),
		   call->nr);
	if (name)
		out_json_string(out, name);
	else
		out_printf(out, "\"syscall_%#" PRIx64 "\"", (uint64_t)call->nr);
	out_printf(out, ",\"args\":[");
	for (unsigned i = 0; i < 6; i++)
		out_printf(out, "%s\"%#" PRIx64 "\"", i ? "," : "", call->args[i]);
	out_printf(out, "],\"text\":[");
	for (unsigned i = 0; i < n; i++) {
		const char *text = t->args[i];

		if (!text && at_exit)
			text = tl_decode_argument(t->trace->decoder, call, &source, i, true);
		if (i)
			out_write(out, ",", 1);
		out_json_string(out, text ? text : "?");
	}
	out_write(out, "]", 1);
}

static void json_exit(struct traced *t, const struct tl_event *ev)
{
	struct out *out = head(t, t->entered ? t->entered : ev->time, "syscall");

	put_call(out, t, &ev->syscall, true);
	out_printf(out, ",\"ret\":%" PRId64, ev->syscall.ret);
	if (ev->syscall.flags & TL_SYSCALL_FAILED) {
		const char *name = tl_error_name((int)ev->syscall.ret);

		if (name)
			out_printf(out, ",\"err\":\"%s\"", name);
	}
	if (ev->syscall.flags & TL_SYSCALL_SKIPPED)
		out_printf(out, ",\"injected\":true");
	if (t->entered)
		out_printf(out, ",\"dur\":%" PRIu64, ev->time - t->entered);
	if (t->trace->o.nregs) {
		regs_json(t->trace, &t->regs_in, "regs_in", out);
		regs_json(t->trace, &t->regs_out, "regs_out", out);
	}
	tail(out);
	drop_args(t);
}

static void json_never_returned(struct traced *t, const struct tl_event *ev)
{
	struct out *out = head(t, t->entered, "syscall");

	(void)ev;
	put_call(out, t, &t->call, false);
	if (t->trace->o.nregs)
		regs_json(t->trace, &t->regs_in, "regs_in", out);
	tail(out);
	drop_args(t);
}

static void json_signal(struct traced *t, const struct tl_event *ev)
{
	struct out *out = head(t, ev->time, "signal");

	out_printf(out, ",\"sig\":\"%s\",\"code\":%d", tl_signal_name(ev->signal.signo),
		   ev->signal.code);
	if (ev->signal.pid)
		out_printf(out, ",\"from\":%d", ev->signal.pid);
	if (ev->signal.addr)
		out_printf(out, ",\"addr\":\"%#" PRIx64 "\"", (uint64_t)ev->signal.addr);
	tail(out);
}

static void json_group_stop(struct traced *t, const struct tl_event *ev)
{
	struct out *out = head(t, ev->time, ev->group_stop.signo ? "stopped" : "continued");

	if (ev->group_stop.signo)
		out_printf(out, ",\"sig\":\"%s\"", tl_signal_name(ev->group_stop.signo));
	tail(out);
}

static void json_clone(struct traced *t, const struct tl_event *ev)
{
	static const char *const how[] = { [TL_CLONE_FORK] = "fork",
					   [TL_CLONE_VFORK] = "vfork",
					   [TL_CLONE_THREAD] = "thread",
					   [TL_CLONE_OTHER] = "clone" };
	struct out *out = head(t, ev->time, "clone");

	out_printf(out, ",\"child\":%d,\"how\":\"%s\"", ev->clone.tid, how[ev->clone.kind]);
	tail(out);
}

static void json_exec(struct traced *t, const struct tl_event *ev)
{
	struct out *out = head(t, ev->time, "exec");
	struct tl_source source;
	char path[4096];

	tl_source_task(t->task, &source);
	if (source.read_link(source.data, "exe", path, sizeof(path)) > 0) {
		out_printf(out, ",\"path\":");
		out_json_string(out, path);
	}
	if (ev->exec.former_tid != t->tid)
		out_printf(out, ",\"former\":%d", ev->exec.former_tid);
	tail(out);
}

static void json_death(struct traced *t, const struct tl_event *ev)
{
	struct out *out;

	if (ev->exit.superseded) {
		out = head(t, ev->time, "superseded");
	} else if (ev->exit.killed) {
		out = head(t, ev->time, "killed");
		out_printf(out, ",\"sig\":\"%s\"", tl_signal_name(ev->exit.status & 0x7f));
		if (ev->exit.core_dumped)
			out_printf(out, ",\"core\":true");
	} else {
		out = head(t, ev->time, "exit");
		out_printf(out, ",\"status\":%d", ev->exit.status >> 8 & 0xff);
	}
	tail(out);
}

static void json_detached(struct traced *t)
{
	drop_args(t);
}

const struct format format_json = {
	.entry = json_entry,
	.exit = json_exit,
	.never_returned = json_never_returned,
	.signal = json_signal,
	.group_stop = json_group_stop,
	.clone = json_clone,
	.exec = json_exec,
	.death = json_death,
	.detached = json_detached,
};
