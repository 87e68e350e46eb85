/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What this kernel does, found by doing it to a throw-away child.
 *
 * A version number says little: distributions backport, stable series change behaviour in the
 * middle, and User Mode Linux of one version lacks what the same version has elsewhere.
 */
#define _GNU_SOURCE
#include "kernel.h"

#include "compat.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

struct probe {
	struct tl__sys *sys; /* for its ptrace call only */
	pid_t pid;
};

enum { PT_TRACEME = 0 };

static void child_filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = 4, .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		_exit(1);
}

/* Whoever is killed before its options are set must not leave it standing. */
static _Noreturn void child(pid_t parent, bool filter)
{
	/* 0: it is the first in a pid namespace of the host's. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || (getppid() != parent && getppid()))
		_exit(1);
	if (syscall(SYS_ptrace, (long)PT_TRACEME, 0l, 0l, 0l) < 0)
		_exit(1);
	if (filter)
		child_filter();
	syscall(SYS_kill, getpid(), SIGSTOP);
	for (;;)
		syscall(SYS_getppid);
}

/* The next stop's code (event and signal), or -ESRCH when the child ended. */
static int next_stop(const struct probe *p)
{
	siginfo_t si;
	int r;

	do
		r = waitid(P_PID, (id_t)p->pid, &si, WSTOPPED | WEXITED | __WALL);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	return si.si_code == CLD_TRAPPED ? si.si_status : -ESRCH;
}

static int begin(struct probe *p, bool filter)
{
	pid_t parent;
	int r;

	p->sys = tl__sys_kernel_new();
	if (!p->sys)
		return -ENOMEM;
	parent = getpid();
	p->pid = fork();
	if (!p->pid)
		child(parent, filter);
	if (p->pid < 0) {
		r = -errno;
		p->sys->ops->close(p->sys);
		return r;
	}
	r = next_stop(p);
	if (r > 0)
		r = tl__pt(p->sys, TL__PT_SETOPTIONS, p->pid, 0,
			   TL__PTO_SYSGOOD | TL__PTO_EXITKILL | (filter ? TL__PTO_SECCOMP : 0));
	return r;
}

static void end(struct probe *p)
{
	if (p->pid > 0) {
		kill(p->pid, SIGKILL);
		waitpid(p->pid, NULL, __WALL);
	}
	p->sys->ops->close(p->sys);
}

static int resume(const struct probe *p, enum tl__pt_request req)
{
	int r = tl__pt(p->sys, req, p->pid, 0, 0);

	return r < 0 ? r : next_stop(p);
}

static int probe_syscall_info(const struct probe *p)
{
	struct tl__syscall_info info = { 0 };
	int r = resume(p, TL__PT_SYSCALL);

	if (r < 0)
		return r;
	r = tl__pt_buf(p->sys, TL__PT_GET_SYSCALL_INFO, p->pid, 0, &info, sizeof(info));
	return r > 0 && info.op == 1 && info.entry.nr == SYS_getppid;
}

static int probe_set_syscall_info(const struct probe *p)
{
	struct tl__syscall_info info = { 0 };
	int r = resume(p, TL__PT_SYSCALL);

	if (r < 0)
		return r;
	r = tl__pt_buf(p->sys, TL__PT_GET_SYSCALL_INFO, p->pid, 0, &info, sizeof(info));
	if (r <= 0)
		return 0;
	return tl__pt_buf(p->sys, TL__PT_SET_SYSCALL_INFO, p->pid, 0, &info, sizeof(info)) == 0;
}

static int probe_eventmsg(const struct probe *p)
{
	uint64_t entry = 0, exit = 0;

	if (resume(p, TL__PT_SYSCALL) < 0)
		return 0;
	if (tl__pt_buf(p->sys, TL__PT_GETEVENTMSG, p->pid, 0, &entry, sizeof(entry)) < 0)
		return 0;
	if (resume(p, TL__PT_SYSCALL) < 0)
		return 0;
	tl__pt_buf(p->sys, TL__PT_GETEVENTMSG, p->pid, 0, &exit, sizeof(exit));
	return entry == 1 && exit == 2;
}

static int probe_getregset(const struct probe *p)
{
	unsigned char regs[1024];

	return tl__pt_buf(p->sys, TL__PT_GETREGSET, p->pid, 1, regs, sizeof(regs)) > 0;
}

static int probe_sysemu(const struct probe *p)
{
	return resume(p, TL__PT_SYSEMU) == (SIGTRAP | 0x80);
}

/*
 * The loop around getppid has a few branches in it: stepping by blocks takes far fewer stops a turn
 * than by instructions. Just one fewer is an emulated machine's that has lost a trap.
 */
static int probe_singleblock(const struct probe *p)
{
	int steps = 0, blocks = 0;

	if (resume(p, TL__PT_SYSCALL) < 0 || resume(p, TL__PT_SYSCALL) < 0)
		return 0;
	for (int turn = 0; turn < 2; turn++) {
		enum tl__pt_request req = turn ? TL__PT_SINGLEBLOCK : TL__PT_SINGLESTEP;
		int n = 0;

		for (; n < 4096; n++) {
			siginfo_t si = { 0 };

			if (resume(p, req) != SIGTRAP)
				return 0;
			tl__pt_buf(p->sys, TL__PT_GETSIGINFO, p->pid, 0, &si, sizeof(si));
			if (si.si_code == TRAP_BRKPT) /* the pseudo-step over the next syscall */
				break;
		}
		*(turn ? &blocks : &steps) = n;
	}
	return 4 * blocks <= 3 * steps;
}

static int probe_seccomp(const struct probe *p)
{
	return resume(p, TL__PT_CONT) == (SIGTRAP | TL__PTE_SECCOMP << 8);
}

static int probe_process_vm(const struct probe *p)
{
	int here = 0x7471, there = 0;
	struct iovec local = { &there, sizeof(there) }, remote = { &here, sizeof(here) };

	/* The child is a copy made before 'here' was, so only the call's success counts. */
	return process_vm_readv(p->pid, &local, 1, &remote, 1, 0) == sizeof(there);
}

static int probe_proc_mem_write(const struct probe *p)
{
	uint64_t at = (uintptr_t)tl__sys_probe_kernel;
	char path[40], byte;
	int fd, ok = 0;

	if (tl__kernel_mem_read(p->sys, p->pid, at, &byte, 1) != 1)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)p->pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		ok = pwrite(fd, &byte, 1, (off_t)at) == 1;
		close(fd);
	}
	return ok;
}

