/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Static probes: who listens is counted in the program, and their arguments are told. */
#include "probe.h"

#include "compat.h"
#include "debug.h"
#include "operand.h"
#include "values.h"

#include <errno.h>
#include <string.h>

/* The program asks its counter before it computes what only a listener needs. */
void tl__usdt_listen(struct tl__spot *spot, bool listen)
{
	struct tl__watcher *watcher =
		spot->module ? LIST_FIRST(&spot->module->process->watchers) : NULL;
	uint16_t count;
	uint64_t at;

	if (!spot->semaphore || !watcher || spot->listens == listen)
		return;
	at = spot->module->bias + spot->semaphore;
	if (tl_task_read_mem(watcher->task, at, &count, sizeof(count)) != sizeof(count))
		return;
	count = (uint16_t)(count + (listen ? 1 : -1));
	if (tl_task_write_mem(watcher->task, at, &count, sizeof(count)) == sizeof(count))
		spot->listens = listen;
}

/* Its child has the counters as they were, with us in them; its own spots will count. */
void tl__usdt_forked(struct tl__watched *parent, struct tl_task *child)
{
	const struct tl__module *m;
	const struct tl__spot *spot;
	uint16_t count;

	LIST_FOREACH (m, &parent->modules, link)
		LIST_FOREACH (spot, &m->spots, in_module) {
			uint64_t at = m->bias + spot->semaphore;

			/* Zero: it was forked before we were counted. */
			if (!spot->listens ||
			    tl_task_read_mem(child, at, &count, sizeof(count)) != sizeof(count) ||
			    !count)
				continue;
			count--;
			tl__ignore(tl_task_write_mem(child, at, &count, sizeof(count)) < 0);
		}
}

static bool value_of(const struct tl__operand *o, struct tl_task *task, uint64_t *ret)
{
	uint64_t value = (uint64_t)o->number, reg;

	if (o->has_base) {
		if (tl_task_read_reg(task, o->base, &reg) < 0)
			return false;
		value += reg;
	}
	if (o->has_index) {
		if (tl_task_read_reg(task, o->index, &reg) < 0)
			return false;
		value += reg * o->scale;
	}
	if (o->in_memory) {
		reg = value;
		value = 0;
		if (tl_task_read_mem(task, reg, &value, o->size) != o->size)
			return false;
	}
	value >>= o->shift;
	if (o->size < 8) {
		value &= (1ull << o->size * 8) - 1;
		if (o->is_signed && value >> (o->size * 8 - 1))
			value |= ~0ull << o->size * 8;
	}
	*ret = value;
	return true;
}

/* The n'th, from 1; without ret it is only looked whether there is one. */
bool tl__usdt_arg(const struct tl__spot *spot, uint16_t machine, struct tl_task *task,
		  unsigned long n, uint64_t *ret, bool *ret_is_signed)
{
	const char *at = spot->operands;
	struct tl__operand o = { .known = false };

	while (n && tl__operand_next(machine, &at, &o))
		n--;
	if (n || !o.known)
		return false;
	if (!ret)
		return true;
	*ret_is_signed = o.is_signed;
	return value_of(&o, task, ret);
}

/* As the types of a SPEC would have it: numbers, words in hexadecimal. */
static const char *type_of(const struct tl__operand *o)
{
	if (o->is_signed)
		return "long";
	return o->size == 8 ? "hex" : "ulong";
}

int tl__usdt_args(struct tl__spot *spot, const struct tl__machine *m, struct tl_task *task,
		  const struct tl__telling *t)
{
	static const struct tl_value unknown = { .size = sizeof(unknown),
						 .type = "?",
						 .text = "?" };
	const struct tl__types *types = &spot->probe->spec.types;
	const char *at = spot->operands;
	struct tl__operand o;
	uint64_t value;
	int r = 0;

	for (unsigned i = 0; r == 0 && tl__operand_next(m->machine, &at, &o); i++) {
		if (types->given && i >= types->n)
			break;
		if (!o.known || !value_of(&o, task, &value))
			r = t->on_value(&unknown, t->data);
		else if (types->given)
			r = tl__typed_tell(m, types->args[i], value, t);
		else
			r = tl__typed_tell(m, tl__type_index(type_of(&o)), value, t);
	}
	return r;
}
