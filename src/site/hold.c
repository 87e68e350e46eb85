/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text is written while all threads of a space stand still; several changes at once.
 *
 * A thread that sleeps in the kernel and cannot be stopped (vfork) stands still, too: our interrupt
 * waits for it before its next instruction.
 */
#include "site.h"

#include "compat.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

enum { ROUNDS_MAX = 100, PAUSE_US = 1000 };

static bool wanted(const struct tl__patch *p)
{
	const struct tl_site *site;

	if (p->space->leaving)
		return false;
	TAILQ_FOREACH (site, &p->sites, link)
		if (!site->removed && site->state != TL_SITE_REFUSED)
			return true;
	return false;
}

static bool has_sites(const struct tl__patch *p)
{
	const struct tl_site *site;

	TAILQ_FOREACH (site, &p->sites, link)
		if (!site->removed)
			return true;
	return false;
}

/* Refused ones stay known, for who asks, until they are removed. */
static bool is_settled(const struct tl__patch *p)
{
	return wanted(p) == p->armed && (p->armed || (has_sites(p) && !p->space->leaving));
}

static bool all_settled(const struct tl__space *sp)
{
	const struct tl__patch *p;

	TAILQ_FOREACH (p, &sp->patches, link)
		if (!is_settled(p))
			return false;
	return !sp->leaving;
}

/* As /proc/TID/stat says. */
static bool has_state(struct tl_task *task, char state)
{
	struct tl__sys *sys = task->session->sys;
	char stat[512], *at;

	if (sys->ops->proc_read(sys, task->tid, TL__PROC_STAT, stat, sizeof(stat)) < 0)
		return false;
	at = strrchr(stat, ')');
	return at && at[1] == ' ' && at[2] == state;
}

static bool sleeps_for_good(struct tl_task *task)
{
	return task->interrupted && has_state(task, 'D');
}

static bool is_still(struct tl_task *task)
{
	return task->state == TL__TASK_STOPPED || task->state == TL__TASK_PARKED ||
	       sleeps_for_good(task);
}

/*
 * Has it executed a breakpoint, with an interrupt reported first? The signal is queued, and what it
 * is for would be gone when it comes.
 */
static bool owes_hit(struct tl_task *task)
{
	struct tl__sys *sys = task->session->sys;
	const struct tl__arch *arch = task->sited->space->arch;
	struct tl__patch *p;
	char status[4096];

	if (!arch || task->state != TL__TASK_STOPPED || task->stop.kind == TL__STOP_SITE ||
	    tl__regs_arch(task) != arch || task->moved.on)
		return false;
	p = tl__patch_find(task->sited->space,
			   arch->get_ip(task->regs, task->regs_len) - arch->breakpoint_advance);
	/* What is being taken over may have been restored by the guardian. */
	return p && (p->armed || task->sited->space->keep) &&
	       sys->ops->proc_read(sys, task->tid, TL__PROC_STATUS, status, sizeof(status)) > 0 &&
	       tl__proc_field_hex(status, "SigPnd") >> (SIGTRAP - 1) & 1;
}

static bool in_space(const struct tl_task *task, const struct tl__space *sp)
{
	return task->sited && task->sited->space == sp;
}

static bool all_still(struct tl__space *sp)
{
	struct tl_task *task;

	TAILQ_FOREACH (task, &sp->session->tasks, link) {
		if (!in_space(task, sp))
			continue;
		if (owes_hit(task))
			tl__resume_claimed(task, tl__resume_plain(task), task->deliver);
		if (!is_still(task))
			return false;
	}
	return true;
}

/* What runs next may change the list of tasks. */
static void control_all(struct tl__space *sp, tl_verdict want)
{
	struct tl_task *task, *next;

	for (task = TAILQ_FIRST(&sp->session->tasks); task; task = next) {
		next = TAILQ_NEXT(task, link);
		if (next)
			tl__task_ref(next);
		if (in_space(task, sp))
			tl__ignore(tl__engine_control(task->sited->engine, want) < 0);
		if (next && next->state == TL__TASK_GONE) {
			tl__task_unref(next);
			return control_all(sp, want);
		}
		if (next)
			tl__task_unref(next);
	}
}

