/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Becoming the tracer: of a program that we start, or of a process that runs.
 *
 * Attaching seizes every thread that /proc lists, over and over until a pass finds none new. What a
 * seized thread clones meanwhile is attached by the kernel; what an unseized one clones is in the
 * next pass. Each is interrupted, so that it stops once without its parent noticing.
 *
 * A signal that the program ignores is dropped when it is sent, unless the thread that it is sent
 * to is traced; then it is queued, and where that thread is in a stop it wakes another, whose call
 * may end with EINTR. A thread of ours has that mended (reissue.c), one not yet seized has not. So
 * threads that such signals are sent to are seized when all others have been: those with children
 * (SIGCHLD goes to the thread that forked) and, after them, the leader (kill, timers, the
 * terminal). detach.c goes the other way.
 */
#include "core.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FOLLOW = TL__PTO_FORK | TL__PTO_VFORK | TL__PTO_VFORKDONE | TL__PTO_CLONE };

uint32_t tl__attach_options(const struct tl_session *s)
{
	uint32_t o = TL__PTO_SYSGOOD | TL__PTO_EXEC;

	if (!(s->options.flags & TL_SESSION_NO_FOLLOW))
		o |= FOLLOW;
	if (s->options.flags & TL_SESSION_EXITKILL || s->filter)
		o |= TL__PTO_EXITKILL;
	if (s->filter)
		o |= TL__PTO_SECCOMP;
	return o;
}

/* What depends on its engines: each event costs a stop. */
uint32_t tl__asked_options(const struct tl_task *task, uint32_t events)
{
	uint32_t o = task->options & ~(uint32_t)TL__PTO_EXIT;

	if (events & TL_EVENTS(TL_EVENT_EXIT))
		o |= TL__PTO_EXIT;
	if (!task->session->filter) {
		o &= ~(uint32_t)TL__PTO_SECCOMP;
		o |= events & TL_EVENTS(TL_EVENT_SECCOMP) ? TL__PTO_SECCOMP : 0;
	}
	if (!task->single)
		return o;
	o &= ~(uint32_t)FOLLOW;
	return events & TL_EVENTS(TL_EVENT_CLONE) ? o | FOLLOW : o;
}

enum { MAX_FILTER = 4096 };

static int build_filter(struct tl_session *s, const struct tl_spawn_options *o,
			struct tl__bpf_insn **code, uint16_t *len)
{
	int n;

	*code = NULL;
	*len = 0;
	if (!o->select)
		return 0;
	if (!tl__sys_has(s->sys, TL__FEATURE_SECCOMP_TRACE))
		return tl__fail(s, NULL, "install a filter", -EOPNOTSUPP);
	*code = calloc(MAX_FILTER, sizeof(**code));
	if (!*code)
		return -ENOMEM;
	n = tl__select_build(o, tl__arg0_is_lost(s), *code, MAX_FILTER);
	if (n < 0)
		return n;
	*len = (uint16_t)n;
	s->filter = true;
	return 0;
}

int tl__spawn(struct tl_session *s, const struct tl_spawn_options *o, struct tl_task **ret)
{
	struct tl__spawn spec = { .path = o->path, .argv = o->argv, .envp = o->envp };
	struct tl__bpf_insn *code;
	struct tl_task *task;
	pid_t pid;
	int r;

	spec.set_user = o->user;
	spec.user = o->user;
	spec.uid = o->uid;
	spec.gid = o->gid;
	r = build_filter(s, o, &code, &spec.filter_len);
	spec.filter = code;
	if (r == 0) {
		r = s->sys->ops->spawn(s->sys, &spec, tl__attach_options(s), &pid);
		if (r < 0)
			tl__fail(s, NULL, "start a program", r);
	}
	free(code);
	if (r < 0)
		return r;
	task = tl__task_new(s, pid, pid);
	if (!task) {
		s->sys->ops->kill(s->sys, pid, 0, 9);
		return -ENOMEM;
	}
	task->spawned = true;
	task->filtered = o->select;
	task->state = TL__TASK_RUNNING;
	tl__task_announce(task, TL_ORIGIN_SPAWN);
	*ret = task;
	return 0;
}

static int seize_thread(struct tl_session *s, pid_t pid, pid_t tid, bool parent)
{
	struct tl_task *task;
	int r = tl__pt(s->sys, TL__PT_SEIZE, tid, 0, tl__attach_options(s));

	if (r < 0)
		return r;
	task = tl__task_new(s, tid, pid);
	if (!task)
		return -ENOMEM;
	task->state = TL__TASK_RUNNING;
	task->quiesce_owed = true;
	if (parent)
		tl__task_is_parent(task);
	tl__task_announce(task, TL_ORIGIN_ATTACH);
	tl__task_interrupt(task);
	return 0;
}

