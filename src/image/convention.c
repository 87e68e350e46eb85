/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calling conventions: where arguments are at a function's first instruction, and the result behind
 * its return. (System V's x86-64 and i386 psABI; Arm's AAPCS64.)
 */
#include "values.h"

#include <dwarf.h>
#include <elf.h>
#include <string.h>

enum { EIGHT = 8, LEAVES_MAX = 16, WIDE_FLOAT = 10 };
/* Types of broken debuginfo may be in themselves, and arrays of nothing have any length. */
enum { STEPS_MAX = 128 };

/* DWARF's numbers. */
static const unsigned x86_64_integers[] = { 5, 4, 1, 2, 8, 9 };
enum { X86_64_SP = 7, X86_64_XMM0 = 17, X86_64_ST0 = 33 };
enum { I386_SP = 4, I386_ST0 = 11, ARM64_SP = 31, ARM64_V0 = 64 };

/* A scalar of a structure, wherever in it. */
struct leaf {
	uint64_t offset, size;
	bool is_float;
};

struct leaves {
	uint64_t base;
	struct leaf list[LEAVES_MAX];
	unsigned n, steps;
	bool failed; /* too many of them, or what is not known */
};

static void add_leaves(const struct tl__value *v, struct leaves *l);

static int add_member(const struct tl__value *v, void *data)
{
	struct leaves *l = data;

	add_leaves(v, l);
	return l->failed;
}

static void add_elements(const struct tl__value *v, struct leaves *l)
{
	uint64_t size = tl__type_size(&v->type, true), one;
	struct tl__value e = *v;
	Dwarf_Die t;

	if (!tl__type_strip(&v->type, &t) || !tl__type_of(&t, &e.type)) {
		l->failed = true;
		return;
	}
	one = tl__type_size(&e.type, true);
	for (uint64_t at = 0; one && at + one <= size && !l->failed; at += one, e.addr += one)
		add_leaves(&e, l);
}

/* v lies in memory, at an address that stands for the offset. */
static void add_leaves(const struct tl__value *v, struct leaves *l)
{
	enum tl__value_kind kind = tl__type_kind(&v->type, v->has_type);

	if (++l->steps > STEPS_MAX)
		l->failed = true;
	else if (kind == TL__KIND_STRUCT)
		tl__value_each_member(v, add_member, l);
	else if (kind == TL__KIND_ARRAY)
		add_elements(v, l);
	else if (l->n == LEAVES_MAX)
		l->failed = true;
	else
		l->list[l->n++] = (struct leaf){ .offset = v->addr - l->base,
						 .size = tl__type_size(&v->type, v->has_type),
						 .is_float = kind == TL__KIND_FLOAT };
}

static void leaves_of(const struct tl__value *v, struct leaves *l)
{
	struct tl__value whole = *v;

	memset(l, 0, sizeof(*l));
	l->base = whole.addr = EIGHT;
	whole.where = TL__VALUE_MEMORY;
	add_leaves(&whole, l);
}

static uint64_t size_of(const struct tl__value *v)
{
	return tl__type_size(&v->type, v->has_type);
}

/* C++ hands such by their address, which is what its debuginfo says of the type. */
static bool is_by_reference(const struct tl__value *v)
{
	Dwarf_Attribute attr;
	Dwarf_Word word;
	Dwarf_Die t;

	return v->has_type && tl__type_strip(&v->type, &t) &&
	       dwarf_formudata(dwarf_attr_integrate(&t, DW_AT_calling_convention, &attr), &word) ==
		       0 &&
	       word == DW_CC_pass_by_reference;
}

static void in_memory(struct tl__value *v, uint64_t addr)
{
	v->where = TL__VALUE_MEMORY;
	v->addr = addr;
}

static void at_pointer(struct tl__value *v, const struct tl__machine *m, uint64_t from)
{
	uint64_t addr = 0;

	if (m->read(m->data, from, &addr, m->machine == EM_386 ? 4 : 8))
		in_memory(v, addr);
}

static bool add_register(struct tl__value *v, const struct tl__machine *m, unsigned number,
			 unsigned n)
{
	uint8_t bytes[16] = { 0 };

	if (!m->reg(m->data, number, bytes) || v->n + n > TL__VALUE_MAX) {
		v->where = TL__VALUE_UNKNOWN;
		return false;
	}
	memcpy(v->bytes + v->n, bytes, n);
	v->n += n;
	v->where = TL__VALUE_BYTES;
	return true;
}

