/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The view "arm": what an arm64 kernel serves of an AArch32 task (arch/arm64/kernel/ptrace.c). */
#include "regs.h"

#include "compat.h"
#include "trapline/raw_regs.h"

enum {
	NT_PRSTATUS = 1,
	NT_ARM_VFP = 0x400,
	NT_ARM_TLS = 0x401,
	NT_ARM_HW_BREAK = 0x402,
	NT_ARM_HW_WATCH = 0x403,
};

static const struct tl__regset sets[] = {
	{ "general", NT_PRSTATUS, 4, A32_SLOTS, 4, 0 },
	{ "vfp", NT_ARM_VFP, 4, 65, 4, 0 },
	{ "tls", NT_ARM_TLS, 4, 1, 4, 0 },
	{ "hw_break", NT_ARM_HW_BREAK, 4, 66, 4, 0 },
	{ "hw_watch", NT_ARM_HW_WATCH, 4, 66, 4, 0 },
	{ "system_call", TL__NT_ARM_SYSTEM_CALL, 4, 1, 4, 0 },
	{ "raw", TL_NT_RAW, 4, A32_SLOTS, 4, 0 },
};

const struct tl__view tl__arm_view = { "arm", 40, sets, tl__array_len(sets) };

#define R(name, slot)                                                                              \
	{                                                                                          \
		name, (slot)*4, 4                                                                  \
	}

const struct tl__reg tl__arm_regs[A32_SLOTS] = {
	R("r0", 0),      R("r1", 1),          R("r2", 2),
	R("r3", 3),      R("r4", 4),          R("r5", 5),
	R("r6", 6),      R("r7", 7),          R("r8", 8),
	R("r9", 9),      R("r10", 10),        R("fp", 11),
	R("ip", A32_IP), R("sp", A32_SP),     R("lr", A32_LR),
	R("pc", A32_PC), R("cpsr", A32_CPSR), R("orig_r0", A32_ORIG_R0),
};
