/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Register sets beside the general one, by note: sizes are judged here, so that an answer about a
 * set that does not exist is told from one about a size (the kernel says EINVAL to both).
 */
#include "core.h"

#include "compat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct tl__regset *find(struct tl_task *task, uint32_t note)
{
	const struct tl__arch *arch = tl__regs_arch(task);

	for (size_t i = 0; arch && i < arch->view->n; i++)
		if (arch->view->sets[i].note == note)
			return &arch->view->sets[i];
	return NULL;
}

/* ENODEV: a feature that this CPU lacks. */
static int kernel_error(int r)
{
	return r == -EINVAL || r == -ENODEV || r == -EIO ? -EOPNOTSUPP : r;
}

int64_t tl__regset_read(struct tl_task *task, uint32_t note, void *buf, size_t size)
{
	const struct tl__regset *set = find(task, note);
	struct tl__sys *sys = task->session->sys;
	size_t most = set ? (size_t)set->size * set->count : 0;
	void *whole;
	int r;

	/* One that a newer kernel has, or none at all: the kernel says. */
	if (!set || size == most)
		return kernel_error(tl__pt_buf(sys, TL__PT_GETREGSET, task->tid, note, buf, size));
	whole = malloc(most);
	if (!whole)
		return -ENOMEM;
	r = kernel_error(tl__pt_buf(sys, TL__PT_GETREGSET, task->tid, note, whole, most));
	if (r > 0 && (size_t)r > size)
		r = -ERANGE;
	if (r > 0)
		memcpy(buf, whole, (size_t)r);
	free(whole);
	return r;
}

int tl__regset_write(struct tl_task *task, uint32_t note, const void *buf, size_t len)
{
	const struct tl__regset *set = find(task, note);
	int r;

	if (set && set->flags & TL__REGSET_READONLY)
		return -EPERM;
	/* Less than all is for the kernel to judge: debug registers are written as far as the CPU
	 * has any. */
	if (set && (!len || len % set->size || len > (size_t)set->size * set->count))
		return -EINVAL;
	r = tl__pt_buf(task->session->sys, TL__PT_SETREGSET, task->tid, note,
		       (void *)(uintptr_t)buf, len);
	/* Of a set that exists, EINVAL is about the values. */
	return set && r == -EINVAL ? r : kernel_error(r);
}

enum { NOTE_FLOATS = 2 /* NT_PRFPREG */, FLOATS_MAX = 1024 };

static int float_register(struct tl_task *task, const struct tl__arch *arch, unsigned number,
			  void *buf, size_t size)
{
	const struct tl__dwarf_floats *f = arch->dwarf_floats;
	uint8_t set[FLOATS_MAX];
	size_t at;
	int64_t n;

	if (number < f->first || number - f->first >= f->count)
		f++;
	if (number < f->first || number - f->first >= f->count)
		return -ENOENT;
	n = tl__regset_read(task, NOTE_FLOATS, set, sizeof(set));
	at = f->offset + (size_t)(number - f->first) * f->stride;
	if (n < 0)
		return (int)n;
	if (at + f->size > (size_t)n)
		return -ENOENT;
	if (size > f->size)
		size = f->size;
	memcpy(buf, set + at, size);
	return (int)size;
}

/* How many bytes. The general ones are loaded. */
int tl__dwarf_register(struct tl_task *task, const struct tl__arch *arch, unsigned number,
		       void *buf, size_t size)
{
	uint64_t regs[TL__DWARF_MAX];

	if (!arch->dwarf_regs)
		return -EOPNOTSUPP;
	if (number >= arch->dwarf_regs(task->regs, task->regs_len, regs))
		return float_register(task, arch, number, buf, size);
	if (size > arch->word)
		size = arch->word;
	memcpy(buf, &regs[number], size);
	return (int)size;
}
