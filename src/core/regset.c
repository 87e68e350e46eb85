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
