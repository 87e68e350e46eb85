/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Vector registers that a system call empties (arm64: all of SVE's but the 128 bits that have been
 * there before it, and streaming mode): kept while a task makes a call that is not its own.
 */
#include "core.h"

#include "compat.h"

#include <stdlib.h>

/* struct user_sve_header, which both sets begin with. */
struct header {
	uint32_t size, max_size;
	uint16_t vl, max_vl, flags, reserved;
};

enum { HAS_REGISTERS = 1, MOST = 1 << 16 };

static int get(struct tl_task *task, uint32_t note, void *buf, size_t size)
{
	return tl__pt_buf(task->session->sys, TL__PT_GETREGSET, task->tid, note, buf, size);
}

void tl__vectors_keep(struct tl_task *task, const struct tl__arch *arch, struct tl__vectors *v)
{
	struct header h;
	int n;

	for (size_t i = 0; i < tl__array_len(arch->call_empties); i++) {
		v->note = arch->call_empties[i];
		if (!v->note || get(task, v->note, &h, sizeof(h)) != sizeof(h) ||
		    !(h.flags & HAS_REGISTERS) || h.size > MOST)
			continue;
		v->bytes = malloc(h.size);
		n = v->bytes ? get(task, v->note, v->bytes, h.size) : 0;
		v->len = n > 0 ? (size_t)n : 0;
		return;
	}
}

/* Refused only where it has ended. */
void tl__vectors_give_back(struct tl_task *task, struct tl__vectors *v)
{
	if (v->len)
		tl__ignore(tl__pt_buf(task->session->sys, TL__PT_SETREGSET, task->tid, v->note,
				      v->bytes, v->len) < 0);
	tl__vectors_drop(v);
}

void tl__vectors_drop(struct tl__vectors *v)
{
	free(v->bytes);
	v->bytes = NULL;
	v->len = 0;
}
