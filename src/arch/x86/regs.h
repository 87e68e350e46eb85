/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Register sets of the two x86 views. Private to arch/x86. */
#ifndef TL_ARCH_X86_REGS_H
#define TL_ARCH_X86_REGS_H

#include "arch.h"

#define X86_64_GPR_SIZE 216
#define I386_GPR_SIZE   68

/* Slots of struct user_regs_struct, eight bytes each. */
enum x86_64_slot {
	X64_R15,
	X64_R14,
	X64_R13,
	X64_R12,
	X64_RBP,
	X64_RBX,
	X64_R11,
	X64_R10,
	X64_R9,
	X64_R8,
	X64_RAX,
	X64_RCX,
	X64_RDX,
	X64_RSI,
	X64_RDI,
	X64_ORIG_RAX,
	X64_RIP,
	X64_CS,
	X64_EFLAGS,
	X64_RSP,
	X64_SS,
	X64_FS_BASE,
	X64_GS_BASE,
	X64_DS,
	X64_ES,
	X64_FS,
	X64_GS,
};

/* Slots of struct user_regs_struct32, four bytes each. */
enum i386_slot {
	I386_EBX,
	I386_ECX,
	I386_EDX,
	I386_ESI,
	I386_EDI,
	I386_EBP,
	I386_EAX,
	I386_DS,
	I386_ES,
	I386_FS,
	I386_GS,
	I386_ORIG_EAX,
	I386_EIP,
	I386_CS,
	I386_EFLAGS,
	I386_ESP,
	I386_SS,
};

extern const struct tl__view tl__x86_64_view, tl__i386_view;
extern const struct tl__reg tl__x86_64_regs[], tl__i386_regs[];
extern const size_t tl__x86_64_nregs, tl__i386_nregs;

/* go_on.c */
size_t tl__x86_go_on(const void *gpr, size_t len, uint64_t at, uint64_t mask,
		     uint8_t code[TL__GO_ON_MAX]);

/* step.c */
void tl__x86_step_saves_flags(const uint8_t *insn, size_t n, const void *gpr, size_t len,
			      struct tl__saved_flags *ret);
bool tl__x86_has_trap_flag(const void *gpr, size_t len);
void tl__x86_hide_trap_flag(void *gpr, size_t len);

#endif
