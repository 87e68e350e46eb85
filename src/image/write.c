/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values as text, as C would have them. */
#include "values.h"

#include <ctype.h>
#include <dwarf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 3, MEMBERS_MAX = 16, ELEMENTS_MAX = 8, CHUNK = 64 };

struct writing {
	const struct tl__machine *m;
	unsigned string_max;
	struct tl__strbuf *to;
	int depth, members;
};

static void write_value(const struct tl__value *v, struct writing *w);

/* most: of its bytes are shown; an array has no more than size, and may have no end. */
static void write_string(struct writing *w, uint64_t addr, uint64_t size, uint64_t most)
{
	char bytes[CHUNK];
	uint64_t shown = 0;

	while (shown < size) {
		/* As far as the page, and then anew. */
		uint64_t n = CHUNK - (addr + shown) % CHUNK;

		if (n > size - shown)
			n = size - shown;
		if (!w->m->read(w->m->data, addr + shown, bytes, n)) {
			if (!shown)
				tl__strbuf_printf(w->to, "%#" PRIx64, addr);
			else
				tl__strbuf_puts(w->to, "\"...");
			return;
		}
		if (!shown)
			tl__strbuf_putc(w->to, '"');
		for (uint64_t i = 0; i < n; i++, shown++) {
			if (!bytes[i] || shown == most) {
				tl__strbuf_puts(w->to, bytes[i] ? "\"..." : "\"");
				return;
			}
			tl__strbuf_escape(w->to, (unsigned char)bytes[i],
					  i + 1 < n ? (unsigned char)bytes[i + 1] : '0');
		}
	}
	tl__strbuf_puts(w->to, shown ? "\"" : "\"\"");
}

static void write_pointer(const struct tl__value *v, struct writing *w)
{
	struct tl__value target;
	uint64_t addr;

	if (!tl__value_integer(v, w->m, &addr))
		tl__strbuf_putc(w->to, '?');
	else if (!addr)
		tl__strbuf_puts(w->to, "NULL");
	else if (tl__value_target(v, w->m, 0, &target) && target.has_type &&
		 tl__type_is_character(&target.type))
		write_string(w, addr, UINT64_MAX - addr, w->string_max);
	else
		tl__strbuf_printf(w->to, "%#" PRIx64, addr);
}

static bool enumerator(Dwarf_Die *child, uint64_t *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Sword word;

	if (dwarf_tag(child) != DW_TAG_enumerator ||
	    dwarf_formsdata(dwarf_attr(child, DW_AT_const_value, &attr), &word) != 0)
		return false;
	*ret = (uint64_t)word;
	return true;
}

/* One of its names; or several bits of one that has such; or the number. */
static void write_enum(const struct tl__value *v, uint64_t value, struct writing *w)
{
	uint64_t one, left = value;
	size_t before = w->to->len;
	Dwarf_Die t, child;
	bool any;

	any = tl__type_strip(&v->type, &t) && dwarf_child(&t, &child) == 0;
	for (bool more = any; more; more = dwarf_siblingof(&child, &child) == 0)
		if (enumerator(&child, &one) && one == value) {
			tl__strbuf_puts(w->to, dwarf_diename(&child) ? dwarf_diename(&child) : "?");
			return;
		}
	for (bool more = any && dwarf_child(&t, &child) == 0; more && left;
	     more = dwarf_siblingof(&child, &child) == 0)
		if (enumerator(&child, &one) && one && !(one & (one - 1)) && (left & one)) {
			tl__strbuf_printf(w->to, "%s%s", w->to->len > before ? "|" : "",
					  dwarf_diename(&child) ? dwarf_diename(&child) : "?");
			left &= ~one;
		}
	if (w->to->len > before && left)
		tl__strbuf_printf(w->to, "|%#" PRIx64, left);
	else if (left || w->to->len == before)
		tl__strbuf_printf(w->to, "%" PRId64, (int64_t)value);
}

static int write_member(const struct tl__value *v, void *data)
{
	struct writing *w = data;

	if (w->members == MEMBERS_MAX) {
		tl__strbuf_puts(w->to, ", ...");
		return 1;
	}
	if (w->members++)
		tl__strbuf_puts(w->to, ", ");
	if (v->name)
		tl__strbuf_printf(w->to, "%s=", v->name);
	write_value(v, w);
	return 0;
}

