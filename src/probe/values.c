/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What functions are called with and return, by their debuginfo, read from a stopped thread. */
#include "probe.h"

#include "debug.h"
#include "values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool read_mem(void *data, uint64_t addr, void *buf, size_t n)
{
	return tl_task_read_mem(data, addr, buf, n) == (int64_t)n;
}

static size_t read_reg(void *data, unsigned number, void *buf)
{
	int r = tl_task_dwarf_register(data, number, buf, 16);

	return r < 0 ? 0 : (size_t)r;
}

void tl__machine_of(const struct tl__spot *spot, struct tl_task *task, struct tl__machine *ret)
{
	*ret = (struct tl__machine){ .machine = tl__symbols_machine(spot->module->file->symbols),
				     .ip = spot->place.ip,
				     .load = spot->module->bias,
				     .indirect = spot->indirect,
				     .read = read_mem,
				     .reg = read_reg,
				     .data = task };
}

/* Found once; NULL: there is no debuginfo for it. */
const struct tl__function *tl__spot_function(struct tl__spot *spot)
{
	struct tl__module *m = spot->module;

	if (spot->function || spot->no_function || !m || !m->file->symbols)
		return spot->function;
	spot->no_function = true;
	spot->function = calloc(1, sizeof(*spot->function));
	if (spot->function &&
	    tl__function_find(m->file->symbols, spot->place.ip - m->bias, spot->function) == 0)
		return spot->function;
	free(spot->function);
	spot->function = NULL;
	return NULL;
}

static int tell(const struct tl__value *v, void *data)
{
	struct tl__telling *t = data;
	struct tl__strbuf text = { 0 }, type = { 0 };
	struct tl_value value = { .size = sizeof(value), .name = v->name };
	enum tl__value_kind kind = tl__type_kind(&v->type, v->has_type);
	int r = -ENOMEM;

	tl__value_write(v, t->m, t->string_max, &text);
	tl__type_write(&v->type, v->has_type, &type);
	if (tl__value_integer(v, t->m, &value.bits))
		value.flags |= TL_VALUE_INTEGER;
	if (kind == TL__KIND_FLOAT && tl__value_float(v, t->m, &value.real))
		value.flags |= TL_VALUE_FLOAT;
	if (v->where != TL__VALUE_UNKNOWN)
		value.flags |= TL_VALUE_KNOWN;
	value.text = text.data;
	value.type = type.data;
	if (!text.failed && !type.failed && text.data && type.data)
		r = t->on_value(&value, t->data);
	tl__strbuf_done(&text);
	tl__strbuf_done(&type);
	return r;
}

/* The places that callbacks are told are of spots. */
static struct tl__spot *spot_of(const struct tl_place *place)
{
	return (struct tl__spot *)((uintptr_t)place - offsetof(struct tl__spot, place));
}

/* What is asked of a place, and who is told. */
struct asked {
	struct tl__spot *spot;
	struct tl__machine m;
	struct tl__telling t;
};

/* -ENODATA: nothing is known of its file. */
static int ask(struct asked *a, const struct tl_place *place, struct tl_task *task)
{
	a->spot = spot_of(place);
	if (!a->spot->module || !a->spot->module->file->symbols)
		return -ENODATA;
	tl__machine_of(a->spot, task, &a->m);
	a->t.m = &a->m;
	return 0;
}

int tl__place_args(const struct tl_place *place, struct tl_task *task, unsigned string_max,
		   int (*on_value)(const struct tl_value *value, void *data), void *data)
{
	struct asked a = { .t = { NULL, string_max, on_value, data } };
	const struct tl__function *f;

	if (ask(&a, place, task) < 0)
		return -ENODATA;
	if (a.spot->operands)
		return tl__usdt_args(a.spot, &a.m, task, &a.t);
	if (a.spot->probe->spec.types.given)
		return tl__typed_args(&a.spot->probe->spec.types, &a.m, task, &a.t);
	f = tl__spot_function(a.spot);
	return f ? tl__function_args(f, &a.m, tell, &a.t) : -ENODATA;
}

int tl__place_result(const struct tl_place *place, struct tl_task *task, unsigned string_max,
		     int (*on_value)(const struct tl_value *value, void *data), void *data)
{
	struct asked a = { .t = { NULL, string_max, on_value, data } };
	const struct tl__function *f;
	struct tl__value v;

	if (ask(&a, place, task) < 0)
		return -ENODATA;
	if (a.spot->probe->spec.types.given)
		return tl__typed_result(&a.spot->probe->spec.types, &a.m, task, &a.t);
	f = tl__spot_function(a.spot);
	if (!f)
		return -ENODATA;
	tl__function_result(f, &a.m, &v);
	return v.has_type ? tell(&v, &a.t) : 0;
}
