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

enum { EXITS_MAX = TL__EXITS_MAX };

static bool is_exclusive(uint32_t insn, bool load)
{
	if ((insn & 0x3fc00000) != (load ? 0x08400000u : 0x08000000u))
		return false;
	/* Not a compare-and-swap of a pair. */
	return insn & 0x80000000 || !(insn & 0x00200000);
}

static int64_t sign_extend(uint32_t value, unsigned bits)
{
	return (int64_t)((uint64_t)value << (64 - bits)) >> (64 - bits);
}

/* Where a conditional branch goes, in instructions; false when it is none. */
static bool is_conditional(uint32_t insn, int64_t *by)
{
	if ((insn & 0xff000010) == 0x54000000 || (insn & 0x7e000000) == 0x34000000) {
		*by = sign_extend(insn >> 5 & 0x7ffff, 19); /* b.cond, cbz, cbnz */
		return true;
	}
	if ((insn & 0x7e000000) == 0x36000000) {
		*by = sign_extend(insn >> 5 & 0x3fff, 14); /* tbz, tbnz */
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
		      (uint64_t)(sign_extend(insn & 0x3ffffff, 26) * 4);
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
	if (!is_conditional(insn, &by) || by == 1)
		return 1;
	next[1] = ip + (uint64_t)(by * 4);
	return 2;
}

/* Any other branch, and exceptions: branches, exception generation and system, but hints and
 * barriers. */
static bool leaves(uint32_t insn)
{
	if ((insn & 0xfffff000) == 0xd5032000 || (insn & 0xfffff000) == 0xd5033000)
		return false;
	return (insn & 0x1c000000) == 0x14000000;
}

static unsigned add(uint64_t exits[EXITS_MAX], unsigned n, uint64_t to)
{
	for (unsigned i = 0; i < n; i++)
		if (exits[i] == to)
			return n;
	if (n == EXITS_MAX)
		return EXITS_MAX + 1;
	exits[n] = to;
	return n + 1;
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
			if (!is_exclusive(insn, true))
				return 0;
		} else if (is_exclusive(insn, false)) {
			n = add(exits, n, ip + (i + 1) * 4);
			return n > EXITS_MAX ? 0 : n;
		} else if (is_conditional(insn, &by)) {
			/* Back to the load: still inside. */
			if (i + (size_t)by != 0)
				n = add(exits, n, ip + (uint64_t)((int64_t)i + by) * 4);
			if (n > EXITS_MAX)
				return 0;
		} else if (leaves(insn)) {
			return 0;
		}
	}
	return 0;
}
