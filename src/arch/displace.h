/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Instructions out of line: what an instruction becomes in a slot, away from its own place.
 *
 * The code in a slot does all of an instruction's work, and ends where the program goes on; it has
 * no state, so any number of threads may be in it at once. Pure.
 */
#ifndef TL_ARCH_DISPLACE_H
#define TL_ARCH_DISPLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TL__SLOT_SIZE = 64, TL__SLOT_MARKS = 4, TL__INSN_MAX = 15, TL__INSN_FIXED = 4 };

enum tl__displace_kind {
	TL__DISPLACE_REFUSE,
	TL__DISPLACE_SLOT,    /* the instruction itself, moved */
	TL__DISPLACE_EMULATE, /* other code with the same effect */
};

/* What is asked: an instruction and what lies around it. */
struct tl__original {
	const uint8_t *insn;
	size_t before, after; /* bytes that may be read in front of insn, and from it on */
	uint64_t ip;          /* where it stands */
	bool shadow_stack;    /* returns are checked (CET, GCS) */
	bool constant;        /* literals beside the code are never written to */
};

/* A place in a slot where a thread can be found, and what the program sees there instead. */
struct tl__mark {
	uint8_t at;   /* from the slot's begin, in bytes */
	bool done;    /* the instruction has been executed */
	int8_t sp;    /* to be added to the stack pointer */
	bool fix_rcx; /* syscall has left the pc in it */
	uint64_t ip;
};

struct tl__displaced {
	enum tl__displace_kind kind;
	const char *why;  /* REFUSE: for people */
	uint8_t insn_len; /* 0: not decoded */
	uint8_t len, nmarks;
	uint8_t code[TL__SLOT_SIZE];
	struct tl__mark marks[TL__SLOT_MARKS];
};

/* False when something is too far from the slot: kind and insn_len are valid all the same. */
bool tl__x86_64_displace(const struct tl__original *o, uint64_t slot, struct tl__displaced *ret);
bool tl__i386_displace(const struct tl__original *o, uint64_t slot, struct tl__displaced *ret);
bool tl__arm64_displace(const struct tl__original *o, uint64_t slot, struct tl__displaced *ret);

/* How far its branches go, in bytes, either way. */
#define TL__X86_64_REACH (UINT64_C(1) << 31)
#define TL__ARM64_REACH  (UINT64_C(1) << 27)

#endif
