/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the tracee runs.
 *
 * A stop and restart costs five times as much across cores as on one, and it is the tracee that
 * must stay: moving only the tracer gains nothing. So while nothing would run beside it, a task is
 * held on the tracer's core; several tasks are, as long as each of them stops so often that the
 * tracer is what they wait for. What computes is set free: by us at the next stop of another, by
 * the guardian if there is none.
 *
 * The program keeps seeing its own mask through sched_getaffinity, and sched_setaffinity keeps its
 * meaning. (/proc/PID/status shows the truth.) Only tasks whose every call is traced are held, else
 * those two calls would pass unseen; and those that step, an instruction at a time. One whose calls
 * nobody asked for, but that comes by a site all the time, is hot: they are traced for that alone.
 */
#include "core.h"

#include <errno.h>
#include <string.h>

#define IN_KERNEL_NS 200000u /* a call that takes longer sleeps */
#define STOPPING_NS  100000u
enum { LOOK_AT_MOST = 32 };

/* In 1024ths of its stops: when a task becomes hot, and when it is not any more. Each of its calls
 * costs two stops then, of which ten are as dear as one across cores. */
enum { HOT_ABOVE = 512, HOT_BELOW = 128, COOL_SITES = 4096 };

static bool possible(const struct tl_session *s)
{
	return !s->place.off && s->sys->ops->set_affinity;
}

static bool active(const struct tl_task *task)
{
	return possible(task->session) && !task->filtered && tl__traces_calls(task);
}

static bool in_mask(const struct tl__cpumask *m, int cpu)
{
	return (unsigned)cpu < m->len * 8 && m->bits[cpu / 64] >> (cpu % 64) & 1;
}

/* Once a session, before anything is held: our own core is chosen, and we stay on it too. */
static bool begin(struct tl_session *s)
{
	struct tl__cpumask here = { 0 };
	struct tl__place *p = &s->place;

	if (p->begun)
		return true;
	p->cpu = s->sys->ops->current_cpu(s->sys);
	if (p->cpu < 0 || s->sys->ops->get_affinity(s->sys, 0, &p->own_mask) < 0 ||
	    !in_mask(&p->own_mask, p->cpu))
		goto off;
	if (!tl__session_guard(s))
		goto off;
	p->begun = true;
	here.len = p->own_mask.len;
	here.bits[p->cpu / 64] = 1ull << (p->cpu % 64);
	s->sys->ops->set_affinity(s->sys, 0, &here);
	return true;
off:
	p->off = true;
	return false;
}

static void note_held(struct tl_session *s, int change)
{
	s->place.held += (unsigned)change;
	tl__guard_watch(s->guard, s->place.held > 1);
}

/*
 * Gives a task its own mask back. If others stay on the core it is sent away from there first: the
 * balancer would only move it once it has stood in their way for a while.
 */
static void spread(struct tl_task *task)
{
	struct tl_session *s = task->session;
	struct tl__cpumask away = task->own_mask;

	away.bits[s->place.cpu / 64] &= ~(1ull << (s->place.cpu % 64));
	if (s->place.held > 1)
		s->sys->ops->set_affinity(s->sys, task->tid, &away);
	s->sys->ops->set_affinity(s->sys, task->tid, &task->own_mask);
}

static void let_go(struct tl_task *task, bool tell_kernel)
{
	struct tl_session *s = task->session;

	if (!task->held)
		return;
	task->held = false;
	if (tell_kernel && !task->slot->freed)
		spread(task);
	tl__guard_drop(s->guard, task->slot);
	task->slot = NULL;
	note_held(s, -1);
}

static void hold(struct tl_task *task)
{
	struct tl_session *s = task->session;
	struct tl__cpumask here = { 0 };

	if (task->held && task->slot->freed)
		let_go(task, false);
	if (task->held || !begin(s))
		return;
	if (!task->own_mask.len &&
	    s->sys->ops->get_affinity(s->sys, task->tid, &task->own_mask) < 0)
		return;
	if (!in_mask(&task->own_mask, s->place.cpu))
		return;
	task->slot = tl__guard_hold(s->guard, task->tid, &task->own_mask);
	if (!task->slot)
		return;
	here.len = task->own_mask.len;
	here.bits[s->place.cpu / 64] = 1ull << (s->place.cpu % 64);
	task->held = true;
	note_held(s, 1);
	if (s->sys->ops->set_affinity(s->sys, task->tid, &here) < 0)
		let_go(task, false);
}

/* Would it use a core right now, as far as our books tell? */
static bool runnable(const struct tl_task *task, uint64_t now)
{
	if (task->state != TL__TASK_RUNNING)
		return false;
	return !(task->track.in_call && now > task->resumed_at + IN_KERNEL_NS);
}

static bool bound_by_stops(const struct tl_task *task, uint64_t now)
{
	uint64_t turn = task->held ? task->session->place.held : 1;

	return task->pace < STOPPING_NS && now < task->resumed_at + STOPPING_NS * 20 * turn;
}

