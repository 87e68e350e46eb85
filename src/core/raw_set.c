/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * TL_NT_RAW: the general set, with the hidden register, the first argument apart, and -ENOSYS where
 * a call's result will be. trapline/raw_regs.h has the layout.
 */
#include "core.h"

#include <errno.h>
#include <string.h>

enum { ORIG = 8 }; /* bytes behind AArch64's general set; AArch32's has its own */

static const struct tl__arch *arch_of(struct tl_task *task, int *ret)
{
	const struct tl__arch *arch = tl__regs_arch(task);

	*ret = 0;
	if (!arch)
		*ret = -ESRCH;
	else if (!arch->hidden_reg)
		*ret = -EOPNOTSUPP;
	else if (tl__raw_unknown(task, &arch->regs[arch->hidden_reg]))
		*ret = -ENODATA;
	return *ret < 0 ? NULL : arch;
}

int64_t tl__raw_set_read(struct tl_task *task, void *buf, size_t size)
{
	uint8_t set[TL__GPR_MAX + ORIG];
	const struct tl__arch *arch;
	size_t len;
	uint64_t arg0;
	int r;

	arch = arch_of(task, &r);
	if (!arch)
		return r;
	len = task->regs_len;
	memcpy(set, task->regs, len);
	if (task->stop.kind == TL__STOP_ENTRY)
		arch->set_ret(set, len, task->skip_ret);
	if (size < len)
		return -ERANGE;
	if (arch->arg0_is_ret && size >= len + ORIG) {
		r = tl__arg0(task, &arg0);
		if (r < 0)
			return r;
		memcpy(set + len, &arg0, ORIG);
		len += ORIG;
	}
	memcpy(buf, set, len);
	return (int64_t)len;
}

/* Anywhere but at an entry: what a restart uses. */
static int write_arg0(struct tl_task *task, uint64_t arg0)
{
	uint64_t old;
	int r = tl__arg0(task, &old);

	if (r == 0 && old == arg0)
		return 0;
	if (task->stop.kind != TL__STOP_EXIT || !task->call_valid)
		return -EOPNOTSUPP;
	if (tl__sys_has(task->session->sys, TL__FEATURE_ARG0_FOLLOWS))
		task->entered_arg0 = old;
	task->call.args[0] = arg0;
	tl__restart_note(task);
	return 0;
}

/* AArch32's first argument is in the set itself, and its restart takes it from there. */
static uint64_t arg0_of(const struct tl__arch *arch, const uint8_t *set, size_t len)
{
	struct tl__frame f = { 0 };
	uint64_t v;

	if (!arch->arg0_is_ret) {
		arch->get_frame(set, len, &f);
		return f.args[0];
	}
	memcpy(&v, set + len, ORIG);
	return v;
}

int tl__raw_set_write(struct tl_task *task, const void *buf, size_t size)
{
	const struct tl__arch *arch;
	uint8_t set[TL__GPR_MAX + ORIG];
	struct tl__frame f;
	uint64_t args[6];
	size_t len, whole;
	int r;

	arch = arch_of(task, &r);
	if (!arch)
		return r;
	len = task->regs_len;
	whole = arch->arg0_is_ret ? len + ORIG : len;
	if (size != len && size != whole)
		return -EINVAL;
	memcpy(set, buf, size);
	arch->get_frame(set, len, &f);
	memcpy(args, f.args, sizeof(args));
	args[0] = size == whole ? arg0_of(arch, set, len) : task->call.args[0];
	if (task->stop.kind == TL__STOP_ENTRY) {
		/* The registers keep what the kernel will use: the argument, not the result. */
		task->skip_ret = f.ret;
		arch->set_ret(set, len, (int64_t)args[0]);
	} else if (task->stop.kind == TL__STOP_EXIT) {
		r = tl__syscall_set_result(task, f.ret);
		if (r < 0)
			return r;
	}
	memcpy(task->regs, set, len);
	task->regs_dirty = true;
	r = tl__regs_flush(task);
	if (r < 0) {
		task->regs_valid = false;
		return r;
	}
	if (task->stop.kind == TL__STOP_ENTRY)
		return memcmp(args, task->call.args, sizeof(args)) == 0
			       ? 0
			       : tl__syscall_change(task, task->call.nr, args);
	return size == whole ? write_arg0(task, args[0]) : 0;
}
