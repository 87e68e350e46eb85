/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a thread really is while it runs in a slot, and where everybody sees it.
 *
 * Registers are shown as the program would have them at its own address. They are put back as they
 * are when it goes on, if nobody has changed the pc; a thread that leaves its slot for good (a
 * signal's handler, a detach) takes what is shown for true.
 */
#include "site.h"

#include <string.h>

static const struct tl__mark *mark_at(const struct tl__patch *p, uint64_t raw)
{
	for (unsigned i = 0; i < p->d.nmarks; i++)
		if (p->slot + p->d.marks[i].at == raw)
			return &p->d.marks[i];
	return NULL;
}

static void show(struct tl_task *task, struct tl__patch *p, const struct tl__mark *m, uint64_t raw)
{
	const struct tl__arch *arch = p->space->arch;

	task->moved.on = true;
	task->moved.done = m->done;
	task->moved.raw = raw;
	task->moved.slot = p->slot;
	task->moved.addr = p->addr;
	task->moved.shown = m->ip;
	task->moved.sp = m->sp;
	arch->set_ip(task->regs, task->regs_len, m->ip);
	if (m->sp)
		arch->add_sp(task->regs, task->regs_len, m->sp);
	if (m->fix_rcx)
		arch->fix_rcx(task->regs, task->regs_len, raw, m->ip);
}

/* Fresh from the kernel. */
void tl__slot_loaded(struct tl_task *task)
{
	struct tl__space *sp = task->sited ? task->sited->space : NULL;
	const struct tl__mark *m;
	struct tl__patch *p;
	uint64_t raw;

	task->moved.on = false;
	if (!sp || SLIST_EMPTY(&sp->areas))
		return;
	raw = sp->arch->get_ip(task->regs, task->regs_len);
	p = tl__area_patch_at(sp, raw);
	m = p ? mark_at(p, raw) : NULL;
	if (m)
		show(task, p, m, raw);
}

/* Into a slot, from a stop at the breakpoint. */
void tl__slot_enter(struct tl_task *task, struct tl__patch *p)
{
	show(task, p, &p->d.marks[0], p->slot);
	task->regs_dirty = true;
}

/* What the kernel is to have: shown is where an engine sees it, or was put back to. */
void tl__slot_raw(struct tl_task *task, void *regs)
{
	const struct tl__arch *arch = tl__arch_of_gpr(task->regs_len);
	uint64_t ip = arch->get_ip(regs, task->regs_len);

	if (!task->moved.on)
		return;
	if (ip == task->moved.shown) {
		arch->set_ip(regs, task->regs_len, task->moved.raw);
		if (task->moved.sp)
			arch->add_sp(regs, task->regs_len, -task->moved.sp);
	} else if (ip == task->moved.addr) {
		arch->set_ip(regs, task->regs_len, task->moved.slot);
	}
}

/* For good. */
void tl__slot_leave(struct tl_task *task)
{
	if (!task->moved.on)
		return;
	task->moved.on = false;
	task->regs_dirty = true;
}