/* Threads that are in its slot go on at its own place. */
void tl__slot_empty(struct tl__patch *p)
{
	struct tl__space *sp = p->space;
	bool empty = true;
	struct tl_task *task;

	if (!p->slot)
		return;
	TAILQ_FOREACH (task, &sp->session->tasks, link) {
		if (!in_space(task, sp))
			continue;
		if (task->state != TL__TASK_STOPPED && task->state != TL__TASK_PARKED)
			empty = false;
		else if (tl__regs_arch(task) && task->moved.on && task->moved.addr == p->addr) {
			task->moved.on = false;
			task->regs_dirty = true;
			tl__regs_flush(task);
		}
	}
	if (empty)
		tl__area_release(sp, p);
}

/* Who can make a call for us now. */
struct tl_task *tl__space_caller(struct tl__space *sp)
{
	struct tl_task *task, *other = NULL, *entering = NULL;

	TAILQ_FOREACH (task, &sp->session->tasks, link) {
		if (!in_space(task, sp) || task->state != TL__TASK_STOPPED)
			continue;
		if (task->stop.kind == TL__STOP_TRAP)
			return task;
		if (task->stop.kind == TL__STOP_ENTRY)
			entering = task;
		else if (task->stop.kind != TL__STOP_GROUP)
			other = task;
	}
	if (other)
		tl__task_bounce(other);
	else if (entering) /* through its call, which is broken if it sleeps */
		tl__ignore(tl__engine_control(entering->sited->engine, TL_HOLD_INTERRUPT) < 0);
	return NULL;
}

static void refuse(struct tl__patch *p, int error)
{
	const char *why = "no memory for its slot can be mapped in the process";

	if (error == -ENOSPC)
		why = "no free memory near enough for its slot";
	else if (error == -EACCES)
		why = "the program has a system call filter of its own, which only CAP_SYS_ADMIN "
		      "can suspend while memory for a slot is mapped";
	tl__space_tell(p, TL_SITE_REFUSED, error, why);
}

/* False: it has to be gone on with later. */
static bool make_room(struct tl__patch *p)
{
	struct tl__space *sp = p->space;
	struct tl_task *task = tl__space_caller(sp);
	int r = sp->map_error;

	if (!task)
		return false;
	sp->map_error = 0;
	if (r == 0)
		r = tl__area_map(sp, task, p->addr);
	if (r == -EINPROGRESS)
		return false;
	refuse(p, r);
	return true;
}

static bool apply(struct tl__patch *p)
{
	if (wanted(p)) {
		/* The program has written over it: its slot is of what stood there before. */
		tl__slot_empty(p);
		if (p->slot)
			tl__space_tell(p, TL_SITE_REFUSED, -EBUSY,
				       "a thread is still in the code that was there before");
		return p->slot || tl__text_arm(p) || make_room(p);
	}
	tl__text_disarm(p);
	tl__slot_empty(p);
	if (p->space->leaving)
		tl__space_tell(p, TL_SITE_GONE, 0, NULL);
	if ((!has_sites(p) || p->space->leaving) && !p->calling)
		tl__patch_free(p);
	return true;
}

/* What kind of program it is. False: none that there are sites in. */
static bool look(struct tl__space *sp)
{
	struct tl_task *task;

	TAILQ_FOREACH (task, &sp->session->tasks, link)
		if (!sp->arch && in_space(task, sp) && task->state == TL__TASK_STOPPED)
			sp->arch = tl__regs_arch(task);
	return sp->arch && sp->arch->displace && sp->arch->make_call;
}

