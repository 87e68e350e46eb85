/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values: their bytes, as numbers, and on to what they point to or consist of. */
#include "values.h"

#include <dwarf.h>
#include <elf.h>
#include <string.h>

static uint64_t mask_of(size_t n)
{
	return n < 64 ? (1ull << n) - 1 : ~0ull;
}

bool tl__value_read(const struct tl__value *v, const struct tl__machine *m, void *buf, size_t n)
{
	if (v->where == TL__VALUE_MEMORY)
		return m->read(m->data, v->addr, buf, n);
	if (v->where != TL__VALUE_BYTES || n > v->n || v->lost & mask_of(n))
		return false;
	memcpy(buf, v->bytes, n);
	return true;
}

static bool is_signed(const struct tl__value *v, enum tl__value_kind kind)
{
	Dwarf_Die t, under;
	Dwarf_Attribute attr;
	Dwarf_Word encoding;

	if (kind == TL__KIND_SIGNED)
		return true;
	if (kind != TL__KIND_CHAR && kind != TL__KIND_ENUM)
		return false;
	if (!tl__type_strip(&v->type, &t))
		return false;
	if (kind == TL__KIND_ENUM)
		return !tl__type_of(&t, &under) || tl__type_kind(&under, true) == TL__KIND_SIGNED;
	return dwarf_formudata(dwarf_attr_integrate(&t, DW_AT_encoding, &attr), &encoding) == 0 &&
	       encoding == DW_ATE_signed_char;
}

bool tl__value_integer(const struct tl__value *v, const struct tl__machine *m, uint64_t *ret)
{
	enum tl__value_kind kind = tl__type_kind(&v->type, v->has_type);
	uint64_t size = tl__type_size(&v->type, v->has_type), raw = 0;
	unsigned bits;

	if (kind == TL__KIND_FLOAT || kind == TL__KIND_STRUCT || kind == TL__KIND_ARRAY ||
	    kind == TL__KIND_OTHER || !size)
		return false;
	/* __int128: the low half. */
	if (size > sizeof(raw))
		size = sizeof(raw);
	if (!tl__value_read(v, m, &raw, size))
		return false;
	bits = (unsigned)size * 8;
	if (v->bit_size && v->bit_size < 64) {
		raw >>= v->bit_offset;
		bits = v->bit_size;
		raw &= (1ull << bits) - 1;
	}
	if (is_signed(v, kind) && bits < 64 && raw >> (bits - 1) & 1)
		raw |= ~0ull << bits;
	*ret = raw;
	return true;
}

/* On x86 the ten bytes that the host has, too; arm64's are of 128 bits, on arm64. */
bool tl__value_float(const struct tl__value *v, const struct tl__machine *m, double *ret)
{
	uint64_t size = tl__type_size(&v->type, v->has_type);
	long double wide = 0;
	float narrow;

	if (size == sizeof(float) && tl__value_read(v, m, &narrow, sizeof(narrow))) {
		*ret = (double)narrow;
		return true;
	}
	if (size == sizeof(double))
		return tl__value_read(v, m, ret, sizeof(*ret));
	if (size > sizeof(wide) || size < 10 || !tl__value_read(v, m, &wide, size))
		return false;
	*ret = (double)wide;
	return true;
}

bool tl__value_target(const struct tl__value *v, const struct tl__machine *m, uint64_t index,
		      struct tl__value *ret)
{
	enum tl__value_kind kind = tl__type_kind(&v->type, v->has_type);
	uint64_t at = v->addr;
	Dwarf_Die t;

	if ((kind != TL__KIND_POINTER && kind != TL__KIND_ARRAY) || !tl__type_strip(&v->type, &t))
		return false;
	if (kind == TL__KIND_POINTER ? !tl__value_integer(v, m, &at) : v->where != TL__VALUE_MEMORY)
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->has_type = tl__type_of(&t, &ret->type);
	ret->where = TL__VALUE_MEMORY;
	ret->addr = at + index * tl__type_size(&ret->type, ret->has_type);
	return true;
}

