/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unwinding and naming frames, from maps text, registers and a memory reader handed in as values.
 */
#ifndef TL_IMAGE_UNWIND_H
#define TL_IMAGE_UNWIND_H

#include "trapline/stack.h"

#include <sys/types.h>

struct tl__unwinder;

struct tl__unwind_input {
	pid_t pid;  /* whose address space */
	char *maps; /* text of /proc/PID/maps */
	size_t maps_len;
	uint64_t serial;   /* of the task: recycled pids are told apart by it */
	uint64_t regs[32]; /* in DWARF's order */
	uint64_t pc;
	unsigned nregs;
	bool (*read_word)(void *data, uint64_t addr, uint64_t *word);
	void *data;
};

struct tl__unwinder *tl__unwinder_new(void);
void tl__unwinder_free(struct tl__unwinder *u);
int tl__unwind(struct tl__unwinder *u, const struct tl__unwind_input *in,
	       int (*on_frame)(const struct tl_frame *frame, void *data), void *data);

#endif
