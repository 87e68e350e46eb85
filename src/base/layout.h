/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What lies in an area: memory of ours in a tracee, which outlives us.
 *
 * A head, the handler of last resort, a table of what was patched, and the slots. The table is the
 * journal: the handler continues in a slot by it, the guardian restores text by it, and so does the
 * next tracer. All of it is written before a breakpoint is, and read by other versions of
 * ourselves: the head and the entries change with the version alone. Also read by the assembler.
 */
#ifndef TL_LAYOUT_H
#define TL_LAYOUT_H

#define TL__AREA_SIZE    0x100000
#define TL__AREA_VERSION 1
#define TL__AREA_MAGIC   "trapline"

/* Offsets in the head. */
#define TL__HEAD_NEXT   24
#define TL__HEAD_FLAGS  32
#define TL__HEAD_IGNORE 48 /* a sigaction of SIG_IGN, */
#define TL__HEAD_NONE   64 /* and one of SIG_DFL: zeroes, which end the first, too */
#define TL__HEAD_CODE   128
#define TL__HEAD_RETURN 320 /* from the code's begin: what ends a handler */

#define TL__AREA_WAS_IGNORED 1 /* SIGTRAP, before the handler */
#define TL__AREA_HANDLES     2 /* the handler is, or is about to be, in place */

#define TL__AREA_BUCKETS 0x800 /* 2 bytes each: the first entry of a chain; 0: none */
#define TL__AREA_NBUCKET 4096
#define TL__AREA_FIRST   0x2800 /* an entry, and its slot behind it */
#define TL__ENTRY_SIZE   16
#define TL__ENTRY_NEXT   12
#define TL__AREA_STRIDE  80

#ifndef __ASSEMBLER__
#include <stdint.h>

struct tl__area_head {
	char magic[8]; /* written last */
	uint32_t version, machine;
	uint64_t start;
	uint64_t next; /* another one; 0: none */
	uint32_t flags, unused;
	uint64_t owner; /* whose it is: changes when somebody takes it over */
	uint64_t ignore[2];
	uint8_t none[32]; /* struct sigaction of the kernel */
	uint8_t trap[32]; /* the handler's */
};

struct tl__area_entry {
	uint64_t addr; /* 0: not in use */
	uint8_t original[4];
	uint16_t next; /* of the chain; 0: none */
	uint16_t unused;
};

static inline uint32_t tl__area_bucket(uint64_t addr)
{
	return (uint32_t)(addr ^ addr >> 12) & (TL__AREA_NBUCKET - 1);
}

enum { TL__AREA_SLOTS = (TL__AREA_SIZE - TL__AREA_FIRST) / TL__AREA_STRIDE };

_Static_assert(sizeof(struct tl__area_head) == TL__HEAD_CODE, "the code follows");
_Static_assert(sizeof(struct tl__area_entry) == TL__ENTRY_SIZE, "as the handler reads it");
_Static_assert(TL__AREA_SLOTS < 65536, "two bytes a link");
_Static_assert(TL__AREA_BUCKETS + 2 * TL__AREA_NBUCKET == TL__AREA_FIRST, "no gap");
#endif
#endif
