/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A task's memory as engines see it.
 *
 * A leader that is a zombie has given up its address space while its threads live on: any of them
 * will do. Patched text shows the program's own bytes.
 */
#include "core.h"

#include <errno.h>

static struct tl_task *living_sibling(const struct tl_task *task)
{
	struct tl_task *other;

	TAILQ_FOREACH (other, &task->session->tasks, link)
		if (other != task && other->process == task->process)
			return other;
	return NULL;
}

int64_t tl__mem_read_raw(struct tl_task *task, tl_addr addr, void *buf, size_t len)
{
	struct tl__sys *sys = task->session->sys;
	struct tl_task *other;
	ssize_t r;

	if (task->state == TL__TASK_GONE)
		return -ESRCH;
	r = sys->ops->mem_read(sys, task->tid, addr, buf, len);
	if (r != -ESRCH)
		return r;
	other = living_sibling(task);
	return other ? sys->ops->mem_read(sys, other->tid, addr, buf, len) : r;
}

int64_t tl__mem_write_raw(struct tl_task *task, tl_addr addr, const void *buf, size_t len)
{
	struct tl__sys *sys = task->session->sys;
	struct tl_task *other;
	ssize_t r;

	if (task->state == TL__TASK_GONE)
		return -ESRCH;
	r = sys->ops->mem_write(sys, task->tid, addr, buf, len);
	if (r != -ESRCH)
		return r;
	other = living_sibling(task);
	return other ? sys->ops->mem_write(sys, other->tid, addr, buf, len) : r;
}

int64_t tl__mem_read(struct tl_task *task, tl_addr addr, void *buf, size_t len)
{
	int64_t r = tl__mem_read_raw(task, addr, buf, len);

	if (r > 0 && task->sited)
		task->session->site_hooks->hide(task, addr, buf, (size_t)r);
	return r;
}

int64_t tl__mem_write(struct tl_task *task, tl_addr addr, const void *buf, size_t len)
{
	int64_t r = tl__mem_write_raw(task, addr, buf, len);

	if (r > 0 && task->sited)
		task->session->site_hooks->written(task, addr, (size_t)r);
	return r;
}
