/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tasks that tools trace through us: one engine each, and what it reports, in ptrace(2)'s words. */
#define _GNU_SOURCE
#include "broker.h"
#include "peer.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <trapline/decode.h>
#include <unistd.h>

/* What is known of a process's text goes with the last of its tasks that anybody traces. */
static void forget_process(struct tl__broker *b, pid_t tgid)
{
	const struct tl__tracee *t;

	if (!tl__breaks_of(b, tgid))
		return;
	TAILQ_FOREACH (t, &b->tracees, link)
		if (t->tgid == tgid)
			return;
	tl__breaks_forget(b, tgid);
}

static void tracee_free(struct tl__tracee *t)
{
	if (tl__hash_get(&t->broker->by_tid, (uint64_t)t->tid) == t)
		tl__hash_del(&t->broker->by_tid, (uint64_t)t->tid);
	TAILQ_REMOVE(&t->broker->tracees, t, link);
	forget_process(t->broker, t->tgid);
	tl_task_unref(t->task);
	free(t);
}

static void drop(struct tl__link *l)
{
	struct tl__tracee *t = l->tracee;

	if (t->at == l) {
		t->at = tl__chain_next(t, l);
		t->shown = false;
	}
	tl__debugregs_left(l);
	/* The kernel has been asked for it, and may stop a killed task so before it hears
	 * otherwise: that one must not be held then. */
	t->leaves |= (l->v.options & TL__OPT_EXIT) != 0;
	TAILQ_REMOVE(&t->links, l, of_tracee);
	TAILQ_REMOVE(&l->tool->links, l, of_tool);
	tl__shortcut_news(l->tool);
	free(l);
}

void tl__link_unlink(struct tl__link *l)
{
	struct tl__tracee *t = l->tracee;

	t->pins++;
	drop(l);
	tl__tracee_settle(t);
	t->pins--;
	if (!t->engine && TAILQ_EMPTY(&t->links))
		tracee_free(t);
}

/* A SIGSTOP whose sender has seen it. */
static bool is_told(struct tl__tracee *t, const struct tl_event *ev)
{
	if (ev->signal.signo != SIGSTOP || ev->signal.code != SI_TKILL || !t->swallow ||
	    ev->signal.pid != t->swallow)
		return false;
	t->swallow = 0;
	return true;
}

/* The next event, which this signal is, has gone by them. */
static void spare_injectors(struct tl__tracee *t, int sig)
{
	struct tl__link *l;

	TAILQ_FOREACH (l, &t->links, of_tracee)
		if (l->injects == sig) {
			l->seen = t->events + 1;
			l->injects = 0;
		}
}

bool tl__tracee_sent_info(const struct tl__tracee *t, const void *info, uint8_t ret[TL__INFO_SIZE])
{
	siginfo_t si;

	memcpy(&si, info, sizeof(si));
	if (si.si_code != SI_TKILL || si.si_pid != getpid())
		return false;
	if (t->sent & tl__signal_bit(si.si_signo)) {
		si = (siginfo_t){ .si_signo = si.si_signo, .si_code = SI_KERNEL };
	} else if (si.si_signo == SIGCHLD && t->chld_owed) {
		memcpy(&si, t->chld_info, sizeof(si));
	} else {
		si.si_code = SI_USER;
		si.si_pid = t->sender;
		si.si_uid = t->sender_uid;
	}
	memcpy(ret, &si, TL__INFO_SIZE);
	return true;
}

static tl_verdict on_signal(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	struct tl__happening h = { .what = TL__WHAT_SIGNAL,
				   .sig = ev->signal.signo,
				   .info = ev->signal.info };
	struct tl__tracee *t = tl_engine_data(e);
	uint8_t info[TL__INFO_SIZE];

	(void)task;
	tl__breaks_met(t, ev->signal.signo, ev->signal.info);
	tl__debugregs_met(t, ev->signal.signo, ev->signal.info);
	if (tl__lifted_owns(t, ev->signal.signo, ev->signal.info, NULL) || is_told(t, ev)) {
		tl__ignore(tl_signal_set(task, 0, NULL));
		return tl__chain_report(e, &(struct tl__happening){ .what = TL__WHAT_QUIET });
	}
	if (tl__tracee_sent_info(t, ev->signal.info, info)) {
		spare_injectors(t, ev->signal.signo);
		t->sent &= ~tl__signal_bit(ev->signal.signo);
		t->chld_owed &= ev->signal.signo != SIGCHLD;
		h.info = info;
		tl__ignore(tl_signal_set(task, ev->signal.signo, info));
	}
	return tl__chain_report(e, &h);
}

