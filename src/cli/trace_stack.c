/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* -k: the stack after a call or signal, as lines or as one JSON event. */
#define _GNU_SOURCE
#include "trace.h"

#include <inttypes.h>

static int text_frame(const struct tl_frame *f, void *data)
{
	struct out *out = data;

	out_printf(out, " > %s", f->module ? f->module : "?");
	if (f->symbol)
		out_printf(out, "(%s+%#" PRIx64 ")", f->symbol, f->offset);
	else if (f->module)
		out_printf(out, "(+%#" PRIx64 ")", f->offset);
	out_printf(out, " [%#" PRIx64 "]\n", (uint64_t)f->ip);
	return f->index >= 255;
}

static int json_frame(const struct tl_frame *f, void *data)
{
	struct out *out = data;

	out_printf(out, "%s{\"ip\":\"%#" PRIx64 "\"", f->index ? "," : "", (uint64_t)f->ip);
	if (f->module)
		out_printf(out, ",\"module\":\"%s\"", f->module);
	if (f->symbol)
		out_printf(out, ",\"symbol\":\"%s\"", f->symbol);
	out_printf(out, ",\"off\":%" PRIu64 "}", f->offset);
	return f->index >= 255;
}

void stack_write(struct out *out, struct tl_unwinder **unwinder, struct tl_task *task, bool json)
{
	int r;

	if (!*unwinder && tl_unwinder_new(unwinder) < 0)
		return;
	if (json)
		out_printf(out, "{\"pid\":%d,\"tid\":%d,\"ev\":\"stack\",\"frames\":[",
			   tl_task_pid(task), tl_task_tid(task));
	r = tl_stack_walk(*unwinder, task, json ? json_frame : text_frame, out);
	if (json)
		out_printf(out, "]}\n");
	else if (r <= 0)
		out_printf(out, " > (no stack: %s)\n", r < 0 ? tl_error_name(r) : "empty");
}

void stack_print(struct traced *t)
{
	struct trace *trace = t->trace;
	struct out *out = t->out ? t->out : trace->out;

	stack_write(out, &trace->unwinder, t->task, trace->o.json);
	if (!out_is_buffered(out))
		out_flush(out);
}
