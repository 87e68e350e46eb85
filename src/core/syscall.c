/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * System call stops: which kind, which call, and changing it.
 *
 * The kernel's own answer (GET_SYSCALL_INFO) is taken where there is one; elsewhere the event
 * message where that is known to be 1 and 2, else the state machine of systrack.c, with number and
 * arguments from the registers and the ABI from the instruction before the pc (which another thread
 * may have rewritten: the call is marked as inferred).
 */
#include "core.h"

#include <errno.h>
#include <string.h>

const struct tl__arch *tl__syscall_arch(const struct tl_task *task)
{
	return tl__arch_get(task->call.abi);
}

/* Its result is another call's, that of the code which a handler interrupted. */
bool tl__syscall_is_sigreturn(const struct tl_task *task)
{
	const struct tl__arch *arch = tl__syscall_arch(task);

	return arch && task->call.nr >= 0 &&
	       (task->call.nr == arch->known.rt_sigreturn ||
		task->call.nr == arch->known.sigreturn);
}

static void take_entry(struct tl_task *task, const struct tl__arch *arch, int64_t nr,
		       const uint64_t args[6], uint64_t ip, uint64_t sp, uint32_t flags)
{
	struct tl_syscall *c = &task->call;

	c->abi = arch->abi;
	c->nr = arch->abi == TL_ABI_X32 ? nr & ~(int64_t)TL__X32_BIT : nr;
	memcpy(c->args, args, sizeof(c->args));
	task->entered_arg0 = args[0];
	c->ret = -ENOSYS;
	c->ip = ip;
	c->sp = sp;
	c->flags = flags;
	task->call_valid = true;
}

/* The call as the registers have it, for exits whose entry was not seen and kernels that do not
 * tell. */
static int take_from_regs(struct tl_task *task, uint32_t flags)
{
	const struct tl__arch *layout = tl__regs_arch(task), *arch;
	struct tl__frame f;
	uint8_t insn[4] = { 0 };
	unsigned len;
	int r;

	if (!layout)
		return -ESRCH;
	r = layout->get_frame(task->regs, task->regs_len, &f);
	if (r < 0)
		return r;
	len = layout->call_len(task->regs, task->regs_len);
	if (tl__mem_read(task, f.ip - len, insn, len) < 0)
		insn[0] = 0;
	arch = tl__arch_get(layout->abi_of_insn(insn, task->regs_len, f.nr));
	r = arch->get_frame(task->regs, task->regs_len, &f);
	if (r < 0)
		return r;
	take_entry(task, arch, f.nr, f.args, f.ip, f.sp, flags);
	return 0;
}

static int exit_from_regs(struct tl_task *task)
{
	const struct tl__arch *arch;
	struct tl__frame f;
	int r;

	if (!task->call_valid) {
		r = take_from_regs(task, TL_SYSCALL_NO_ENTRY | TL_SYSCALL_INFERRED);
		if (r < 0)
			return r;
	}
	r = tl__regs_load(task);
	if (r < 0)
		return r;
	arch = tl__syscall_arch(task);
	r = arch->get_frame(task->regs, task->regs_len, &f);
	/* An exec may have changed the layout under an i386 entry: any descriptor reads the result.
	 */
	if (r < 0)
		r = tl__arch_of_gpr(task->regs_len)->get_frame(task->regs, task->regs_len, &f);
	if (r < 0)
		return r;
	task->call.ret = f.ret;
	task->call.ip = f.ip;
	task->call.sp = f.sp;
	task->call.flags &= ~(uint32_t)TL_SYSCALL_FAILED;
	if (f.ret < 0 && f.ret >= -4095)
		task->call.flags |= TL_SYSCALL_FAILED;
	return 0;
}

static int exit_from_info(struct tl_task *task, const struct tl__syscall_info *info)
{
	if (!task->call_valid) {
		int r = take_from_regs(task, TL_SYSCALL_NO_ENTRY);

		if (r < 0)
			return r;
	}
	task->call.ret = info->exit.rval;
	task->call.ip = info->ip;
	task->call.sp = info->sp;
	task->call.flags &= ~(uint32_t)TL_SYSCALL_FAILED;
	if (info->exit.is_error)
		task->call.flags |= TL_SYSCALL_FAILED;
	return 0;
}

