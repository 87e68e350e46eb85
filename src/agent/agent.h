/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is put into a tracee to stand in for a tracer that was killed: an area's head and handler.
 * Pure: bytes to be written.
 */
#ifndef TL_AGENT_H
#define TL_AGENT_H

#include "arch.h"
#include "layout.h"

#include <stddef.h>
#include <stdint.h>

enum { TL__AGENT_CODE_MAX = TL__AREA_BUCKETS - TL__HEAD_CODE };

/* How an area begins. */
struct tl__agent_image {
	struct tl__area_head head;
	uint8_t code[TL__AGENT_CODE_MAX];
};

/* For an area at start. False: there is no handler for programs of this kind. */
bool tl__agent_image(const struct tl__arch *arch, uint64_t start, struct tl__agent_image *ret);
/* Is this an area's head, for such programs, as we write them? */
bool tl__agent_is(const struct tl__arch *arch, uint64_t start, const struct tl__area_head *head);

/* code.c: at TL__HEAD_CODE. */
struct tl__agent_code {
	uint32_t len;
	uint8_t bytes[TL__AGENT_CODE_MAX];
};

extern const struct tl__agent_code tl__agent_x86_64, tl__agent_i386, tl__agent_arm64;

#endif