static bool apply_all(struct tl__space *sp)
{
	struct tl__patch *p, *next;
	bool possible = look(sp);

	for (p = TAILQ_FIRST(&sp->patches); p; p = next) {
		next = TAILQ_NEXT(p, link);
		if (is_settled(p))
			tl__patch_sweep(p);
		else if (!possible && wanted(p))
			tl__space_tell(p, TL_SITE_REFUSED, -EOPNOTSUPP,
				       "no probes in programs of this kind");
		else if (!apply(p))
			return false;
	}
	return true;
}

/* Nobody is in a slot any more; but who sleeps in the kernel may come back to one. */
static bool unmap_all(struct tl__space *sp)
{
	struct tl_task *task;

	TAILQ_FOREACH (task, &sp->session->tasks, link)
		if (in_space(task, sp) && task->state != TL__TASK_STOPPED &&
		    task->state != TL__TASK_PARKED)
			return true;
	if (!tl__last_resort_end(sp))
		return false;
	while (!sp->keep && !SLIST_EMPTY(&sp->areas)) {
		task = tl__space_caller(sp);
		if (!task || !tl__area_unmap(sp, task))
			return false;
	}
	return true;
}

static void sweep(struct tl__space *sp)
{
	struct tl__patch *p;

	TAILQ_FOREACH (p, &sp->patches, link)
		tl__patch_sweep(p);
}

/* Before a breakpoint is written. */
static bool prepare(struct tl__space *sp)
{
	if (!sp->looked) {
		sp->looked = true;
		if (look(sp))
			tl__adopt(sp);
		/* Who has executed a breakpoint that was not known before. */
		if (!all_still(sp))
			return false;
	}
	return sp->leaving || SLIST_EMPTY(&sp->areas) || tl__last_resort_begin(sp);
}

/*
 * A handler will return, and what was found may be the rest of an old frame: let them run on a
 * little. Who has stopped by then, unheard, is not interrupted: that would break in on its next
 * run.
 */
static void run_on(struct tl__space *sp)
{
	struct tl_task *task;

	control_all(sp, TL_RUN);
	if (sp->session->sys->ops->pause)
		sp->session->sys->ops->pause(sp->session->sys, PAUSE_US);
	TAILQ_FOREACH (task, &sp->session->tasks, link)
		if (in_space(task, sp) && task->state != TL__TASK_STOPPED && has_state(task, 't')) {
			task->sited->engine->hold = TL_HOLD_STOP;
			task->quiesce_owed = true;
		} else if (in_space(task, sp)) {
			tl__ignore(tl__engine_control(task->sited->engine, TL_HOLD_STOP) < 0);
		}
}

void tl__space_work(struct tl__space *sp)
{
	struct tl_task *task;
	bool done;

	if (sp->mapping)
		return;
	sp->work = false;
	if (!sp->holding && sp->looked && !sp->resort.lost && all_settled(sp)) {
		sweep(sp);
		if (sp->asked)
			control_all(sp, TL_RUN);
		sp->asked = false;
		return;
	}
	if (!sp->holding) {
		sp->holding = true;
		control_all(sp, TL_HOLD_STOP);
	}
	if (!all_still(sp))
		return;
	tl__text_look(sp);
	done = prepare(sp) && apply_all(sp);
	tl__text_looked(sp);
	if (!done)
		return;
	/* Callbacks may have asked for more. */
	if (sp->work)
		return;
	if (sp->leaving && !tl__adopt_clear(sp))
		return;
	if (sp->leaving && sp->keep && sp->rounds++ < ROUNDS_MAX) {
		run_on(sp);
		return;
	}
	if (sp->leaving && !unmap_all(sp))
		return;
	sp->holding = sp->asked = false;
	sp->tasks++;
	if (!sp->leaving)
		control_all(sp, TL_RUN);
	while (sp->leaving && (task = tl__space_task(sp)))
		tl__engine_detach(task->sited->engine);
	sp->tasks--;
}
