/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls that tracing broke are made again.
 *
 * Most calls that a stop interrupts are restarted by the kernel. Some are not: epoll_wait, semtimedop,
 * sigtimedwait, io_uring_enter and sockets with a timeout answer EINTR as soon as anything is pending, be
 * it only our interrupt, or a signal that the program ignores (untraced, the kernel would not even have
 * queued that). A program that never installed a handler does not expect EINTR. So where a call reads
 * EINTR and no handler is going to run, the task is put back before the call. A timeout starts anew then.
 */
#include "core.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

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

static bool queue_has_unblocked(struct tl_task *task, bool shared, uint64_t blocked)
{
	uint8_t infos[8][TL__SIGINFO_SIZE];

	for (uint64_t off = 0;; off += 8) {
		int n = task->session->sys->ops->ptrace(task->session->sys, TL__PT_PEEKSIGINFO,
							task->tid, shared, off, infos,
							sizeof(infos));

		for (int i = 0; i < n; i++) {
			int32_t sig;

			memcpy(&sig, infos[i], sizeof(sig));
			if (sig > 0 && sig <= 64 && !(blocked >> (sig - 1) & 1))
				return true;
		}
		if (n < 8)
			return false;
	}
}

static bool signal_pending(struct tl_task *task)
{
	uint64_t blocked = 0;

	tl__pt_buf(task->session->sys, TL__PT_GETSIGMASK, task->tid, sizeof(blocked), &blocked,
		   sizeof(blocked));
	return queue_has_unblocked(task, false, blocked) ||
	       queue_has_unblocked(task, true, blocked);
}

static void put_back(struct tl_task *task, const struct tl__arch *arch)
{
	arch->reissue(task->regs, task->regs_len);
	task->regs_dirty = true;
}

/* At a stop that our interrupt caused. */
bool tl__reissue_broken(struct tl_task *task)
{
	const struct tl__arch *arch;

	if (!is_eintr(task, &arch) || signal_pending(task))
		return false;
	put_back(task, arch);
	return true;
}

/* Would this signal, delivered now, do nothing at all? */
static bool ignored(struct tl_task *task, int sig)
{
	uint64_t bit = 1ull << (sig - 1);
	char status[4096];

	if (task->session->sys->ops->proc_read(task->session->sys, task->tid, TL__PROC_STATUS,
					       status, sizeof(status)) < 0)
		return false;
	if (tl__proc_field_hex(status, "SigIgn") & bit)
		return true;
	if (tl__proc_field_hex(status, "SigCgt") & bit)
		return false;
	return sig == SIGCHLD || sig == SIGWINCH || sig == SIGURG || sig == SIGCONT;
}

/* At a signal's delivery. With another signal behind it the kernel's answer stands. */
bool tl__reissue_after_ignored(struct tl_task *task)
{
	const struct tl__arch *arch;

	if (!is_eintr(task, &arch))
		return false;
	if (task->deliver && !ignored(task, task->deliver))
		return false;
	if (signal_pending(task))
		return false;
	put_back(task, arch);
	return true;
}
