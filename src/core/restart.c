/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A first argument that an engine has changed stands when the kernel restarts the call.
 *
 * Elsewhere the kernel keeps it. On arm64 a write of x0 at entry reaches what the call uses, but a
 * restart takes orig_x0, which most kernels leave as it was (repaired within stable
 * series: 6.1.191, 6.12.114). It takes it before the next signal or interrupt stop, so there x0 is
 * put right, and the instruction is executed with it once more; with no stop in between, the next
 * entry is changed as the one before was. Where the kernel is repaired the old value is not found,
 * and nothing done.
 */
#include "core.h"

/* At an exit: does the call come again, with an argument that was changed? */
void tl__restart_note(struct tl_task *task)
{
	const struct tl__arch *arch = tl__syscall_arch(task);

	task->restart_owed = arch && arch->arg0_is_ret && tl__is_restart_code(task->call.ret) &&
			     task->call.args[0] != task->entered_arg0;
	if (!task->restart_owed || tl__regs_load(task) < 0)
		return;
	task->restart_ip = task->call.ip - arch->call_len(task->regs, task->regs_len);
	task->restart_from = task->entered_arg0;
	task->restart_to = task->call.args[0];
}

static void repair_entry(struct tl_task *task, const struct tl__arch *arch)
{
	uint64_t args[6];
	int r;

	if (tl__regs_load(task) < 0 || task->call.args[0] != task->restart_from ||
	    task->call.ip - arch->call_len(task->regs, task->regs_len) != task->restart_ip)
		return;
	for (int i = 0; i < 6; i++)
		args[i] = task->call.args[i];
	args[0] = task->restart_to;
	r = tl__syscall_change(task, task->call.nr, args);
	if (r < 0)
		tl__fail(task->session, task, "keep a changed argument", r);
}

static void repair_registers(struct tl_task *task)
{
	const struct tl__arch *arch = tl__regs_arch(task);
	struct tl__frame f;

	if (!arch || arch->get_frame(task->regs, task->regs_len, &f) < 0 ||
	    f.ip != task->restart_ip || f.args[0] != task->restart_from)
		return;
	f.args[0] = task->restart_to;
	arch->set_args(task->regs, task->regs_len, f.args);
	task->regs_dirty = true;
}

/* At the stop behind that exit. */
void tl__restart_repair(struct tl_task *task)
{
	if (!task->restart_owed)
		return;
	/* The first stop behind the exit is this call's; what comes later may be another's. */
	task->restart_owed = false;
	switch (task->stop.kind) {
	case TL__STOP_ENTRY:
		repair_entry(task, tl__syscall_arch(task));
		break;
	case TL__STOP_SIGNAL:
	case TL__STOP_TRAP:
	case TL__STOP_GROUP:
		repair_registers(task);
		break;
	default:
		break;
	}
}

/*
 * A debugger that makes a call in a thread which sleeps in one steps over it, and then puts back
 * the registers of the broken one, which say that it is to be restarted. The kernel heeds that
 * behind signals and interrupts alone (x86, arch_do_signal_or_restart). A step ends in a signal;
 * but beside an engine that sees calls it ends in the call's exit, and there has to be an
 * interrupt.
 */
bool tl__restart_is_put_back(struct tl_task *task)
{
	return task->stepped_out && task->stop.kind == TL__STOP_EXIT && tl__will_restart(task);
}
