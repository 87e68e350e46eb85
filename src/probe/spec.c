/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* [MODULE:]SYMBOL[+OFFSET|+*], [MODULE:]0xADDR, [MODULE:]FILE:LINE, MODULE:PROVIDER:NAME; "(TYPE,
 * ...)" and "if". Pure. */
#include "condition.h"
#include "probe.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static bool is_number(const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 0);
	return end != text && !*end && !errno && *text >= '0' && *text <= '9';
}

/* The last colon that is none of a C++ name's. */
static char *find_colon(char *text)
{
	char *at = text;

	while ((at = strchr(at, ':'))) {
		if (at[1] != ':')
			return at;
		at += 2;
	}
	return NULL;
}

static int parse_symbol(char *text, struct tl__spec *ret)
{
	char *plus = strrchr(text, '+');

	/* operator+ is a name, too. */
	if (plus && plus[1] && plus != text) {
		if (!strcmp(plus + 1, "*"))
			ret->every = true;
		else if (!is_number(plus + 1, &ret->offset))
			return -EINVAL;
		*plus = '\0';
	}
	if (!isalnum((unsigned char)*text) && !strchr("_*?[.~$<", *text))
		return -EINVAL;
	if (text[strcspn(text, " \t\n")])
		return -EINVAL;
	ret->symbol = text;
	return 0;
}

/* FILE:LINE, where LINE is nothing but digits. */
static char *find_line(char *text, unsigned *ret)
{
	char *colon = strrchr(text, ':'), *end;
	unsigned long line;

	if (!colon || colon == text || !isdigit((unsigned char)colon[1]))
		return NULL;
	errno = 0;
	line = strtoul(colon + 1, &end, 10);
	if (*end || errno || !line || line > INT_MAX)
		return NULL;
	*ret = (unsigned)line;
	return colon;
}

/* [MODULE:]FILE */
static int parse_file(char *text, struct tl__spec *ret)
{
	char *colon = strchr(text, ':');

	if (colon)
		*colon = '\0';
	ret->file = strdup(colon ? colon + 1 : text);
	ret->module = colon ? strdup(text) : NULL;
	if (!ret->file || (colon && !ret->module))
		return -ENOMEM;
	return *ret->file && (!colon || *text) ? 0 : -EINVAL;
}

/* MODULE:PROVIDER:NAME */
static int parse_static(const char *provider, const char *name, struct tl__spec *ret)
{
	if (!*provider || !*name || provider[strcspn(provider, " \t\n")] ||
	    name[strcspn(name, " \t\n:+")])
		return -EINVAL;
	ret->provider = strdup(provider);
	ret->symbol = strdup(name);
	return ret->provider && ret->symbol ? 0 : -ENOMEM;
}

static int parse_place(char *text, struct tl__spec *ret)
{
	char *colon = find_line(text, &ret->line), *rest;

	if (colon) {
		*colon = '\0';
		return parse_file(text, ret);
	}
	colon = find_colon(text);
	rest = colon ? colon + 1 : text;
	if (!*rest || colon == text)
		return -EINVAL;
	if (colon) {
		*colon = '\0';
		ret->module = strdup(text);
		if (!ret->module)
			return -ENOMEM;
	}
	if (isdigit((unsigned char)*rest)) {
		ret->absolute = !colon;
		return !strncmp(rest, "0x", 2) && is_number(rest, &ret->offset) ? 0 : -EINVAL;
	}
	colon = ret->module ? find_colon(rest) : NULL;
	if (colon) {
		*colon = '\0';
		return parse_static(rest, colon + 1, ret);
	}
	rest = strdup(rest);
	if (!rest)
		return -ENOMEM;
	if (parse_symbol(rest, ret) < 0) {
		free(rest);
		return -EINVAL;
	}
	return 0;
}

static int parse(char *text, struct tl__spec *ret)
{
	char *condition = strstr(text, " if "), *end;
	int r = 0;

	if (condition) {
		*condition = '\0';
		r = tl__condition_parse(condition + 4, &ret->condition);
	}
	if (r == 0)
		r = tl__types_parse(text, &ret->types);
	for (end = text + strlen(text); end > text && end[-1] == ' ';)
		*--end = '\0';
	if (r == 0)
		r = parse_place(text, ret);
	/* The calling convention speaks of a function's first instruction. */
	if (r == 0 && ret->types.given && (!ret->symbol || ret->offset || ret->every))
		r = -EINVAL;
	return r;
}

int tl__spec_parse(const char *text, struct tl__spec *ret)
{
	char *copy = strdup(text);
	int r;

	memset(ret, 0, sizeof(*ret));
	if (!copy)
		return -ENOMEM;
	r = parse(copy, ret);
	free(copy);
	if (r < 0)
		tl__spec_done(ret);
	return r;
}

void tl__spec_done(struct tl__spec *spec)
{
	free(spec->module);
	free(spec->symbol);
	free(spec->file);
	free(spec->provider);
	tl__condition_free(spec->condition);
	memset(spec, 0, sizeof(*spec));
}

/* "libc" is libc.so.6 and libc-2.36.so, not libcrypto.so. */
static bool is_stem(const char *module, const char *name)
{
	size_t n = strlen(module);

	return !strncmp(module, name, n) && (name[n] == '.' || name[n] == '-');
}

bool tl__spec_names_module(const struct tl__spec *spec, const char *path, bool main)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	if (!spec->module)
		return main;
	if (strchr(spec->module, '/'))
		return fnmatch(spec->module, path, 0) == 0;
	return fnmatch(spec->module, name, 0) == 0 || is_stem(spec->module, name);
}
