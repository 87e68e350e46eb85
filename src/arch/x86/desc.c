/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The x86 descriptors, and the system call ABI in a register buffer.
 *
 * The layout of the general set follows the CPU mode (its length tells), the ABI follows the
 * instruction: 64-bit code may issue int $0x80, and a task may switch mode by a far jump in the
 * middle of its life. So each accessor takes the layout from the length and the arguments from the
 * ABI.
 */
#include "regs.h"

#include <errno.h>
#include <string.h>

/* Where each ABI keeps its six arguments, in either layout. */
static const uint8_t args64_in64[6] = { X64_RDI, X64_RSI, X64_RDX, X64_R10, X64_R8, X64_R9 };
static const uint8_t args32_in64[6] = { X64_RBX, X64_RCX, X64_RDX, X64_RSI, X64_RDI, X64_RBP };
static const uint8_t args32_in32[6] = {
	I386_EBX, I386_ECX, I386_EDX, I386_ESI, I386_EDI, I386_EBP
};

static uint64_t get64(const void *gpr, unsigned slot)
{
	uint64_t v;

	memcpy(&v, (const char *)gpr + slot * 8, sizeof(v));
	return v;
}

static void set64(void *gpr, unsigned slot, uint64_t v)
{
	memcpy((char *)gpr + slot * 8, &v, sizeof(v));
}

static uint32_t get32(const void *gpr, unsigned slot)
{
	uint32_t v;

	memcpy(&v, (const char *)gpr + slot * 4, sizeof(v));
	return v;
}

static void set32(void *gpr, unsigned slot, uint64_t value)
{
	uint32_t v = (uint32_t)value;

	memcpy((char *)gpr + slot * 4, &v, sizeof(v));
}

static uint64_t get(const void *gpr, size_t len, unsigned slot64, unsigned slot32)
{
	return len == X86_64_GPR_SIZE ? get64(gpr, slot64) : get32(gpr, slot32);
}

static int set(void *gpr, size_t len, unsigned slot64, unsigned slot32, uint64_t value)
{
	if (len == X86_64_GPR_SIZE)
		set64(gpr, slot64, value);
	else if (len == I386_GPR_SIZE)
		set32(gpr, slot32, value);
	else
		return -EINVAL;
	return 0;
}

static uint64_t get_ip(const void *gpr, size_t len)
{
	return get(gpr, len, X64_RIP, I386_EIP);
}

static int set_ip(void *gpr, size_t len, uint64_t ip)
{
	return set(gpr, len, X64_RIP, I386_EIP, ip);
}

static uint64_t get_sp(const void *gpr, size_t len)
{
	return get(gpr, len, X64_RSP, I386_ESP);
}

static void add_sp(void *gpr, size_t len, int by)
{
	set(gpr, len, X64_RSP, I386_ESP, get_sp(gpr, len) + (uint64_t)(int64_t)by);
}

static void fix_rcx(void *gpr, size_t len, uint64_t raw, uint64_t shown)
{
	if (len == X86_64_GPR_SIZE && get64(gpr, X64_RCX) == raw)
		set64(gpr, X64_RCX, shown);
}

static bool in_syscall(const void *gpr, size_t len)
{
	return (int32_t)get(gpr, len, X64_ORIG_RAX, I386_ORIG_EAX) != -1;
}

static int get_frame_64(const void *gpr, size_t len, struct tl__frame *f)
{
	if (len != X86_64_GPR_SIZE)
		return -EINVAL;
	/* The kernel looks at the low half of the number only, as a signed int. */
	f->nr = (int32_t)get64(gpr, X64_ORIG_RAX);
	f->ret = (int64_t)get64(gpr, X64_RAX);
	for (int i = 0; i < 6; i++)
		f->args[i] = get64(gpr, args64_in64[i]);
	f->ip = get_ip(gpr, len);
	f->sp = get_sp(gpr, len);
	return 0;
}

static int get_frame_x32(const void *gpr, size_t len, struct tl__frame *f)
{
	int r = get_frame_64(gpr, len, f);

	f->nr &= ~(int64_t)TL__X32_BIT;
	return r;
}

static int get_frame_32(const void *gpr, size_t len, struct tl__frame *f)
{
	if (len != X86_64_GPR_SIZE && len != I386_GPR_SIZE)
		return -EINVAL;
	f->nr = (int32_t)get(gpr, len, X64_ORIG_RAX, I386_ORIG_EAX);
	f->ret = (int32_t)get(gpr, len, X64_RAX, I386_EAX);
	for (int i = 0; i < 6; i++)
		f->args[i] = (uint32_t)get(gpr, len, args32_in64[i], args32_in32[i]);
	f->ip = get_ip(gpr, len);
	f->sp = get_sp(gpr, len);
	return 0;
}

