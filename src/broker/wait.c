/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The wait family, for tools that have links: what a tracee's link has to tell is told from here,
 * what the kernel has to tell of other children the kernel tells.
 *
 * Semantics: wait(2), ptrace(2); kernel/exit.c (wait_consider_task): a tracee's stops are reported
 * whatever the options, its clone signal does not matter.
 */
#include "broker.h"
#include "clock.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { INFO_64 = 128, BY_PIDFD = 3 };

static bool parse_id(const struct tl__tool *tool, struct tl__wait *w, int32_t pid)
{
	struct tl__person p;

	w->kind = pid == -1 ? P_ALL : pid > 0 ? P_PID : P_PGID;
	w->id = pid > 0 ? pid : -pid;
	if (pid == 0) {
		if (tl__person_read(tool->tgid, &p) < 0)
			return false;
		w->id = p.pgrp;
	}
	return pid != INT32_MIN;
}

/* The kernel says what is wrong with others. */
static bool are_known(enum tl__served what, const struct tl__notice *n)
{
	const unsigned all = WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL;
	unsigned options = (unsigned)n->args[what == TL__SERVE_WAITID ? 3 : 2];

	if (what != TL__SERVE_WAITID)
		return !(options & ~all);
	return !(options & ~(all | WEXITED | WSTOPPED | WNOWAIT)) &&
	       options & (WEXITED | WSTOPPED | WCONTINUED);
}

/* What is wrong with a descriptor the kernel says. */
static bool parse_pidfd(const struct tl__notice *n, struct tl__wait *w)
{
	bool nonblock;

	w->id = tl__person_of_pidfd(n->tid, (int)n->args[1], &nonblock);
	w->kind = P_PID;
	if (w->id > 0 && nonblock && !(w->options & WNOHANG)) {
		w->again = true;
		w->options |= WNOHANG;
	}
	return w->id > 0;
}

static bool parse(const struct tl__tool *tool, const struct tl__notice *n, enum tl__served what,
		  struct tl__wait *w)
{
	memset(w, 0, sizeof(*w));
	if (!are_known(what, n))
		return false;
	if (what == TL__SERVE_WAITID) {
		w->kind = (int)n->args[0];
		w->id = (pid_t)n->args[1];
		w->info = n->args[2];
		w->options = (unsigned)n->args[3];
		w->usage = n->args[4];
		w->by_id = true;
		if (w->kind == P_PGID && w->id == 0)
			return parse_id(tool, w, 0);
		if (w->kind == BY_PIDFD)
			return parse_pidfd(n, w);
		return w->kind == P_ALL || w->kind == P_PID || w->kind == P_PGID;
	}
	w->status = n->args[1];
	w->options = (unsigned)n->args[2] | WEXITED;
	w->usage = what == TL__SERVE_WAIT4 ? n->args[3] : 0;
	return parse_id(tool, w, (int32_t)n->args[0]);
}

static bool is_meant(const struct tl__link *l, const struct tl__wait *w, pid_t caller)
{
	struct tl__person p;

	if (w->options & __WNOTHREAD && l->tracer != caller &&
	    !tl__family_is_eligible(l->tool, w, caller, l->tracee->tid))
		return false;
	switch (w->kind) {
	case P_ALL:
		return true;
	case P_PID:
		return l->tracee->tid == w->id;
	default:
		return tl__person_read(l->tracee->tid, &p) == 0 && p.pgrp == w->id;
	}
}

pid_t tl__wait_one(const struct tl__call *c)
{
	return c->wait.kind == P_PID ? c->wait.id : 0;
}

static int write_usage(const struct tl__call *c, unsigned word, const struct tl__tracee *t)
{
	int64_t usage[TL__USAGE_WORDS];
	int32_t narrow[TL__USAGE_WORDS];

	if (!c->wait.usage)
		return 0;
	if (t->usage_known)
		memcpy(usage, t->usage, sizeof(usage));
	else
		tl__person_usage(t->tid, usage);
	for (int i = 0; i < TL__USAGE_WORDS; i++)
		narrow[i] = (int32_t)usage[i];
	return word == 8 ? tl__caller_write(c->n.tid, c->wait.usage, usage, sizeof(usage))
			 : tl__caller_write(c->n.tid, c->wait.usage, narrow, sizeof(narrow));
}

/* A siginfo's head and its three words for a child, which begin where the machine's words align. */
static int write_info(const struct tl__call *c, unsigned word, const struct tl__link *l, int status)
{
	int32_t info[INFO_64 / 4] = { 0 };
	int32_t *child = info + (word == 8 ? 4 : 3);

	if (!c->wait.info)
		return 0;
	if (l) {
		info[0] = SIGCHLD;
		child[0] = l->tracee->tid;
		child[1] = (int32_t)l->tracee->uid;
		if (WIFSTOPPED(status)) {
			info[2] = CLD_TRAPPED;
			child[2] = status >> 8;
		} else {
			info[2] = WIFEXITED(status)   ? CLD_EXITED
				  : WCOREDUMP(status) ? CLD_DUMPED
						      : CLD_KILLED;
			child[2] = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
		}
	}
	return tl__caller_write(c->n.tid, c->wait.info, info, (char *)(child + 3) - (char *)info);
}

