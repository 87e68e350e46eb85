/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The view "aarch64": every register set that Linux serves there, up to 6.18
 * (arch/arm64/kernel/ptrace.c), and one of our own. Which of them exist depends on the CPU and on
 * the kernel.
 */
#include "regs.h"

#include "compat.h"
#include "trapline/raw_regs.h"

enum {
	NT_PRSTATUS = 1,
	NT_PRFPREG = 2,
	NT_ARM_TLS = 0x401,
	NT_ARM_HW_WATCH = 0x403,
	NT_ARM_PAC_MASK = 0x406,
	NT_ARM_PACA_KEYS = 0x407,
	NT_ARM_PACG_KEYS = 0x408,
	NT_ARM_TAGGED_ADDR_CTRL = 0x409,
	NT_ARM_PAC_ENABLED_KEYS = 0x40a,
	NT_ARM_ZA = 0x40c,
	NT_ARM_ZT = 0x40d,
	NT_ARM_FPMR = 0x40e,
	NT_ARM_POE = 0x40f,
	NT_ARM_GCS = 0x410,
};

/* A 16-byte header; then for vectors of the architecture's 256 bytes: 32 Z, 16 P and FFR, FPSR and
 * FPCR. */
#define SVE_MOST ((16 + 32 * 256 + 17 * 32 + 16) / 16)
/* A header and a square of bytes as wide as the longest vector. */
#define ZA_MOST ((16 + 256 * 256) / 16)

static const struct tl__regset sets[] = {
	{ "general", NT_PRSTATUS, 8, A64_SLOTS, 8, 0 },
	{ "fp", NT_PRFPREG, 4, 132, 4, 0 },
	{ "tls", NT_ARM_TLS, 8, 2, 8, TL__REGSET_VARIABLE }, /* one word before 6.0 */
	{ "hw_break", TL__NT_ARM_HW_BREAK, 4, 66, 4, 0 },
	{ "hw_watch", NT_ARM_HW_WATCH, 4, 66, 4, 0 },
	{ "system_call", TL__NT_ARM_SYSTEM_CALL, 4, 1, 4, 0 },
	{ "sve", TL__NT_ARM_SVE, 16, SVE_MOST, 16, TL__REGSET_VARIABLE },
	{ "ssve", TL__NT_ARM_SSVE, 16, SVE_MOST, 16, TL__REGSET_VARIABLE },
	{ "za", NT_ARM_ZA, 16, ZA_MOST, 16, TL__REGSET_VARIABLE },
	{ "zt", NT_ARM_ZT, 64, 1, 8, 0 },
	{ "fpmr", NT_ARM_FPMR, 8, 1, 8, 0 },
	{ "pac_mask", NT_ARM_PAC_MASK, 8, 2, 8, TL__REGSET_READONLY },
	{ "pac_enabled_keys", NT_ARM_PAC_ENABLED_KEYS, 8, 1, 8, 0 },
	{ "paca_keys", NT_ARM_PACA_KEYS, 16, 4, 16, 0 },
	{ "pacg_keys", NT_ARM_PACG_KEYS, 16, 1, 16, 0 },
	{ "tagged_addr_ctrl", NT_ARM_TAGGED_ADDR_CTRL, 8, 1, 8, 0 },
	{ "poe", NT_ARM_POE, 8, 1, 8, 0 },
	{ "gcs", NT_ARM_GCS, 8, 3, 8, 0 },
	{ "raw", TL_NT_RAW, 8, A64_SLOTS + 1, 8, 0 },
};

const struct tl__view tl__arm64_view = { "aarch64", 183, sets, tl__array_len(sets) };

#define R(name, slot)                                                                              \
	{                                                                                          \
		name, (slot)*8, 8                                                                  \
	}

const struct tl__reg tl__arm64_regs[A64_SLOTS] = {
	R("x0", 0),      R("x1", 1),
	R("x2", 2),      R("x3", 3),
	R("x4", 4),      R("x5", 5),
	R("x6", 6),      R("x7", 7),
	R("x8", 8),      R("x9", 9),
	R("x10", 10),    R("x11", 11),
	R("x12", 12),    R("x13", 13),
	R("x14", 14),    R("x15", 15),
	R("x16", 16),    R("x17", 17),
	R("x18", 18),    R("x19", 19),
	R("x20", 20),    R("x21", 21),
	R("x22", 22),    R("x23", 23),
	R("x24", 24),    R("x25", 25),
	R("x26", 26),    R("x27", 27),
	R("x28", 28),    R("x29", 29),
	R("x30", 30),    R("sp", A64_SP),
	R("pc", A64_PC), R("pstate", A64_PSTATE),
};
