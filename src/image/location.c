/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* DWARF's location expressions. What needs another frame or thread-local storage is not known. */
#include "debug.h"
#include "values.h"

#include <dwarf.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum { STACK_MAX = 64, REGISTER_MAX = 16, DEPTH_MAX = 3 };

struct eval {
	const struct tl__function *f;
	const struct tl__machine *m;
	Dwarf_Attribute *attr;
	uint64_t stack[STACK_MAX];
	unsigned n;
	int depth; /* of expressions in expressions */
	bool is_value;
	struct tl__value *ret;
	bool failed;
};

static void run(struct eval *e, const Dwarf_Op *ops, size_t n);

static void push(struct eval *e, uint64_t value)
{
	if (e->n == STACK_MAX)
		e->failed = true;
	else
		e->stack[e->n++] = value;
}

static uint64_t pop(struct eval *e)
{
	if (!e->n) {
		e->failed = true;
		return 0;
	}
	return e->stack[--e->n];
}

static uint64_t reg_value(struct eval *e, unsigned number)
{
	uint8_t bytes[REGISTER_MAX] = { 0 };
	uint64_t value = 0;
	size_t n = e->m->reg(e->m->data, number, bytes);

	if (!n)
		e->failed = true;
	memcpy(&value, bytes, sizeof(value));
	return value;
}

/* The rest is of registers: parts of a value that lies in several places. */
static void take_register(struct eval *e, unsigned number)
{
	uint8_t bytes[REGISTER_MAX] = { 0 };
	size_t n = e->m->reg(e->m->data, number, bytes);

	if (!n || e->ret->n + n > TL__VALUE_MAX) {
		e->failed = true;
		return;
	}
	memcpy(e->ret->bytes + e->ret->n, bytes, n);
	e->ret->n += (unsigned)n;
	e->ret->where = TL__VALUE_BYTES;
}

static uint64_t in_file(const struct eval *e)
{
	return e->m->ip - e->m->load;
}

static uint64_t frame_address(struct eval *e)
{
	struct eval inner = { .f = e->f, .m = e->m, .depth = e->depth + 1 };

	for (int eh = 0; eh < 2; eh++) {
		Dwarf_Frame *frame = NULL;
		Dwarf_Op *ops;
		uint64_t bias;
		size_t n;
		Dwarf_CFI *cfi = tl__symbols_cfi(e->f->symbols, eh, &bias);

		if (!cfi || dwarf_cfi_addrframe(cfi, in_file(e) - bias, &frame) != 0)
			continue;
		if (dwarf_frame_cfa(frame, &ops, &n) == 0 && n && e->depth < DEPTH_MAX) {
			run(&inner, ops, n);
			free(frame);
			e->failed |= inner.failed || inner.n != 1;
			return inner.stack[0];
		}
		free(frame);
	}
	e->failed = true;
	return 0;
}

static uint64_t frame_base(struct eval *e)
{
	struct eval inner = { .f = e->f, .m = e->m, .depth = e->depth + 1 };
	struct tl__value in_register = { 0 };
	Dwarf_Die die = e->f->frame;
	Dwarf_Attribute attr;
	Dwarf_Op *ops;
	uint64_t ret = 0;
	size_t n;

	inner.ret = &in_register;
	if (e->depth == DEPTH_MAX || !dwarf_attr_integrate(&die, DW_AT_frame_base, &attr) ||
	    dwarf_getlocation_addr(&attr, in_file(e) - e->f->bias, &ops, &n, 1) != 1) {
		e->failed = true;
		return 0;
	}
	run(&inner, ops, n);
	e->failed |= inner.failed;
	if (inner.n)
		return inner.stack[inner.n - 1];
	/* DW_OP_regN as a frame base is what the register has. */
	memcpy(&ret, in_register.bytes, sizeof(ret));
	e->failed |= in_register.n < sizeof(uint32_t);
	return ret;
}

