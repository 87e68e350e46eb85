/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Does a condition hold for a thread that has come to a place? */
#include "probe.h"

#include "condition.h"
#include "values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { STRING_MAX = 4096, ARGS_MAX = 16 };

/* What a term comes to. */
struct result {
	enum { UNKNOWN, INTEGER, REAL, STRING, VALUE } kind;
	uint64_t number;
	bool is_signed;
	double real;
	const char *text;
	struct tl__value value;
};

struct deciding {
	struct tl__spot *spot;
	struct tl_task *task;
	const struct tl__condition *c;
	const struct tl__function *function;
	struct tl__machine m;
};

static void eval(struct deciding *d, unsigned i, struct result *ret);

static void set_integer(struct result *r, uint64_t number, bool is_signed)
{
	r->kind = INTEGER;
	r->number = number;
	r->is_signed = is_signed;
}

/* arg1 and so on, from 1; 0: it is no such name. */
static unsigned long plain_number(const char *name)
{
	unsigned long n;
	char *end;

	if (strncmp(name, "arg", 3) != 0 || name[3] < '1' || name[3] > '9')
		return 0;
	n = strtoul(name + 3, &end, 10);
	return *end || n > ARGS_MAX ? 0 : n;
}

/* A word, where the calling convention or the static probe has it. */
static void plain_argument(struct deciding *d, const char *name, struct result *ret)
{
	uint64_t args[ARGS_MAX], value;
	unsigned long n = plain_number(name);
	bool is_signed;

	if (!n)
		return;
	if (d->spot->operands) {
		if (tl__usdt_arg(d->spot, d->m.machine, d->task, n, &value, &is_signed))
			set_integer(ret, value, is_signed);
	} else if (!d->spot->place.offset && tl_task_call_args(d->task, args, n) == 0) {
		set_integer(ret, args[n - 1], true);
	}
}

/* A value as a number, if it is one. */
static void plain(struct deciding *d, struct result *r)
{
	enum tl__value_kind kind;
	struct tl__value v;
	uint64_t number;

	if (r->kind != VALUE)
		return;
	v = r->value;
	kind = tl__type_kind(&v.type, v.has_type);
	r->kind = UNKNOWN;
	if (kind == TL__KIND_FLOAT && tl__value_float(&v, &d->m, &r->real))
		r->kind = REAL;
	else if (tl__value_integer(&v, &d->m, &number))
		set_integer(r, number,
			    kind == TL__KIND_SIGNED || kind == TL__KIND_CHAR ||
				    kind == TL__KIND_ENUM);
}

/* By debuginfo, by the type that was given, or as the register is. */
static void result_of_call(struct deciding *d, struct result *ret)
{
	const struct tl__types *types = &d->spot->probe->spec.types;
	struct tl_call_frame frame = { .size = sizeof(frame) };
	uint64_t value;
	bool is_signed;

	if (d->function && !types->given) {
		tl__function_result(d->function, &d->m, &ret->value);
		ret->kind = ret->value.has_type ? VALUE : UNKNOWN;
	} else if (tl_task_call_result(d->task, &frame) == 0) {
		is_signed = !types->given ||
			    tl__typed_integer(&d->m, types->result, frame.result, &value);
		set_integer(ret, types->given ? value : frame.result, is_signed);
	}
}

static void name(struct deciding *d, const char *text, struct result *ret)
{
	if (!strcmp(text, "$ret"))
		result_of_call(d, ret);
	else if (!strcmp(text, "$tid"))
		set_integer(ret, (uint64_t)tl_task_tid(d->task), true);
	else if (!strcmp(text, "$pid"))
		set_integer(ret, (uint64_t)tl_task_pid(d->task), true);
	else if (d->function && tl__function_variable(d->function, &d->m, text, &ret->value))
		ret->kind = VALUE;
	else
		plain_argument(d, text, ret);
}

/* 1, 0, or -1: not to be decided. */
static int truth(struct deciding *d, struct result *r)
{
	plain(d, r);
	switch (r->kind) {
	case INTEGER:
		return r->number != 0;
	case REAL:
		return r->real < 0 || r->real > 0;
	default:
		return -1;
	}
}

