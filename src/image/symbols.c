/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The functions of an ELF file. */
#include "debug.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SEGMENTS_MAX = 64 };

struct segment {
	uint64_t offset, value, size;
};

struct tl__symbols {
	Dwfl *dwfl;
	Dwfl_Module *module;
	GElf_Addr bias; /* of dwfl's addresses */
	uint16_t machine;
	struct tl__symbol *list;
	struct tl__symbol **by_name; /* all of them, as they are shown */
	char **cut;                  /* names of ours, in place of those with a version */
	size_t ncut;
	size_t n;
	struct segment segments[SEGMENTS_MAX];
	size_t nsegments;
};

static char *debuginfo_path; /* elfutils' own default */

static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
	.section_address = dwfl_offline_section_address,
	.debuginfo_path = &debuginfo_path,
};

static int by_value(const void *a, const void *b)
{
	const struct tl__symbol *x = a, *y = b;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	if ((x->name[0] == '_') != (y->name[0] == '_'))
		return x->name[0] == '_' ? 1 : -1;
	return strcmp(x->name, y->name);
}

static bool is_function(const GElf_Sym *sym)
{
	int type = GELF_ST_TYPE(sym->st_info);

	return (type == STT_FUNC || type == STT_GNU_IFUNC) && sym->st_shndx != SHN_UNDEF;
}

static void drop_repeated(struct tl__symbols *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i++)
		if (!kept || s->list[kept - 1].value != s->list[i].value ||
		    strcmp(s->list[kept - 1].name, s->list[i].name) != 0)
			s->list[kept++] = s->list[i];
	s->n = kept;
}

/* Symbol tables of debuginfo have f@@VERSION for what the dynamic one has as f. */
static const char *without_version(struct tl__symbols *s, const char *name)
{
	const char *at = strchr(name, '@');
	char *cut;

	if (!at || at == name)
		return name;
	cut = strndup(name, (size_t)(at - name));
	if (!cut)
		return name;
	s->cut[s->ncut++] = cut;
	return cut;
}

static int read_symbols(struct tl__symbols *s, Dwfl_Module *module, uint64_t bias)
{
	int n = dwfl_module_getsymtab(module);

	if (n <= 0)
		return 0;
	s->list = calloc((size_t)n, sizeof(*s->list));
	s->cut = calloc((size_t)n, sizeof(*s->cut));
	if (!s->list || !s->cut)
		return -ENOMEM;
	for (int i = 0; i < n; i++) {
		GElf_Addr value;
		GElf_Sym sym;
		const char *name =
			dwfl_module_getsym_info(module, i, &sym, &value, NULL, NULL, NULL);

		if (!name || !*name || !is_function(&sym))
			continue;
		s->list[s->n].name = without_version(s, name);
		s->list[s->n].value = value - bias;
		s->list[s->n].size = sym.st_size;
		s->list[s->n++].ifunc = GELF_ST_TYPE(sym.st_info) == STT_GNU_IFUNC;
	}
	qsort(s->list, s->n, sizeof(*s->list), by_value);
	drop_repeated(s);
	return 0;
}

static void read_segments(struct tl__symbols *s, Elf *elf)
{
	size_t n = 0;

	if (elf_getphdrnum(elf, &n) < 0)
		return;
	for (size_t i = 0; i < n && s->nsegments < SEGMENTS_MAX; i++) {
		GElf_Phdr ph;

		/* Segments may share a page of the file: only those with code are asked for. */
		if (!gelf_getphdr(elf, (int)i, &ph) || ph.p_type != PT_LOAD || !(ph.p_flags & PF_X))
			continue;
		s->segments[s->nsegments].offset = ph.p_offset;
		s->segments[s->nsegments].value = ph.p_vaddr;
		s->segments[s->nsegments++].size = ph.p_filesz;
	}
}

static int read_file(struct tl__symbols *s, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Dwfl_Module *module;
	GElf_Addr bias = 0;
	GElf_Ehdr header;
	Elf *elf;

	if (fd < 0)
		return -errno;
	s->dwfl = dwfl_begin(&callbacks);
	module = s->dwfl ? dwfl_report_elf(s->dwfl, path, path, fd, 0, false) : NULL;
	if (!module) {
		close(fd);
		return s->dwfl ? -ENOEXEC : -ENOMEM;
	}
	dwfl_report_end(s->dwfl, NULL, NULL);
	elf = dwfl_module_getelf(module, &bias);
	if (!elf || !gelf_getehdr(elf, &header))
		return -ENOEXEC;
	s->module = module;
	s->bias = bias;
	s->machine = header.e_machine;
	read_segments(s, elf);
	return read_symbols(s, module, bias);
}

