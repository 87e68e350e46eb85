/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --regs: the registers of a task at the entry and the exit of each call. */
#define _GNU_SOURCE
#include "trace.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* One that this machine's programs have, of 64 or of 32 bits. */
static bool is_register(const char *name)
{
	for (unsigned bits = 32; bits <= 64; bits += 32) {
		const char *known;

		for (size_t i = 0; (known = tl_abi_register(tl_abi_native(bits), i)); i++)
			if (!strcmp(known, name))
				return true;
	}
	return false;
}

static void say_registers(void)
{
	for (unsigned bits = 64; bits >= 32; bits -= 32) {
		char line[512] = "";
		const char *known;

		for (size_t i = 0; (known = tl_abi_register(tl_abi_native(bits), i)); i++) {
			size_t len = strlen(line);

			snprintf(line + len, sizeof(line) - len, " %s", known);
		}
		say("%s has:%s", tl_abi_name(tl_abi_native(bits)), line);
	}
}

int regs_parse(struct trace_options *o, char *text)
{
	char *save = NULL;

	for (char *name = strtok_r(text, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
		if (o->nregs == REGS_MAX) {
			say("--regs: more than %d registers", REGS_MAX);
			return -EINVAL;
		}
		if (!is_register(name)) {
			say("--regs: no register '%s' on this machine", name);
			say_registers();
			return -EINVAL;
		}
		o->regs[o->nregs++] = name;
	}
	if (o->nregs)
		return 0;
	say("--regs: which registers?");
	return -EINVAL;
}

void regs_take(struct traced *t, struct regs_taken *taken)
{
	taken->have = 0;
	for (size_t i = 0; i < t->trace->o.nregs; i++)
		if (tl_task_read_reg(t->task, t->trace->o.regs[i], &taken->value[i]) == 0)
			taken->have |= 1u << i;
}

void regs_text(const struct trace *trace, const struct regs_taken *taken, struct out *out)
{
	for (size_t i = 0; i < trace->o.nregs; i++)
		if (taken->have & 1u << i)
			out_printf(out, " %s=%#" PRIx64, trace->o.regs[i], taken->value[i]);
}

void regs_json(const struct trace *trace, const struct regs_taken *taken, const char *key,
	       struct out *out)
{
	const char *comma = "";

	out_printf(out, ",\"%s\":{", key);
	for (size_t i = 0; i < trace->o.nregs; i++) {
		if (!(taken->have & 1u << i))
			continue;
		out_printf(out, "%s\"%s\":\"%#" PRIx64 "\"", comma, trace->o.regs[i],
			   taken->value[i]);
		comma = ",";
	}
	out_printf(out, "}");
}
