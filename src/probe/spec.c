/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* [MODULE:]SYMBOL[+OFFSET|+*] and MODULE:0xADDR. Pure. */
#include "probe.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
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
static const char *find_colon(const char *text)
{
	const char *at = text;

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
	ret->symbol = text;
	return 0;
}

int tl__spec_parse(const char *text, struct tl__spec *ret)
{
	const char *colon = find_colon(text), *rest = colon ? colon + 1 : text;
	char *symbol;

	memset(ret, 0, sizeof(*ret));
	if (!*rest || colon == text)
		return -EINVAL;
	if (colon) {
		ret->module = strndup(text, (size_t)(colon - text));
		if (!ret->module)
			return -ENOMEM;
	}
	if (is_number(rest, &ret->offset)) {
		if (colon)
			return 0;
		return -EINVAL;
	}
	symbol = strdup(rest);
	if (!symbol || parse_symbol(symbol, ret) < 0) {
		free(symbol);
		tl__spec_done(ret);
		return symbol ? -EINVAL : -ENOMEM;
	}
	return 0;
}

void tl__spec_done(struct tl__spec *spec)
{
	free(spec->module);
	free(spec->symbol);
	spec->module = spec->symbol = NULL;
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
