/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The views "x86_64" and "i386": every register set that Linux serves there
 * (arch/x86/kernel/ptrace.c). */
#include "regs.h"

#include "compat.h"

enum {
	NT_PRSTATUS = 1,
	NT_PRFPREG = 2,
	NT_PRXFPREG = 0x46e62b7f,
	NT_386_TLS = 0x200,
	NT_386_IOPERM = 0x201,
	NT_X86_XSTATE = 0x202,
	NT_X86_SHSTK = 0x204,
};

#define XSTATE_MOST 1400 /* 8-byte slots: 11200 bytes, with AMX tile data and to spare */

static const struct tl__regset x86_64_sets[] = {
	{ "general", NT_PRSTATUS, 8, 27, 8, 0 },
	{ "fp", NT_PRFPREG, 4, 128, 4, 0 },
	{ "xstate", NT_X86_XSTATE, 8, XSTATE_MOST, 8, TL__REGSET_VARIABLE },
	{ "ioperm", NT_386_IOPERM, 8, 1024, 8, TL__REGSET_VARIABLE | TL__REGSET_READONLY },
	{ "shstk", NT_X86_SHSTK, 8, 1, 8, 0 },
};

static const struct tl__regset i386_sets[] = {
	{ "general", NT_PRSTATUS, 4, 17, 4, 0 },
	{ "fp", NT_PRFPREG, 4, 27, 4, 0 },
	{ "xfp", NT_PRXFPREG, 4, 128, 4, 0 },
	{ "xstate", NT_X86_XSTATE, 8, XSTATE_MOST, 8, TL__REGSET_VARIABLE },
	{ "tls", NT_386_TLS, 16, 3, 4, 0 },
	{ "ioperm", NT_386_IOPERM, 4, 2048, 4, TL__REGSET_VARIABLE | TL__REGSET_READONLY },
};

const struct tl__view tl__x86_64_view = { "x86_64", 62, x86_64_sets, tl__array_len(x86_64_sets) };
const struct tl__view tl__i386_view = { "i386", 3, i386_sets, tl__array_len(i386_sets) };

#define R64(name, slot)                                                                            \
	{                                                                                          \
		name, (slot)*8, 8                                                                  \
	}
#define R32(name, slot)                                                                            \
	{                                                                                          \
		name, (slot)*4, 4                                                                  \
	}

const struct tl__reg tl__x86_64_regs[] = {
	R64("rax", X64_RAX),
	R64("rbx", X64_RBX),
	R64("rcx", X64_RCX),
	R64("rdx", X64_RDX),
	R64("rsi", X64_RSI),
	R64("rdi", X64_RDI),
	R64("rbp", X64_RBP),
	R64("rsp", X64_RSP),
	R64("r8", X64_R8),
	R64("r9", X64_R9),
	R64("r10", X64_R10),
	R64("r11", X64_R11),
	R64("r12", X64_R12),
	R64("r13", X64_R13),
	R64("r14", X64_R14),
	R64("r15", X64_R15),
	R64("rip", X64_RIP),
	R64("eflags", X64_EFLAGS),
	R64("orig_rax", X64_ORIG_RAX),
	R64("cs", X64_CS),
	R64("ss", X64_SS),
	R64("ds", X64_DS),
	R64("es", X64_ES),
	R64("fs", X64_FS),
	R64("gs", X64_GS),
	R64("fs_base", X64_FS_BASE),
	R64("gs_base", X64_GS_BASE),
};

const struct tl__reg tl__i386_regs[] = {
	R32("eax", I386_EAX),
	R32("ebx", I386_EBX),
	R32("ecx", I386_ECX),
	R32("edx", I386_EDX),
	R32("esi", I386_ESI),
	R32("edi", I386_EDI),
	R32("ebp", I386_EBP),
	R32("esp", I386_ESP),
	R32("eip", I386_EIP),
	R32("eflags", I386_EFLAGS),
	R32("orig_eax", I386_ORIG_EAX),
	R32("cs", I386_CS),
	R32("ss", I386_SS),
	R32("ds", I386_DS),
	R32("es", I386_ES),
	R32("fs", I386_FS),
	R32("gs", I386_GS),
};

const size_t tl__x86_64_nregs = tl__array_len(tl__x86_64_regs);
const size_t tl__i386_nregs = tl__array_len(tl__i386_regs);
