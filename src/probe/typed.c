/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPEC(int, str) = hex: arguments and results by types that were given, without debuginfo. */
#include "probe.h"

#include "values.h"

#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void write_text(const struct tl__machine *m, enum tl__given_type type, uint64_t value,
		       unsigned string_max, struct tl__strbuf *to)
{
	bool wide = m->machine != EM_386;

	switch (type) {
	case TL__GIVEN_BOOL:
		tl__strbuf_puts(to, value & 0xff ? "true" : "false");
		break;
	case TL__GIVEN_CHAR:
		if (isprint((int)(value & 0xff)))
			tl__strbuf_printf(to, "'%c'", (char)value);
		else
			tl__strbuf_dec(to, (char)value);
		break;
	case TL__GIVEN_SHORT:
		tl__strbuf_dec(to, (int16_t)value);
		break;
	case TL__GIVEN_INT:
		tl__strbuf_dec(to, (int32_t)value);
		break;
	case TL__GIVEN_UINT:
		tl__strbuf_dec(to, (uint32_t)value);
		break;
	case TL__GIVEN_LONG:
		tl__strbuf_dec(to, wide ? (int64_t)value : (int32_t)value);
		break;
	case TL__GIVEN_ULONG:
		tl__strbuf_printf(to, "%" PRIu64, value);
		break;
	case TL__GIVEN_STR:
		if (value)
			tl__string_write(m, value, string_max, to);
		else
			tl__strbuf_puts(to, "NULL");
		break;
	case TL__GIVEN_HEX:
		tl__strbuf_hex(to, value);
		break;
	}
}

bool tl__typed_integer(const struct tl__machine *m, uint8_t i, uint64_t bits, uint64_t *ret)
{
	bool wide = m->machine != EM_386;
	enum tl__given_type type;

	tl__type_name(i, &type);
	switch (type) {
	case TL__GIVEN_BOOL:
		*ret = !!(bits & 0xff);
		return false;
	case TL__GIVEN_CHAR:
		*ret = (uint64_t)(char)bits;
		return true;
	case TL__GIVEN_SHORT:
		*ret = (uint64_t)(int16_t)bits;
		return true;
	case TL__GIVEN_INT:
		*ret = (uint64_t)(int32_t)bits;
		return true;
	case TL__GIVEN_LONG:
		*ret = wide ? bits : (uint64_t)(int32_t)bits;
		return true;
	case TL__GIVEN_UINT:
		*ret = (uint32_t)bits;
		return false;
	default:
		*ret = wide ? bits : (uint32_t)bits;
		return false;
	}
}

int tl__typed_tell(const struct tl__machine *m, uint8_t i, uint64_t bits,
		   const struct tl__telling *t)
{
	struct tl_value value = { .size = sizeof(value), .bits = bits };
	struct tl__strbuf text = { 0 };
	enum tl__given_type type;
	int r = -ENOMEM;

	value.type = tl__type_name(i, &type);
	value.flags = TL_VALUE_KNOWN | TL_VALUE_INTEGER;
	write_text(m, type, bits, t->string_max, &text);
	value.text = text.data;
	if (!text.failed && text.data)
		r = t->on_value(&value, t->data);
	tl__strbuf_done(&text);
	return r;
}

int tl__typed_args(const struct tl__types *types, const struct tl__machine *m, struct tl_task *task,
		   const struct tl__telling *t)
{
	uint64_t values[TL__TYPES_MAX];
	int r = tl_task_call_args(task, values, types->n);

	for (unsigned i = 0; r == 0 && i < types->n; i++)
		r = tl__typed_tell(m, types->args[i], values[i], t);
	return r;
}

int tl__typed_result(const struct tl__types *types, const struct tl__machine *m,
		     struct tl_task *task, const struct tl__telling *t)
{
	struct tl_call_frame frame = { .size = sizeof(frame) };
	int r = tl_task_call_result(task, &frame);

	return r < 0 ? r : tl__typed_tell(m, types->result, frame.result, t);
}