static int write_status(const struct tl__call *c, int32_t status)
{
	return c->wait.status ? tl__caller_write(c->n.tid, c->wait.status, &status, sizeof(status))
			      : 0;
}

static const struct tl__link *leader_of(const struct tl__link *l)
{
	const struct tl__link *other;

	TAILQ_FOREACH (other, &l->tool->links, of_tool)
		if (other->tracee->tid == l->tracee->tgid)
			return other;
	return NULL;
}

/* Of the tool's links to this process's threads, but for its leader's. */
static bool has_other_thread(const struct tl__link *l)
{
	const struct tl__link *other;

	TAILQ_FOREACH (other, &l->tool->links, of_tool)
		if (other != l && other->tracee->tgid == l->tracee->tgid &&
		    other->tracee->tid != l->tracee->tgid)
			return true;
	return false;
}

/* All threads of the process have ended, and the kernel has told that, or is about to. */
static bool is_all_dead(pid_t tgid)
{
	struct tl__person p;

	return tl__person_read(tgid, &p) < 0 || (p.state == 'Z' && p.threads == 1);
}

/*
 * What the kernel would not tell yet: a leader's end before those of all its other threads
 * (delay_group_leader). And what it would not tell without the next: where the last of these is
 * waited for, a leader that has ended can be at once. gdb, which takes a leader that it sees as a
 * zombie for gone, believes else that nothing is left to wait for.
 */
static bool is_early(const struct tl__link *l)
{
	bool leads = l->tracee->tid == l->tracee->tgid;
	const struct tl__link *leader;

	if (l->v.state != TL__LINK_DEAD)
		return false;
	if (leads)
		return has_other_thread(l);
	leader = has_other_thread(l) ? NULL : leader_of(l);
	return leader && leader->v.state != TL__LINK_DEAD && is_all_dead(l->tracee->tgid);
}

/* A thread is gone; it may have been the last but the leader, or but the one that calls exec. */
static void look_for_leader(struct tl__tool *tool, pid_t tgid)
{
	struct tl__link *l;

	/* The leader may be no tracee. */
	tool->leader_due |= !TAILQ_EMPTY(&tool->waiting);
	TAILQ_FOREACH (l, &tool->links, of_tool) {
		tool->leader_due |= l->tracee->tgid == tgid && tl__family_is_in_exec_stop(l);
		if (l->tracee->tid != tgid || l->v.state != TL__LINK_DEAD || is_early(l))
			continue;
		tool->leader_due = true;
		if (!l->kernels) {
			tl__sigchld_about(l, &tool->news);
			tool->news_owed = true;
		}
		return;
	}
}

/* What the kernel knows of its children is all that there is to know. */
static bool has_nothing(const struct tl__tool *tool)
{
	const struct tl__wait any = { .kind = P_ALL, .options = WNOHANG | WEXITED | __WALL };
	const struct tl__link *l;

	TAILQ_FOREACH (l, &tool->links, of_tool)
		if (l->tracee->peer || tl__vlink_status(&l->v) >= 0)
			return false;
	return tl__family_is_for_kernel(tool, &any);
}

/* There is nothing else to wait for. */
static bool is_all(struct tl__link *l)
{
	bool nothing;

	l->v.reported = true;
	nothing = has_nothing(l->tool);
	l->v.reported = false;
	return nothing;
}

/* A debugger's, which it makes all the time: the one that goes past the filter (bypass.h). */
static void go_past(struct tl__tool *tool, const struct tl__call *c, unsigned word)
{
	if (c->queued || word != 8 || c->wait.by_id || (int32_t)c->n.args[0] != -1 ||
	    (uint32_t)c->n.args[2] != (WNOHANG | (unsigned)__WALL) || !has_nothing(tool))
		return;
	tl__shortcut_met(tool->broker, tool, &c->n, TL__BYPASS_WAITS);
	tl__shortcut_waits(tool, true);
}

/* What it then sees without asking us. */
static void show_past(struct tl__link *l, const struct tl__call *c)
{
	struct tl__tool *tool = l->tool;

	if (tool->shortcut.state != TL__SHORTCUT_THERE || l->v.state == TL__LINK_DEAD ||
	    c->wait.options & WNOWAIT)
		return;
	tl__shortcut_stop(l, c->n.tid, is_all(l));
}