int tl__symbols_open(const char *path, struct tl__symbols **ret)
{
	struct tl__symbols *s = calloc(1, sizeof(*s));
	int r = s ? read_file(s, path) : -ENOMEM;

	if (r < 0) {
		tl__symbols_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

void tl__symbols_free(struct tl__symbols *s)
{
	if (!s)
		return;
	if (s->dwfl)
		dwfl_end(s->dwfl);
	for (size_t i = 0; i < s->ncut; i++)
		free(s->cut[i]);
	for (size_t i = 0; i < s->n; i++)
		free(s->list[i].demangled);
	free(s->by_name);
	free(s->cut);
	free(s->list);
	free(s);
}

bool tl__symbols_object(const struct tl__symbols *s, const char *wanted, uint64_t *ret)
{
	int n = dwfl_module_getsymtab(s->module);
	GElf_Addr value;
	GElf_Sym sym;

	for (int i = 0; i < n; i++) {
		const char *name =
			dwfl_module_getsym_info(s->module, i, &sym, &value, NULL, NULL, NULL);
		size_t len = name ? strcspn(name, "@") : 0;

		if (name && GELF_ST_TYPE(sym.st_info) == STT_OBJECT && sym.st_shndx != SHN_UNDEF &&
		    !strncmp(name, wanted, len) && !wanted[len]) {
			*ret = value - s->bias;
			return true;
		}
	}
	return false;
}

size_t tl__symbols_count(const struct tl__symbols *s)
{
	return s->n;
}

struct tl__symbol *tl__symbols_get(const struct tl__symbols *s, size_t i)
{
	return i < s->n ? &s->list[i] : NULL;
}

struct tl__symbol *tl__symbols_at(const struct tl__symbols *s, uint64_t value)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->list[middle].value <= value)
			low = middle + 1;
		else
			high = middle;
	}
	/* Several may begin there, of which some are empty. */
	for (size_t i = low; i-- > 0 && s->list[i].value == s->list[low - 1].value;)
		if (s->list[i].size == 0 || value - s->list[i].value < s->list[i].size)
			return &s->list[i];
	return NULL;
}

bool tl__symbols_is_code(const struct tl__symbols *s, uint64_t value)
{
	for (size_t i = 0; i < s->nsegments; i++)
		if (value >= s->segments[i].value &&
		    value - s->segments[i].value < s->segments[i].size)
			return true;
	return false;
}

bool tl__symbols_value_of(const struct tl__symbols *s, uint64_t offset, uint64_t *ret)
{
	for (size_t i = 0; i < s->nsegments; i++) {
		const struct segment *seg = &s->segments[i];
		uint64_t page = seg->offset & 4095;

		if (offset + page >= seg->offset && offset < seg->offset + seg->size) {
			*ret = seg->value + offset - seg->offset;
			return true;
		}
	}
	return false;
}

uint16_t tl__symbols_machine(const struct tl__symbols *s)
{
	return s->machine;
}

Dwarf *tl__symbols_dwarf(const struct tl__symbols *s, uint64_t *ret_bias)
{
	GElf_Addr bias = 0;
	Dwarf *dwarf = dwfl_module_getdwarf(s->module, &bias);

	*ret_bias = bias - s->bias;
	return dwarf;
}

Dwarf_CFI *tl__symbols_cfi(const struct tl__symbols *s, bool eh, uint64_t *ret_bias)
{
	GElf_Addr bias = 0;
	Dwarf_CFI *cfi =
		eh ? dwfl_module_eh_cfi(s->module, &bias) : dwfl_module_dwarf_cfi(s->module, &bias);

	*ret_bias = bias - s->bias;
	return cfi;
}

const char *tl__symbol_shown(struct tl__symbol *sym)
{
	if (!sym->demangled && !sym->plain) {
		sym->demangled = tl__demangle(sym->name);
		sym->plain = !sym->demangled;
	}
	return sym->demangled ? sym->demangled : sym->name;
}

static int by_shown(const void *a, const void *b)
{
	struct tl__symbol *const *x = a, *const *y = b;

	return strcmp(tl__symbol_shown(*x), tl__symbol_shown(*y));
}

bool tl__symbols_is_repeated(struct tl__symbols *s, struct tl__symbol *sym)
{
	struct tl__symbol **found;

	if (!s->by_name) {
		s->by_name = calloc(s->n, sizeof(struct tl__symbol *));
		if (!s->by_name)
			return false;
		for (size_t i = 0; i < s->n; i++)
			s->by_name[i] = &s->list[i];
		qsort(s->by_name, s->n, sizeof(struct tl__symbol *), by_shown);
	}
	found = bsearch(&sym, s->by_name, s->n, sizeof(struct tl__symbol *), by_shown);
	if (!found)
		return false;
	for (size_t i = (size_t)(found - s->by_name); i-- > 0 && !by_shown(&s->by_name[i], &sym);)
		if (s->by_name[i]->value != sym->value)
			return true;
	for (size_t i = (size_t)(found - s->by_name); i < s->n && !by_shown(&s->by_name[i], &sym);
	     i++)
		if (s->by_name[i]->value != sym->value)
			return true;
	return false;
}

Elf *tl__symbols_elf(const struct tl__symbols *s)
{
	GElf_Addr bias;

	return dwfl_module_getelf(s->module, &bias);
}

uint64_t tl__symbols_section(const struct tl__symbols *s, const char *wanted)
{
	Elf *elf = tl__symbols_elf(s);
	Elf_Scn *scn = NULL;
	size_t names;
	GElf_Shdr sh;

	if (!elf || elf_getshdrstrndx(elf, &names) < 0)
		return 0;
	while ((scn = elf_nextscn(elf, scn))) {
		const char *name =
			gelf_getshdr(scn, &sh) ? elf_strptr(elf, names, sh.sh_name) : NULL;

		if (name && !strcmp(name, wanted))
			return sh.sh_addr;
	}
	return 0;
}
