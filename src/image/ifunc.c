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

/* The i'th relocation of a section, if it is of that kind; says: it names its resolver itself. */
static bool irelative_at(Elf *elf, uint16_t machine, Elf_Data *data, int i, bool says,
			 GElf_Rela *ret)
{
	GElf_Rel rel;

	if (says)
		return gelf_getrela(data, i, ret) &&
		       is_irelative(machine, GELF_R_TYPE(ret->r_info));
	if (!gelf_getrel(data, i, &rel) || !is_irelative(machine, GELF_R_TYPE(rel.r_info)))
		return false;
	ret->r_offset = rel.r_offset;
	ret->r_addend = (GElf_Sxword)word_at(elf, rel.r_offset);
	return true;
}

bool tl__symbols_ifunc_slot(const struct tl__symbols *s, const struct tl__symbol *sym,
			    uint64_t *ret_slot, uint64_t *ret_initial)
{
	uint16_t machine = tl__symbols_machine(s);
	Elf *elf = tl__symbols_elf(s);
	Elf_Scn *scn = NULL;
	Elf_Data *data;
	GElf_Rela rela;
	GElf_Shdr sh;

	while (elf && (scn = elf_nextscn(elf, scn))) {
		if (!gelf_getshdr(scn, &sh) || !sh.sh_entsize ||
		    (sh.sh_type != SHT_RELA && sh.sh_type != SHT_REL) ||
		    !(data = elf_getdata(scn, NULL)))
			continue;
		for (size_t i = 0; i < sh.sh_size / sh.sh_entsize; i++) {
			if (!irelative_at(elf, machine, data, (int)i, sh.sh_type == SHT_RELA,
					  &rela) ||
			    (uint64_t)rela.r_addend != sym->value)
				continue;
			*ret_slot = rela.r_offset;
			*ret_initial = word_at(elf, rela.r_offset);
			return true;
		}
	}
	return false;
}
