/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One system call, made by a task for us.
 *
 * It begins and ends in an interrupt's stop, outside of any call of the program's own: there the
 * registers can be put back as they were, and with them what the kernel restarts when it goes on
 * (the last stop is needed for that: behind a call's exit nothing is restarted, do_signal). All
 * signals wait meanwhile; SIGSTOP, which cannot, is taken and sent again. We may be killed at any
 * moment of it, so the instruction lies where the program's own registers and mask follow it
 * (cave.c); the vDSO's is used where there is no room for that.
 *
 * A filter of the program's own is suspended meanwhile, which takes CAP_SYS_ADMIN: it may kill for
 * a call that the program does not make.
 *
 * On arm64 the restart has been prepared in the registers when the task stops, so what is lost with
 * orig_x0 and the call's number is not missed.
 */
#include "core.h"

#include "compat.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct tl__remote {
	enum { ENTERING, INSIDE, RETURNING } phase;
	tl__remote_done *done;
	void *data;
	int64_t ret;
	uint64_t mask;
	uint64_t ip;   /* behind the call's instruction */
	uint64_t cave; /* 0: the vDSO's */
	bool masked, stop_owed, suspended;
	struct tl__vectors vectors;
	struct tl__systrack track;
	struct tl__moved moved;
	uint16_t regs_len;
	uint8_t regs[TL__GPR_MAX];
};

enum { LOOK_AT = 1 << 14 };

/* Any instruction that makes a call, in the first pages of the vDSO, or of any code. */
static uint64_t find_in(struct tl_task *task, const struct tl__arch *arch,
			const struct tl__mapping *m)
{
	size_t size = m->end - m->start < LOOK_AT ? m->end - m->start : LOOK_AT;
	uint64_t found = 0;
	uint8_t *code = malloc(size);
	int64_t n;

	if (!code)
		return 0;
	n = tl__mem_read(task, m->start, code, size);
	for (int64_t i = 0; i + arch->call_insn_len <= n && !found; i += arch->breakpoint_len)
		if (!memcmp(code + i, arch->call_insn, arch->call_insn_len))
			found = m->start + (uint64_t)i;
	free(code);
	return found;
}

static uint64_t find_insn(struct tl_task *task, const struct tl__arch *arch)
{
	struct tl__mapping m;
	uint64_t found = 0;
	const char *at;
	char *text;

	if (tl__maps_read(task->session->sys, task->tid, &text) < 0)
		return 0;
	for (at = text; !found && tl__maps_next(&at, &m);)
		if (tl__maps_is(&m, "[vdso]"))
			found = find_in(task, arch, &m);
	for (at = text; !found && tl__maps_next(&at, &m);)
		if (m.exec && m.read && !tl__maps_is(&m, "[vsyscall]"))
			found = find_in(task, arch, &m);
	free(text);
	return found;
}

static void hold_signals(struct tl_task *task, struct tl__remote *r)
{
	uint64_t all = UINT64_MAX;

	r->masked = r->masked && tl__pt_buf(task->session->sys, TL__PT_SETSIGMASK, task->tid,
					    sizeof(all), &all, sizeof(all)) >= 0;
}

static void release_signals(struct tl_task *task, struct tl__remote *r)
{
	struct tl__sys *sys = task->session->sys;

	if (r->masked)
		tl__ignore(tl__pt_buf(sys, TL__PT_SETSIGMASK, task->tid, sizeof(r->mask), &r->mask,
				      sizeof(r->mask)) < 0);
	if (r->stop_owed)
		tl__ignore(sys->ops->kill(sys, task->process->tgid, task->tid, SIGSTOP) < 0);
}

/* False: it has a filter that stays in force. */
static bool suspend_filter(struct tl_task *task, struct tl__remote *r)
{
	struct tl__sys *sys = task->session->sys;
	char status[4096];

	if (sys->ops->proc_read(sys, task->tid, TL__PROC_STATUS, status, sizeof(status)) <= 0 ||
	    tl__proc_field_dec(status, "Seccomp") <= 0)
		return true;
	r->suspended = tl__pt(sys, TL__PT_SETOPTIONS, task->tid, 0,
			      task->options | TL__PTO_SUSPEND_SECCOMP) >= 0;
	/* Ours lets all calls pass. */
	return r->suspended || task->filtered;
}

static void resume_filter(struct tl_task *task, struct tl__remote *r)
{
	if (r->suspended)
		tl__ignore(tl__pt(task->session->sys, TL__PT_SETOPTIONS, task->tid, 0,
				  task->options) < 0);
}