static void on_stack(struct tl__convention *c, struct tl__value *v, unsigned word)
{
	in_memory(v, c->stack);
	c->stack += (size_of(v) + word - 1) & ~(uint64_t)(word - 1);
}

/* How its eightbytes are handed: false: all of it in memory. */
static bool classify(const struct tl__value *v, bool sse[2], unsigned *words)
{
	uint64_t size = size_of(v);
	struct leaves l;

	leaves_of(v, &l);
	*words = (unsigned)((size + EIGHT - 1) / EIGHT);
	if (!size || size > 16 || l.failed || is_by_reference(v))
		return false;
	/* An empty one is not handed at all. */
	if (!l.n)
		*words = 0;
	sse[0] = sse[1] = true;
	for (unsigned i = 0; i < l.n; i++) {
		if ((l.list[i].is_float && l.list[i].size >= WIDE_FLOAT) || l.list[i].offset >= 16)
			return false;
		/* __int128 */
		if (l.list[i].size > EIGHT)
			sse[0] = sse[1] = false;
		else if (!l.list[i].is_float)
			sse[l.list[i].offset / EIGHT] = false;
	}
	return true;
}

static void x86_64_next(struct tl__convention *c, const struct tl__machine *m, struct tl__value *v)
{
	unsigned words, integers = 0, floats = 0;
	bool sse[2];

	if (is_by_reference(v)) {
		uint8_t bytes[16] = { 0 };

		if (c->integers == 6) {
			at_pointer(v, m, c->stack);
			c->stack += EIGHT;
		} else if (m->reg(m->data, x86_64_integers[c->integers++], bytes)) {
			memcpy(&v->addr, bytes, sizeof(v->addr));
			v->where = TL__VALUE_MEMORY;
		}
		return;
	}
	if (!classify(v, sse, &words)) {
		on_stack(c, v, EIGHT);
		return;
	}
	for (unsigned i = 0; i < words; i++) {
		floats += sse[i];
		integers += !sse[i];
	}
	if (c->integers + integers > 6 || c->floats + floats > 8) {
		on_stack(c, v, EIGHT);
		return;
	}
	for (unsigned i = 0; i < words; i++)
		if (!add_register(v, m,
				  sse[i] ? X86_64_XMM0 + c->floats++
					 : x86_64_integers[c->integers++],
				  EIGHT))
			return;
}

static void x86_64_result(const struct tl__machine *m, struct tl__value *v)
{
	static const unsigned integers[] = { 0, 1 };
	unsigned words, used = 0, floats = 0;
	uint64_t addr;
	bool sse[2];

	if (tl__type_kind(&v->type, true) == TL__KIND_FLOAT && size_of(v) >= WIDE_FLOAT) {
		add_register(v, m, X86_64_ST0, WIDE_FLOAT);
		v->n = 16;
		return;
	}
	if (!classify(v, sse, &words)) {
		uint8_t bytes[16] = { 0 };

		if (!m->reg(m->data, 0, bytes))
			return;
		memcpy(&addr, bytes, sizeof(addr));
		in_memory(v, addr);
		return;
	}
	for (unsigned i = 0; i < words; i++)
		if (!add_register(v, m, sse[i] ? X86_64_XMM0 + floats++ : integers[used++], EIGHT))
			return;
}

static bool is_aggregate(const struct tl__value *v)
{
	enum tl__value_kind kind = tl__type_kind(&v->type, v->has_type);

	return kind == TL__KIND_STRUCT || kind == TL__KIND_ARRAY;
}

static void i386_result(const struct tl__machine *m, struct tl__value *v)
{
	uint8_t bytes[16] = { 0 };
	uint32_t addr;

	if (tl__type_kind(&v->type, true) == TL__KIND_FLOAT) {
		/* Of ten bytes, whatever the type is. */
		long double wide = 0;
		double value;
		float narrow;

		if (!m->reg(m->data, I386_ST0, &bytes))
			return;
		memcpy(&wide, bytes, WIDE_FLOAT);
		value = (double)wide;
		narrow = (float)wide;
		v->where = TL__VALUE_BYTES;
		v->n = 16;
		if (size_of(v) == sizeof(float))
			memcpy(v->bytes, &narrow, sizeof(narrow));
		else if (size_of(v) == sizeof(double))
			memcpy(v->bytes, &value, sizeof(value));
		else
			memcpy(v->bytes, bytes, WIDE_FLOAT);
	} else if (is_aggregate(v)) {
		if (!m->reg(m->data, 0, bytes))
			return;
		memcpy(&addr, bytes, sizeof(addr));
		in_memory(v, addr);
	} else if (add_register(v, m, 0, 4) && size_of(v) > 4) {
		add_register(v, m, 2, 4);
	}
}