static void logical(struct deciding *d, const struct tl__term *t, struct result *ret)
{
	struct result side = { 0 };
	bool stops = t->kind == TL__TERM_OR;
	int holds;

	eval(d, t->left, &side);
	holds = truth(d, &side);
	if (holds < 0)
		return;
	if (holds != stops) {
		memset(&side, 0, sizeof(side));
		eval(d, t->right, &side);
		holds = truth(d, &side);
	}
	if (holds >= 0)
		set_integer(ret, (uint64_t)holds, true);
}

/* The C string of the process that this is, or points to. */
static bool string_of(struct deciding *d, const struct result *r, char *buf)
{
	uint64_t addr = 0;

	if (r->kind == INTEGER)
		addr = r->number;
	else if (r->kind == VALUE && tl__type_kind(&r->value.type, true) == TL__KIND_ARRAY)
		addr = r->value.where == TL__VALUE_MEMORY ? r->value.addr : 0;
	else if (r->kind != VALUE || !tl__value_integer(&r->value, &d->m, &addr))
		return false;
	return addr && tl_task_read_string(d->task, addr, buf, STRING_MAX) >= 0;
}

static void compare_strings(struct deciding *d, const struct tl__term *t, struct result *left,
			    struct result *right, struct result *ret)
{
	struct result *literal = left->kind == STRING ? left : right;
	char text[STRING_MAX];
	bool same;

	if ((t->kind != TL__TERM_EQUAL && t->kind != TL__TERM_UNEQUAL) ||
	    !string_of(d, literal == left ? right : left, text))
		return;
	same = !strcmp(text, literal->text);
	set_integer(ret, same == (t->kind == TL__TERM_EQUAL), true);
}

static int order_of(const struct result *a, const struct result *b)
{
	double x, y;

	if (a->kind == REAL || b->kind == REAL) {
		x = a->kind == REAL ? a->real
		    : a->is_signed  ? (double)(int64_t)a->number
				    : (double)a->number;
		y = b->kind == REAL ? b->real
		    : b->is_signed  ? (double)(int64_t)b->number
				    : (double)b->number;
		return (x > y) - (x < y);
	}
	/* Unlike C's, a negative number is less than all that have no sign. */
	if (a->is_signed && (int64_t)a->number < 0)
		return b->is_signed ? ((int64_t)a->number > (int64_t)b->number) -
					      ((int64_t)a->number < (int64_t)b->number)
				    : -1;
	if (b->is_signed && (int64_t)b->number < 0)
		return 1;
	return (a->number > b->number) - (a->number < b->number);
}

/* An enumerator or a word of bits is often written without a sign. */
static void compare(struct deciding *d, const struct tl__term *t, struct result *ret)
{
	struct result left = { 0 }, right = { 0 };
	int order;

	eval(d, t->left, &left);
	eval(d, t->right, &right);
	if (left.kind == STRING || right.kind == STRING) {
		compare_strings(d, t, &left, &right, ret);
		return;
	}
	plain(d, &left);
	plain(d, &right);
	if (left.kind == UNKNOWN || right.kind == UNKNOWN)
		return;
	if (t->kind == TL__TERM_BITS) {
		if (left.kind == INTEGER && right.kind == INTEGER)
			set_integer(ret, left.number & right.number, false);
		return;
	}
	order = order_of(&left, &right);
	set_integer(ret,
		    t->kind == TL__TERM_EQUAL        ? order == 0
		    : t->kind == TL__TERM_UNEQUAL    ? order != 0
		    : t->kind == TL__TERM_LESS       ? order < 0
		    : t->kind == TL__TERM_LESS_EQUAL ? order <= 0
		    : t->kind == TL__TERM_GREATER    ? order > 0
						     : order >= 0,
		    true);
}

static void access_value(struct deciding *d, const struct tl__term *t, struct result *ret)
{
	struct result left = { 0 };
	bool found = false;

	eval(d, t->left, &left);
	if (left.kind != VALUE)
		return;
	if (t->kind == TL__TERM_MEMBER)
		found = tl__value_member(&left.value, &d->m, t->text, &ret->value);
	else if (t->kind == TL__TERM_TARGET)
		found = tl__value_target(&left.value, &d->m, 0, &ret->value);
	else if (d->c->terms[t->right].kind == TL__TERM_NUMBER)
		found = tl__value_target(&left.value, &d->m, d->c->terms[t->right].number,
					 &ret->value);
	if (found)
		ret->kind = VALUE;
}

