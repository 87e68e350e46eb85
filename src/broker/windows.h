/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which memory of its caller a request of ptrace(2) reads and writes. Pure. */
#ifndef TL_BROKER_WINDOWS_H
#define TL_BROKER_WINDOWS_H

#include "notify.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TL__WINDOWS = 2, TL__WINDOW_FIRST = 16 };

struct tl__window {
	uint64_t addr, len;
	bool reads, writes; /* by who serves the call */
};

/* word: of the caller, 4 or 8 bytes. What has to be read first, at *at: so many bytes, which say
 * where the rest is; or 0. */
size_t tl__windows_first(const struct tl__notice *n, unsigned word, uint64_t *at);
/* first: that; trusted: who serves it. How many there are. */
size_t tl__windows_of(const struct tl__notice *n, unsigned word, bool trusted,
		      const uint8_t first[TL__WINDOW_FIRST], struct tl__window ret[TL__WINDOWS]);
/* Options of x86-64's arch_prctl(2) (asm/prctl.h): what its address is. */
enum tl__arch_prctl {
	TL__ARCH_PRCTL_UNKNOWN,
	TL__ARCH_PRCTL_GETS, /* where 64 bits are written */
	TL__ARCH_PRCTL_TAKES /* a value */
};
enum tl__arch_prctl tl__arch_prctl_kind(uint64_t option);
bool tl__windows_allow(const struct tl__window *all, size_t n, bool writes, uint64_t addr,
		       size_t len);

#endif