/* One to four of the same floating type, and nothing else: each in a register of its own. */
static unsigned homogeneous(const struct tl__value *v, uint64_t *size)
{
	struct leaves l;

	leaves_of(v, &l);
	if (l.failed || !l.n || l.n > 4)
		return 0;
	for (unsigned i = 0; i < l.n; i++)
		if (!l.list[i].is_float || l.list[i].size != l.list[0].size)
			return 0;
	*size = l.list[0].size;
	return l.n;
}

static void arm64_next(struct tl__convention *c, const struct tl__machine *m, struct tl__value *v)
{
	uint64_t size = size_of(v), one = 0;
	unsigned words = (unsigned)((size + EIGHT - 1) / EIGHT), floats = homogeneous(v, &one);
	uint8_t bytes[16] = { 0 };

	if (floats) {
		if (c->floats + floats > 8) {
			c->floats = 8;
			on_stack(c, v, EIGHT);
			return;
		}
		for (unsigned i = 0; i < floats; i++)
			if (!add_register(v, m, ARM64_V0 + c->floats++, (unsigned)one))
				return;
		return;
	}
	if (is_by_reference(v) || size > 16) {
		if (c->integers >= 8) {
			at_pointer(v, m, c->stack);
			c->stack += EIGHT;
		} else if (m->reg(m->data, c->integers++, bytes)) {
			memcpy(&v->addr, bytes, sizeof(v->addr));
			v->where = TL__VALUE_MEMORY;
		}
		return;
	}
	if (c->integers + words > 8) {
		c->integers = 8;
		on_stack(c, v, EIGHT);
		return;
	}
	for (unsigned i = 0; i < words; i++)
		if (!add_register(v, m, c->integers++, EIGHT))
			return;
}

static void arm64_result(const struct tl__machine *m, struct tl__value *v)
{
	uint64_t size = size_of(v), one = 0;
	unsigned floats = homogeneous(v, &one);

	for (unsigned i = 0; i < floats; i++)
		if (!add_register(v, m, ARM64_V0 + i, (unsigned)one))
			return;
	/* Where it was to be written was told in x8, at the call. */
	if (!floats && (size > 16 || is_by_reference(v)) && m->indirect) {
		in_memory(v, m->indirect);
		return;
	}
	for (unsigned i = 0; !floats && size <= 16 && i * EIGHT < size && !is_by_reference(v); i++)
		if (!add_register(v, m, i, EIGHT))
			return;
}

static uint64_t stack_pointer(const struct tl__machine *m)
{
	unsigned number = m->machine == EM_X86_64 ? X86_64_SP
			  : m->machine == EM_386  ? I386_SP
						  : ARM64_SP;
	uint8_t bytes[16] = { 0 };
	uint64_t sp = 0;

	if (m->reg(m->data, number, bytes))
		memcpy(&sp, bytes, sizeof(sp));
	return sp;
}

/* A structure that is returned in memory has its address as a first argument (on arm64, in x8). */
void tl__convention_begin(struct tl__convention *c, const struct tl__machine *m,
			  const struct tl__value *result)
{
	bool hidden = is_aggregate(result);
	unsigned words;
	bool sse[2];

	memset(c, 0, sizeof(*c));
	c->stack = stack_pointer(m);
	if (m->machine == EM_X86_64) {
		c->stack += 8;
		c->integers = hidden && !classify(result, sse, &words);
	} else if (m->machine == EM_386) {
		c->stack += hidden ? 8 : 4;
	}
}

void tl__convention_next(struct tl__convention *c, const struct tl__machine *m,
			 struct tl__value *ret)
{
	if (!size_of(ret))
		return;
	if (m->machine == EM_X86_64) {
		x86_64_next(c, m, ret);
	} else if (m->machine == EM_AARCH64) {
		arm64_next(c, m, ret);
	} else if (m->machine == EM_386) {
		if (is_by_reference(ret)) {
			at_pointer(ret, m, c->stack);
			c->stack += 4;
		} else {
			on_stack(c, ret, 4);
		}
	}
}

void tl__convention_result(const struct tl__machine *m, struct tl__value *ret)
{
	if (!size_of(ret))
		return;
	if (m->machine == EM_X86_64)
		x86_64_result(m, ret);
	else if (m->machine == EM_AARCH64)
		arm64_result(m, ret);
	else if (m->machine == EM_386)
		i386_result(m, ret);
}
