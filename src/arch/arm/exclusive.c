/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sequences of a load-exclusive and a store-exclusive in A32 and T32 code; as arm64/exclusive.c.
 * Pure.
 *
 * Arm ARM, F2.3 to F4: what can leave a sequence is a branch or a write to the pc. Anything but a
 * conditional branch with its target in the instruction makes it none of ours.
 */
#include "regs.h"

#include <string.h>

/* An instruction, and what it is to a sequence. */
struct step {
	enum { PLAIN, LOAD, STORE, BRANCH, LEAVES } kind;
	unsigned len;
	int64_t by; /* BRANCH: from its own place on, in bytes */
};

static bool a32_writes_pc(uint32_t insn)
{
	uint32_t to = insn >> 12 & 15, load = insn & 0x00100000;

	switch (insn >> 25 & 7) {
	case 0:
	case 1:
		return to == 15; /* tests have 0 there */
	case 2:
	case 3:
		return to == 15 && load;
	case 4:
		return load && insn & 0x8000;
	default:
		return false;
	}
}

static struct step a32(const uint8_t *code)
{
	struct step s = { .kind = PLAIN, .len = 4 };
	uint32_t insn;

	memcpy(&insn, code, sizeof(insn));
	if (insn >> 28 == 15) {
		s.kind = (insn & 0xfffff000) == 0xf57ff000 ? PLAIN : LEAVES; /* barriers */
	} else if ((insn & 0x0f8002f0) == 0x01800290) {
		s.kind = insn & 0x00100000 ? LOAD : STORE;
	} else if ((insn & 0x0f000000) == 0x0a000000 && insn >> 28 != 14) {
		s.kind = BRANCH;
		s.by = tl__sign_extend(insn & 0xffffff, 24) * 4 + 8;
	} else if ((insn & 0x0e000000) == 0x0a000000 || (insn & 0x0f000000) == 0x0f000000 ||
		   a32_writes_pc(insn)) {
		s.kind = LEAVES; /* b, bl, svc */
	}
	return s;
}

static struct step t16(uint32_t insn)
{
	struct step s = { .kind = PLAIN, .len = 2 };

	if ((insn & 0xf500) == 0xb100) { /* cbz, cbnz */
		s.kind = BRANCH;
		s.by = (int64_t)((insn >> 9 & 1) << 6 | (insn >> 3 & 31) << 1) + 4;
	} else if ((insn & 0xf000) == 0xd000) { /* b<c>; svc, udf */
		s.kind = (insn >> 8 & 15) < 14 ? BRANCH : LEAVES;
		s.by = tl__sign_extend(insn & 0xff, 8) * 2 + 4;
	} else if ((insn & 0xf800) == 0xe000 || (insn & 0xff00) == 0x4700 ||
		   (insn & 0xff00) == 0xbd00 || (insn & 0xfd87) == 0x4487) {
		s.kind = LEAVES; /* b, bx, pop {pc}, mov or add to pc */
	}
	return s;
}

/* Byte, halfword and doubleword, with acquire and release and without. */
static bool is_exclusive_size(uint32_t second)
{
	uint32_t op = second >> 4 & 15;

	return op == 4 || op == 5 || op == 7 || op >= 12;
}

static struct step t32(uint32_t first, uint32_t second)
{
	struct step s = { .kind = PLAIN, .len = 4 };
	uint32_t class = first & 0xfff0;

	if (class == 0xe850 || (class == 0xe8d0 && is_exclusive_size(second))) {
		s.kind = LOAD;
	} else if (class == 0xe840 || (class == 0xe8c0 && is_exclusive_size(second))) {
		s.kind = STORE;
	} else if ((first & 0xf800) == 0xf000 && (second & 0xd000) == 0x8000 &&
		   (first & 0x0380) != 0x0380) {
		s.kind = BRANCH;
		s.by = tl__sign_extend((first >> 10 & 1) << 19 | (second >> 11 & 1) << 18 |
					       (second >> 13 & 1) << 17 | (first & 0x3f) << 11 |
					       (second & 0x7ff),
				       20) *
			       2 +
		       4;
	} else if ((first & 0xf800) == 0xf000 && second & 0x8000 && (second & 0xd000) != 0x8000) {
		s.kind = LEAVES; /* b, bl, blx */
	} else if ((class == 0xe8d0 && (second & 0xe0) == 0) ||
		   ((first & 0xfe50) == 0xe810 && second & 0x8000) ||
		   ((first & 0xff70) == 0xf850 && second >> 12 == 15)) {
		s.kind = LEAVES; /* tbb, ldm, ldr */
	}
	return s;
}

static struct step look(const uint8_t *code, size_t left, bool thumb)
{
	struct step none = { .kind = LEAVES, .len = 4 };
	uint16_t half[2] = { 0 };

	if (!thumb)
		return left < 4 ? none : a32(code);
	if (left < 2)
		return none;
	memcpy(half, code, left < 4 ? 2 : 4);
	if (half[0] >> 11 < 0x1d)
		return t16(half[0]);
	return left < 4 ? none : t32(half[0], half[1]);
}

unsigned tl__arm_exclusive_exits(const uint8_t *code, size_t code_len, const void *gpr, size_t len,
				 uint64_t exits[TL__EXITS_MAX])
{
	bool thumb = tl__arch_arm.call_len(gpr, len) == 2;
	uint64_t ip = tl__arch_arm.get_ip(gpr, len);
	unsigned n = 0;
	struct step s;

	for (size_t at = 0; at < code_len; at += s.len) {
		s = look(code + at, code_len - at, thumb);
		if ((s.kind == LOAD) != (at == 0) || s.kind == LEAVES)
			return 0;
		if (s.kind == STORE)
			return tl__exits_add(exits, &n, ip + at + 4) ? n : 0;
		/* Back to the load: still inside. */
		if (s.kind == BRANCH && (int64_t)at + s.by != 0 &&
		    !tl__exits_add(exits, &n, ip + (uint64_t)((int64_t)at + s.by)))
			return 0;
	}
	return 0;
}
