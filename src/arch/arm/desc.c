/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The AArch32 descriptor (EABI), and the system call ABI in a register buffer.
 *
 * r0 is first argument and result in one, but the first argument is kept as orig_r0 beside it. A
 * write of r7 does not change the number of a call that is being made: it lives in a set of its
 * own.
 */
#include "regs.h"

#include <errno.h>
#include <string.h>

static uint32_t get(const void *gpr, unsigned slot)
{
	uint32_t v;

	memcpy(&v, (const char *)gpr + slot * 4, sizeof(v));
	return v;
}

static int set(void *gpr, size_t len, unsigned slot, uint64_t value)
{
	uint32_t v = (uint32_t)value;

	if (len != A32_GPR_SIZE)
		return -EINVAL;
	memcpy((char *)gpr + slot * 4, &v, sizeof(v));
	return 0;
}

static uint64_t get_ip(const void *gpr, size_t len)
{
	return len == A32_GPR_SIZE ? get(gpr, A32_PC) : 0;
}

static int set_ip(void *gpr, size_t len, uint64_t ip)
{
	return set(gpr, len, A32_PC, ip);
}

static uint64_t get_sp(const void *gpr, size_t len)
{
	return len == A32_GPR_SIZE ? get(gpr, A32_SP) : 0;
}

static int get_frame(const void *gpr, size_t len, struct tl__frame *f)
{
	if (len != A32_GPR_SIZE)
		return -EINVAL;
	f->nr = (int32_t)get(gpr, A32_R7);
	f->ret = (int32_t)get(gpr, A32_R0);
	f->args[0] = get(gpr, A32_ORIG_R0);
	for (unsigned i = 1; i < 6; i++)
		f->args[i] = get(gpr, A32_R0 + i);
	f->ip = get_ip(gpr, len);
	f->sp = get_sp(gpr, len);
	return 0;
}

static int set_args(void *gpr, size_t len, const uint64_t args[6])
{
	int r = set(gpr, len, A32_ORIG_R0, args[0]);

	for (unsigned i = 0; i < 6 && r == 0; i++)
		r = set(gpr, len, A32_R0 + i, args[i]);
	return r;
}

static int set_ret(void *gpr, size_t len, int64_t ret)
{
	return set(gpr, len, A32_R0, (uint64_t)ret);
}

static unsigned call_len(const void *gpr, size_t len)
{
	return len == A32_GPR_SIZE && get(gpr, A32_CPSR) & A32_CPSR_T ? 2 : 4;
}

static int reissue(void *gpr, size_t len, uint64_t arg0)
{
	int r;

	(void)arg0;
	if (len != A32_GPR_SIZE)
		return -EINVAL;
	r = set(gpr, len, A32_R0, get(gpr, A32_ORIG_R0));
	return r < 0 ? r : set_ip(gpr, len, get_ip(gpr, len) - call_len(gpr, len));
}

/* DWARF for the Arm Architecture (AADWARF32): r0 to r15. */
static unsigned dwarf_regs(const void *gpr, size_t len, uint64_t regs[TL__DWARF_MAX])
{
	if (len != A32_GPR_SIZE)
		return 0;
	for (unsigned i = 0; i <= A32_PC; i++)
		regs[i] = get(gpr, i);
	return A32_PC + 1;
}

static enum tl_abi abi_of_insn(const uint8_t insn[4], size_t gpr_len, int64_t nr)
{
	(void)insn;
	(void)nr;
	return gpr_len == A32_GPR_SIZE ? TL_ABI_ARM : TL_ABI_ARM64;
}

/* svc: under any condition in A32, on its own or in an IT block in T32. */
static bool is_call(const uint8_t insn[4], const void *gpr, size_t len)
{
	if (call_len(gpr, len) == 2)
		return insn[1] == 0xdf;
	return (insn[3] & 0x0f) == 0x0f && (insn[3] & 0xf0) != 0xf0;
}

/* PSTATE.SS; for the program itself the bit is DIT. What a tracer writes there is that. */
#define STEP_FLAG (UINT64_C(1) << 21)

static void mask_step_flag(void *gpr, size_t len)
{
	if (len == A32_GPR_SIZE)
		set(gpr, len, A32_CPSR, get(gpr, A32_CPSR) & ~STEP_FLAG);
}

/* struct sigframe and rt_sigframe: a siginfo in the second; in the ucontext, behind flags, link and
 * stack, three words and the registers. */
enum { SIGINFO = 128, FRAME_CPSR = 20 + 12 + A32_CPSR * 4 };

const struct tl__arch tl__arch_arm = {
	.abi = TL_ABI_ARM,
	.name = "arm",
	.audit_arch = 0x40000028,
	.word = 4,
	.view = &tl__arm_view,
	.regs = tl__arm_regs,
	.nregs = A32_SLOTS,
	.hidden_reg = A32_IP,
	.nr_note = TL__NT_ARM_SYSTEM_CALL,
	.known = { .clone = 120,
		   .clone3 = 435,
		   .fork = 2,
		   .vfork = 190,
		   .restart_syscall = 0,
		   .rt_sigreturn = 173,
		   .sigreturn = 119,
		   .sched_getaffinity = 242,
		   .sched_setaffinity = 241,
		   .mmap = 192,
		   .munmap = 91,
		   .rt_sigaction = 174,
		   .execve = 11,
		   .execveat = 387,
		   .close = 6 },
	/* The undefined instruction of A32 that the kernel takes for a breakpoint. */
	.breakpoint = { 0xf0, 0x01, 0xf0, 0xe7 },
	.breakpoint_mask = { 0xff, 0xff, 0xff, 0xff },
	.breakpoint_len = 4,
	.get_frame = get_frame,
	.set_args = set_args,
	.set_ret = set_ret,
	.reissue = reissue,
	.get_ip = get_ip,
	.set_ip = set_ip,
	.get_sp = get_sp,
	.dwarf_regs = dwarf_regs,
	.abi_of_insn = abi_of_insn,
	.is_call = is_call,
	.call_len = call_len,
	.mask_step_flag = mask_step_flag,
	.step_flag = STEP_FLAG,
	.step_flag_shared = true,
	.frame_flags = SIGINFO + FRAME_CPSR,
	.plain_frame_flags = FRAME_CPSR,
	.plain_frame = 0x5ac3c35a,
	.exclusive_exits = tl__arm_exclusive_exits,
	.hw_break_note = TL__NT_ARM_HW_BREAK,
};