static void write_struct(const struct tl__value *v, struct writing *w)
{
	struct writing inner = { w->m, w->string_max, w->to, w->depth + 1, 0 };

	if (w->depth == DEPTH_MAX) {
		tl__strbuf_puts(w->to, "{...}");
		return;
	}
	tl__strbuf_putc(w->to, '{');
	tl__value_each_member(v, write_member, &inner);
	tl__strbuf_putc(w->to, '}');
}

static void write_array(const struct tl__value *v, struct writing *w)
{
	uint64_t size = tl__type_size(&v->type, true), one;
	struct writing inner = { w->m, w->string_max, w->to, w->depth + 1, 0 };
	struct tl__value element;

	if (v->where != TL__VALUE_MEMORY || !tl__value_target(v, w->m, 0, &element) ||
	    w->depth == DEPTH_MAX) {
		tl__strbuf_puts(w->to, "[...]");
		return;
	}
	one = tl__type_size(&element.type, element.has_type);
	if (element.has_type && tl__type_is_character(&element.type)) {
		write_string(w, v->addr, size, w->string_max);
		return;
	}
	tl__strbuf_putc(w->to, '[');
	for (uint64_t i = 0; one && i < size / one; i++) {
		tl__strbuf_puts(w->to, i ? ", " : "");
		if (i == ELEMENTS_MAX) {
			tl__strbuf_puts(w->to, "...");
			break;
		}
		element.addr = v->addr + i * one;
		write_value(&element, &inner);
	}
	tl__strbuf_putc(w->to, ']');
}

static void write_number(const struct tl__value *v, enum tl__value_kind kind, struct writing *w)
{
	uint64_t value;

	if (!tl__value_integer(v, w->m, &value)) {
		tl__strbuf_putc(w->to, '?');
		return;
	}
	if (kind == TL__KIND_BOOL)
		tl__strbuf_puts(w->to, value ? "true" : "false");
	else if (kind == TL__KIND_ENUM)
		write_enum(v, value, w);
	else if (kind == TL__KIND_UNSIGNED)
		tl__strbuf_printf(w->to, "%" PRIu64, value);
	else
		tl__strbuf_printf(w->to, "%" PRId64, (int64_t)value);
	if (kind == TL__KIND_CHAR && value < 0x80 && isprint((int)value))
		tl__strbuf_printf(w->to, " '%c'", (char)value);
}

static void write_float(const struct tl__value *v, struct writing *w)
{
	bool narrow = tl__type_size(&v->type, true) == sizeof(float);
	char text[64] = "?";
	double value;

	/* As few digits as tell it from its neighbours. */
	if (tl__value_float(v, w->m, &value))
		for (int digits = narrow ? 6 : 15; digits <= 17; digits++) {
			double back;

			snprintf(text, sizeof(text), "%.*g", digits, value);
			back = strtod(text, NULL);
			if (!(narrow ? (float)back != (float)value : back != value))
				break;
		}
	tl__strbuf_puts(w->to, text);
}

static void write_value(const struct tl__value *v, struct writing *w)
{
	enum tl__value_kind kind = tl__type_kind(&v->type, v->has_type);

	if (v->where == TL__VALUE_UNKNOWN) {
		tl__strbuf_putc(w->to, '?');
		return;
	}
	switch (kind) {
	case TL__KIND_POINTER:
		write_pointer(v, w);
		return;
	case TL__KIND_STRUCT:
		write_struct(v, w);
		return;
	case TL__KIND_ARRAY:
		write_array(v, w);
		return;
	case TL__KIND_FLOAT:
		write_float(v, w);
		return;
	case TL__KIND_OTHER:
		tl__strbuf_putc(w->to, '?');
		return;
	default:
		write_number(v, kind, w);
	}
}

void tl__value_write(const struct tl__value *v, const struct tl__machine *m, unsigned string_max,
		     struct tl__strbuf *to)
{
	struct writing w = { m, string_max, to, 0, 0 };

	write_value(v, &w);
}

void tl__string_write(const struct tl__machine *m, uint64_t addr, uint64_t most,
		      struct tl__strbuf *to)
{
	struct writing w = { .m = m, .to = to };

	write_string(&w, addr, UINT64_MAX - addr, most);
}