static tl_verdict on_plain(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	static const enum tl__what whats[] = { [TL_EVENT_QUIESCE] = TL__WHAT_QUIET,
					       [TL_EVENT_SYSCALL_ENTRY] = TL__WHAT_ENTRY,
					       [TL_EVENT_SYSCALL_EXIT] = TL__WHAT_EXIT,
					       [TL_EVENT_VFORK_DONE] = TL__WHAT_VFORK_DONE };
	struct tl__happening h = { .what = whats[ev->type] };
	struct tl__tracee *t = tl_engine_data(e);

	(void)task;
	if (ev->type == TL_EVENT_VFORK_DONE)
		h.msg = (uint64_t)t->vforked;
	if (ev->type == TL_EVENT_SYSCALL_ENTRY)
		t->in_ptrace = tl__tool_find(t->broker, t->tgid) &&
			       ev->syscall.nr == tl_syscall_number(ev->syscall.abi, "ptrace");
	return tl__chain_report(e, &h);
}

enum { GETSIGINFO = TL__REQ_GETSIGINFO };

static tl_verdict on_step(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	struct tl__happening h = { .what = TL__WHAT_STEP };
	siginfo_t info = { .si_signo = SIGTRAP };
	struct tl__tracee *t = tl_engine_data(e);

	if (ev->step.kind == TL_STEP_KIND_SYSCALL) {
		info.si_code = TL__BY_HOST(TRAP_BRKPT, 0);
		h.info = &info;
		h.call = true;
	} else if (tl_task_request(task, GETSIGINFO, 0, 0, &info, sizeof(info)) >= 0) {
		h.info = &info;
		tl__debugregs_stepped(t, &info);
	}
	/* Behind a call's exit, which somebody looks at yet. */
	if (h.info && !t->passing && (t->at || tl__chain_is_held(t))) {
		memcpy(t->step_info, &info, sizeof(info));
		t->step_owed = true;
		t->step_call = h.call;
		return TL_HOLD_STOP;
	}
	return tl__chain_report(e, &h);
}

static tl_verdict on_group_stop(struct tl_engine *e, struct tl_task *task,
				const struct tl_event *ev)
{
	struct tl__happening h = { .what = ev->group_stop.signo ? TL__WHAT_GROUP_STOP
								: TL__WHAT_GROUP_END,
				   .sig = ev->group_stop.signo };

	(void)task;
	return tl__chain_report(e, &h);
}

static tl_verdict on_continued(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	struct tl__happening h = { .what = TL__WHAT_GROUP_END };

	(void)task;
	(void)ev;
	return tl__chain_report(e, &h);
}

static tl_verdict on_exec(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	struct tl__happening h = { .what = TL__WHAT_EXEC, .msg = (uint64_t)ev->exec.former_tid };
	struct tl__tracee *t = tl_engine_data(e);

	tl__breaks_forget(t->broker, t->tgid);
	tl__debugregs_forget(t);
	if (t->tid != tl_task_tid(task)) {
		struct tl__link *l;

		TAILQ_FOREACH (l, &t->links, of_tracee)
			if (l->tool->peer)
				tl__peer_tell(l, TL__GONE);
		if (tl__hash_get(&t->broker->by_tid, (uint64_t)t->tid) == t)
			tl__hash_del(&t->broker->by_tid, (uint64_t)t->tid);
		t->tid = tl_task_tid(task);
		tl__ignore(tl__hash_put(&t->broker->by_tid, (uint64_t)t->tid, t));
	}
	return tl__chain_report(e, &h);
}

