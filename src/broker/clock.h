/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The time by which the broker waits: milliseconds that no setting of the clock changes. */
#ifndef TL_BROKER_CLOCK_H
#define TL_BROKER_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t tl__now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

#endif