/* The general set's first word is x0. */
static int probe_arg0_follows(const struct probe *p)
{
	struct tl__syscall_info info = { 0 };
	uint64_t regs[64];
	int r = resume(p, TL__PT_SYSCALL), len;

	if (r < 0)
		return r;
	len = tl__pt_buf(p->sys, TL__PT_GETREGSET, p->pid, 1, regs, sizeof(regs));
	if (len < 0)
		return len;
	regs[0] ^= 0x5a;
	r = tl__pt_buf(p->sys, TL__PT_SETREGSET, p->pid, 1, regs, (size_t)len);
	if (r >= 0)
		r = tl__pt_buf(p->sys, TL__PT_GET_SYSCALL_INFO, p->pid, 0, &info, sizeof(info));
	return r < 0 ? r : info.op == 1 && info.entry.args[0] == regs[0];
}

static int (*const probes[TL__FEATURE_COUNT])(const struct probe *) = {
	[TL__FEATURE_SYSCALL_INFO] = probe_syscall_info,
	[TL__FEATURE_SET_SYSCALL_INFO] = probe_set_syscall_info,
	[TL__FEATURE_SYSCALL_EVENTMSG] = probe_eventmsg,
	[TL__FEATURE_GETREGSET] = probe_getregset,
	[TL__FEATURE_SYSEMU] = probe_sysemu,
	[TL__FEATURE_SINGLEBLOCK] = probe_singleblock,
	[TL__FEATURE_SECCOMP_TRACE] = probe_seccomp,
	[TL__FEATURE_PROCESS_VM] = probe_process_vm,
	[TL__FEATURE_PROC_MEM_WRITE] = probe_proc_mem_write,
	[TL__FEATURE_ARG0_FOLLOWS] = probe_arg0_follows,
};

int tl__sys_probe_kernel(enum tl__feature feature)
{
	struct probe p = { 0 };
	int r;

	/* x86 has one place for it. */
	if (feature == TL__FEATURE_ARG0_FOLLOWS && TL__BY_HOST(true, false))
		return 1;
	r = begin(&p, feature == TL__FEATURE_SECCOMP_TRACE);

	if (r == -ENOMEM)
		return r;
	if (r >= 0)
		r = probes[feature](&p);
	end(&p);
	return r;
}
