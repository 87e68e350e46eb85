/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A task's debug registers, which are few: each tracer has as many of its own, and those that are
 * enabled are found places in the task's. Pure.
 */
#ifndef TL_BROKER_WATCHES_H
#define TL_BROKER_WATCHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* x86 has four, for all kinds; arm64 up to sixteen breakpoints, and as many watchpoints. */
enum { TL__WATCHES_MOST = 16, TL__WATCHES_X86 = 4 };
/* x86: DR6, and of it the hits, a bit each, and a step's end; DR7. */
enum { TL__WATCH_STATUS = 6, TL__WATCH_HITS = 0xf, TL__WATCH_STEP = 0x4000, TL__WATCH_CONTROL = 7 };
/* arm64's breakpoints, or all of x86's; and arm64's watchpoints. */
enum { TL__WATCH_KINDS = 2 };

struct tl__watch {
	uint64_t addr;
	uint32_t kind;       /* what it stops at, and how many bytes, as the machine says it */
	uint8_t enables;     /* 0: it is off */
	int8_t place_plus_1; /* which of the task's; 0: none */
};

/* As one tracer has written them. */
struct tl__watches {
	bool used;        /* ever */
	uint64_t control; /* x86's DR7, whole */
	uint64_t hits;    /* of its DR6, what others' hits and writes must not change */
	struct tl__watch each[TL__WATCHES_MOST];
};

/*
 * Finds places, of so many, for what w has enabled, beside those of the others, which stay where
 * they are; two that are the same share one. -ENOSPC: there are not enough; w is as it was.
 */
int tl__watches_place(struct tl__watches *w, int places, const struct tl__watches *const *others,
		      size_t n);
/* The task's registers. */
void tl__watches_merge(const struct tl__watches *const *all, size_t n,
		       struct tl__watch task[TL__WATCHES_MOST]);
/* Which of the task's are w's, a bit each. */
uint64_t tl__watches_bits(const struct tl__watches *w);

/* x86: DR7 is written; the task's DR7; its DR6 as this tracer sees it. */
void tl__watches_note_control(struct tl__watches *w, uint64_t control);
uint64_t tl__watches_control(const struct tl__watches *const *all, size_t n,
			     const struct tl__watch task[TL__WATCHES_MOST]);
uint64_t tl__watches_status(const struct tl__watches *w, uint64_t status);

/*
 * arm64: how far what was touched is from the nearest that is enabled: an access that begins in
 * front of one may be told of by its own address. UINT64_MAX: there is none.
 */
uint64_t tl__watches_distance(const struct tl__watches *w, uint64_t addr);

#endif
