/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The registers of an x86 task of 64 bits, as a tool of 32 bits sees them. Pure.
 *
 * Semantics: arch/x86/kernel/ptrace.c (getreg32, putreg32), arch/x86/kernel/fpu/regset.c
 * (convert_from_fxsr, convert_to_fxsr).
 */
#include "narrow_regs.h"

#include <string.h>

/* For each of ebx, ecx, edx, esi, edi, ebp, eax, ds, es, fs, gs, orig_eax, eip, cs, eflags, esp,
 * ss: where struct user_regs_struct has it. */
static const uint8_t places[TL__I386_WORDS] = { 5,  11, 12, 13, 14, 4,  10, 23, 24,
						25, 26, 15, 16, 17, 18, 19, 20 };
enum { FS = 9, GS = 10 };

void tl__narrow_general(const uint64_t wide[TL__WIDE_WORDS], uint32_t narrow[TL__I386_WORDS])
{
	for (size_t i = 0; i < TL__I386_WORDS; i++)
		narrow[i] = (uint32_t)wide[places[i]];
}

size_t tl__widen_general(size_t word, uint32_t value, uint64_t wide[TL__WIDE_WORDS])
{
	wide[places[word]] = value;
	return word == FS ? TL__WIDE_FS_BASE : word == GS ? TL__WIDE_GS_BASE : 0;
}

/* FSAVE has words of 32 bits, then ten bytes a register; FXSAVE has 16. */
enum { CWD, SWD, TWD, FIP, FCS, FOO, FOS, WORDS };
enum { REGISTERS = 8, NARROW_AT = WORDS * 4, WIDE_AT = 32, NARROW_EACH = 10, WIDE_EACH = 16 };
/* Of FXSAVE, in bytes. */
enum { AT_CWD = 0, AT_SWD = 2, AT_TWD = 4, AT_FOP = 6, AT_RIP = 8, AT_RDP = 16 };
/* The upper halves of words that have none. */
#define FILLED 0xffff0000u

static uint16_t half(const uint8_t *wide, size_t at)
{
	uint16_t value;

	memcpy(&value, wide + at, sizeof(value));
	return value;
}

/* What FSAVE says of a register that is in use. */
static uint32_t tag_of(const uint8_t st[NARROW_EACH])
{
	enum { VALID, ZERO, SPECIAL };
	uint64_t significand;
	unsigned exponent = half(st, 8) & 0x7fff;

	memcpy(&significand, st, sizeof(significand));
	if (!exponent && !significand)
		return ZERO;
	return exponent && exponent != 0x7fff && significand >> 63 ? VALID : SPECIAL;
}

static uint32_t tags_of(const uint8_t *wide)
{
	enum { EMPTY = 3 };
	unsigned top = half(wide, AT_SWD) >> 11 & 7;
	uint32_t tags = FILLED;

	/* Tags are those of the machine's registers, which begin elsewhere than the stack. */
	for (unsigned i = 0; i < REGISTERS; i++) {
		const uint8_t *st = wide + WIDE_AT + (size_t)((i - top) & 7) * WIDE_EACH;
		uint32_t tag = wide[AT_TWD] >> i & 1 ? tag_of(st) : EMPTY;

		tags |= tag << (2 * i);
	}
	return tags;
}

void tl__narrow_floats(const uint8_t wide[TL__WIDE_FLOATS], uint32_t cs, uint32_t ds,
		       uint8_t narrow[TL__I386_FLOATS])
{
	uint32_t words[WORDS] = { [CWD] = half(wide, AT_CWD) | FILLED,
				  [SWD] = half(wide, AT_SWD) | FILLED,
				  [TWD] = tags_of(wide),
				  /* The machine does not say of which segments. */
				  [FCS] = cs,
				  [FOS] = ds | FILLED };

	memcpy(&words[FIP], wide + AT_RIP, 4);
	memcpy(&words[FOO], wide + AT_RDP, 4);
	memcpy(narrow, words, sizeof(words));
	for (size_t i = 0; i < REGISTERS; i++)
		memcpy(narrow + NARROW_AT + i * NARROW_EACH, wide + WIDE_AT + i * WIDE_EACH,
		       NARROW_EACH);
}

void tl__widen_floats(const uint8_t narrow[TL__I386_FLOATS], uint8_t wide[TL__WIDE_FLOATS])
{
	uint32_t words[WORDS];
	uint64_t fip, foo;
	uint16_t used = 0, fop;

	memcpy(words, narrow, sizeof(words));
	for (unsigned i = 0; i < REGISTERS; i++)
		used |= (uint16_t)((words[TWD] >> (2 * i) & 3) != 3) << i;
	fop = (uint16_t)(words[FCS] >> 16);
	fip = words[FIP];
	foo = words[FOO];
	memcpy(wide + AT_CWD, &words[CWD], 2);
	memcpy(wide + AT_SWD, &words[SWD], 2);
	memcpy(wide + AT_TWD, &used, 2);
	memcpy(wide + AT_FOP, &fop, 2);
	memcpy(wide + AT_RIP, &fip, 8);
	memcpy(wide + AT_RDP, &foo, 8);
	for (size_t i = 0; i < REGISTERS; i++)
		memcpy(wide + WIDE_AT + i * WIDE_EACH, narrow + NARROW_AT + i * NARROW_EACH,
		       NARROW_EACH);
}
