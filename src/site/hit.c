/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stops that have to do with sites: a breakpoint of ours, a signal in a slot, a step through one.
 *
 * A signal's handler is to find the program's own addresses, so a thread leaves its slot for it.
 * Where the instruction has not been executed it comes again behind the handler, by the breakpoint:
 * that is not another hit. (A handler that never returns there leaves the note behind; where the
 * thread comes by with the same stack, a hit too few makes up for the one too many.)
 */
#include "site.h"

#include "compat.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

enum { SI_KERNEL_ = 0x80, TRACE = 2, AGAIN_MAX = 8 };

static bool is_breakpoint(const struct tl_task *task)
{
	const struct tl__stop *stop = &task->stop;

	return stop->kind == TL__STOP_SIGNAL && stop->sig == SIGTRAP &&
	       tl__stop_code(stop) == task->sited->space->arch->breakpoint_code;
}

static void again_note(struct tl_task *task)
{
	struct tl__sited *st = task->sited;
	const struct tl__arch *arch = st->space->arch;

	if (st->nagain == AGAIN_MAX)
		memmove(&st->again[0], &st->again[1], sizeof(st->again[0]) * --st->nagain);
	st->again[st->nagain].ip = task->moved.addr;
	st->again[st->nagain++].sp = arch->get_sp(task->regs, task->regs_len);
}

static bool again_take(struct tl_task *task, uint64_t ip)
{
	struct tl__sited *st = task->sited;
	uint64_t sp = st->space->arch->get_sp(task->regs, task->regs_len);

	for (unsigned i = st->nagain; i-- > 0;)
		if (st->again[i].ip == ip && st->again[i].sp == sp) {
			memmove(&st->again[i], &st->again[i + 1],
				sizeof(st->again[0]) * (--st->nagain - i));
			return true;
		}
	return false;
}

static void tell(struct tl__patch *p, struct tl_task *task)
{
	struct tl_hit hit = { .size = sizeof(hit), .time = task->stop.time, .ip = p->addr };
	struct tl_site *site;

	p->calling++;
	TAILQ_FOREACH (site, &p->sites, link)
		if (!site->removed && site->state == TL_SITE_ARMED && site->ops->hit)
			site->ops->hit(site, task, &hit);
	p->calling--;
}

/* The patch whose breakpoint this is. */
static struct tl__patch *patch_hit(struct tl_task *task)
{
	const struct tl__arch *arch = task->sited->space->arch;

	if (tl__regs_arch(task) != arch)
		return NULL;
	return tl__patch_find(task->sited->space,
			      arch->get_ip(task->regs, task->regs_len) - arch->breakpoint_advance);
}

/* Of ours, or with another number of the program's own. */
static bool is_any_breakpoint(const struct tl__arch *arch, const uint8_t *insn)
{
	for (unsigned i = 0; i < arch->breakpoint_len; i++)
		if ((insn[i] ^ arch->breakpoint[i]) & arch->breakpoint_mask[i])
			return false;
	return true;
}

/* Executed before it was taken away: the instruction that stands there now is still to come. */
static bool is_stale(struct tl_task *task)
{
	const struct tl__arch *arch = task->sited->space->arch;
	uint64_t ip;
	uint8_t now[4], before;

	if (tl__regs_arch(task) != arch || task->moved.on)
		return false;
	ip = arch->get_ip(task->regs, task->regs_len) - arch->breakpoint_advance;
	if (tl__mem_read_raw(task, ip, now, arch->breakpoint_len) != arch->breakpoint_len ||
	    is_any_breakpoint(arch, now))
		return false;
	/* int 3 in two bytes */
	if (arch->breakpoint_advance && now[0] == 3 &&
	    tl__mem_read_raw(task, ip - 1, &before, 1) == 1 && before == 0xcd)
		return false;
	arch->set_ip(task->regs, task->regs_len, ip);
	task->regs_dirty = true;
	return true;
}

