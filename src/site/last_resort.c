/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What stands in for us when we are killed: a handler for SIGTRAP in the tracee, which goes on in
 * the slots, and the guardian, which restores the text.
 *
 * The handler is one that the program could see, if it asked; where it has one of its own there is
 * none of ours, and the guardian alone has to be fast enough. A program that sets SIGTRAP while we
 * are there has its will.
 *
 * A thread that meets a breakpoint with SIGTRAP blocked has it no longer blocked, and the handler
 * is gone (force_sig_info_to_task). That the handler is gone tells of it: both are put back.
 */
#include "agent.h"
#include "compat.h"
#include "site.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum { BELOW_STACK = 1024 };

static uint64_t head_field(struct tl__space *sp, size_t offset)
{
	return SLIST_FIRST(&sp->areas)->start + offset;
}

static bool has(struct tl__space *sp, const char *field)
{
	struct tl_task *task = tl__space_task(sp);
	struct tl__sys *sys = sp->session->sys;
	char status[4096];

	return task &&
	       sys->ops->proc_read(sys, task->tid, TL__PROC_STATUS, status, sizeof(status)) > 0 &&
	       tl__proc_field_hex(status, field) >> (SIGTRAP - 1) & 1;
}

static void guard(struct tl__space *sp)
{
	struct tl_task *task = tl__space_task(sp);
	struct tl__sys *sys = sp->session->sys;
	struct tl__guard *g;
	struct tl__guarded text = { .area = SLIST_FIRST(&sp->areas)->start,
				    .owner = sp->owner,
				    .len = sp->arch->breakpoint_len };
	int mem;

	if (!task || !sys->ops->open_mem)
		return;
	g = tl__session_guard(sp->session);
	mem = g ? sys->ops->open_mem(sys, task->tid) : -1;
	if (mem < 0)
		return;
	memcpy(text.breakpoint, sp->arch->breakpoint, sizeof(text.breakpoint));
	sp->resort.guard = tl__guard_text(g, mem, &text);
	close(mem);
}

static void drop(struct tl__space *sp)
{
	if (sp->resort.guard >= 0)
		tl__guard_drop_text(sp->session->guard, sp->resort.guard);
	sp->resort.guard = -1;
}

static void write_flags(struct tl__space *sp)
{
	uint32_t flags = (sp->resort.ignored ? TL__AREA_WAS_IGNORED : 0) |
			 (sp->resort.handles ? TL__AREA_HANDLES : 0);

	tl__ignore(tl__mem_write_raw(tl__space_task(sp), head_field(sp, TL__HEAD_FLAGS), &flags,
				     sizeof(flags)) < 0);
}

/* The first area's head says so; the kernel has the last word. */
void tl__last_resort_adopt(struct tl__space *sp, uint32_t flags)
{
	sp->resort.settled = sp->resort.handles = flags & TL__AREA_HANDLES && has(sp, "SigCgt");
	sp->resort.ignored = flags & TL__AREA_WAS_IGNORED;
}

static void installed(struct tl_task *task, int64_t ret, void *data)
{
	struct tl__space *sp = data;

	(void)task;
	sp->mapping = false;
	sp->work = true;
	sp->resort.settled = true;
	sp->resort.lost = false;
	sp->resort.handles = ret == 0;
}

static bool call(struct tl__space *sp, uint64_t action, uint64_t old, tl__remote_done *done)
{
	struct tl_task *task = tl__space_caller(sp);
	uint64_t args[6] = { SIGTRAP, action, old, 8 };

	if (!task)
		return false;
	if (tl__remote(task, sp->arch->known.rt_sigaction, args, done, sp) == -EINPROGRESS)
		sp->mapping = true;
	else
		done(task, -1, sp);
	return !sp->mapping;
}

