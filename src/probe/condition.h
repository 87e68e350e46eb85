/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands behind "if" in a SPEC: a term of C over a function's arguments. */
#ifndef TL_PROBE_CONDITION_H
#define TL_PROBE_CONDITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tl__term_kind {
	TL__TERM_NUMBER,
	TL__TERM_FLOAT,
	TL__TERM_STRING,
	TL__TERM_NAME,
	TL__TERM_MEMBER, /* of left, by name: both . and -> */
	TL__TERM_INDEX,  /* left[number] */
	TL__TERM_TARGET, /* *left */
	TL__TERM_NOT,
	TL__TERM_NEGATE,
	TL__TERM_OR,
	TL__TERM_AND,
	TL__TERM_EQUAL,
	TL__TERM_UNEQUAL,
	TL__TERM_LESS,
	TL__TERM_LESS_EQUAL,
	TL__TERM_GREATER,
	TL__TERM_GREATER_EQUAL,
	TL__TERM_BITS, /* & */
};

struct tl__term {
	enum tl__term_kind kind;
	unsigned left, right; /* others, before it */
	uint64_t number;
	double real;
	char *text;
};

struct tl__condition {
	struct tl__term *terms; /* the last is the whole */
	unsigned n, room;
	bool on_result; /* it has $ret */
};

/* condition.c. -EINVAL: that is none; -ENOMEM. Pure. */
int tl__condition_parse(const char *text, struct tl__condition **ret);
void tl__condition_free(struct tl__condition *c);

#endif
