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

#include <errno.h>
#include <signal.h>
#include <string.h>

#define BIT(sig) (1ull << ((sig)-1))

static bool is_eintr(struct tl_task *task, const struct tl__arch **ret_arch)
{
	const struct tl__arch *arch = tl__regs_arch(task);
	struct tl__frame f;

	if (!arch || !arch->in_syscall(task->regs, task->regs_len))
		return false;
	/* The 64-bit layout holds an int $0x80's result sign-extended too. */
	if (arch->get_frame(task->regs, task->regs_len, &f) < 0 || f.ret != -EINTR)
		return false;
	/* close() is done even when it says EINTR: the descriptor may be somebody else's by now. */
	if (f.nr == arch->known.close)
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

/* At a stop behind a call: puts the task back before it where nothing but tracing broke it. */
bool tl__reissue_broken(struct tl_task *task)
{
	const struct tl__arch *arch;

	if (!is_eintr(task, &arch) || signal_pending(task))
		return false;
	arch->reissue(task->regs, task->regs_len);
	task->regs_dirty = true;
	return true;
}
