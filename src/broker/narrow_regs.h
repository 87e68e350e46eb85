/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The registers of an x86 task of 64 bits, as a tool of 32 bits sees them. Pure. */
#ifndef TL_BROKER_NARROW_REGS_H
#define TL_BROKER_NARROW_REGS_H

#include <stddef.h>
#include <stdint.h>

/* Words of the general sets; bytes of those of floats. */
enum { TL__I386_WORDS = 17, TL__WIDE_WORDS = 27, TL__I386_FLOATS = 108, TL__WIDE_FLOATS = 512 };
/* Of the general set of 64 bits. */
enum { TL__WIDE_CS = 17, TL__WIDE_FS_BASE = 21, TL__WIDE_GS_BASE = 22, TL__WIDE_DS = 23 };

void tl__narrow_general(const uint64_t wide[TL__WIDE_WORDS], uint32_t narrow[TL__I386_WORDS]);
/* One word; the upper half of its register is lost. The word of the segment's base that a new
 * selector changes, or 0. */
size_t tl__widen_general(size_t word, uint32_t value, uint64_t wide[TL__WIDE_WORDS]);

/* Between FSAVE's layout and FXSAVE's. */
void tl__narrow_floats(const uint8_t wide[TL__WIDE_FLOATS], uint32_t cs, uint32_t ds,
		       uint8_t narrow[TL__I386_FLOATS]);
void tl__widen_floats(const uint8_t narrow[TL__I386_FLOATS], uint8_t wide[TL__WIDE_FLOATS]);

#endif