static int set_nr(void *gpr, size_t len, int64_t nr)
{
	return set(gpr, len, X64_ORIG_RAX, I386_ORIG_EAX, (uint64_t)nr);
}

static int set_nr_x32(void *gpr, size_t len, int64_t nr)
{
	return set_nr(gpr, len, nr < 0 ? nr : nr | TL__X32_BIT);
}

static int set_args_64(void *gpr, size_t len, const uint64_t args[6])
{
	if (len != X86_64_GPR_SIZE)
		return -EINVAL;
	for (int i = 0; i < 6; i++)
		set64(gpr, args64_in64[i], args[i]);
	return 0;
}

static int set_args_32(void *gpr, size_t len, const uint64_t args[6])
{
	for (int i = 0; i < 6; i++) {
		int r = set(gpr, len, args32_in64[i], args32_in32[i], (uint32_t)args[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

static int set_ret(void *gpr, size_t len, int64_t ret)
{
	return set(gpr, len, X64_RAX, I386_EAX, (uint64_t)ret);
}

/*
 * All three entry instructions are two bytes long; after SYSENTER the pc stands on the vDSO's
 * landing pad, before which lies an int $0x80 that does the same. The number goes back to rax as
 * the program had it.
 */
static int reissue(void *gpr, size_t len, uint64_t arg0)
{
	uint64_t nr = get(gpr, len, X64_ORIG_RAX, I386_ORIG_EAX);
	int r = set_ret(gpr, len, (int64_t)nr);

	(void)arg0;
	return r < 0 ? r : set_ip(gpr, len, get_ip(gpr, len) - 2);
}

static int make_call(void *gpr, size_t len, int64_t nr, const uint64_t args[6], uint64_t ip)
{
	bool wide = len == X86_64_GPR_SIZE;
	int r = wide ? set_args_64(gpr, len, args) : set_args_32(gpr, len, args);

	if (r == 0)
		r = set_nr(gpr, len, -1);
	if (r == 0)
		r = set_ret(gpr, len, nr);
	return r < 0 ? r : set_ip(gpr, len, ip);
}

/* System V psABI, 3.2.3; on i386 all are on the stack. */
static unsigned call_args(const void *gpr, size_t len, uint64_t args[TL__CALL_ARGS])
{
	static const uint8_t order[6] = { X64_RDI, X64_RSI, X64_RDX, X64_RCX, X64_R8, X64_R9 };

	for (unsigned i = 0; i < 6 && len == X86_64_GPR_SIZE; i++)
		args[i] = get64(gpr, order[i]);
	return len == X86_64_GPR_SIZE ? 6 : 0;
}

/* System V psABI: x86-64 figure 3.36, i386 table 2.14. */
static unsigned dwarf_regs(const void *gpr, size_t len, uint64_t regs[TL__DWARF_MAX])
{
	static const uint8_t order64[17] = { X64_RAX, X64_RDX, X64_RCX, X64_RBX, X64_RSI, X64_RDI,
					     X64_RBP, X64_RSP, X64_R8,  X64_R9,  X64_R10, X64_R11,
					     X64_R12, X64_R13, X64_R14, X64_R15, X64_RIP };
	static const uint8_t order32[9] = { I386_EAX, I386_ECX, I386_EDX, I386_EBX, I386_ESP,
					    I386_EBP, I386_ESI, I386_EDI, I386_EIP };
	unsigned n = len == X86_64_GPR_SIZE ? 17 : 9;

	for (unsigned i = 0; i < n; i++)
		regs[i] = n == 17 ? get64(gpr, order64[i]) : get32(gpr, order32[i]);
	return n;
}

static enum tl_abi abi_of_insn(const uint8_t insn[4], size_t gpr_len, int64_t nr)
{
	if (gpr_len == I386_GPR_SIZE || (insn[0] == 0xcd && insn[1] == 0x80))
		return TL_ABI_I386;
	return nr >= 0 && nr & TL__X32_BIT ? TL_ABI_X32 : TL_ABI_X86_64;
}

static bool is_call(const uint8_t insn[4], const void *gpr, size_t len)
{
	(void)gpr;
	(void)len;
	return (insn[0] == 0x0f && (insn[1] == 0x05 || insn[1] == 0x34)) ||
	       (insn[0] == 0xcd && insn[1] == 0x80);
}

static unsigned call_len(const void *gpr, size_t len)
{
	(void)gpr;
	(void)len;
	return 2;
}

#define COMMON                                                                                     \
	.is_call = is_call, .call_len = call_len, .breakpoint = { 0xcc },                          \
	.breakpoint_mask = { 0xff }, .breakpoint_len = 1, .breakpoint_advance = 1,                 \
	.uprobe = { 0xcc }, .set_ret = set_ret, .reissue = reissue, .make_call = make_call,        \
	.go_on = tl__x86_go_on, .in_syscall = in_syscall, .get_ip = get_ip, .set_ip = set_ip,      \
	.get_sp = get_sp, .call_args = call_args, .add_sp = add_sp, .fix_rcx = fix_rcx,            \
	.breakpoint_code = 0x80, .abi_of_insn = abi_of_insn, .dwarf_regs = dwarf_regs,             \
	.step_saves_flags = tl__x86_step_saves_flags, .has_trap_flag = tl__x86_has_trap_flag,      \
	.hide_trap_flag = tl__x86_hide_trap_flag

#define KNOWN_64                                                                                   \
	.clone = 56, .clone3 = 435, .fork = 57, .vfork = 58, .restart_syscall = 219, .mmap = 9,    \
	.munmap = 11, .sigreturn = -1, .close = 3, .sched_getaffinity = 204,                       \
	.sched_setaffinity = 203

const struct tl__arch tl__arch_x86_64 = {
	.abi = TL_ABI_X86_64,
	.name = "x86_64",
	.audit_arch = 0xc000003e,
	.word = 8,
	.call_args_at = 8,
	.step_call_code = 1,
	.view = &tl__x86_64_view,
	.regs = tl__x86_64_regs,
	.nregs = 27,
	.known = { KNOWN_64, .rt_sigreturn = 15, .rt_sigaction = 13, .execve = 59,
		   .execveat = 322 },
	.get_frame = get_frame_64,
	.set_nr = set_nr,
	.set_args = set_args_64,
	.displace = tl__x86_64_displace,
	.call_insn = { 0x0f, 0x05 },
	.call_insn_len = 2,
	.reach = TL__X86_64_REACH,
	/* fxsave: xmm0 to 15, st0 to 7 */
	.dwarf_floats = { { 17, 16, 160, 16, 16 }, { 33, 8, 32, 16, 10 } },
	COMMON,
};

const struct tl__arch tl__arch_x32 = {
	.abi = TL_ABI_X32,
	.name = "x32",
	.audit_arch = 0xc000003e,
	.word = 4,
	.call_args_at = 4,
	.step_call_code = 1,
	.view = &tl__x86_64_view,
	.regs = tl__x86_64_regs,
	.nregs = 27,
	.known = { KNOWN_64, .rt_sigreturn = 513, .rt_sigaction = 512, .execve = 520,
		   .execveat = 545 },
	.get_frame = get_frame_x32,
	.set_nr = set_nr_x32,
	.set_args = set_args_64,
	.displace = tl__x86_64_displace,
	.call_insn = { 0x0f, 0x05 },
	.call_insn_len = 2,
	.reach = TL__X86_64_REACH,
	/* fxsave: xmm0 to 15, st0 to 7 */
	.dwarf_floats = { { 17, 16, 160, 16, 16 }, { 33, 8, 32, 16, 10 } },
	COMMON,
};

const struct tl__arch tl__arch_i386 = {
	.abi = TL_ABI_I386,
	.name = "i386",
	.audit_arch = 0x40000003,
	.word = 4,
	.call_args_at = 4,
	.step_call_code = 1,
	.view = &tl__i386_view,
	.regs = tl__i386_regs,
	.nregs = 17,
	.known = { .clone = 120,
		   .clone3 = 435,
		   .fork = 2,
		   .vfork = 190,
		   .restart_syscall = 0,
		   .rt_sigreturn = 173,
		   .sigreturn = 119,
		   .sched_getaffinity = 242,
		   .sched_setaffinity = 241,
		   .close = 6,
		   .mmap = 192,
		   .munmap = 91,
		   .rt_sigaction = 174,
		   .execve = 11,
		   .execveat = 358 },
	.get_frame = get_frame_32,
	.set_nr = set_nr,
	.set_args = set_args_32,
	.displace = tl__i386_displace,
	.dwarf_floats = { { 11, 8, 28, 10, 10 } }, /* fsave: st0 to 7 */
	.call_insn = { 0xcd, 0x80 },
	.call_insn_len = 2,
	COMMON,
};
