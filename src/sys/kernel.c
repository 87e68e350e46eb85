/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The backend that is the real kernel: ptrace and small calls; memory, wait and spawn have files of
 * their own. */
#define _GNU_SOURCE
#include "kernel.h"

#include "compat.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

long tl__kernel_request(long req, pid_t tid, uint64_t addr, uintptr_t data)
{
	long r;

	do
		r = syscall(SYS_ptrace, req, (long)tid, (unsigned long)addr, data);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

enum {
	PT_GETREGS = 12,
	PT_SETREGS = 13,
	NT_PRSTATUS_ = 1,
	X86_64_GPR_SIZE = 216,
	EFLAGS_AT = 18 * 8
};

/*
 * User Mode Linux has no register sets before 6.18, but the requests for the general one. (Not
 * those for floating point, which show the tracer's own.) Flags cannot be cleared there: that is
 * refused.
 */
static int old_regs(enum tl__pt_request req, pid_t tid, void *buf, size_t len)
{
	uint64_t is[X86_64_GPR_SIZE / 8];
	long r;

	if (len < X86_64_GPR_SIZE)
		return -EIO;
	r = tl__kernel_request(req == TL__PT_GETREGSET ? PT_GETREGS : PT_SETREGS, tid, 0,
			       (uintptr_t)buf);
	if (r < 0 || req == TL__PT_GETREGSET)
		return r < 0 ? (int)r : X86_64_GPR_SIZE;
	r = tl__kernel_request(PT_GETREGS, tid, 0, (uintptr_t)is);
	if (r < 0)
		return (int)r;
	return memcmp((char *)is + EFLAGS_AT, (char *)buf + EFLAGS_AT, 8) ? -EIO : 0;
}

static int regset(enum tl__pt_request req, pid_t tid, uint64_t note, void *buf, size_t len)
{
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	long r = tl__kernel_request(req, tid, note, (uintptr_t)&iov);

	if (r == -EIO && note == NT_PRSTATUS_ && TL__BY_HOST(true, false))
		return old_regs(req, tid, buf, len);
	return r < 0 ? (int)r : (int)iov.iov_len;
}

static int kernel_ptrace(struct tl__sys *sys, enum tl__pt_request req, pid_t tid, uint64_t addr,
			 uint64_t data, void *buf, size_t len)
{
	(void)sys;
	switch (req) {
	case TL__PT_GETREGSET:
	case TL__PT_SETREGSET:
		return regset(req, tid, addr, buf, len);
	case TL__PT_GET_SYSCALL_INFO:
	case TL__PT_SET_SYSCALL_INFO:
		return (int)tl__kernel_request(req, tid, len, (uintptr_t)buf);
	case TL__PT_PEEKSIGINFO: {
		/* struct ptrace_peeksiginfo_args: addr carries the flags, data the offset. */
		struct {
			uint64_t off;
			uint32_t flags;
			int32_t nr;
		} args = { data, (uint32_t)addr, (int32_t)(len / TL__SIGINFO_SIZE) };

		return (int)tl__kernel_request(req, tid, (uintptr_t)&args, (uintptr_t)buf);
	}
	default:
		return (int)tl__kernel_request(req, tid, addr,
					       buf ? (uintptr_t)buf : (uintptr_t)data);
	}
}

static int kernel_kill(struct tl__sys *sys, pid_t tgid, pid_t tid, int sig)
{
	long r;

	(void)sys;
	r = tid ? syscall(SYS_tgkill, tgid, tid, sig) : syscall(SYS_kill, tgid, sig);
	return r < 0 ? -errno : 0;
}

static int kernel_set_affinity(struct tl__sys *sys, pid_t tid, const struct tl__cpumask *mask)
{
	(void)sys;
	return syscall(SYS_sched_setaffinity, tid, mask->len, mask->bits) < 0 ? -errno : 0;
}

static int kernel_get_affinity(struct tl__sys *sys, pid_t tid, struct tl__cpumask *mask)
{
	long r;

	(void)sys;
	r = syscall(SYS_sched_getaffinity, tid, sizeof(mask->bits), mask->bits);
	mask->len = r < 0 ? 0 : (uint32_t)r;
	return r < 0 ? -errno : 0;
}

static int kernel_current_cpu(struct tl__sys *sys)
{
	(void)sys;
	return sched_getcpu();
}

static uint64_t kernel_clock(struct tl__sys *sys)
{
	struct timespec ts;

	(void)sys;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void kernel_pause(struct tl__sys *sys, unsigned usec)
{
	struct timespec ts = { .tv_nsec = (long)usec * 1000 };

	(void)sys;
	nanosleep(&ts, NULL);
}

static int kernel_feature(struct tl__sys *sys, enum tl__feature feature)
{
	(void)sys;
	return tl__sys_probe_kernel(feature);
}

static void kernel_close(struct tl__sys *sys)
{
	struct tl__kernel *k = (struct tl__kernel *)sys;

	tl__kernel_spawn_done(k);
	free(k->kept);
	free(k);
}

static const struct tl__sys_ops kernel_ops = {
	.ptrace = kernel_ptrace,
	.wait = tl__kernel_wait,
	.consume = tl__kernel_consume,
	.mem_read = tl__kernel_mem_read,
	.mem_write = tl__kernel_mem_write,
	.proc_read = tl__kernel_proc_read,
	.proc_link = tl__kernel_proc_link,
	.mapped_read = tl__kernel_mapped_read,
	.fd_info = tl__kernel_fd_info,
	.threads = tl__kernel_threads,
	.same_process = tl__kernel_same_process,
	.open_mem = tl__kernel_open_mem,
	.same_memory = tl__kernel_same_memory,
	.spawn = tl__kernel_spawn,
	.spawn_error = tl__kernel_spawn_error,
	.spawn_no_new_privs = tl__kernel_spawn_no_new_privs,
	.kill = kernel_kill,
	.set_affinity = kernel_set_affinity,
	.get_affinity = kernel_get_affinity,
	.current_cpu = kernel_current_cpu,
	.pause = kernel_pause,
	.clock = kernel_clock,
	.feature = kernel_feature,
	.close = kernel_close,
};

struct tl__sys *tl__sys_kernel_new(void)
{
	struct tl__kernel *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->sys.ops = &kernel_ops;
	return &k->sys;
}