static void tell(struct tl__broker *b, const struct tl__call *c, unsigned word, struct tl__link *l,
		 int status)
{
	struct tl__tool *tool = l->tool;
	int64_t result = c->wait.by_id ? 0 : l->tracee->tid;

	if (!tl__notify_valid(b->listener, c->n.id))
		return;
	if (write_status(c, status) < 0 || write_info(c, word, l, status) < 0 ||
	    write_usage(c, word, l->tracee) < 0)
		result = -EFAULT;
	show_past(l, c);
	/* Taken back: it will be made again, and finds this then. */
	if (tl__reply_to(b, &c->n, result) < 0) {
		tl__shortcut_news(tool);
		return;
	}
	if (c->wait.options & WNOWAIT)
		return;
	if (l->v.state == TL__LINK_DEAD) {
		pid_t tgid = l->tracee->tgid;

		tl__link_unlink(l);
		look_for_leader(tool, tgid);
	} else {
		l->v.reported = true;
	}
	if (tool->shortcut.state == TL__SHORTCUT_THERE)
		tl__shortcut_waits(tool, has_nothing(tool));
}

/* Not by a call that a signal has broken off. */
static bool is_waiting(const struct tl__tool *tool)
{
	const struct tl__call *c;

	TAILQ_FOREACH (c, &tool->waiting, link)
		if (tl__notify_valid(tool->broker->listener, c->n.id))
			return true;
	return false;
}

/* A step's stop where nothing else can happen before that is waited for. */
void tl__wait_tell_ahead(struct tl__tool *tool)
{
	struct tl__link *l, *first = NULL;

	if (!tool->shortcut.waits || tool->shortcut.ahead || tool->has_others || is_waiting(tool))
		return;
	TAILQ_FOREACH (l, &tool->links, of_tool) {
		if (l->v.state != TL__LINK_STOPPED || (first && !l->v.reported))
			return;
		if (!l->v.reported)
			first = l;
	}
	if (first && is_all(first))
		tl__shortcut_ahead(first, tl__vlink_status(&first->v));
}

static void leave_to_kernel(struct tl__broker *b, const struct tl__notice *n)
{
	tl__waits_in_kernel(b, n->tid, true);
	tl__pass(b, n->id);
}

static bool is_zombie_of(pid_t pid, pid_t parent)
{
	struct tl__person p;

	return tl__person_read(pid, &p) == 0 && p.state == 'Z' && p.ppid == parent;
}

/* What this link has to tell: -2: it is none that the wait is for; -1: nothing. */
static int status_for(const struct tl__link *l, const struct tl__call *c)
{
	int status = is_meant(l, &c->wait, c->n.tid) ? tl__vlink_status(&l->v) : -2;

	if (status >= 0 && l->v.state == TL__LINK_DEAD &&
	    (is_early(l) || !(c->wait.options & WEXITED)))
		return -1;
	return status >= 0 && tl__family_is_in_exec(l) ? -1 : status;
}

/* The one that is told of first. *ret_any: there are some that may have something to tell. */
static struct tl__link *first_link(struct tl__tool *tool, const struct tl__call *c, bool *ret_any)
{
	struct tl__link *l, *next, *first = NULL;

	*ret_any = false;
	for (l = TAILQ_FIRST(&tool->links); l; l = next) {
		int status;

		next = TAILQ_NEXT(l, of_tool);
		if (l->kernels && !is_zombie_of(l->tracee->tid, tool->tgid)) {
			tl__link_unlink(l);
			continue;
		}
		status = status_for(l, c);
		*ret_any |= status != -2;
		if (status >= 0 && (!first || tl__family_is_before(l, first, &c->wait, c->n.tid)))
			first = l;
	}
	return first;
}

static void tell_of(struct tl__link *l, struct tl__call *c, unsigned word)
{
	struct tl__tool *tool = l->tool;

	if (l->kernels && tl__family_is_eligible(tool, &c->wait, c->n.tid, l->tracee->tid))
		leave_to_kernel(tool->broker, &c->n);
	else
		tell(tool->broker, c, word, l, tl__vlink_status(&l->v));
}

/* Other children may come first, once there have been some; and who asks for their stops, or does
 * not block, is told of them now. */
static void look_for_others(struct tl__tool *tool, const struct tl__wait *w, bool found)
{
	bool soon = !found && w->options & (WNOHANG | WUNTRACED | WCONTINUED);

	if (w->kind != P_PID && !tool->children_known && (tool->has_others || soon))
		tl__family_look(tool);
}

