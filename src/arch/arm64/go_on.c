/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a thread does after a call that was made for us, if nobody is there any more. Pure.
 *
 * What restarts a call is in place already (do_signal has set the pc back before the stop).
 */
#include "regs.h"

#include <string.h>

enum { WORDS = 14, DATA = WORDS * 4, SETMASK = 2 };

static const uint8_t restored[] = { 0, 1, 2, 3, 4, 5, 8 };

static uint32_t load_literal(unsigned reg, unsigned from, unsigned to)
{
	return 0x58000000 | (to - from) / 4 << 5 | reg;
}

size_t tl__arm64_go_on(const void *gpr, size_t len, uint64_t at, uint64_t mask,
		       uint8_t code[TL__GO_ON_MAX])
{
	uint32_t insns[WORDS] = {
		0xd28010e8,                /* mov x8, #135 */
		0xd2800000 | SETMASK << 5, /* mov x0, #SIG_SETMASK */
		0x10000001,                /* adr x1, mask */
		0xd2800002,                /* mov x2, #0 */
		0xd2800103,                /* mov x3, #8 */
		0xd4000001,                /* svc #0 */
	};
	uint64_t regs[A64_PC + 1];
	int64_t by;

	if (len < sizeof(regs))
		return 0;
	memcpy(regs, gpr, sizeof(regs));
	by = (int64_t)(regs[A64_PC] - (at + (WORDS - 1) * 4));
	if (by >= 1 << 27 || by < -(1 << 27) || by & 3)
		return 0;
	insns[2] |= (DATA - 8) / 4 << 5;
	memcpy(code + DATA, &mask, 8);
	for (unsigned i = 0; i < sizeof(restored); i++) {
		insns[6 + i] = load_literal(restored[i], (6 + i) * 4, DATA + 8 + i * 8);
		memcpy(code + DATA + 8 + (size_t)i * 8, &regs[restored[i]], 8);
	}
	insns[WORDS - 1] = 0x14000000 | ((uint32_t)(by >> 2) & 0x3ffffff);
	memcpy(code, insns, sizeof(insns));
	return DATA + 8 + sizeof(restored) * 8;
}

/* What rt_sigreturn reads of struct rt_sigframe (arch/arm64/kernel/signal.c), and where. */
enum {
	UC_STACK_FLAGS = 128 + 24,
	UC_SIGMASK = 128 + 40,
	MC_REGS = 128 + 176 + 8, /* x0 to x30, sp, pc, pstate: as in the general set */
	MC_FLOATS = 128 + 176 + 288,
	FPSIMD_MAGIC = 0x46508001,
	FPSIMD_SIZE = 528,
	FLOATS_VREGS = 512 /* then fpsr and fpcr, of 4 bytes */
};

_Static_assert(MC_FLOATS + FPSIMD_SIZE + 16 == TL__GO_ON_FRAME, "and the end of its records");

/* No register is free for a branch that far. */
size_t tl__arm64_go_on_far(const void *gpr, size_t len, const void *floats, size_t floats_len,
			   uint64_t frame_at, uint64_t mask, uint8_t code[TL__GO_ON_MAX],
			   uint8_t frame[TL__GO_ON_FRAME])
{
	enum { N = 4 };
	const uint32_t insns[N] = {
		load_literal(8, 0, N * 4), 0x9100011f, /* mov sp, x8 */
		0xd2801168,                            /* mov x8, #139 */
		0xd4000001,                            /* svc #0 */
	};
	/* The program's own alternate stack stays: this one is refused, which is no error. */
	const uint32_t no_stack = 0x7fffffff, head[2] = { FPSIMD_MAGIC, FPSIMD_SIZE };

	if (len != A64_GPR_SIZE || floats_len < FLOATS_VREGS + 8)
		return 0;
	memset(frame, 0, TL__GO_ON_FRAME);
	memcpy(frame + UC_STACK_FLAGS, &no_stack, sizeof(no_stack));
	memcpy(frame + UC_SIGMASK, &mask, sizeof(mask));
	memcpy(frame + MC_REGS, gpr, len);
	memcpy(frame + MC_FLOATS, head, sizeof(head));
	memcpy(frame + MC_FLOATS + 8, (const uint8_t *)floats + FLOATS_VREGS, 8);
	memcpy(frame + MC_FLOATS + 16, floats, FLOATS_VREGS);
	memcpy(code, insns, sizeof(insns));
	memcpy(code + sizeof(insns), &frame_at, sizeof(frame_at));
	return sizeof(insns) + sizeof(frame_at);
}
