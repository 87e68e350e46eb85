/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A call's first argument, where its result has taken the register.
 *
 * arm64 keeps it as orig_x0, which is in no register set. /proc/TID/syscall prints it for a task
 * that is in a call, which is one whose number is not -1; behind a call it is -1, and can be
 * written. But kernels that let orig_x0 follow x0 (6.1.191, 6.12.114, 7.2) do so at that write too,
 * unless the stop is a call's exit. There it is only had before: from a task that still sleeps in
 * the call and is about to be interrupted; and where a filter makes only some calls stop, from the
 * entries of those that a signal breaks for good, which the filter makes stop too.
 */
#include "core.h"

#include "compat.h"

#include <errno.h>
#include <stdlib.h>

/* "NR ARG0 ... ARG5 SP PC"; "running", or "-1 SP PC" outside of a call. */
static int proc_syscall(struct tl_task *task, uint64_t fields[9])
{
	struct tl__sys *sys = task->session->sys;
	char text[256], *at = text, *end;

	if (sys->ops->proc_read(sys, task->tid, TL__PROC_SYSCALL, text, sizeof(text)) <= 0)
		return -ENODATA;
	for (int i = 0; i < 9; i++) {
		fields[i] = strtoull(at, &end, i ? 16 : 10);
		if (end == at)
			return -ENODATA;
		at = end;
	}
	return 0;
}

/* Nobody knows it afterwards. */
bool tl__arg0_is_lost(struct tl_session *s)
{
	return tl__arch_native(64)->arg0_is_ret && tl__sys_has(s->sys, TL__FEATURE_ARG0_FOLLOWS);
}

/* It is about to be interrupted. */
void tl__arg0_note_sleeper(struct tl_task *task)
{
	uint64_t f[9];

	if (task->call_valid || !tl__arg0_is_lost(task->session) || proc_syscall(task, f) < 0)
		return;
	task->noted.nr = (int64_t)f[0];
	task->noted.arg0 = f[1];
	task->noted.sp = f[7];
	task->noted.ip = f[8];
	task->noted.asleep = true;
}

void tl__arg0_resuming(struct tl_task *task)
{
	if (task->noted.asleep)
		task->noted.ip = 0;
}

/* In front of a call that a filter of ours has stopped for this alone. */
void tl__arg0_note_call(struct tl_task *task)
{
	task->noted.nr = task->call.nr;
	task->noted.arg0 = task->call.args[0];
	task->noted.sp = task->call.sp;
	task->noted.ip = task->call.ip;
	task->noted.asleep = false;
}

static int number(struct tl_task *task, const struct tl__arch *arch, enum tl__pt_request req,
		  int32_t *nr)
{
	int r = tl__pt_buf(task->session->sys, req, task->tid, arch->nr_note, nr, sizeof(*nr));

	return r < 0 ? r : 0;
}

static int from_proc(struct tl_task *task, const struct tl__arch *arch, uint64_t *ret)
{
	int32_t nr, in_call = 0;
	uint64_t f[9];
	int r = number(task, arch, TL__PT_GETREGSET, &nr);

	if (r == 0 && nr == -1)
		r = number(task, arch, TL__PT_SETREGSET, &in_call);
	if (r < 0)
		return r;
	r = proc_syscall(task, f);
	if (nr == -1 && number(task, arch, TL__PT_SETREGSET, &nr) < 0)
		return -ESRCH;
	*ret = f[1];
	return r;
}

/* At a stop at, in or behind a call. -ENODATA: nobody can know. */
int tl__arg0(struct tl_task *task, uint64_t *ret)
{
	const struct tl__arch *arch = tl__regs_arch(task);
	struct tl__frame f;
	int r;

	if (!arch)
		return -ESRCH;
	r = arch->get_frame(task->regs, task->regs_len, &f);
	*ret = f.args[0];
	if (r < 0 || !arch->arg0_is_ret)
		return r;
	if (task->call_valid && !(task->call.flags & TL_SYSCALL_NO_ENTRY)) {
		*ret = task->call.args[0];
		return 0;
	}
	if ((task->stop.kind == TL__STOP_EXIT && task->stop.hides) ||
	    !tl__arg0_is_lost(task->session))
		return from_proc(task, arch, ret);
	if (task->noted.ip != f.ip || task->noted.sp != f.sp || task->noted.nr != f.nr)
		return -ENODATA;
	*ret = task->noted.arg0;
	return 0;
}
