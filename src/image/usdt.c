/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Static probes of programs (USDT): notes that name an instruction, mostly a nop, and where its
 * arguments are. (SystemTap's sys/sdt.h: owner "stapsdt", type 3; three addresses, three strings.)
 */
#include "debug.h"
#include "usdt.h"

#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

enum { NOTE_STAPSDT = 3 };

static uint64_t word(const uint8_t *at, size_t size)
{
	uint64_t v = 0;

	memcpy(&v, at, size);
	return v;
}

/* Its end, behind the NUL; NULL: there is none. */
static const char *behind(const char *at, const char *end)
{
	const char *nul = at ? memchr(at, '\0', (size_t)(end - at)) : NULL;

	return nul ? nul + 1 : NULL;
}

static bool parse(const uint8_t *desc, size_t n, size_t size, uint64_t base, struct tl__usdt *ret)
{
	const char *at = (const char *)desc + 3 * size, *end = (const char *)desc + n;
	uint64_t linked;

	if (n <= 3 * size)
		return false;
	ret->provider = at;
	ret->name = behind(ret->provider, end);
	ret->args = behind(ret->name, end);
	if (!ret->name || !ret->args || !behind(ret->args, end))
		return false;
	ret->value = word(desc, size);
	linked = word(desc + size, size);
	ret->semaphore = word(desc + 2 * size, size);
	if (base && linked) {
		ret->value += base - linked;
		if (ret->semaphore)
			ret->semaphore += base - linked;
	}
	return true;
}

static int each_note(Elf_Data *data, size_t size, uint64_t base,
		     int (*on_probe)(void *data, const struct tl__usdt *probe), void *user)
{
	size_t at = 0, next, name, desc;
	struct tl__usdt probe;
	GElf_Nhdr note;
	int r = 0;

	while (!r && (next = gelf_getnote(data, at, &note, &name, &desc)) > 0) {
		const uint8_t *bytes = data->d_buf;

		if (note.n_type == NOTE_STAPSDT && note.n_namesz == sizeof("stapsdt") &&
		    !memcmp(bytes + name, "stapsdt", sizeof("stapsdt")) &&
		    parse(bytes + desc, note.n_descsz, size, base, &probe))
			r = on_probe(user, &probe);
		at = next;
	}
	return r;
}

int tl__usdt_each(const struct tl__symbols *s,
		  int (*on_probe)(void *data, const struct tl__usdt *probe), void *data)
{
	Elf *elf = tl__symbols_elf(s);
	Elf_Scn *scn = NULL;
	Elf_Data *notes;
	GElf_Shdr sh;
	uint64_t base;
	int r = 0;

	if (!elf)
		return 0;
	/* Where a link that came later has moved it all. */
	base = tl__symbols_section(s, ".stapsdt.base");
	while (!r && (scn = elf_nextscn(elf, scn))) {
		if (!gelf_getshdr(scn, &sh) || sh.sh_type != SHT_NOTE ||
		    !(notes = elf_getdata(scn, NULL)))
			continue;
		r = each_note(notes, gelf_getclass(elf) == ELFCLASS64 ? 8 : 4, base, on_probe,
			      data);
	}
	return r;
}
