/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPEC(int, str) = hex: what a probed function's arguments and result are, and how they are
 * written. */
#define _GNU_SOURCE
#include "probe_args.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	enum arg_type type;
} types[] = { { "bool", ARG_BOOL },   { "char", ARG_CHAR }, { "short", ARG_SHORT },
	      { "int", ARG_INT },     { "uint", ARG_UINT }, { "long", ARG_LONG },
	      { "ulong", ARG_ULONG }, { "hex", ARG_HEX },   { "ptr", ARG_HEX },
	      { "str", ARG_STR } };

const char probe_args_types[] = "bool, char, short, int, uint, long, ulong, hex, ptr, str";

static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

static bool parse_type(char *text, enum arg_type *ret)
{
	text = trim(text);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcmp(types[i].name, text)) {
			*ret = types[i].type;
			return true;
		}
	return false;
}

static bool parse_list(char *list, struct probe_args *ret)
{
	char *at, *next = list;

	if (!*trim(list))
		return true;
	while ((at = strsep(&next, ",")))
		if (ret->n == PROBE_ARGS_MAX || !parse_type(at, &ret->types[ret->n++]))
			return false;
	return true;
}

bool probe_args_parse(char *spec, struct probe_args *ret)
{
	char *open = strchr(spec, '('), *close = strrchr(spec, ')'), *equals;

	*ret = (struct probe_args){ 0 };
	/* operator() */
	if (open && open[1] == ')' && strchr(open + 2, '('))
		open = strchr(open + 2, '(');
	if (!open)
		return true;
	if (!close || close < open)
		return false;
	equals = trim(close + 1);
	if (*equals && *equals != '=')
		return false;
	if (*equals && !parse_type(equals + 1, &ret->result))
		return false;
	*open = *close = '\0';
	ret->given = true;
	if (!parse_list(open + 1, ret))
		return false;
	trim(spec);
	return true;
}

/* As C has it, between quotes; what is cut ends in dots. */
static void quote(char *to, size_t size, const char *from, bool cut)
{
	size_t n = 0;

	to[n++] = '"';
	for (; *from && n + 8 < size; from++) {
		unsigned char c = (unsigned char)*from;
		const char *known = strchr("\nn\tt\rr\"\"\\\\", c);

		if (known && (known - "\nn\tt\rr\"\"\\\\") % 2 == 0)
			n += (size_t)snprintf(to + n, size - n, "\\%c", known[1]);
		else if (isprint(c) || c >= 0x80)
			to[n++] = (char)c;
		else
			n += (size_t)snprintf(to + n, size - n, "\\x%02x", c);
	}
	snprintf(to + n, size - n, "\"%s", cut || *from ? "..." : "");
}

static void write_string(struct tl_task *task, uint64_t at, char *to, size_t size)
{
	char text[PROBE_STRING_MAX + 1];
	int64_t r = at ? tl_task_read_string(task, at, text, sizeof(text)) : 0;

	if (!at)
		snprintf(to, size, "NULL");
	else if (r < 0 && r != -ERANGE)
		snprintf(to, size, "%#" PRIx64, at);
	else
		quote(to, size, text, r < 0);
}

void probe_args_write(struct tl_task *task, enum arg_type type, uint64_t value, bool wide, char *to,
		      size_t size)
{
	switch (type) {
	case ARG_BOOL:
		snprintf(to, size, value & 0xff ? "true" : "false");
		break;
	case ARG_CHAR:
		snprintf(to, size, isprint((int)(value & 0xff)) ? "'%c'" : "%d", (char)value);
		break;
	case ARG_SHORT:
		snprintf(to, size, "%d", (int16_t)value);
		break;
	case ARG_INT:
		snprintf(to, size, "%d", (int32_t)value);
		break;
	case ARG_UINT:
		snprintf(to, size, "%u", (uint32_t)value);
		break;
	case ARG_LONG:
		snprintf(to, size, "%" PRId64, wide ? (int64_t)value : (int32_t)value);
		break;
	case ARG_ULONG:
		snprintf(to, size, "%" PRIu64, wide ? value : (uint32_t)value);
		break;
	case ARG_STR:
		write_string(task, value, to, size);
		break;
	case ARG_HEX:
		snprintf(to, size, "%#" PRIx64, value);
		break;
	}
}
