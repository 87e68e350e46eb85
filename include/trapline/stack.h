/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Symbolised stacks of stopped tasks, unwound by elfutils through the session's own eyes. */
#ifndef TRAPLINE_STACK_H
#define TRAPLINE_STACK_H

#include <trapline/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tl_frame {
	uint32_t size;  /* sizeof(struct tl_frame) */
	uint32_t index; /* 0 is the innermost */
	tl_addr ip;
	/* The file that is mapped there, its symbol before ip, and how far behind; NULL where
	 * unknown. */
	const char *module, *symbol;
	uint64_t offset; /* from symbol; from the module's start when there is no symbol */
};

struct tl_unwinder;

/* Remembers what it has read of one process after another. -ENOMEM. */
TL_CHECKED int tl_unwinder_new(struct tl_unwinder **ret_unwinder);
TL_API void tl_unwinder_free(struct tl_unwinder *unwinder); /* accepts NULL */

/*
 * Calls on_frame for each frame, innermost first, until it returns non-zero. Returns the number of
 * frames seen; -EBUSY when the task runs, -EOPNOTSUPP for an architecture that cannot be unwound
 * here. May be used inside callbacks. Frames without unwind tables end the walk early.
 */
TL_CHECKED int tl_stack_walk(struct tl_unwinder *unwinder, struct tl_task *task,
			     int (*on_frame)(const struct tl_frame *frame, void *data), void *data);

#ifdef __cplusplus
}
#endif
#endif