static int entry_from_info(struct tl_task *task, const struct tl__syscall_info *info)
{
	const struct tl__arch *arch = tl__arch_of_call(info->arch, (int32_t)info->entry.nr);

	if (!arch)
		return -EOPNOTSUPP;
	take_entry(task, arch, (int32_t)info->entry.nr, info->entry.args, info->ip, info->sp, 0);
	return 0;
}

static int from_info(struct tl_task *task, bool tracked_entry)
{
	struct tl__syscall_info info;
	int r = tl__pt_buf(task->session->sys, TL__PT_GET_SYSCALL_INFO, task->tid, 0, &info,
			   sizeof(info));

	if (r < 0)
		return r;
	if (info.op != 1 && info.op != 2)
		return tl__is_exiting(task) ? -ESRCH : -EPROTO;
	if (task->session->options.flags & TL_SESSION_CHECK_STOPS &&
	    tracked_entry != (info.op == 1))
		return -EPROTO;
	task->track.in_call = info.op == 1;
	task->stop.kind = info.op == 1 ? TL__STOP_ENTRY : TL__STOP_EXIT;
	return info.op == 1 ? entry_from_info(task, &info) : exit_from_info(task, &info);
}

static int from_tracker(struct tl_task *task, bool entry)
{
	uint64_t msg = 0;

	if (tl__sys_has(task->session->sys, TL__FEATURE_SYSCALL_EVENTMSG) &&
	    tl__pt_buf(task->session->sys, TL__PT_GETEVENTMSG, task->tid, 0, &msg, sizeof(msg)) >=
		    0 &&
	    (msg == 1 || msg == 2)) {
		if (task->session->options.flags & TL_SESSION_CHECK_STOPS && entry != (msg == 1))
			return -EPROTO;
		entry = msg == 1;
	}
	task->track.in_call = entry;
	task->stop.kind = entry ? TL__STOP_ENTRY : TL__STOP_EXIT;
	return entry ? take_from_regs(task, TL_SYSCALL_INFERRED) : exit_from_regs(task);
}

int tl__syscall_stop(struct tl_task *task)
{
	bool entry = tl__systrack_is_entry(&task->track);

	if (tl__sys_has(task->session->sys, TL__FEATURE_SYSCALL_INFO))
		return from_info(task, entry);
	return from_tracker(task, entry);
}

static int seccomp_mark(struct tl_task *task, uint32_t *ret_mark)
{
	uint64_t msg = 0;
	int r = tl__pt_buf(task->session->sys, TL__PT_GETEVENTMSG, task->tid, 0, &msg, sizeof(msg));

	*ret_mark = (uint32_t)msg;
	return r < 0 ? r : take_from_regs(task, TL_SYSCALL_INFERRED);
}

static int seccomp_info(struct tl_task *task, uint32_t *ret_mark)
{
	struct tl__syscall_info info;
	int r = tl__pt_buf(task->session->sys, TL__PT_GET_SYSCALL_INFO, task->tid, 0, &info,
			   sizeof(info));

	if (r < 0)
		return r;
	*ret_mark = info.seccomp.ret_data;
	if (info.op != 3)
		return tl__is_exiting(task) ? -ESRCH : -EPROTO;
	/* entry and seccomp begin alike. */
	return entry_from_info(task, &info);
}

/*
 * A seccomp stop of a filter of ours stands for the entry; 1. A filter of the program's own that
 * says TRACE has no tracer as far as the program knows: the call must fail with ENOSYS; 0.
 */
int tl__syscall_seccomp(struct tl_task *task)
{
	uint32_t mark = 0;
	int r;

	task->stop.kind = TL__STOP_ENTRY;
	if (tl__sys_has(task->session->sys, TL__FEATURE_SYSCALL_INFO))
		r = seccomp_info(task, &mark);
	else
		r = seccomp_mark(task, &mark);
	if (r < 0 || mark == TL__SELECT_MARK)
		return r < 0 ? r : 1;
	if (mark == TL__NOTE_MARK) {
		tl__arg0_note_call(task);
		return 0;
	}
	task->skip_ret = -ENOSYS;
	tl__syscall_skip(task);
	task->skip_owed = false;
	task->exit_wanted = false;
	return 0;
}