static void note_site(struct tl_task *task)
{
	const struct tl_session *s = task->session;
	bool site = task->stop.kind == TL__STOP_SITE;

	task->site_share =
		(uint16_t)(task->site_share + (site ? 1024 : 0) / 16 - task->site_share / 16);
	if (site && task->cool)
		task->cool--;
	if (task->hot && (task->site_share < HOT_BELOW || task->pace >= 4 * STOPPING_NS) &&
	    task->stop.kind != TL__STOP_ENTRY) {
		task->hot = false;
		task->cool = COOL_SITES;
	} else if (!task->hot && site && task->site_share > HOT_ABOVE && !task->cool &&
		   !task->filtered && task->pace < 3 * STOPPING_NS) {
		task->hot = !s->place.off && s->sys->ops->set_affinity;
	}
}

void tl__place_stopped(struct tl_task *task)
{
	uint64_t took = task->stop.time - task->resumed_at;

	if (task->sited)
		note_site(task);
	if (!task->resumed_at)
		return;
	/* On a shared core most of that was the others' turn. */
	if (task->held)
		took /= task->session->place.held;
	if (took > 4 * STOPPING_NS)
		took = 4 * STOPPING_NS;
	task->pace = (uint32_t)((task->pace * 3ull + took) / 4);
	if (task->slot)
		__atomic_store_n(&task->slot->running_since, 0, __ATOMIC_RELEASE);
}

/* Who else would use a core now. Held tasks that turn out to compute are freed on the way. */
static unsigned runnable_others(struct tl_task *task, uint64_t now)
{
	struct tl_task *other;
	unsigned found = 0;
	int looked = 0;

	TAILQ_FOREACH (other, &task->session->tasks, link) {
		if (++looked > LOOK_AT_MOST)
			break;
		if (other == task || !runnable(other, now))
			continue;
		found++;
		if (!bound_by_stops(other, now))
			let_go(other, true);
	}
	return found;
}

void tl__place_resuming(struct tl_task *task, enum tl__pt_request req)
{
	uint64_t now = task->stop.time;

	if (!active(task) || task->detach_wanted) {
		/* Of a step that is decided when the instruction is known. */
		if (task->held && req != TL__PT_SINGLESTEP)
			let_go(task, true);
		task->resumed_at = task->sited ? now : 0;
		return;
	}
	task->resumed_at = now;
	/* One that computes between its calls stays where it is, or every call would move it twice.
	 */
	if (runnable_others(task, now) && task->pace >= STOPPING_NS)
		let_go(task, true);
	else
		hold(task);
	if (task->slot)
		__atomic_store_n(&task->slot->running_since, now, __ATOMIC_RELEASE);
}

/* One instruction: unless that is a call, nobody looks at the mask meanwhile. */
void tl__place_stepping(struct tl_task *task)
{
	if (!possible(task->session) || active(task))
		return;
	if (!task->stepped_call && !task->detach_wanted)
		hold(task);
	else if (task->held)
		let_go(task, true);
}

/* The kernel copies the narrowed mask: so is the knowledge of the wide one. */
void tl__place_born(struct tl_task *child, const struct tl_task *parent)
{
	if (!parent->held || child->held || parent->slot->freed)
		return;
	child->own_mask = parent->own_mask;
	child->slot = tl__guard_hold(child->session->guard, child->tid, &child->own_mask);
	if (child->slot) {
		child->held = true;
		note_held(child->session, 1);
	} else {
		child->session->sys->ops->set_affinity(child->session->sys, child->tid,
						       &child->own_mask);
	}
}

void tl__place_release(struct tl_task *task)
{
	let_go(task, true);
}

void tl__place_gone(struct tl_task *task)
{
	let_go(task, false);
}

static bool is_affinity_call(const struct tl_task *task, const struct tl__arch *arch)
{
	return task->call.nr == arch->known.sched_getaffinity ||
	       task->call.nr == arch->known.sched_setaffinity;
}

void tl__place_entry(struct tl_task *task)
{
	const struct tl__arch *arch = tl__syscall_arch(task);

	if (arch && task->session->place.held && is_affinity_call(task, arch))
		task->exit_wanted = true;
}

static struct tl_task *target_of(struct tl_task *task)
{
	if (!task->call.args[0])
		return task;
	return tl__task_find(task->session, (pid_t)task->call.args[0]);
}

void tl__place_exit(struct tl_task *task)
{
	const struct tl__arch *arch = tl__syscall_arch(task);
	struct tl_task *target;

	if (!arch || !task->session->place.held || !is_affinity_call(task, arch) ||
	    task->call.ret < 0)
		return;
	target = target_of(task);
	if (!target || !target->held)
		return;
	if (task->call.nr == arch->known.sched_getaffinity) {
		size_t n = (size_t)task->call.ret;

		if (n > target->own_mask.len)
			n = target->own_mask.len;
		if (tl__mem_write(task, task->call.args[2], target->own_mask.bits, n) < 0)
			return;
		return;
	}
	/* The new mask replaced ours in the kernel; it is the program's own from now on. */
	let_go(target, false);
	target->own_mask.len = 0;
}

void tl__place_done(struct tl_session *s)
{
	if (s->place.begun)
		s->sys->ops->set_affinity(s->sys, 0, &s->place.own_mask);
	s->place.begun = false;
}
