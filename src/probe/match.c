/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which functions of a file a SPEC names. */
#include "probe.h"

#include "distance.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

static bool is_pattern(const char *text)
{
	while (*text && *text != '*' && *text != '?' && *text != '[')
		text++;
	return *text;
}

/* The whole of what is shown, or all behind some "::". */
static bool is_shown(const char *name, const char *shown)
{
	size_t n = strlen(name), m = strlen(shown);

	/* f[abi:cxx11] is a name, too. */
	if (!strcmp(name, shown))
		return true;
	if (is_pattern(name))
		return fnmatch(name, shown, 0) == 0;
	return m >= n && !strcmp(shown + m - n, name) &&
	       (m == n || (m > n + 2 && !strncmp(shown + m - n - 2, "::", 2)));
}

struct tl__symbol *tl__match_next(const struct tl__spec *spec, struct tl__symbols *s, size_t *i)
{
	struct tl__symbol *sym;

	while ((sym = tl__symbols_get(s, (*i)++)))
		if (fnmatch(spec->symbol, sym->name, 0) == 0 ||
		    (tl__symbol_shown(sym) != sym->name &&
		     is_shown(spec->symbol, tl__symbol_shown(sym))))
			return sym;
	return NULL;
}

/* For who named one that there is none of: the same in another file, or else one much like it. */
void tl__match_note_near(struct tl_probe *probe, const struct tl__module *m, bool named)
{
	const char *slash = strrchr(m->file->path, '/'), *name = probe->spec.symbol;
	const char *module = slash ? slash + 1 : m->file->path, *shown;
	struct tl__symbol *sym;
	unsigned d;

	if (!name || probe->spec.provider || is_pattern(name))
		return;
	for (size_t i = 0; m->file->symbols && (sym = tl__symbols_get(m->file->symbols, i)); i++) {
		shown = named ? tl__symbol_shown(sym) : sym->name;
		d = named ? tl__distance(name, shown) : strcmp(name, shown) ? 99 : 0;
		if (d >= probe->near_distance || d > strlen(name) / 3 + 1)
			continue;
		probe->near_distance = d;
		snprintf(probe->near, sizeof(probe->near), "%s:%s", module, shown);
	}
}