static void deref(struct eval *e, size_t size)
{
	uint64_t value = 0, at = pop(e);

	if (size > sizeof(value) || !e->m->read(e->m->data, at, &value, size))
		e->failed = true;
	push(e, value);
}

static bool binary(struct eval *e, unsigned op)
{
	uint64_t b = e->n ? e->stack[e->n - 1] : 0, a = e->n > 1 ? e->stack[e->n - 2] : 0, r;

	switch (op) {
	case DW_OP_and:
		r = a & b;
		break;
	case DW_OP_or:
		r = a | b;
		break;
	case DW_OP_xor:
		r = a ^ b;
		break;
	case DW_OP_plus:
		r = a + b;
		break;
	case DW_OP_minus:
		r = a - b;
		break;
	case DW_OP_mul:
		r = a * b;
		break;
	case DW_OP_shl:
		r = b < 64 ? a << b : 0;
		break;
	case DW_OP_shr:
		r = b < 64 ? a >> b : 0;
		break;
	case DW_OP_shra:
		r = (uint64_t)((int64_t)a >> (b < 64 ? b : 63));
		break;
	default:
		return false;
	}
	pop(e);
	pop(e);
	push(e, r);
	return true;
}

static bool constant(struct eval *e, const Dwarf_Op *op)
{
	switch (op->atom) {
	case DW_OP_const1u:
	case DW_OP_const1s:
	case DW_OP_const2u:
	case DW_OP_const2s:
	case DW_OP_const4u:
	case DW_OP_const4s:
	case DW_OP_const8u:
	case DW_OP_const8s:
	case DW_OP_constu:
	case DW_OP_consts:
		push(e, op->number);
		return true;
	case DW_OP_addr:
		push(e, op->number + e->f->bias + e->m->load);
		return true;
	default:
		if (op->atom < DW_OP_lit0 || op->atom > DW_OP_lit31)
			return false;
		push(e, op->atom - DW_OP_lit0);
		return true;
	}
}

static bool registers(struct eval *e, const Dwarf_Op *op)
{
	if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31)
		push(e, reg_value(e, op->atom - DW_OP_breg0) + op->number);
	else if (op->atom == DW_OP_bregx)
		push(e, reg_value(e, (unsigned)op->number) + op->number2);
	else if (op->atom >= DW_OP_reg0 && op->atom <= DW_OP_reg31 && e->ret)
		take_register(e, op->atom - DW_OP_reg0);
	else if (op->atom == DW_OP_regx && e->ret)
		take_register(e, (unsigned)op->number);
	else
		return false;
	return true;
}

/* A part ends: what it left is put behind those before. */
static void piece(struct eval *e, const Dwarf_Op *op, unsigned *had)
{
	struct tl__value *v = e->ret;
	uint64_t at;

	if (!v || op->number > TL__VALUE_MAX - *had) {
		e->failed = true;
		return;
	}
	if (e->n) {
		at = pop(e);
		if (e->is_value)
			memcpy(v->bytes + *had, &at, op->number < 8 ? op->number : 8);
		else if (!e->m->read(e->m->data, at, v->bytes + *had, op->number))
			e->failed = true;
	} else if (v->n < *had + op->number) {
		v->lost |= (op->number < 64 ? (1ull << op->number) - 1 : ~0ull) << *had;
	}
	e->is_value = false;
	*had += (unsigned)op->number;
	v->n = *had;
	v->where = TL__VALUE_BYTES;
}

/* To an integer's type; 0: of an address. Others would need typed entries. */
static void convert(struct eval *e, const Dwarf_Op *op)
{
	uint64_t value = pop(e);
	Dwarf_Attribute attr;
	Dwarf_Word encoding;
	Dwarf_Die type;
	int bits;

	push(e, value);
	if (!op->number)
		return;
	if (!e->attr || dwarf_getlocation_die(e->attr, op, &type) != 0 ||
	    dwarf_formudata(dwarf_attr(&type, DW_AT_encoding, &attr), &encoding) != 0 ||
	    (bits = dwarf_bytesize(&type) * 8) <= 0 || bits > 64 || encoding == DW_ATE_float) {
		e->failed = true;
		return;
	}
	if (bits < 64)
		value &= (1ull << bits) - 1;
	if (bits < 64 && (encoding == DW_ATE_signed || encoding == DW_ATE_signed_char) &&
	    value >> (bits - 1))
		value |= ~0ull << bits;
	if (!e->failed)
		e->stack[e->n - 1] = value;
}

