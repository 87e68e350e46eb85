/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The only home of what older C libraries and kernel headers lack. */
#ifndef TL_BASE_COMPAT_H
#define TL_BASE_COMPAT_H

#include <stddef.h>
#include <stdint.h>

#define tl__array_len(a) (sizeof(a) / sizeof((a)[0]))

/* A deliberately ignored result: a (void) cast does not silence warn_unused_result in gcc. */
#define tl__ignore(expr)                                                                           \
	do {                                                                                       \
		if (expr) {                                                                        \
		}                                                                                  \
	} while (0)

#endif
