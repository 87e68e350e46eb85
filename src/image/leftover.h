/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Breakpoints in text that its file does not have. */
#ifndef TL_IMAGE_LEFTOVER_H
#define TL_IMAGE_LEFTOVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* How many, or -errno. */
int tl__leftover_breakpoints(pid_t pid, bool lift, void (*each)(uint64_t addr, void *data),
			     void *data);

#endif
