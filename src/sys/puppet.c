/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Threads that are stopped and driven from outside of any session. */
#define _GNU_SOURCE
#include "puppet.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __x86_64__
#include <sys/user.h>
#endif

#define EVENT_STOP   128
#define NT_PRSTATUS_ 1
#define GETSIGMASK   0x420a
#define SETSIGMASK   0x420b

static long request(int req, pid_t tid, uintptr_t addr, const void *data)
{
	long r = syscall(SYS_ptrace, (long)req, (long)tid, addr, data);

	return r < 0 ? -errno : r;
}

/* A death is left to whom it concerns. */
static int wait_for(pid_t tid, bool left, struct tl__puppet_stop *ret)
{
	siginfo_t si = { .si_pid = 0 };
	int code;

	if (waitid(P_PID, (id_t)tid, &si, WSTOPPED | WEXITED | WNOWAIT | __WALL) < 0)
		return errno == ECHILD ? -ESRCH : -errno;
	if (si.si_code != CLD_TRAPPED && si.si_code != CLD_STOPPED)
		return -ESRCH;
	code = si.si_status;
	ret->sig = code & 0xff;
	if (code >> 8 == EVENT_STOP)
		ret->kind = ret->sig == SIGTRAP ? TL__PUPPET_TRAP : TL__PUPPET_GROUP;
	else if (code >> 8)
		return -EBUSY;
	else
		ret->kind = code == (SIGTRAP | 0x80) ? TL__PUPPET_CALL : TL__PUPPET_SIGNAL;
	if (!left)
		waitid(P_PID, (id_t)tid, &si, WSTOPPED | __WALL);
	return 0;
}

int tl__puppet_interrupt(pid_t tid, bool left, struct tl__puppet_stop *ret)
{
	long r = request(PTRACE_INTERRUPT, tid, 0, NULL);

	return r < 0 ? (int)r : wait_for(tid, left, ret);
}

int tl__puppet_wait(pid_t tid, bool left, struct tl__puppet_stop *ret)
{
	return wait_for(tid, left, ret);
}

int tl__puppet_go_on(pid_t tid, bool call, bool left, struct tl__puppet_stop *ret)
{
	long r = request(call ? PTRACE_SYSCALL : PTRACE_CONT, tid, 0, NULL);

	return r < 0 ? (int)r : wait_for(tid, left, ret);
}

int tl__puppet_load(pid_t tid, void *regs, size_t *len)
{
	struct iovec iov = { regs, TL__PUPPET_REGS };
	long r = request(PTRACE_GETREGSET, tid, NT_PRSTATUS_, &iov);

	*len = iov.iov_len;
	return (int)r;
}

int tl__puppet_store(pid_t tid, const void *regs, size_t len)
{
	struct iovec iov = { (void *)(uintptr_t)regs, len };

	return (int)request(PTRACE_SETREGSET, tid, NT_PRSTATUS_, &iov);
}

int tl__puppet_block(pid_t tid, uint64_t mask)
{
	return (int)request(SETSIGMASK, tid, sizeof(mask), &mask);
}

int tl__puppet_set_info(pid_t tid, const void *info)
{
	return (int)request(PTRACE_SETSIGINFO, tid, 0, info);
}

/* On, past what is none of ours, to a stop of this kind. */
static int drive(struct tl__puppet *p, bool call, int kind)
{
	struct tl__puppet_stop stop;
	int r = tl__puppet_go_on(p->tid, call, false, &stop);

	while (r == 0 && (int)stop.kind != kind) {
		/* It cannot be blocked. */
		p->stop_owed |= stop.kind == TL__PUPPET_SIGNAL && stop.sig == SIGSTOP;
		r = tl__puppet_go_on(p->tid, call, false, &stop);
	}
	return r;
}

static bool is_still(const struct tl__puppet_stop *stop)
{
	return stop->kind == TL__PUPPET_TRAP || stop->kind == TL__PUPPET_GROUP;
}

