/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests of ptrace(2) that the kernel answers for any tracer, handed through. */
#include "api.h"

#include <errno.h>
#include <string.h>

enum { SETREGS = 13, SETREGSET = 0x4205, POKEUSER = 6 };

/* What stops, starts or lets go of a task, or writes its memory, has calls of its own here. */
static bool is_ours(uint32_t request)
{
	switch (request) {
	case 0:
	case 1:
	case 2:
	case 4:
	case 5:
	case TL__PT_CONT:
	case 8:
	case TL__PT_SINGLESTEP:
	case 16:
	case TL__PT_DETACH:
	case 21:
	case TL__PT_SYSCALL:
	case TL__PT_SYSEMU:
	case TL__PT_SYSEMU_SINGLESTEP:
	case TL__PT_SETOPTIONS:
	case TL__PT_SETSIGINFO:
	case TL__PT_SEIZE:
	case TL__PT_INTERRUPT:
	case TL__PT_LISTEN:
		return true;
	default:
		return request == TL__PT_SINGLEBLOCK && tl__arch_native(64)->abi == TL_ABI_X86_64;
	}
}

/* The registers may be others now, and with them the call that is about to be made. */
static void look_again(struct tl_task *task)
{
	const struct tl__arch *arch;
	struct tl__frame f;

	task->regs_valid = false;
	if (task->stop.kind != TL__STOP_ENTRY)
		return;
	arch = tl__syscall_arch(task);
	if (!arch || !tl__regs_arch(task) || arch->get_frame(task->regs, task->regs_len, &f) < 0)
		return;
	task->call.nr = f.nr;
	memcpy(task->call.args, f.args, sizeof(task->call.args));
}

int64_t tl_task_request(struct tl_task *task, uint32_t request, uint64_t addr, uint64_t data,
			void *buf, size_t size)
{
	int r = tl__api_check_stopped(task);

	if (r < 0)
		return r;
	if (is_ours(request))
		return -EINVAL;
	r = tl__regs_flush(task);
	if (r < 0)
		return r;
	r = task->session->sys->ops->ptrace(task->session->sys, (enum tl__pt_request)request,
					    task->tid, addr, data, buf, size);
	if (r >= 0 && (request == SETREGS || request == SETREGSET || request == POKEUSER))
		look_again(task);
	return r;
}

int tl_task_suspend_filters(struct tl_task *task, bool suspend)
{
	int r = tl__api_check_stopped(task);
	uint32_t options;

	if (r < 0)
		return r;
	options = task->options & ~(uint32_t)TL__PTO_SUSPEND_SECCOMP;
	if (suspend)
		options |= TL__PTO_SUSPEND_SECCOMP;
	r = (int)tl__pt(task->session->sys, TL__PT_SETOPTIONS, task->tid, 0, options);
	if (r < 0)
		return r;
	task->options = options;
	return 0;
}

int tl_task_pass_group_stop(struct tl_task *task, bool passes)
{
	int r = tl__api_check_stopped(task);

	if (r < 0)
		return r;
	if (!task->group_stopped)
		return -EAGAIN;
	task->passes_group_stop = passes;
	return 0;
}
