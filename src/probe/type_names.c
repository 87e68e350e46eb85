/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The types of SPEC(int, str) = hex: their names, and lists of them. Pure. */
#include "probe.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static const struct {
	const char *name;
	enum tl__given_type type;
} names[] = { { "hex", TL__GIVEN_HEX },     { "ptr", TL__GIVEN_HEX },
	      { "bool", TL__GIVEN_BOOL },   { "char", TL__GIVEN_CHAR },
	      { "short", TL__GIVEN_SHORT }, { "int", TL__GIVEN_INT },
	      { "uint", TL__GIVEN_UINT },   { "long", TL__GIVEN_LONG },
	      { "ulong", TL__GIVEN_ULONG }, { "str", TL__GIVEN_STR } };

static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

static bool parse_type(char *text, uint8_t *ret)
{
	text = trim(text);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i].name, text)) {
			*ret = (uint8_t)i;
			return true;
		}
	return false;
}

static bool parse_list(char *list, struct tl__types *ret)
{
	char *at, *next = list;

	if (!*trim(list))
		return true;
	while ((at = strsep(&next, ",")))
		if (ret->n == TL__TYPES_MAX || !parse_type(at, &ret->args[ret->n++]))
			return false;
	return true;
}

const char *tl__type_name(uint8_t i, enum tl__given_type *ret)
{
	*ret = names[i].type;
	return names[i].name;
}

uint8_t tl__type_index(const char *name)
{
	uint8_t i = 0;

	while (strcmp(names[i].name, name) != 0)
		i++;
	return i;
}

int tl__types_parse(char *spec, struct tl__types *ret)
{
	char *open = strchr(spec, '('), *close = strrchr(spec, ')'), *equals;

	memset(ret, 0, sizeof(*ret));
	if (!open)
		return 0;
	if (!close || close < open)
		return -EINVAL;
	equals = trim(close + 1);
	if (*equals && (*equals != '=' || !parse_type(equals + 1, &ret->result)))
		return -EINVAL;
	*open = *close = '\0';
	ret->given = true;
	return parse_list(open + 1, ret) ? 0 : -EINVAL;
}