static void negate(struct deciding *d, const struct tl__term *t, struct result *ret)
{
	int holds;

	eval(d, t->left, ret);
	if (t->kind == TL__TERM_NOT) {
		holds = truth(d, ret);
		ret->kind = UNKNOWN;
		if (holds >= 0)
			set_integer(ret, !holds, true);
		return;
	}
	plain(d, ret);
	if (ret->kind == INTEGER)
		set_integer(ret, -ret->number, true);
	ret->real = -ret->real;
}

static void eval(struct deciding *d, unsigned i, struct result *ret)
{
	const struct tl__term *t = &d->c->terms[i];

	switch (t->kind) {
	case TL__TERM_NUMBER:
		set_integer(ret, t->number, false);
		return;
	case TL__TERM_FLOAT:
		ret->kind = REAL;
		ret->real = t->real;
		return;
	case TL__TERM_STRING:
		ret->kind = STRING;
		ret->text = t->text;
		return;
	case TL__TERM_NAME:
		name(d, t->text, ret);
		return;
	case TL__TERM_MEMBER:
	case TL__TERM_INDEX:
	case TL__TERM_TARGET:
		access_value(d, t, ret);
		return;
	case TL__TERM_NOT:
	case TL__TERM_NEGATE:
		negate(d, t, ret);
		return;
	case TL__TERM_OR:
	case TL__TERM_AND:
		logical(d, t, ret);
		return;
	default:
		compare(d, t, ret);
	}
}

bool tl__decides_on_result(const struct tl__spot *spot)
{
	const struct tl__condition *c = spot->probe->spec.condition;

	return c && c->on_result;
}

int tl__decide(struct tl__spot *spot, struct tl_task *task)
{
	struct deciding d = { .spot = spot, .task = task, .c = spot->probe->spec.condition };
	struct result r = { 0 };

	if (!d.c)
		return 1;
	if (!spot->module)
		return 0;
	d.function = tl__spot_function(spot);
	if (spot->module->file->symbols)
		tl__machine_of(spot, task, &d.m);
	eval(&d, d.c->n - 1, &r);
	return truth(&d, &r);
}

static bool is_known(struct deciding *d, const char *text)
{
	struct tl__value v;

	if (!strcmp(text, "$tid") || !strcmp(text, "$pid") || !strcmp(text, "$ret"))
		return true;
	if (d->c->on_result)
		return false;
	if (d->function && tl__function_variable(d->function, &d->m, text, &v))
		return true;
	if (d->spot->operands)
		return tl__usdt_arg(d->spot, d->m.machine, NULL, plain_number(text), NULL, NULL);
	return plain_number(text) && !d->spot->place.offset;
}

/* What it names; NULL: it can be decided there. Its memory and registers are not read. */
const char *tl__decide_unknown(struct tl__spot *spot, struct tl_task *task)
{
	struct deciding d = { .spot = spot, .task = task, .c = spot->probe->spec.condition };

	if (!d.c)
		return NULL;
	if (d.c->on_result && (!spot->probe->ops->returned || !tl__spot_returns(spot)))
		return "its condition is about a result, and only the return of a function has one";
	d.function = tl__spot_function(spot);
	if (spot->module->file->symbols)
		tl__machine_of(spot, task, &d.m);
	for (unsigned i = 0; i < d.c->n; i++)
		if (d.c->terms[i].kind == TL__TERM_NAME && !is_known(&d, d.c->terms[i].text))
			return d.c->on_result   ? "when a function returns its arguments are gone: "
						  "beside $ret, a condition has $tid and $pid"
			       : spot->operands ? "the static probe has no argument that its "
						  "condition uses (they are arg1 and so on)"
			       : d.function ? "no argument or variable there has the name that its "
					      "condition uses"
					    : "its condition names an argument, and there is no "
					      "debuginfo for that (arg1 and so on need none)";
	return NULL;
}