static int set_by_info(struct tl_task *task, const struct tl__arch *arch, int64_t nr,
		       const uint64_t args[6])
{
	struct tl__syscall_info info;
	int r = tl__pt_buf(task->session->sys, TL__PT_GET_SYSCALL_INFO, task->tid, 0, &info,
			   sizeof(info));

	if (r < 0)
		return r;
	if (arch->abi == TL_ABI_X32 && nr >= 0)
		nr |= TL__X32_BIT;
	info.entry.nr = (uint64_t)nr;
	memcpy(info.entry.args, args, sizeof(info.entry.args));
	task->regs_valid = false;
	return tl__pt_buf(task->session->sys, TL__PT_SET_SYSCALL_INFO, task->tid, 0, &info,
			  sizeof(info));
}

/* Where the number is not in the general set, its own is written at once. */
static int write_nr(struct tl_task *task, const struct tl__arch *arch, int64_t nr)
{
	int32_t raw = (int32_t)nr;
	int r;

	if (arch->nr_note) {
		r = tl__pt_buf(task->session->sys, TL__PT_SETREGSET, task->tid, arch->nr_note, &raw,
			       sizeof(raw));
		return r < 0 ? r : 0;
	}
	task->regs_dirty = true;
	return arch->set_nr(task->regs, task->regs_len, nr);
}

static int set_by_regs(struct tl_task *task, const struct tl__arch *arch, int64_t nr,
		       const uint64_t args[6])
{
	int r = tl__regs_load(task);

	if (r < 0)
		return r;
	r = write_nr(task, arch, nr);
	if (r == 0)
		r = arch->set_args(task->regs, task->regs_len, args);
	task->regs_dirty = true;
	return r;
}

/* Number and arguments of a call that is about to be made. The kernel looks at the low 32 bits of
 * nr. */
int tl__syscall_change(struct tl_task *task, int64_t nr, const uint64_t args[6])
{
	const struct tl__arch *arch = tl__syscall_arch(task);
	int r;

	if (!arch || nr != (int32_t)nr)
		return -EINVAL;
	if (!task->regs_dirty && tl__sys_has(task->session->sys, TL__FEATURE_SET_SYSCALL_INFO))
		r = set_by_info(task, arch, nr, args);
	else
		r = set_by_regs(task, arch, nr, args);
	if (r < 0)
		return r;
	task->call.nr = nr;
	memcpy(task->call.args, args, sizeof(task->call.args));
	return 0;
}

static int write_result(struct tl_task *task, int64_t ret)
{
	const struct tl__arch *arch = tl__regs_arch(task);
	int r;

	if (!arch)
		return -ESRCH;
	r = arch->set_ret(task->regs, task->regs_len, ret);
	task->regs_dirty = true;
	return r;
}

int tl__syscall_set_result(struct tl_task *task, int64_t ret)
{
	int r;

	if (task->stop.kind == TL__STOP_ENTRY) {
		task->skip_ret = ret;
		return 0;
	}
	r = write_result(task, ret);
	if (r < 0)
		return r;
	task->call.ret = ret;
	task->call.flags &= ~(uint32_t)TL_SYSCALL_FAILED;
	if (ret < 0 && ret >= -4095)
		task->call.flags |= TL_SYSCALL_FAILED;
	return 0;
}

/*
 * No call is made: the number becomes -1. A filter of the program then judges number -1 and may put
 * an error of its own in place (or, after a seccomp stop, does not run): the result is set again at
 * the exit.
 */
int tl__syscall_skip(struct tl_task *task)
{
	const struct tl__arch *arch = tl__syscall_arch(task);
	int r = tl__regs_load(task);

	if (r < 0)
		return r;
	r = write_nr(task, arch, -1);
	if (r == 0)
		r = arch->set_ret(task->regs, task->regs_len, task->skip_ret);
	task->regs_dirty = true;
	task->skip_owed = true;
	task->exit_wanted = true;
	task->call.flags |= TL_SYSCALL_SKIPPED;
	return r;
}

int tl__syscall_pay_skip(struct tl_task *task)
{
	task->skip_owed = false;
	if (task->call.ret == task->skip_ret)
		return 0;
	return tl__syscall_set_result(task, task->skip_ret);
}