static bool stack_op(struct eval *e, const Dwarf_Op *op)
{
	uint64_t a;

	switch (op->atom) {
	case DW_OP_deref:
		deref(e, e->m->machine == EM_386 ? 4 : 8);
		return true;
	case DW_OP_deref_size:
		deref(e, op->number);
		return true;
	case DW_OP_dup:
		a = pop(e);
		push(e, a);
		push(e, a);
		return true;
	case DW_OP_drop:
		pop(e);
		return true;
	case DW_OP_neg:
		push(e, -pop(e));
		return true;
	case DW_OP_not:
		push(e, ~pop(e));
		return true;
	case DW_OP_plus_uconst:
		push(e, pop(e) + op->number);
		return true;
	case DW_OP_fbreg:
		push(e, frame_base(e) + op->number);
		return true;
	case DW_OP_call_frame_cfa:
		push(e, frame_address(e));
		return true;
	case DW_OP_nop:
		return true;
	default:
		return false;
	}
}

static void implicit(struct eval *e, const Dwarf_Op *op)
{
	Dwarf_Block block;

	if (!e->ret || !e->attr || dwarf_getlocation_implicit_value(e->attr, op, &block) != 0 ||
	    block.length > TL__VALUE_MAX) {
		e->failed = true;
		return;
	}
	memcpy(e->ret->bytes, block.data, block.length);
	e->ret->n = (unsigned)block.length;
	e->ret->where = TL__VALUE_BYTES;
}

static void run(struct eval *e, const Dwarf_Op *ops, size_t n)
{
	unsigned had = 0;

	for (size_t i = 0; i < n && !e->failed; i++) {
		const Dwarf_Op *op = &ops[i];

		if (op->atom == DW_OP_stack_value)
			e->is_value = true;
		else if (op->atom == DW_OP_piece)
			piece(e, op, &had);
		else if (op->atom == DW_OP_implicit_value)
			implicit(e, op);
		else if (op->atom == DW_OP_convert || op->atom == DW_OP_GNU_convert)
			convert(e, op);
		else if (!constant(e, op) && !registers(e, op) && !stack_op(e, op) &&
			 !binary(e, op->atom))
			e->failed = true;
	}
}

bool tl__location_eval(const struct tl__function *f, const struct tl__machine *m,
		       Dwarf_Attribute *attr, struct tl__value *ret)
{
	struct eval e = { .f = f, .m = m, .attr = attr, .ret = ret };
	Dwarf_Op *ops;
	uint64_t value;
	size_t n;

	ret->where = TL__VALUE_UNKNOWN;
	ret->n = 0;
	ret->lost = 0;
	if (dwarf_getlocation_addr(attr, m->ip - m->load - f->bias, &ops, &n, 1) != 1 || !n)
		return false;
	run(&e, ops, n);
	if (e.failed) {
		ret->where = TL__VALUE_UNKNOWN;
	} else if (e.n) {
		value = e.stack[e.n - 1];
		ret->where = e.is_value ? TL__VALUE_BYTES : TL__VALUE_MEMORY;
		ret->addr = value;
		if (e.is_value) {
			memcpy(ret->bytes, &value, sizeof(value));
			ret->n = sizeof(value);
		}
	}
	return true;
}

bool tl__location_is_list(Dwarf_Attribute *attr)
{
	switch (dwarf_whatform(attr)) {
	case DW_FORM_sec_offset:
	case DW_FORM_loclistx:
	case DW_FORM_data4:
	case DW_FORM_data8:
		return true;
	default:
		return false;
	}
}
