/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* FILE:LINE: where the code of a line of source begins. */
#include "debug.h"

#include <dwarf.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct found {
	uint64_t value;
	Dwarf_Off scope; /* the function, or the inlined one, that it is in */
};

struct search {
	const char *file;
	unsigned wanted, line; /* the best line so far */
	struct found *list;
	size_t n, room;
	uint64_t bias;
	int error;
};

static bool is_file(const char *path, const char *file)
{
	size_t n = strlen(path), m = strlen(file);

	return n >= m && !strcmp(path + n - m, file) && (n == m || path[n - m - 1] == '/');
}

static Dwarf_Off scope_of(Dwarf_Die *unit, Dwarf_Addr addr)
{
	Dwarf_Die *scopes = NULL, whole = tl__debug_whole(unit);
	int n = dwarf_getscopes(&whole, addr, &scopes);
	Dwarf_Off ret = 0;

	for (int i = 0; i < n; i++)
		if (dwarf_tag(&scopes[i]) == DW_TAG_subprogram ||
		    dwarf_tag(&scopes[i]) == DW_TAG_inlined_subroutine) {
			ret = dwarf_dieoffset(&scopes[i]);
			break;
		}
	free(scopes);
	return ret;
}

/* Of one function the lowest. */
static void note(struct search *s, Dwarf_Die *unit, Dwarf_Addr addr)
{
	Dwarf_Off scope = scope_of(unit, addr);
	struct found *more;

	for (size_t i = 0; i < s->n; i++)
		if (s->list[i].scope == scope) {
			if (addr + s->bias < s->list[i].value)
				s->list[i].value = addr + s->bias;
			return;
		}
	if (s->n == s->room) {
		more = realloc(s->list, (s->room * 2 + 16) * sizeof(*more));
		if (!more) {
			s->error = -ENOMEM;
			return;
		}
		s->list = more;
		s->room = s->room * 2 + 16;
	}
	s->list[s->n++] = (struct found){ .value = addr + s->bias, .scope = scope };
}

static void look_in_unit(struct search *s, Dwarf_Die *unit)
{
	const char *path, *last = NULL;
	Dwarf_Lines *lines;
	bool ours = false, statement, ends;
	Dwarf_Addr addr;
	size_t n;
	int line;

	if (dwarf_getsrclines(unit, &lines, &n) != 0)
		return;
	for (size_t i = 0; i < n && !s->error; i++) {
		Dwarf_Line *l = dwarf_onesrcline(lines, i);

		path = dwarf_linesrc(l, NULL, NULL);
		if (!path || dwarf_lineno(l, &line) != 0 || dwarf_lineaddr(l, &addr) != 0 ||
		    dwarf_linebeginstatement(l, &statement) != 0 ||
		    dwarf_lineendsequence(l, &ends) != 0 || ends || !statement || !addr)
			continue;
		if (path != last)
			ours = is_file(path, s->file);
		last = path;
		if (!ours || (unsigned)line < s->wanted || (unsigned)line > s->line)
			continue;
		if ((unsigned)line < s->line)
			s->n = 0;
		s->line = (unsigned)line;
		note(s, unit, addr);
	}
}

int tl__lines_find(const struct tl__symbols *symbols, const char *file, unsigned line,
		   void (*on_place)(void *data, uint64_t value, unsigned line), void *data)
{
	struct search s = { .file = file, .wanted = line, .line = UINT_MAX };
	Dwarf *dwarf = tl__symbols_dwarf(symbols, &s.bias);
	Dwarf_Off at = 0, next;
	size_t header;

	while (dwarf && dwarf_nextcu(dwarf, at, &next, &header, NULL, NULL, NULL) == 0) {
		Dwarf_Die unit;

		if (dwarf_offdie(dwarf, at + header, &unit))
			look_in_unit(&s, &unit);
		at = next;
	}
	for (size_t i = 0; i < s.n && !s.error; i++)
		on_place(data, s.list[i].value, s.line);
	free(s.list);
	return s.error ? s.error : (int)s.n;
}