static tl_verdict on_leaving(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	struct tl__happening h = { .what = TL__WHAT_LEAVING,
				   .msg = (uint64_t)(uint32_t)ev->exit.status };

	(void)task;
	tl__shortcuts_killed(tl_engine_data(e));
	return tl__chain_report(e, &h);
}

static tl_verdict on_seccomp(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	struct tl__happening h = { .what = TL__WHAT_SECCOMP, .msg = ev->seccomp.data };

	(void)task;
	return tl__chain_report(e, &h);
}

static const struct tl_engine_ops ops;

static struct tl__tracee *tracee_new(struct tl__broker *b, struct tl_task *task, pid_t tid)
{
	struct tl__tracee *t = calloc(1, sizeof(*t));
	struct tl__person p = { 0 };

	if (!t)
		return NULL;
	t->broker = b;
	t->tid = tid;
	t->task = task ? tl_task_ref(task) : NULL;
	t->now.what = TL__WHAT_QUIET;
	TAILQ_INIT(&t->links);
	TAILQ_INSERT_TAIL(&b->tracees, t, link);
	if (tl__person_read(tid, &p) == 0) {
		t->tgid = p.tgid;
		t->uid = p.uid;
	}
	if (tl__hash_put(&b->by_tid, (uint64_t)tid, t) < 0) {
		tracee_free(t);
		return NULL;
	}
	return t;
}

static struct tl__link *link_new(struct tl__tracee *t, struct tl__tool *tool, pid_t tracer)
{
	struct tl__link *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->tracee = t;
	l->tool = tool;
	l->tracer = tracer;
	l->order = ++tool->order;
	tl__tool_watch_tracer(tool, tracer);
	l->since = t->at ? t->events : 0;
	l->call = t->in_call ? TL__CALL_LATE : TL__CALL_UNSEEN;
	TAILQ_INSERT_TAIL(&t->links, l, of_tracee);
	TAILQ_INSERT_TAIL(&tool->links, l, of_tool);
	tl__shortcuts_linked(t);
	return l;
}

static void adopt(struct tl__tracee *child, const struct tl__link *from)
{
	struct tl__link *l = link_new(child, from->tool, from->tracer);

	if (!l)
		return;
	l->v.seized = from->v.seized;
	l->v.options = from->v.options;
	l->v.stop_owed = l->v.born = true;
}

/* NULL: nobody wants it. */
static void take(struct tl__tracee *child, struct tl_task *task)
{
	struct tl__link *l;

	if (child &&
	    tl_engine_attach(task, &ops, child, tl__chain_events(child), &child->engine) < 0) {
		while ((l = TAILQ_FIRST(&child->links)))
			drop(l);
		tracee_free(child);
		child = NULL;
	}
	if (!child)
		tl__ignore(tl_task_detach(task));
}

int tl__tracee_group_stop(const struct tl__broker *b, pid_t tgid)
{
	const struct tl__tracee *t;

	TAILQ_FOREACH (t, &b->tracees, link)
		if (t->tgid == tgid && t->group_sig)
			return t->group_sig;
	return 0;
}

/* The child goes to those whose options say so. Nobody: it is let go. */
static void born(struct tl__tracee *t, struct tl_task *task, enum tl__what what)
{
	bool all = tl__makes_traced_child(t->task);
	struct tl__tracee *child = NULL;
	struct tl__link *l;

	TAILQ_FOREACH (l, &t->links, of_tracee) {
		if (!all && !tl__vlink_wants_birth(&l->v, what))
			continue;
		if (!child)
			child = tracee_new(t->broker, task, tl_task_tid(task));
		if (child) {
			child->unfiltered = t->unfiltered;
			/* A thread is born into it (task_join_group_stop). */
			child->group_sig = tl__tracee_group_stop(t->broker, child->tgid);
			adopt(child, l);
		}
	}
	if (child)
		tl__breaks_forked(t->broker, t->tgid, child->tgid);
	take(child, task);
}

