/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The arm64 descriptor, and the system call ABI in a register buffer.
 *
 * x0 is first argument and result in one: behind a call the argument is gone from the general set
 * (the kernel keeps it as orig_x0, out of the set's reach). The number is taken from x8 when the
 * call is made and lives in a set of its own from then on.
 */
#include "regs.h"

#include <errno.h>
#include <string.h>

static uint64_t get(const void *gpr, unsigned slot)
{
	uint64_t v;

	memcpy(&v, (const char *)gpr + slot * 8, sizeof(v));
	return v;
}

static int set(void *gpr, size_t len, unsigned slot, uint64_t v)
{
	if (len != A64_GPR_SIZE)
		return -EINVAL;
	memcpy((char *)gpr + slot * 8, &v, sizeof(v));
	return 0;
}

static uint64_t get_ip(const void *gpr, size_t len)
{
	return len == A64_GPR_SIZE ? get(gpr, A64_PC) : 0;
}

static int set_ip(void *gpr, size_t len, uint64_t ip)
{
	return set(gpr, len, A64_PC, ip);
}

static uint64_t get_sp(const void *gpr, size_t len)
{
	return len == A64_GPR_SIZE ? get(gpr, A64_SP) : 0;
}

static uint64_t get_link(const void *gpr, size_t len)
{
	return len == A64_GPR_SIZE ? get(gpr, A64_X0 + 30) : 0;
}

static void add_sp(void *gpr, size_t len, int by)
{
	set(gpr, len, A64_SP, get_sp(gpr, len) + (uint64_t)(int64_t)by);
}

static int get_frame(const void *gpr, size_t len, struct tl__frame *f)
{
	if (len != A64_GPR_SIZE)
		return -EINVAL;
	f->nr = (int32_t)get(gpr, A64_X8);
	f->ret = (int64_t)get(gpr, A64_X0);
	for (unsigned i = 0; i < 6; i++)
		f->args[i] = get(gpr, A64_X0 + i);
	f->ip = get_ip(gpr, len);
	f->sp = get_sp(gpr, len);
	return 0;
}

static int set_args(void *gpr, size_t len, const uint64_t args[6])
{
	int r = 0;

	for (unsigned i = 0; i < 6 && r == 0; i++)
		r = set(gpr, len, A64_X0 + i, args[i]);
	return r;
}

static int set_ret(void *gpr, size_t len, int64_t ret)
{
	return set(gpr, len, A64_X0, (uint64_t)ret);
}

static int reissue(void *gpr, size_t len, uint64_t arg0)
{
	int r = set(gpr, len, A64_X0, arg0);

	return r < 0 ? r : set_ip(gpr, len, get_ip(gpr, len) - 4);
}

static int make_call(void *gpr, size_t len, int64_t nr, const uint64_t args[6], uint64_t ip)
{
	int r = set_args(gpr, len, args);

	if (r == 0)
		r = set(gpr, len, A64_X8, (uint64_t)nr);
	return r < 0 ? r : set_ip(gpr, len, ip);
}

/* AAPCS64, 6.8.2. */
static unsigned call_args(const void *gpr, size_t len, uint64_t args[TL__CALL_ARGS])
{
	if (len != A64_GPR_SIZE)
		return 0;
	memcpy(args, gpr, TL__CALL_ARGS * sizeof(args[0]));
	return TL__CALL_ARGS;
}

/* DWARF for the Arm 64-bit Architecture (AADWARF64): x0 to x30 and sp are 0 to 31. */
static unsigned dwarf_regs(const void *gpr, size_t len, uint64_t regs[TL__DWARF_MAX])
{
	if (len != A64_GPR_SIZE)
		return 0;
	memcpy(regs, gpr, (A64_SP + 1) * 8);
	return A64_SP + 1;
}

static enum tl_abi abi_of_insn(const uint8_t insn[4], size_t gpr_len, int64_t nr)
{
	(void)insn;
	(void)nr;
	return gpr_len == A64_GPR_SIZE ? TL_ABI_ARM64 : TL_ABI_ARM;
}

/* svc with any immediate; Linux looks at none. */
static bool is_call(const uint8_t insn[4], const void *gpr, size_t len)
{
	(void)gpr;
	(void)len;
	return insn[3] == 0xd4 && (insn[2] & 0xe0) == 0 && (insn[0] & 0x1f) == 1;
}

/* PSTATE.SS. What a tracer writes there, the kernel puts right. */
#define STEP_FLAG (UINT64_C(1) << 21)

static void mask_step_flag(void *gpr, size_t len)
{
	if (len == A64_GPR_SIZE)
		set(gpr, len, A64_PSTATE, get(gpr, A64_PSTATE) & ~STEP_FLAG);
}

/* struct rt_sigframe: a siginfo of 128 bytes, and in the ucontext the registers from 176 on. */
#define FRAME_PSTATE (128 + 176 + 8 + A64_PSTATE * 8)

static unsigned call_len(const void *gpr, size_t len)
{
	(void)gpr;
	(void)len;
	return 4;
}

static const int16_t breaks[] = {
	4 /* io_getevents */,   22 /* epoll_pwait */,    137 /* rt_sigtimedwait */,
	192 /* semtimedop */,   193 /* semop */,         202 /* accept */,
	203 /* connect */,      206 /* sendto */,        207 /* recvfrom */,
	211 /* sendmsg */,      212 /* recvmsg */,       242 /* accept4 */,
	243 /* recvmmsg */,     292 /* io_pgetevents */, 426 /* io_uring_enter */,
	441 /* epoll_pwait2 */,
};

const struct tl__arch tl__arch_arm64 = {
	.abi = TL_ABI_ARM64,
	.name = "arm64",
	.audit_arch = 0xc00000b7,
	.word = 8,
	.view = &tl__arm64_view,
	.regs = tl__arm64_regs,
	.nregs = A64_SLOTS,
	.nr_note = TL__NT_ARM_SYSTEM_CALL,
	.arg0_is_ret = true,
	.breaks = breaks,
	.nbreaks = sizeof(breaks) / sizeof(breaks[0]),
	.hidden_reg = A64_X7,
	.known = { .seccomp = 277,
		   .prctl = 167,
		   .clone = 220,
		   .clone3 = 435,
		   .fork = -1,
		   .vfork = -1,
		   .restart_syscall = 128,
		   .rt_sigreturn = 139,
		   .sigreturn = -1,
		   .sched_getaffinity = 123,
		   .sched_setaffinity = 122,
		   .mmap = 222,
		   .munmap = 215,
		   .rt_sigaction = 134,
		   .execve = 221,
		   .execveat = 281,
		   .close = 57 },
	/* brk #0; the pc stands on it in the stop */
	.breakpoint = { 0x00, 0x00, 0x20, 0xd4 },
	.breakpoint_mask = { 0x1f, 0x00, 0xe0, 0xff },
	.breakpoint_len = 4,
	.get_frame = get_frame,
	.set_args = set_args,
	.set_ret = set_ret,
	.reissue = reissue,
	.get_ip = get_ip,
	.set_ip = set_ip,
	.get_sp = get_sp,
	.add_sp = add_sp,
	.get_link = get_link,
	.call_args = call_args,
	.breakpoint_code = 1, /* TRAP_BRKPT */
	.dwarf_regs = dwarf_regs,
	.dwarf_floats = { { 64, 32, 0, 16, 16 } },
	.abi_of_insn = abi_of_insn,
	.is_call = is_call,
	.call_len = call_len,
	.mask_step_flag = mask_step_flag,
	.step_flag = STEP_FLAG,
	.frame_flags = FRAME_PSTATE,
	.exclusive_exits = tl__arm64_exclusive_exits,
	.next_ips = tl__arm64_next_ips,
	.displace = tl__arm64_displace,
	.make_call = make_call,
	.go_on = tl__arm64_go_on,
	.go_on_far = tl__arm64_go_on_far,
	.call_insn = { 0x01, 0x00, 0x00, 0xd4 },
	.call_insn_len = 4,
	.reach = TL__ARM64_REACH,
	.uprobe = { 0xa0, 0x00, 0x20, 0xd4 }, /* brk #5 */
	.hw_break_note = TL__NT_ARM_HW_BREAK,
	.call_empties = { TL__NT_ARM_SVE, TL__NT_ARM_SSVE },
};
