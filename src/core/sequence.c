/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A step over a sequence that cannot be stepped through (load-exclusive, store-exclusive) takes it
 * whole: hardware breakpoints of this thread alone stand where it is left. With none free, the step
 * is made all the same.
 *
 * An instruction with a uprobe of the kernel's own is passed in the same way: on arm64 that would
 * lose the step (arch_uprobe_post_xol), or end it late (simulated instructions).
 */
#include "core.h"

#include "compat.h"

#include <string.h>

enum { SEQUENCE_MOST = 64, TRAP_HWBKPT_ = 4, SIGTRAP_ = 5 };

/* struct user_hwdebug_state of arm64 (NT_ARM_HW_BREAK). */
struct hw_break {
	uint32_t info, pad;
	struct {
		uint64_t addr;
		uint32_t ctrl, pad;
	} at[16];
};

/* Enabled, for user mode, all bytes of an instruction. */
#define CTRL_EXECUTE_4 0x1e5u
#define CTRL_EXECUTE_2 0x65u

static int get(struct tl_task *task, const struct tl__arch *arch, struct hw_break *hw)
{
	memset(hw, 0, sizeof(*hw));
	return tl__pt_buf(task->session->sys, TL__PT_GETREGSET, task->tid, arch->hw_break_note, hw,
			  sizeof(*hw));
}

static int set(struct tl_task *task, const struct tl__arch *arch, struct hw_break *hw, size_t len)
{
	return tl__pt_buf(task->session->sys, TL__PT_SETREGSET, task->tid, arch->hw_break_note, hw,
			  len);
}

/* As much of the set as there are breakpoints: the kernel refuses slots that the CPU lacks. */
static size_t set_len(const struct hw_break *hw)
{
	size_t slots = hw->info & 0xff;

	return offsetof(struct hw_break, at) + (slots < 16 ? slots : 16) * sizeof(hw->at[0]);
}

static bool arm(struct tl_task *task, const struct tl__arch *arch, unsigned n)
{
	bool thumb = arch->call_len(task->regs, task->regs_len) == 2;
	uint32_t ctrl = thumb ? CTRL_EXECUTE_2 : CTRL_EXECUTE_4;
	struct hw_break hw;
	unsigned slot = 0, done = 0;

	if (get(task, arch, &hw) < 0)
		return false;
	task->sequence_slots = 0;
	for (; slot < (hw.info & 0xff) && slot < 16 && done < n; slot++) {
		if (hw.at[slot].ctrl & 1)
			continue;
		hw.at[slot].addr = task->sequence_exits[done++];
		hw.at[slot].ctrl = ctrl;
		task->sequence_slots |= 1u << slot;
	}
	return done == n && set(task, arch, &hw, set_len(&hw)) >= 0;
}

static void disarm(struct tl_task *task, const struct tl__arch *arch)
{
	struct hw_break hw;

	if (get(task, arch, &hw) < 0)
		return;
	for (unsigned slot = 0; slot < 16; slot++)
		if (task->sequence_slots & 1u << slot)
			hw.at[slot].ctrl = 0;
	task->sequence_slots = 0;
	tl__ignore(set(task, arch, &hw, set_len(&hw)) < 0);
}

/* The instruction itself is in the file only. */
static unsigned behind_uprobe(struct tl_task *task, const struct tl__arch *arch)
{
	uint64_t ip = arch->get_ip(task->regs, task->regs_len);
	struct tl__sys *sys = task->session->sys;
	uint8_t insn[4];
	unsigned n;

	if (!sys->ops->mapped_read || sys->ops->mapped_read(sys, task->tid, ip, insn, 4) != 4 ||
	    tl__is_uprobe(arch, insn))
		return 0;
	n = arch->next_ips(insn, task->regs, task->regs_len, task->sequence_exits);
	for (unsigned i = 0; i < n; i++)
		if (task->sequence_exits[i] == ip)
			return 0;
	return n;
}

/* In front of a step: true when the task runs to the end of a sequence instead. */
bool tl__sequence_resuming(struct tl_task *task)
{
	const struct tl__arch *arch = tl__regs_arch(task);
	uint8_t code[SEQUENCE_MOST];
	int64_t n;

	if (!arch || !arch->exclusive_exits || task->deliver)
		return false;
	n = tl__mem_read(task, arch->get_ip(task->regs, task->regs_len), code, sizeof(code));
	if (n >= 4 && arch->next_ips && tl__is_uprobe(arch, code))
		task->sequence_n = behind_uprobe(task, arch);
	else if (n >= 4)
		task->sequence_n = arch->exclusive_exits(code, (size_t)n, task->regs,
							 task->regs_len, task->sequence_exits);
	if (!task->sequence_n)
		return false;
	if (arm(task, arch, task->sequence_n))
		return true;
	task->sequence_n = 0;
	return false;
}

/* At the stop behind that: the step's end, or what came before it. */
void tl__sequence_stopped(struct tl_task *task)
{
	const struct tl__arch *arch;
	int code;
	uint64_t ip;

	if (!task->sequence_n)
		return;
	arch = tl__regs_arch(task);
	if (!arch)
		return;
	disarm(task, arch);
	ip = arch->get_ip(task->regs, task->regs_len);
	code = tl__stop_code(&task->stop);
	for (unsigned i = 0; i < task->sequence_n; i++)
		if (task->stop.kind == TL__STOP_SIGNAL && task->stop.sig == SIGTRAP_ &&
		    code == TRAP_HWBKPT_ && ip == task->sequence_exits[i])
			task->stop.kind = TL__STOP_STEP;
	task->sequence_n = 0;
}