/* True when breakpoints may be written. */
bool tl__last_resort_begin(struct tl__space *sp)
{
	if (sp->resort.guard < 0)
		guard(sp);
	if (sp->resort.settled && !sp->resort.lost)
		return true;
	if (has(sp, "SigCgt")) {
		sp->resort.settled = true;
		sp->resort.lost = false;
		return true;
	}
	if (!sp->resort.lost)
		sp->resort.ignored = has(sp, "SigIgn");
	sp->resort.handles = true;
	write_flags(sp);
	return call(sp, head_field(sp, offsetof(struct tl__area_head, trap)), 0, installed);
}

static void put_back(struct tl_task *task, int64_t ret, void *data)
{
	struct tl__space *sp = data;

	(void)task;
	(void)ret;
	sp->mapping = false;
	sp->work = true;
	sp->resort.handles = sp->resort.found = false;
	/* The area may have to stay. */
	write_flags(sp);
}

static uint64_t scratch(struct tl_task *task)
{
	const struct tl__arch *arch = tl__regs_arch(task);

	return arch ? (arch->get_sp(task->regs, task->regs_len) - BELOW_STACK) & ~(uint64_t)15 : 0;
}

static bool is_ours(const struct tl__space *sp, uint64_t handler)
{
	const struct tl__area *a;

	SLIST_FOREACH (a, &sp->areas, link)
		if (handler == a->start + TL__HEAD_CODE)
			return true;
	return false;
}

/* One that the program has set meanwhile stays. Where there is no stack to look by, it is ours. */
static void found(struct tl_task *task, int64_t ret, void *data)
{
	struct tl__space *sp = data;
	uint64_t handler = 0;
	uint8_t word = sp->arch->word;

	sp->mapping = false;
	sp->work = true;
	sp->resort.found =
		ret == -EFAULT ||
		(ret == 0 && tl__mem_read_raw(task, scratch(task), &handler, word) == word &&
		 is_ours(sp, handler));
	sp->resort.handles = sp->resort.found;
}

/* Text is as it was; now the handler goes. */
bool tl__last_resort_end(struct tl__space *sp)
{
	struct tl_task *task;

	drop(sp);
	if (!sp->resort.handles || SLIST_EMPTY(&sp->areas))
		return true;
	if (!has(sp, "SigCgt")) {
		sp->resort.handles = false;
		return true;
	}
	task = tl__space_caller(sp);
	if (!task)
		return false;
	if (!sp->resort.found)
		return call(sp, 0, scratch(task), found) && tl__last_resort_end(sp);
	return call(sp, head_field(sp, sp->resort.ignored ? TL__HEAD_IGNORE : TL__HEAD_NONE), 0,
		    put_back);
}

/* Is it that many? Some library blocks all signals for a moment. */
static bool is_most(uint64_t mask)
{
	return __builtin_popcountll(mask) > 32;
}

/*
 * At a breakpoint's stop: the kernel may have changed the thread's mask to deliver it. To look at
 * each would cost as much as the stop; only where something else is blocked it is looked at.
 */
void tl__last_resort_check(struct tl_task *task)
{
	struct tl__space *sp = task->sited->space;
	struct tl__sys *sys = task->session->sys;
	uint64_t mask = 0, trap = 1u << (SIGTRAP - 1);
	bool blocked;

	if (!sp->resort.handles || !sp->resort.settled ||
	    tl__pt_buf(sys, TL__PT_GETSIGMASK, task->tid, sizeof(mask), &mask, sizeof(mask)) < 0 ||
	    !mask)
		return;
	/* Gone already, by this hit or another's: what it had the last time tells. */
	if (sp->resort.lost)
		blocked = is_most(mask) || (mask | trap) == task->sited->mask;
	else
		blocked = !has(sp, "SigCgt");
	task->sited->mask = blocked ? mask | trap : 0;
	if (!blocked)
		return;
	mask |= trap;
	tl__ignore(tl__pt_buf(sys, TL__PT_SETSIGMASK, task->tid, sizeof(mask), &mask,
			      sizeof(mask)) < 0);
	sp->resort.lost = sp->work = true;
}

void tl__last_resort_gone(struct tl__space *sp)
{
	drop(sp);
}