/* A refused thread may be gone, or attached to us by its parent's clone a moment ago. */
static bool excused(struct tl_session *s, pid_t tid, int err)
{
	char status[4096], state[32];

	if (err == -ESRCH)
		return true;
	if (err != -EPERM)
		return false;
	if (s->sys->ops->proc_read(s->sys, tid, TL__PROC_STATUS, status, sizeof(status)) <= 0)
		return true;
	if (tl__proc_field(status, "State", state, sizeof(state)) &&
	    (state[0] == 'Z' || state[0] == 'X'))
		return true;
	return tl__proc_field_dec(status, "TracerPid") == s->owner;
}

enum rank { RANK_ORDINARY, RANK_PARENT, RANK_LEADER, RANKS };

static enum rank rank_of(struct tl_session *s, pid_t pid, pid_t tid)
{
	char first[16];

	if (tid == pid)
		return RANK_LEADER;
	if (s->sys->ops->proc_read(s->sys, tid, TL__PROC_CHILDREN, first, sizeof(first)) > 0)
		return RANK_PARENT;
	return RANK_ORDINARY;
}

/* Seizes what has this rank and strikes it off the list: how many, or an error. */
static int seize_rank(struct tl_session *s, pid_t pid, pid_t *tids, int n, enum rank rank)
{
	int found = 0;

	for (int i = 0; i < n; i++) {
		enum rank is = RANKS;
		int r;

		if (tids[i] && !tl__task_find(s, tids[i]))
			is = rank_of(s, pid, tids[i]);
		if (is > rank)
			continue;
		r = seize_thread(s, pid, tids[i], is == RANK_PARENT);
		if (r < 0 && !excused(s, tids[i], r))
			return r;
		if (r == 0)
			found++;
		tids[i] = 0; /* seized, or gone */
	}
	return found;
}

static int seize_pass(struct tl_session *s, pid_t pid, pid_t *tids, size_t max, int *count)
{
	int n = s->sys->ops->threads(s->sys, pid, tids, max), found = 0;

	*count = n;
	if (n < 0)
		return n;
	if ((size_t)n > max)
		n = (int)max;
	for (enum rank rank = RANK_ORDINARY; rank < RANKS; rank++) {
		int r = seize_rank(s, pid, tids, n, rank);

		if (r < 0)
			return r;
		found += r;
	}
	return found;
}

int tl__attach(struct tl_session *s, pid_t pid)
{
	size_t max = 256;
	pid_t *tids = NULL;
	int r, n = 0, total = 0;

	do {
		pid_t *more = realloc(tids, max * sizeof(*tids));

		if (!more) {
			free(tids);
			return -ENOMEM;
		}
		tids = more;
		r = seize_pass(s, pid, tids, max, &n);
		if (r > 0)
			total += r;
		if (n > (int)max)
			max = (size_t)n * 2;
		else if (r == 0)
			break;
	} while (r >= 0);
	free(tids);
	if (r < 0)
		return tl__fail(s, NULL, "seize", r);
	if (!total)
		return tl__fail(s, NULL, "seize", tl__task_find(s, pid) ? -EEXIST : -ESRCH);
	return 0;
}

int tl__seize(struct tl_session *s, pid_t tid, const struct tl_engine_ops *ops, void *data,
	      uint32_t events, struct tl_engine **ret)
{
	char status[4096];
	struct tl_task *task;
	long tgid;
	int r;

	if (tl__task_find(s, tid))
		return -EEXIST;
	if (s->sys->ops->proc_read(s->sys, tid, TL__PROC_STATUS, status, sizeof(status)) < 0)
		return -ESRCH;
	tgid = tl__proc_field_dec(status, "Tgid");
	task = tl__task_new(s, tid, tgid > 0 ? (pid_t)tgid : tid);
	if (!task)
		return -ENOMEM;
	task->single = true;
	task->options = tl__asked_options(task, events);
	r = tl__pt(s->sys, TL__PT_SEIZE, tid, 0, task->options);
	if (r < 0) {
		tl__task_gone(task);
		return tl__fail(s, NULL, "seize", r);
	}
	task->state = TL__TASK_RUNNING;
	r = tl__engine_attach(task, ops, data, events, ret);
	if (r < 0)
		tl__detach(task);
	return r;
}
