/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where an instruction goes on. Pure. Arm ARM, C4.1.92 (branches, exceptions, system). */
#include "regs.h"

#include <string.h>

bool tl__arm64_is_conditional(uint32_t insn, int64_t *by)
{
	if ((insn & 0xff000000) == 0x54000000 || (insn & 0x7e000000) == 0x34000000) {
		*by = tl__sign_extend(insn >> 5 & 0x7ffff, 19); /* b.cond, bc.cond, cbz, cbnz */
		return true;
	}
	if ((insn & 0x7e000000) == 0x36000000) {
		*by = tl__sign_extend(insn >> 5 & 0x3fff, 14); /* tbz, tbnz */
		return true;
	}
	return false;
}

/* Without conditions: where it goes, a register's value among it. */
static bool is_jump(uint32_t insn, const void *gpr, size_t len, uint64_t *to)
{
	unsigned reg = insn >> 5 & 31;

	if ((insn & 0x7c000000) == 0x14000000) { /* b, bl */
		*to = tl__arch_arm64.get_ip(gpr, len) +
		      (uint64_t)(tl__sign_extend(insn & 0x3ffffff, 26) * 4);
		return true;
	}
	if ((insn & 0xff9ffc1f) != 0xd61f0000) /* br, blr, ret */
		return false;
	*to = 0;
	if (reg != 31 && len >= (reg + 1) * 8)
		memcpy(to, (const uint8_t *)gpr + reg * 8, sizeof(*to));
	return true;
}

unsigned tl__arm64_next_ips(const uint8_t bytes[4], const void *gpr, size_t len,
			    uint64_t next[TL__EXITS_MAX])
{
	uint64_t ip = tl__arch_arm64.get_ip(gpr, len);
	uint32_t insn;
	int64_t by;

	memcpy(&insn, bytes, sizeof(insn));
	if (is_jump(insn, gpr, len, &next[0]))
		return 1;
	next[0] = ip + 4;
	if (!tl__arm64_is_conditional(insn, &by) || by == 1)
		return 1;
	next[1] = ip + (uint64_t)(by * 4);
	return 2;
}

bool tl__arm64_is_branch(uint32_t insn)
{
	if ((insn & 0xfffff000) == 0xd5032000 || (insn & 0xfffff000) == 0xd5033000)
		return false; /* hints, barriers */
	return (insn & 0x1c000000) == 0x14000000;
}
