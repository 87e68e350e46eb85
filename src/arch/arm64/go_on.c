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