/* The same, of one that went away with its page. */
static bool is_moved(struct tl_task *task)
{
	const struct tl__arch *arch = task->sited->space->arch;

	if (tl__regs_arch(task) == arch)
		tl__text_moved(task->sited->space,
			       arch->get_ip(task->regs, task->regs_len) - arch->breakpoint_advance);
	return is_stale(task);
}

static bool breakpoint(struct tl_task *task)
{
	struct tl__sited *st = task->sited;
	struct tl__patch *p = st->hit;
	bool stale = st->stale;

	st->hit = NULL;
	st->stale = false;
	if (!tl__regs_arch(task))
		return false;
	if (stale)
		return true;
	if (!p) {
		p = patch_hit(task);
		if (!p || !p->armed)
			return is_moved(task);
		tl__slot_enter(task, p);
	}
	tl__last_resort_check(task);
	task->stop.kind = TL__STOP_SITE;
	if (!again_take(task, p->addr))
		tell(p, task);
	return true;
}

/* A fault reports where it happened, and si_addr says so for some. */
static void correct_fault(struct tl_task *task)
{
	int code = tl__stop_code(&task->stop);
	siginfo_t si;

	memcpy(&si, task->stop.info, sizeof(si));
	if (code <= 0 || code == SI_KERNEL_ || (uint64_t)(uintptr_t)si.si_addr != task->moved.raw)
		return;
	si.si_addr = (void *)(uintptr_t)task->moved.addr;
	memcpy(task->stop.info, &si, sizeof(si));
	tl__ignore(tl__pt_buf(task->session->sys, TL__PT_SETSIGINFO, task->tid, 0, task->stop.info,
			      sizeof(task->stop.info)) < 0);
}

static bool step_goes_on(struct tl_task *task)
{
	if (tl__stop_code(&task->stop) != TRACE || !task->moved.on)
		return false;
	if (task->moved.done) {
		tl__slot_leave(task);
		return false;
	}
	tl__resume_claimed(task, task->last_request, 0);
	return true;
}

/* True: nothing is to be reported, and the task goes on as its engines want. */
bool tl__hit_stopped(struct tl_task *task)
{
	if (!task->sited->space || !task->sited->space->arch || task->stop.kind != TL__STOP_SIGNAL)
		return false;
	tl__load_siginfo(task);
	if (is_breakpoint(task) && breakpoint(task))
		return true;
	if (!tl__regs_arch(task) || !task->moved.on)
		return false;
	if (task->stop.sig == SIGTRAP && step_goes_on(task))
		return true;
	if (!task->moved.on)
		return false;
	correct_fault(task);
	/* A fault is of the instruction, which has come; whoever goes back to it comes anew. */
	if (!task->moved.done && !tl__is_fault(task->stop.sig, tl__stop_code(&task->stop)))
		again_note(task);
	tl__slot_leave(task);
	return false;
}

/* The stop is only peeked at so far: once it is taken the breakpoint is behind the thread. */
void tl__hit_secure(struct tl_task *task)
{
	struct tl__patch *p;

	if (!task->sited->space || !task->sited->space->arch)
		return;
	tl__load_siginfo(task);
	if (!is_breakpoint(task))
		return;
	p = patch_hit(task);
	if (p && p->armed) {
		tl__slot_enter(task, p);
		task->sited->hit = p;
	} else {
		task->sited->stale = is_moved(task);
	}
	tl__regs_flush(task);
}

/* A breakpoint's signal was about to be delivered when its patch became known (adopt.c). */
void tl__hit_late(struct tl_task *task)
{
	struct tl__patch *p;

	if (task->state != TL__TASK_STOPPED || task->stop.kind != TL__STOP_SIGNAL ||
	    task->deliver != SIGTRAP)
		return;
	tl__load_siginfo(task);
	if (!is_breakpoint(task))
		return;
	p = patch_hit(task);
	if (p && p->slot)
		tl__slot_enter(task, p);
	else if (!is_stale(task))
		return;
	task->deliver = 0;
}