/* Made with CLONE_PTRACE: the child goes to all who trace its parent, whatever their options. */
void tl__tracee_orphan(struct tl__broker *b, struct tl_task *task)
{
	pid_t tid = tl_task_tid(task);
	struct tl__tracee *t, *child = NULL;
	struct tl__person p;
	struct tl__link *l;

	if (tl__person_read(tid, &p) < 0)
		return;
	TAILQ_FOREACH (t, &b->tracees, link)
		if (t->engine && t->tgid == (p.tgid == tid ? p.ppid : p.tgid))
			break;
	if (t)
		child = tracee_new(b, task, tid);
	if (child)
		TAILQ_FOREACH (l, &t->links, of_tracee)
			adopt(child, l);
	take(child, task);
}

static tl_verdict on_clone(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	struct tl__happening h = { .what = TL__WHAT_CLONE, .msg = (uint64_t)ev->clone.tid };

	(void)task;
	if (ev->clone.kind == TL_CLONE_FORK)
		h.what = TL__WHAT_FORK;
	else if (ev->clone.kind == TL_CLONE_VFORK)
		h.what = TL__WHAT_VFORK;
	if (ev->clone.kind == TL_CLONE_VFORK)
		((struct tl__tracee *)tl_engine_data(e))->vforked = ev->clone.tid;
	if (ev->clone.child)
		born(tl_engine_data(e), ev->clone.child, h.what);
	return tl__chain_report(e, &h);
}

/* Whose child it was, if that is a tool; which hears of its end from the kernel, now that we have.
 */
static struct tl__tool *parent_of(const struct tl__tracee *t)
{
	struct tl__person p;

	if (t->tid != t->tgid || tl__person_read(t->tid, &p) < 0)
		return NULL;
	return tl__tool_find(t->broker, p.ppid);
}

static tl_verdict on_death(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	struct tl__tracee *t = tl_engine_data(e);
	struct tl__tool *parent = ev->exit.superseded ? NULL : parent_of(t), *told = NULL;
	struct tl__link *l, *next;
	bool linked = false;

	(void)task;
	if (t->tid == t->broker->first && !ev->exit.superseded)
		tl__first_tool_ended(t->broker, ev->exit.status);
	if (ev->exit.last_thread)
		tl__breaks_forget(t->broker, t->tgid);
	tl__shortcuts_killed(t);
	t->at = NULL;
	t->reporting = true; /* for good: nothing is left to be let go */
	for (l = TAILQ_FIRST(&t->links); l; l = next) {
		next = TAILQ_NEXT(l, of_tracee);
		if (ev->exit.superseded && l->tool->peer)
			tl__peer_tell(l, TL__GONE);
		if (ev->exit.superseded || (l->tool == parent && parent->peer)) {
			drop(l);
			continue;
		}
		if (!parent && tl__family_was_told(l)) {
			told = l->tool;
			drop(l);
			continue;
		}
		l->v.state = TL__LINK_DEAD;
		l->v.status = ev->exit.status;
		l->kernels = l->tool == parent;
		linked |= l->kernels;
		if (l->tool->peer) {
			tl__peer_tell(l, TL__DEAD);
			drop(l);
		} else if (!l->kernels) {
			tl__tool_tell(l);
		}
	}
	if (parent && parent->peer) {
		tl__peer_tell_child(parent, t->tid);
	} else if (parent) {
		if (!linked)
			tl__family_ended(parent, t->tid);
		tl__waits_look(parent);
	}
	if (told)
		tl__waits_look(told);
	return 0;
}

/* Its tracer has reaped it, and is to be told here. */
void tl__tracee_died(struct tl__tool *tool, pid_t tid, pid_t tgid, pid_t tracer, uint32_t options,
		     int status)
{
	struct tl__tracee *t = tracee_new(tool->broker, NULL, tid);
	struct tl__link *l;

	if (!t)
		return;
	t->tgid = tgid;
	t->reporting = true;
	tl__hash_del(&tool->broker->by_tid, (uint64_t)tid);
	l = link_new(t, tool, tracer);
	if (!l) {
		tracee_free(t);
		return;
	}
	l->v.seized = true;
	l->v.options = options;
	l->v.state = TL__LINK_DEAD;
	l->v.status = status;
	tl__tool_tell(l);
}

