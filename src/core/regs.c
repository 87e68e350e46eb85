/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The general registers of a stopped task: read once a stop, written back before it goes on. */
#include "core.h"

#include <errno.h>
#include <string.h>

enum { NT_PRSTATUS_ = 1 };

int tl__regs_load(struct tl_task *task)
{
	int r;

	if (task->regs_valid)
		return 0;
	r = tl__pt_buf(task->session->sys, TL__PT_GETREGSET, task->tid, NT_PRSTATUS_, task->regs,
		       sizeof(task->regs));
	if (r < 0)
		return r;
	task->regs_len = (uint16_t)r;
	task->regs_valid = true;
	task->regs_dirty = false;
	tl__step_loaded(task);
	tl__raw_loaded(task);
	if (task->sited)
		task->session->site_hooks->loaded(task);
	return 0;
}

int tl__regs_flush(struct tl_task *task)
{
	uint8_t raw[TL__GPR_MAX];
	int r;

	if (!task->regs_valid || !task->regs_dirty)
		return 0;
	tl__raw_flushing(task);
	memcpy(raw, task->regs, task->regs_len);
	if (task->moved.on)
		task->session->site_hooks->raw(task, raw);
	r = tl__pt_buf(task->session->sys, TL__PT_SETREGSET, task->tid, NT_PRSTATUS_, raw,
		       task->regs_len);
	task->regs_dirty = false;
	return r < 0 ? r : 0;
}

const struct tl__arch *tl__regs_arch(struct tl_task *task)
{
	if (tl__regs_load(task) < 0)
		return NULL;
	return tl__arch_of_gpr(task->regs_len);
}
