/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process's text as its debuggers see it: whose each breakpoint is, and what lies under it. Pure.
 *
 * Memory has a breakpoint where any of them has one. Each sees its own, and under the others' what
 * the program has there.
 */
#ifndef TL_BROKER_SHADOW_H
#define TL_BROKER_SHADOW_H

#include "compat.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tl__shadow;

/* What the process executes. A32 is both of AArch32's sets: their breakpoints differ. */
enum tl__code { TL__CODE_X86, TL__CODE_A64, TL__CODE_A32 };
enum { TL__BREAK_MOST = 4 };
/* How long the breakpoint is that these bytes begin with; 0: none. */
size_t tl__shadow_breakpoint(enum tl__code code, const void *bytes, size_t len);

struct tl__shadow *tl__shadow_new(enum tl__code code); /* NULL: no memory */
struct tl__shadow *tl__shadow_copy(const struct tl__shadow *text);
void tl__shadow_free(struct tl__shadow *text); /* accepts NULL */
enum tl__code tl__shadow_code(const struct tl__shadow *text);

/* Somebody's breakpoint is at addr; who's is. */
bool tl__shadow_has(const struct tl__shadow *text, uint64_t addr);
bool tl__shadow_owns(const struct tl__shadow *text, uint64_t addr, const void *who);
bool tl__shadow_owns_any(const struct tl__shadow *text, const void *who);
/* Not all that has breakpoints there is who. */
bool tl__shadow_has_others(const struct tl__shadow *text, const void *who);

/* bytes: what memory has at addr; then what who sees there. */
void tl__shadow_view(const struct tl__shadow *text, const void *who, uint64_t addr, void *bytes,
		     size_t len);

enum tl__write_kind {
	TL__WRITE_NOTHING, /* that is not there already */
	TL__WRITE_LIFTS,   /* takes breakpoints of its own away, no more */
	TL__WRITE_SETS,    /* sets breakpoints, and may take some away */
	TL__WRITE_CHANGES, /* other bytes: all see them */
};
/* A write of wanted, where who sees (tl__shadow_view()) that. */
enum tl__write_kind tl__shadow_kind(const struct tl__shadow *text, const void *who, uint64_t addr,
				    const void *sees, const void *wanted, size_t len);
/* bytes: what who writes; then what memory, which has before, has to get. */
void tl__shadow_merge(const struct tl__shadow *text, const void *who, uint64_t addr,
		      const void *before, void *bytes, size_t len);
/* It has been written. Without memory a breakpoint is nobody's, so that all see its SIGTRAP. */
void tl__shadow_written(struct tl__shadow *text, const void *who, uint64_t addr, const void *before,
			const void *wanted, size_t len, enum tl__write_kind kind);

/* who is gone. Of each breakpoint that is nobody's any more: what lies under it. */
void tl__shadow_leave(struct tl__shadow *text, const void *who,
		      void (*lift)(uint64_t addr, const void *under, size_t len, void *data),
		      void *data);

#endif
