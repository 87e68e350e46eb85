/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The registry of architectures. */
#include "arch.h"

#include "compat.h"

enum { EM_386_ = 3, EM_ARM_ = 40, EM_X86_64_ = 62, EM_AARCH64_ = 183 };

static const struct tl__arch *const archs[] = { &tl__arch_x86_64, &tl__arch_i386, &tl__arch_x32,
						&tl__arch_arm64, &tl__arch_arm };

const struct tl__arch *tl__arch_get(enum tl_abi abi)
{
	for (size_t i = 0; i < tl__array_len(archs); i++)
		if (archs[i]->abi == abi)
			return archs[i];
	return NULL;
}

const struct tl__arch *tl__arch_of_call(uint32_t audit_arch, int64_t nr)
{
	/* Negative numbers have bit 30 set too, and are no x32 calls. */
	if (audit_arch == tl__arch_x86_64.audit_arch && nr >= 0 && nr & TL__X32_BIT)
		return &tl__arch_x32;
	for (size_t i = 0; i < tl__array_len(archs); i++)
		if (archs[i]->audit_arch == audit_arch)
			return archs[i];
	return NULL;
}

const struct tl__arch *tl__arch_of_gpr(size_t len)
{
	for (size_t i = 0; i < tl__array_len(archs); i++)
		if ((size_t)archs[i]->view->sets[0].size * archs[i]->view->sets[0].count == len)
			return archs[i];
	return NULL;
}

const struct tl__arch *tl__arch_of_machine(uint16_t e_machine, bool elf64)
{
	switch (e_machine) {
	case EM_X86_64_:
		return elf64 ? &tl__arch_x86_64 : &tl__arch_x32;
	case EM_386_:
		return &tl__arch_i386;
	case EM_AARCH64_:
		return &tl__arch_arm64;
	case EM_ARM_:
		return &tl__arch_arm;
	default:
		return NULL;
	}
}

const struct tl__arch *tl__arch_native(unsigned bits)
{
	if (bits == 64)
		return TL__BY_HOST(&tl__arch_x86_64, &tl__arch_arm64);
	return TL__BY_HOST(&tl__arch_i386, &tl__arch_arm);
}

bool tl__is_restart_code(int64_t ret)
{
	return ret == -512 || ret == -513 || ret == -514 || ret == -516;
}

bool tl__exits_add(uint64_t exits[TL__EXITS_MAX], unsigned *n, uint64_t to)
{
	for (unsigned i = 0; i < *n; i++)
		if (exits[i] == to)
			return true;
	if (*n == TL__EXITS_MAX)
		return false;
	exits[(*n)++] = to;
	return true;
}
