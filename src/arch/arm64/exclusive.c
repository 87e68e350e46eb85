/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sequences of a load-exclusive and a store-exclusive. An exception in between clears the monitor,
 * so a task that is stepped through one never gets past it. Pure.
 *
 * Arm ARM, C4.1 (load/store exclusive) and B2.9: a sequence is short, and leaves by its end or by a
 * branch.
 */
#include "regs.h"

#include <string.h>

bool tl__arm64_is_exclusive(uint32_t insn, bool load)
{
	if ((insn & 0x3fc00000) != (load ? 0x08400000u : 0x08000000u))
		return false;
	/* Not a compare-and-swap of a pair. */
	return insn & 0x80000000 || !(insn & 0x00200000);
}

unsigned tl__arm64_exclusive_exits(const uint8_t *code, size_t code_len, const void *gpr,
				   size_t len, uint64_t exits[TL__EXITS_MAX])
{
	uint64_t ip = tl__arch_arm64.get_ip(gpr, len);
	unsigned n = 0;

	for (size_t i = 0; i < code_len / 4; i++) {
		uint32_t insn;
		int64_t by;

		memcpy(&insn, code + i * 4, sizeof(insn));
		if (i == 0) {
			if (!tl__arm64_is_exclusive(insn, true))
				return 0;
		} else if (tl__arm64_is_exclusive(insn, false)) {
			return tl__exits_add(exits, &n, ip + (i + 1) * 4) ? n : 0;
		} else if (tl__arm64_is_conditional(insn, &by)) {
			/* Back to the load: still inside. */
			if (i + (size_t)by != 0 &&
			    !tl__exits_add(exits, &n, ip + (uint64_t)((int64_t)i + by) * 4))
				return 0;
		} else if (tl__arm64_is_branch(insn)) {
			return 0;
		}
	}
	return 0;
}