static bool number(Dwarf_Die *die, unsigned name, uint64_t *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Word word;

	if (dwarf_formudata(dwarf_attr_integrate(die, name, &attr), &word) != 0)
		return false;
	*ret = word;
	return true;
}

/* Where it lies in its structure; false: that has to be computed (virtual bases). */
static bool place_member(Dwarf_Die *die, const struct tl__value *whole, struct tl__value *ret)
{
	uint64_t offset = 0, bits = 0, at = 0, size = tl__type_size(&ret->type, ret->has_type);
	Dwarf_Attribute attr;

	if (dwarf_attr_integrate(die, DW_AT_data_member_location, &attr) &&
	    !number(die, DW_AT_data_member_location, &offset))
		return false;
	if (number(die, DW_AT_bit_size, &bits)) {
		if (!size || size > 16)
			return false;
		if (number(die, DW_AT_data_bit_offset, &at)) {
			offset = at / (size * 8) * size;
			at %= size * 8;
		} else if (number(die, DW_AT_bit_offset, &at)) {
			/* DWARF 3 counts from the other end. */
			at = size * 8 - at - bits;
		}
		ret->bit_size = (unsigned)bits;
		ret->bit_offset = (unsigned)at;
		if (!bits || bits > 64 || at > 64 - bits)
			return false;
	}
	if (whole->where == TL__VALUE_MEMORY) {
		ret->where = TL__VALUE_MEMORY;
		ret->addr = whole->addr + offset;
	} else if (whole->where == TL__VALUE_BYTES && size <= whole->n &&
		   offset <= whole->n - size) {
		ret->where = TL__VALUE_BYTES;
		ret->n = (unsigned)size;
		ret->lost = offset < 64 ? whole->lost >> offset : 0;
		memcpy(ret->bytes, whole->bytes + offset, size);
	}
	return true;
}

int tl__value_each_member(const struct tl__value *v,
			  int (*on_value)(const struct tl__value *v, void *data), void *data)
{
	Dwarf_Die t, child;
	int r;

	if (!tl__type_strip(&v->type, &t) || dwarf_child(&t, &child) != 0)
		return 0;
	do {
		struct tl__value member = { 0 };
		int tag = dwarf_tag(&child);
		Dwarf_Attribute attr;

		if ((tag != DW_TAG_member && tag != DW_TAG_inheritance) ||
		    dwarf_attr(&child, DW_AT_external, &attr))
			continue;
		member.has_type = tl__type_of(&child, &member.type);
		member.name = tag == DW_TAG_member ? dwarf_diename(&child) : NULL;
		if (!place_member(&child, v, &member))
			continue;
		r = on_value(&member, data);
		if (r)
			return r;
	} while (dwarf_siblingof(&child, &child) == 0);
	return 0;
}

struct by_name {
	const char *name;
	struct tl__value *ret;
	int depth;
};

/* Those of anonymous structures and of base classes are its own. */
static int is_named(const struct tl__value *v, void *data)
{
	struct by_name *b = data;
	struct by_name inner = { b->name, b->ret, b->depth + 1 };

	if (v->name && !strcmp(v->name, b->name)) {
		*b->ret = *v;
		return 1;
	}
	if (!v->name && b->depth < 8 && tl__type_kind(&v->type, v->has_type) == TL__KIND_STRUCT)
		return tl__value_each_member(v, is_named, &inner);
	return 0;
}

bool tl__value_member(const struct tl__value *v, const struct tl__machine *m, const char *name,
		      struct tl__value *ret)
{
	struct by_name b = { name, ret, 0 };
	struct tl__value target;

	if (tl__type_kind(&v->type, v->has_type) == TL__KIND_POINTER) {
		if (!tl__value_target(v, m, 0, &target))
			return false;
		v = &target;
	}
	if (tl__type_kind(&v->type, v->has_type) != TL__KIND_STRUCT)
		return false;
	return tl__value_each_member(v, is_named, &b);
}
