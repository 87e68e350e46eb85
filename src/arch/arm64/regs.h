/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The general set of an arm64 task, as PTRACE_GETREGSET gives it: 34 words of 8 bytes. */
#ifndef TL_ARCH_ARM64_REGS_H
#define TL_ARCH_ARM64_REGS_H

#include "arch.h"

enum { A64_X0, A64_X7 = 7, A64_X8 = 8, A64_SP = 31, A64_PC, A64_PSTATE, A64_SLOTS };

enum { A64_GPR_SIZE = A64_SLOTS * 8 };

extern const struct tl__view tl__arm64_view;
extern const struct tl__reg tl__arm64_regs[A64_SLOTS];

/* exclusive.c */
bool tl__arm64_is_exclusive(uint32_t insn, bool load);
unsigned tl__arm64_exclusive_exits(const uint8_t *code, size_t code_len, const void *gpr,
				   size_t len, uint64_t exits[TL__EXITS_MAX]);

/* branch.c */
/* Is it, and by how many instructions does it go when it does? */
bool tl__arm64_is_conditional(uint32_t insn, int64_t *by);
/* Any branch, exceptions among them. */
bool tl__arm64_is_branch(uint32_t insn);
unsigned tl__arm64_next_ips(const uint8_t insn[4], const void *gpr, size_t len,
			    uint64_t next[TL__EXITS_MAX]);

/* go_on.c */
size_t tl__arm64_go_on(const void *gpr, size_t len, uint64_t at, uint64_t mask,
		       uint8_t code[TL__GO_ON_MAX]);
size_t tl__arm64_go_on_far(const void *gpr, size_t len, const void *floats, size_t floats_len,
			   uint64_t frame_at, uint64_t mask, uint8_t code[TL__GO_ON_MAX],
			   uint8_t frame[TL__GO_ON_FRAME]);

#endif
