/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls that tracing broke are made again.
 *
 * Most calls that a stop interrupts are restarted by the kernel. Some are not: epoll_wait,
 * semtimedop, sigtimedwait, io_uring_enter and sockets with a timeout answer EINTR as soon as
 * anything is pending, be it only our interrupt, or a signal that the program ignores (untraced,
 * the kernel would not even have queued that). A program that never installed a handler does not
 * expect EINTR. So where a call reads EINTR and no handler is going to run, the task is put back
 * before the call. A timeout starts anew then. Engines see what the kernel does: an exit with
 * EINTR, and the same call entered once more.
 */
#include "core.h"

#include "compat.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define BIT(sig) (1ull << ((sig)-1))

/*
 * Where the general set does not tell, the number's own does at an exit: -1 behind sigreturn, whose
 * result is another call's. At later stops the kernel has forgotten the call (arm64, do_signal),
 * and the instruction tells. A task whose handler has just returned to behind a call that rightly
 * said EINTR looks the same; it would have to be stopped in that very moment.
 */
static bool behind_call(struct tl_task *task, const struct tl__arch *arch)
{
	unsigned len = arch->call_len(task->regs, task->regs_len);
	uint8_t insn[4] = { 0 };
	int32_t nr;

	if (arch->in_syscall)
		return arch->in_syscall(task->regs, task->regs_len);
	if (task->stop.kind == TL__STOP_EXIT)
		return tl__pt_buf(task->session->sys, TL__PT_GETREGSET, task->tid, arch->nr_note,
				  &nr, sizeof(nr)) == sizeof(nr) &&
		       nr != -1;
	return tl__mem_read(task, arch->get_ip(task->regs, task->regs_len) - len, insn, len) ==
		       len &&
	       arch->is_call(insn, task->regs, task->regs_len);
}

static bool is_eintr(struct tl_task *task, const struct tl__arch **ret_arch)
{
	const struct tl__arch *arch = tl__regs_arch(task);
	struct tl__frame f;

	if (!arch)
		return false;
	/* The 64-bit layout holds an int $0x80's result sign-extended too. */
	if (arch->get_frame(task->regs, task->regs_len, &f) < 0 || f.ret != -EINTR)
		return false;
	/* close() is done even when it says EINTR: the descriptor may be somebody else's by now. */
	if (f.nr == arch->known.close || !behind_call(task, arch))
		return false;
	*ret_arch = arch;
	return true;
}

/*
 * Is anything pending that would do something? What the program ignores would not even have been
 * queued without a tracer, and another thread may take a process's signal that woke this one.
 */
static bool signal_pending(struct tl_task *task)
{
	const uint64_t by_default = BIT(SIGCHLD) | BIT(SIGWINCH) | BIT(SIGURG) | BIT(SIGCONT);
	uint64_t pending, ignored;
	char status[4096];

	if (task->session->sys->ops->proc_read(task->session->sys, task->tid, TL__PROC_STATUS,
					       status, sizeof(status)) < 0)
		return true;
	ignored = tl__proc_field_hex(status, "SigIgn") |
		  (by_default & ~tl__proc_field_hex(status, "SigCgt"));
	pending = tl__proc_field_hex(status, "SigPnd") | tl__proc_field_hex(status, "ShdPnd");
	if (task->deliver > 0 && task->deliver <= 64)
		pending |= BIT(task->deliver);
	return pending & ~tl__proc_field_hex(status, "SigBlk") & ~ignored;
}

static int set_number(struct tl_task *task, const struct tl__arch *arch, int32_t nr)
{
	return tl__pt_buf(task->session->sys, TL__PT_SETREGSET, task->tid, arch->nr_note, &nr,
			  sizeof(nr));
}

/* At a stop behind a call: puts the task back before it where nothing but tracing broke it. */
bool tl__reissue_broken(struct tl_task *task)
{
	const struct tl__arch *arch;
	uint64_t arg0;

	if (!is_eintr(task, &arch) || signal_pending(task) || tl__arg0(task, &arg0) < 0)
		return false;
	arch->reissue(task->regs, task->regs_len, arg0);
	task->regs_dirty = true;
	/* Not in a call any more: an argument that looks like a restart code is none. */
	if (arch->nr_note)
		tl__ignore(set_number(task, arch, -1) < 0);
	return true;
}