int tl__remote(struct tl_task *task, int64_t nr, const uint64_t args[6], tl__remote_done *done,
	       void *data)
{
	const struct tl__arch *arch;
	struct tl__remote *r;
	uint64_t insn;

	if (task->state == TL__TASK_GONE)
		return -ESRCH;
	if (task->state != TL__TASK_STOPPED || task->stop.kind != TL__STOP_TRAP || task->remote)
		return -EBUSY;
	arch = tl__regs_arch(task);
	if (!arch)
		return -ESRCH;
	if (nr < 0 || !arch->make_call)
		return -EOPNOTSUPP;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->masked = tl__pt_buf(task->session->sys, TL__PT_GETSIGMASK, task->tid, sizeof(r->mask),
			       &r->mask, sizeof(r->mask)) >= 0;
	r->cave = r->masked ? tl__cave_new(task, arch, r->mask, nr, args[0]) : 0;
	insn = r->cave ? r->cave : find_insn(task, arch);
	if (!insn) {
		free(r);
		return -ENOEXEC;
	}
	if (!suspend_filter(task, r)) {
		tl__cave_done(task, r->cave);
		free(r);
		return -EACCES;
	}
	r->done = done;
	r->data = data;
	r->ip = insn + arch->call_insn_len;
	r->track = task->track;
	r->moved = task->moved;
	task->moved.on = false;
	r->regs_len = task->regs_len;
	memcpy(r->regs, task->regs, task->regs_len);
	tl__vectors_keep(task, arch, &r->vectors);
	arch->make_call(task->regs, task->regs_len, nr, args, insn);
	task->regs_dirty = true;
	/* In this order: its mask is given back behind the call. */
	tl__regs_flush(task);
	hold_signals(task, r);
	task->remote = r;
	tl__resume_claimed(task, TL__PT_SYSCALL, 0);
	return -EINPROGRESS;
}

static bool go_back(struct tl_task *task, struct tl__remote *r)
{
	r->phase = RETURNING;
	tl__ignore(tl__pt(task->session->sys, TL__PT_INTERRUPT, task->tid, 0, 0) < 0);
	tl__resume_claimed(task, TL__PT_CONT, 0);
	return true;
}

static void finish(struct tl_task *task, struct tl__remote *r, int64_t ret)
{
	task->remote = NULL;
	tl__vectors_drop(&r->vectors);
	r->done(task, ret, r->data);
	if (task->state != TL__TASK_GONE)
		tl__cave_done(task, r->cave);
	free(r);
}

/* True while it is still our own. */
static bool returned(struct tl_task *task, struct tl__remote *r)
{
	if (!tl__regs_arch(task))
		return true;
	memcpy(task->regs, r->regs, r->regs_len);
	task->regs_dirty = true;
	task->track = r->track;
	task->moved = r->moved;
	release_signals(task, r);
	tl__regs_flush(task);
	tl__vectors_give_back(task, &r->vectors);
	resume_filter(task, r);
	finish(task, r, r->ret);
	return task->remote;
}

/* A child's first stop lies before the exit of the call that made it. */
static bool is_entry(struct tl_task *task, const struct tl__remote *r)
{
	const struct tl__arch *arch = tl__regs_arch(task);

	return task->stop.kind == TL__STOP_SYSCALL && arch &&
	       arch->get_ip(task->regs, task->regs_len) == r->ip;
}

static int64_t result(struct tl_task *task)
{
	const struct tl__arch *arch = tl__regs_arch(task);
	struct tl__frame f;

	if (!arch || arch->get_frame(task->regs, task->regs_len, &f) < 0)
		return -ESRCH;
	return f.ret;
}

bool tl__remote_claim(struct tl_task *task)
{
	enum tl__stop_kind kind = task->stop.kind;
	struct tl__remote *r = task->remote;
	bool call = kind == TL__STOP_SYSCALL;

	if (!r)
		return false;
	if (kind == TL__STOP_SIGNAL && task->stop.sig == SIGSTOP)
		r->stop_owed = true;
	switch (r->phase) {
	case ENTERING:
		/* A fault: there is no such instruction any more. */
		if (kind == TL__STOP_SIGNAL && task->stop.sig != SIGSTOP) {
			r->ret = -EFAULT;
			return go_back(task, r);
		}
		if (is_entry(task, r))
			r->phase = INSIDE;
		break;
	case INSIDE:
		if (call) {
			r->ret = result(task);
			return go_back(task, r);
		}
		break;
	case RETURNING:
		if (kind == TL__STOP_TRAP || kind == TL__STOP_GROUP)
			return returned(task, r);
		break;
	}
	tl__resume_claimed(task, r->phase == RETURNING ? TL__PT_CONT : TL__PT_SYSCALL, 0);
	return true;
}

void tl__remote_gone(struct tl_task *task)
{
	if (task->remote)
		finish(task, task->remote, -ESRCH);
}
