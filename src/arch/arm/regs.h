/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The general set of an AArch32 task, as PTRACE_GETREGSET gives it: 18 words of 4 bytes. */
#ifndef TL_ARCH_ARM_REGS_H
#define TL_ARCH_ARM_REGS_H

#include "arch.h"

enum { A32_R0, A32_R7 = 7, A32_IP = 12, A32_SP, A32_LR, A32_PC, A32_CPSR, A32_ORIG_R0, A32_SLOTS };

enum { A32_GPR_SIZE = A32_SLOTS * 4, A32_CPSR_T = 0x20 };

/* exclusive.c */
unsigned tl__arm_exclusive_exits(const uint8_t *code, size_t code_len, const void *gpr, size_t len,
				 uint64_t exits[TL__EXITS_MAX]);

extern const struct tl__view tl__arm_view;
extern const struct tl__reg tl__arm_regs[A32_SLOTS];

#endif