static void on_release(struct tl_engine *e, void *data)
{
	struct tl__tracee *t = data;

	(void)e;
	t->engine = NULL;
	if (tl__hash_get(&t->broker->by_tid, (uint64_t)t->tid) == t)
		tl__hash_del(&t->broker->by_tid, (uint64_t)t->tid);
	if (TAILQ_EMPTY(&t->links) && !t->pins)
		tracee_free(t);
}

static const struct tl_engine_ops ops = {
	.size = sizeof(ops),
	.name = "broker",
	.quiesce = on_plain,
	.signal = on_signal,
	.syscall_entry = on_plain,
	.syscall_exit = on_plain,
	.step = on_step,
	.exec = on_exec,
	.clone = on_clone,
	.vfork_done = on_plain,
	.group_stop = on_group_stop,
	.exit = on_leaving,
	.death = on_death,
	.seccomp = on_seccomp,
	.continued = on_continued,
	.release = on_release,
};

struct tl__tracee *tl__tracee_find(struct tl__broker *b, pid_t tid)
{
	return tl__hash_get(&b->by_tid, (uint64_t)tid);
}

struct tl__link *tl__tracee_stand_in(struct tl__peer *p, struct tl__tool *tool, pid_t tid,
				     pid_t tracer)
{
	struct tl__tracee *t = tl__tracee_find(p->broker, tid);
	struct tl__link *l;

	if (!t)
		t = tracee_new(p->broker, NULL, tid);
	if (!t)
		return NULL;
	t->peer = p;
	l = link_new(t, tool, tracer);
	if (!l && TAILQ_EMPTY(&t->links))
		tracee_free(t);
	tl__poke_waits(p->broker, tool->tgid);
	return l;
}

static int seize(struct tl__broker *b, pid_t tid, uint32_t options, struct tl__tracee **ret)
{
	struct tl__tracee *t = tracee_new(b, NULL, tid);
	uint32_t events = options & (TL__OPT_FORK | TL__OPT_VFORK | TL__OPT_CLONE)
				  ? TL_EVENTS(TL_EVENT_CLONE)
				  : 0;
	int r;

	if (!t)
		return -ENOMEM;
	if (options & TL__OPT_EXIT)
		events |= TL_EVENTS(TL_EVENT_EXIT);
	if (options & TL__OPT_SECCOMP)
		events |= TL_EVENTS(TL_EVENT_SECCOMP);
	r = tl_session_seize(b->session, tid, &ops, t, events | tl__chain_events(t), &t->engine);
	/* Visited just now. */
	if (r == -EEXIST)
		r = tl_engine_attach(tl_task_find(b->session, tid), &ops, t,
				     events | tl__chain_events(t), &t->engine);
	if (r < 0) {
		tracee_free(t);
		return r;
	}
	t->task = tl_task_ref(tl_engine_task(t->engine));
	*ret = t;
	return 0;
}

int tl__tracee_link(struct tl__broker *b, pid_t tid, struct tl__tool *tool, pid_t tracer,
		    bool seized, uint32_t options, bool stop, struct tl__link **ret)
{
	struct tl__tracee *t = tl__tracee_find(b, tid);
	struct tl__link *l;
	bool first = !t;
	int r = t ? 0 : seize(b, tid, options, &t);

	if (r < 0)
		return r;
	TAILQ_FOREACH (l, &t->links, of_tracee)
		if (l->tool == tool)
			return -EPERM;
	l = link_new(t, tool, tracer);
	if (!l)
		return -ENOMEM;
	l->v.seized = seized;
	l->v.options = options;
	l->v.stop_owed = stop;
	l->v.group_owed = !first && t->group_sig;
	t->checks = first ? 0 : TL__CHECKS;
	*ret = l;
	/* Children that are older are told of before it. */
	if (!tool->peer)
		tl__family_look(tool);
	tl__poke_waits(b, tool->tgid);
	tl__tracee_settle(t);
	return 0;
}