/* True when the call has been dealt with. */
static bool look(struct tl__tool *tool, struct tl__call *c, unsigned word)
{
	struct tl__broker *b = tool->broker;
	enum tl__kernel_has has;
	struct tl__link *first;
	bool any;

	tool->children_known = false;
	if (c->wait.options & __WNOTHREAD)
		tl__family_look(tool);
	first = first_link(tool, c, &any);
	if (any && !first && tl__family_is_for_kernel(tool, &c->wait)) {
		go_past(tool, c, word);
		tl__pass(b, c->n.id);
		return true;
	}
	any |= c->wait.kind == P_PID && tl__family_is_delayed(tool, c->wait.id);
	if (any)
		look_for_others(tool, &c->wait, first);
	has = any ? tl__family_has(tool, &c->wait, c->n.tid, first) : TL__KERNEL_PERHAPS;
	if (has == TL__KERNEL_AN_END || (has && !first)) {
		leave_to_kernel(b, &c->n);
		return true;
	}
	if (first) {
		tell_of(first, c, word);
		return true;
	}
	if (c->wait.options & WNOHANG) {
		int64_t none = c->wait.again ? -EAGAIN : 0;

		tl__reply(b, c->n.id, write_info(c, word, NULL, 0) < 0 ? -EFAULT : none);
		return true;
	}
	return false;
}

static unsigned word_of(const struct tl__call *c)
{
	unsigned word = 8;

	tl__filter_served(&c->n, &word);
	return word;
}

void tl__waits_look(struct tl__tool *tool)
{
	struct tl__call *c, *next;

	for (c = TAILQ_FIRST(&tool->waiting); c; c = next) {
		bool valid = tl__notify_valid(tool->broker->listener, c->n.id);

		next = TAILQ_NEXT(c, link);
		if (valid && (c->doomed || tl__is_interrupted(tool->broker, c->n.tid)))
			continue;
		if (!valid) {
			tl__open_drop(tool->broker->open, c->n.id);
			if (!tool->signalled)
				tl__taken_back(tool->broker);
		}
		if (!valid || look(tool, c, word_of(c))) {
			TAILQ_REMOVE(&tool->waiting, c, link);
			free(c);
		}
	}
	if (tool->leader_due) {
		tool->leader_due = false;
		tl__waits_look(tool);
	}
}

/* The signal that is on its way breaks this wait before it has a result, and it comes again. */
static bool is_for_handler(const struct tl__tool *tool)
{
	return tool->news_owed && tool->sigchld & TL__CHLD_RESTARTS;
}

/* Was it made before the signal, which breaks it? Not if the caller sleeps in it, or has taken that
 * meanwhile. */
static bool is_doomed(struct tl__tool *tool, pid_t tid)
{
	if (tool->suspicious && (tl__person_sleeps(&tool->broker->sleeper, tid) ||
				 !tl__person_is_to_take(tid, SIGCHLD)))
		tool->suspicious = false;
	return tool->suspicious;
}

/* What a wait that may have lost its answer was told of is news again. */
static bool untell(struct tl__tool *tool, const struct tl__call *c)
{
	struct tl__link *l;
	bool any = false;

	TAILQ_FOREACH (l, &tool->links, of_tool)
		if (l->v.state == TL__LINK_STOPPED && is_meant(l, &c->wait, c->n.tid)) {
			l->v.reported = false;
			any = true;
		}
	if (any)
		tl__shortcut_waits(tool, false);
	return any;
}

/* What it is told may have been told before, to nobody. */
static void look_for_lost_answer(struct tl__tool *tool, struct tl__call *c)
{
	bool long_ago = false;

	c->repeats = tl__told_before(tool->broker, &c->n, &long_ago);
	/* A signal takes it back each time before tl__waits_retell() finds it. */
	if (long_ago)
		untell(tool, c);
}

void tl__serve_wait(struct tl__broker *b, const struct tl__notice *n, enum tl__served what,
		    unsigned word)
{
	struct tl__tool *tool = tl__tool_of(b, n->tid);
	struct tl__call *c;
	bool known;

	if (!tool || TAILQ_EMPTY(&tool->links)) {
		leave_to_kernel(b, n);
		return;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		tl__reply(b, n->id, -ENOMEM);
		return;
	}
	c->n = *n;
	known = parse(tool, n, what, &c->wait);
	if (known)
		look_for_lost_answer(tool, c);
	tool->wants_usage |= c->wait.usage != 0;
	if (!known) {
		leave_to_kernel(b, n);
	} else if (is_doomed(tool, n->tid) || is_for_handler(tool) || !look(tool, c, word)) {
		c->doomed = tool->suspicious;
		c->queued = true;
		if (TAILQ_EMPTY(&tool->waiting))
			tool->waits_at = tl__now_ms();
		tool->asked_at = 0;
		TAILQ_INSERT_TAIL(&tool->waiting, c, link);
		return;
	}
	free(c);
	if (tool->leader_due)
		tl__waits_look(tool);
}

void tl__waits_retell(struct tl__tool *tool)
{
	const struct tl__call *c;
	bool any = false;

	TAILQ_FOREACH (c, &tool->waiting, link)
		if (c->repeats)
			any |= untell(tool, c);
	if (any)
		tl__waits_look(tool);
}
