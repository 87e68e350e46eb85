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

/* One for each kind of machine that trapline runs on. */
#if defined(__x86_64__)
#define TL__BY_HOST(x86, arm) (x86)
#elif defined(__aarch64__)
#define TL__BY_HOST(x86, arm) (arm)
#else
#error "trapline runs on x86-64 and arm64"
#endif

#endif
