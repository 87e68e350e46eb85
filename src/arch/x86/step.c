/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a stepped instruction leaves the trap flag behind: the kernel steps by TF and hides it from
 * register reads and signal frames, but not from pushf, nor from syscall, which copies the flags
 * into r11.
 */
#include "regs.h"

#include <string.h>

#define TF 0x100u

static bool is_64(const void *gpr, size_t len)
{
	uint64_t cs;

	if (len != X86_64_GPR_SIZE)
		return false;
	memcpy(&cs, (const char *)gpr + X64_CS * 8, sizeof(cs));
	return cs == 0x33;
}

void tl__x86_step_saves_flags(const uint8_t *insn, size_t n, const void *gpr, size_t len,
			      struct tl__saved_flags *ret)
{
	bool word = false, wide = is_64(gpr, len);
	size_t at = 0;

	ret->where = TL__FLAGS_NOT_SAVED;
	/* Operand size; REX and the segments' prefixes change nothing here. */
	while (at < n && (insn[at] == 0x66 || (wide && (insn[at] & 0xf0) == 0x40)))
		word |= insn[at++] == 0x66;
	if (at < n && insn[at] == 0x9c) {
		ret->where = TL__FLAGS_ON_STACK;
		ret->size = word ? 2 : wide ? 8 : 4;
		ret->insn_len = (uint8_t)(at + 1);
	} else if (wide && at + 1 < n && insn[at] == 0x0f && insn[at + 1] == 0x05) {
		ret->where = TL__FLAGS_IN_REGISTER;
		ret->insn_len = (uint8_t)(at + 2);
	}
}

/* The program's own: the kernel shows none but that. */
bool tl__x86_has_trap_flag(const void *gpr, size_t len)
{
	uint32_t flags;

	memcpy(&flags,
	       (const char *)gpr + (len == X86_64_GPR_SIZE ? X64_EFLAGS * 8 : I386_EFLAGS * 4),
	       sizeof(flags));
	return flags & TF;
}

void tl__x86_hide_trap_flag(void *gpr, size_t len)
{
	uint64_t r11;

	if (len != X86_64_GPR_SIZE)
		return;
	memcpy(&r11, (char *)gpr + X64_R11 * 8, sizeof(r11));
	r11 &= ~(uint64_t)TF;
	memcpy((char *)gpr + X64_R11 * 8, &r11, sizeof(r11));
}
