/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which function an IFUNC has picked: the dynamic linker, or a static program's start, calls the
 * resolver once and writes its answer where the file has a relocation for it (R_*_IRELATIVE). On
 * x86-64 and arm64 that names the resolver; on i386 the place itself holds it until then.
 */
#include "debug.h"

#include <gelf.h>
#include <string.h>

static bool is_irelative(uint16_t machine, uint64_t type)
{
	return (machine == EM_X86_64 && type == R_X86_64_IRELATIVE) ||
	       (machine == EM_386 && type == R_386_IRELATIVE) ||
	       (machine == EM_AARCH64 && type == R_AARCH64_IRELATIVE);
}

/* As the file has it. */
static uint64_t word_at(Elf *elf, uint64_t value)
{
	size_t n = 0, size = gelf_getclass(elf) == ELFCLASS64 ? 8 : 4;
	uint64_t word = 0;
	Elf_Data *data;
	GElf_Phdr ph;

	if (elf_getphdrnum(elf, &n) < 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (!gelf_getphdr(elf, (int)i, &ph) || ph.p_type != PT_LOAD || value < ph.p_vaddr ||
		    value - ph.p_vaddr >= ph.p_filesz)
			continue;
		data = elf_getdata_rawchunk(elf, (int64_t)(ph.p_offset + value - ph.p_vaddr), size,
					    ELF_T_BYTE);
		if (data && data->d_size == size)
			memcpy(&word, data->d_buf, size);
	}
	return word;
}

struct slots {
	Elf *elf;
	uint16_t machine;
	uint64_t resolver;
};

static bool in_rela(const struct slots *w, Elf_Data *data, size_t n, uint64_t *ret)
{
	GElf_Rela rela;

	for (size_t i = 0; i < n; i++)
		if (gelf_getrela(data, (int)i, &rela) &&
		    is_irelative(w->machine, GELF_R_TYPE(rela.r_info)) &&
		    (uint64_t)rela.r_addend == w->resolver) {
			*ret = rela.r_offset;
			return true;
		}
	return false;
}

static bool in_rel(const struct slots *w, Elf_Data *data, size_t n, uint64_t *ret)
{
	GElf_Rel rel;

	for (size_t i = 0; i < n; i++)
		if (gelf_getrel(data, (int)i, &rel) &&
		    is_irelative(w->machine, GELF_R_TYPE(rel.r_info)) &&
		    word_at(w->elf, rel.r_offset) == w->resolver) {
			*ret = rel.r_offset;
			return true;
		}
	return false;
}

bool tl__symbols_ifunc_slot(const struct tl__symbols *s, const struct tl__symbol *sym,
			    uint64_t *ret_slot, uint64_t *ret_initial)
{
	struct slots w = { tl__symbols_elf(s), tl__symbols_machine(s), sym->value };
	Elf_Scn *scn = NULL;
	Elf_Data *data;
	GElf_Shdr sh;
	bool found;
	size_t n;

	while (w.elf && (scn = elf_nextscn(w.elf, scn))) {
		if (!gelf_getshdr(scn, &sh) || !sh.sh_entsize ||
		    (sh.sh_type != SHT_RELA && sh.sh_type != SHT_REL) ||
		    !(data = elf_getdata(scn, NULL)))
			continue;
		n = sh.sh_size / sh.sh_entsize;
		found = sh.sh_type == SHT_RELA ? in_rela(&w, data, n, ret_slot)
					       : in_rel(&w, data, n, ret_slot);
		if (!found)
			continue;
		*ret_initial = word_at(w.elf, *ret_slot);
		return true;
	}
	return false;
}
