/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Types of debuginfo: what they are, how large, and how C writes them. */
#include "values.h"

#include <dwarf.h>
#include <string.h>

/* Chains of broken debuginfo may lead in a circle. */
enum { CHAIN_MAX = 32 };

bool tl__type_of(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attr;

	return dwarf_formref_die(dwarf_attr_integrate(die, DW_AT_type, &attr), ret) != NULL;
}

static bool is_wrapper(int tag)
{
	switch (tag) {
	case DW_TAG_typedef:
	case DW_TAG_const_type:
	case DW_TAG_volatile_type:
	case DW_TAG_restrict_type:
	case DW_TAG_atomic_type:
		return true;
	default:
		return false;
	}
}

bool tl__type_strip(const Dwarf_Die *type, Dwarf_Die *ret)
{
	*ret = *type;
	for (int i = 0; i < CHAIN_MAX && is_wrapper(dwarf_tag(ret)); i++) {
		Dwarf_Die inner;

		if (!tl__type_of(ret, &inner))
			return false;
		*ret = inner;
	}
	return !is_wrapper(dwarf_tag(ret));
}

static enum tl__value_kind base_kind(Dwarf_Die *type)
{
	Dwarf_Attribute attr;
	Dwarf_Word encoding;

	if (dwarf_formudata(dwarf_attr_integrate(type, DW_AT_encoding, &attr), &encoding) != 0)
		return TL__KIND_OTHER;
	switch (encoding) {
	case DW_ATE_boolean:
		return TL__KIND_BOOL;
	case DW_ATE_signed_char:
	case DW_ATE_unsigned_char:
		return TL__KIND_CHAR;
	case DW_ATE_signed:
		return TL__KIND_SIGNED;
	case DW_ATE_unsigned:
		return TL__KIND_UNSIGNED;
	case DW_ATE_UTF:
		return TL__KIND_UNSIGNED;
	case DW_ATE_float:
		return TL__KIND_FLOAT;
	default:
		return TL__KIND_OTHER;
	}
}

enum tl__value_kind tl__type_kind(const Dwarf_Die *type, bool has_type)
{
	Dwarf_Die t;

	if (!has_type || !tl__type_strip(type, &t))
		return TL__KIND_OTHER;
	switch (dwarf_tag(&t)) {
	case DW_TAG_base_type:
		return base_kind(&t);
	case DW_TAG_enumeration_type:
		return TL__KIND_ENUM;
	case DW_TAG_pointer_type:
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
		return TL__KIND_POINTER;
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
		return TL__KIND_STRUCT;
	case DW_TAG_array_type:
		return TL__KIND_ARRAY;
	default:
		return TL__KIND_OTHER;
	}
}

uint64_t tl__type_size(const Dwarf_Die *type, bool has_type)
{
	Dwarf_Die t = *type;
	Dwarf_Word size = 0;

	if (!has_type || dwarf_aggregate_size(&t, &size) != 0)
		return 0;
	return size;
}

bool tl__type_is_character(const Dwarf_Die *type)
{
	return tl__type_kind(type, true) == TL__KIND_CHAR;
}

static const char *qualifier(int tag)
{
	switch (tag) {
	case DW_TAG_const_type:
		return "const ";
	case DW_TAG_volatile_type:
		return "volatile ";
	case DW_TAG_atomic_type:
		return "_Atomic ";
	default:
		return "";
	}
}

static const char *keyword(int tag)
{
	switch (tag) {
	case DW_TAG_structure_type:
		return "struct ";
	case DW_TAG_union_type:
		return "union ";
	case DW_TAG_enumeration_type:
		return "enum ";
	default:
		return "";
	}
}

static void write_type(const Dwarf_Die *type, bool has_type, struct tl__strbuf *to, int depth)
{
	Dwarf_Die t = *type, inner;
	bool has_inner = has_type && tl__type_of(&t, &inner);
	int tag = has_type ? dwarf_tag(&t) : 0;

	if (!has_type || depth > CHAIN_MAX) {
		tl__strbuf_puts(to, "void");
		return;
	}
	switch (tag) {
	case DW_TAG_pointer_type:
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
		write_type(&inner, has_inner, to, depth + 1);
		if (to->len && to->data[to->len - 1] != '*')
			tl__strbuf_putc(to, ' ');
		tl__strbuf_puts(to, tag == DW_TAG_pointer_type     ? "*"
				    : tag == DW_TAG_reference_type ? "&"
								   : "&&");
		return;
	case DW_TAG_const_type:
	case DW_TAG_volatile_type:
	case DW_TAG_atomic_type:
	case DW_TAG_restrict_type:
		tl__strbuf_puts(to, qualifier(tag));
		write_type(&inner, has_inner, to, depth + 1);
		return;
	case DW_TAG_array_type:
		write_type(&inner, has_inner, to, depth + 1);
		tl__strbuf_puts(to, "[]");
		return;
	case DW_TAG_subroutine_type:
		write_type(&inner, has_inner, to, depth + 1);
		tl__strbuf_puts(to, " (...)");
		return;
	default:
		tl__strbuf_puts(to, keyword(tag));
		tl__strbuf_puts(to, dwarf_diename(&t) ? dwarf_diename(&t) : "{...}");
	}
}

void tl__type_write(const Dwarf_Die *type, bool has_type, struct tl__strbuf *to)
{
	write_type(type, has_type, to, 0);
}