/* On from where it stands. A signal's own stop takes the interrupt's place. */
static int to_interrupt(pid_t tid, struct tl__puppet_stop *stop)
{
	int r;

	do {
		long sig = stop->kind == TL__PUPPET_SIGNAL ? stop->sig : 0;

		request(PTRACE_INTERRUPT, tid, 0, NULL);
		r = (int)request(PTRACE_CONT, tid, 0, (void *)sig);
		if (r == 0)
			r = wait_for(tid, false, stop);
	} while (r == 0 && !is_still(stop));
	return r;
}

static int hold(pid_t tid)
{
	struct tl__puppet_stop stop;
	int r = tl__puppet_interrupt(tid, false, &stop);

	return r == 0 && !is_still(&stop) ? to_interrupt(tid, &stop) : r;
}

int tl__puppet_hold(pid_t tid)
{
	int r = (int)request(PTRACE_SEIZE, tid, 0, (void *)PTRACE_O_TRACESYSGOOD);

	return r < 0 ? r : hold(tid);
}

void tl__puppet_release(pid_t tid)
{
	request(PTRACE_DETACH, tid, 0, NULL);
}

int tl__puppet_begin(struct tl__puppet *p, pid_t tgid, pid_t tid,
		     void (*noted)(const struct tl__puppet *p, void *data), void *data)
{
	int r = (int)request(PTRACE_SEIZE, tid, 0, (void *)PTRACE_O_TRACESYSGOOD);

	if (r < 0)
		return r;
	*p = (struct tl__puppet){ .tgid = tgid, .tid = tid };
	r = hold(tid);
	if (r == 0)
		r = (int)request(GETSIGMASK, tid, sizeof(p->mask), &p->mask);
	if (r >= 0)
		r = tl__puppet_load(tid, p->regs, &p->len);
	if (r >= 0 && noted)
		noted(p, data);
	if (r >= 0)
		r = tl__puppet_block(tid, UINT64_MAX);
	return r < 0 ? r : 0;
}

#ifdef __x86_64__
int64_t tl__puppet_call(struct tl__puppet *p, uint64_t insn, int64_t nr, const uint64_t args[6])
{
	struct user_regs_struct regs;
	size_t len;
	int r;

	if (p->len != sizeof(regs))
		return -EOPNOTSUPP;
	memcpy(&regs, p->regs, sizeof(regs));
	regs.orig_rax = (unsigned long)-1;
	regs.rax = (unsigned long)nr;
	regs.rip = insn;
	regs.rdi = args[0];
	regs.rsi = args[1];
	regs.rdx = args[2];
	regs.r10 = args[3];
	regs.r8 = args[4];
	regs.r9 = args[5];
	r = tl__puppet_store(p->tid, &regs, sizeof(regs));
	if (r >= 0)
		r = drive(p, true, TL__PUPPET_CALL);
	if (r >= 0)
		r = drive(p, true, TL__PUPPET_CALL);
	if (r >= 0)
		r = tl__puppet_load(p->tid, &regs, &len);
	return r < 0 ? r : (int64_t)regs.rax;
}
#else
int64_t tl__puppet_call(struct tl__puppet *p, uint64_t insn, int64_t nr, const uint64_t args[6])
{
	(void)p, (void)insn, (void)nr, (void)args, (void)drive;
	return -EOPNOTSUPP;
}
#endif

/* Behind a call's exit nothing is restarted: so it leaves from an interrupt's stop (do_signal). */
void tl__puppet_end(struct tl__puppet *p)
{
	struct tl__puppet_stop stop = { .kind = TL__PUPPET_CALL };

	if (to_interrupt(p->tid, &stop) < 0)
		return;
	tl__puppet_store(p->tid, p->regs, p->len);
	tl__puppet_block(p->tid, p->mask);
	if (p->stop_owed)
		syscall(SYS_tgkill, p->tgid, p->tid, SIGSTOP);
	request(PTRACE_DETACH, p->tid, 0, NULL);
}
