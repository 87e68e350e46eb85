/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an architecture is, as data and pure functions over register bytes.
 *
 * Nothing here calls the kernel or includes its register structs: every architecture is compiled,
 * and tested, on every host. A descriptor stands for one tracee ABI.
 */
#ifndef TL_ARCH_H
#define TL_ARCH_H

#include "displace.h"
#include "trapline/types.h"

/* Calls' numbers on arm64 kernels, for AArch64 and AArch32 tasks. */
#define TL__NT_ARM_SYSTEM_CALL 0x404
#define TL__NT_ARM_HW_BREAK    0x402
#define TL__NT_ARM_SVE         0x405
#define TL__NT_ARM_SSVE        0x40b

enum {
	TL__DWARF_MAX = 32,
	TL__EXITS_MAX = 4,
	TL__GO_ON_MAX = 168,
	TL__GO_ON_FRAME = 1136,
	TL__CALL_ARGS = 8
};

enum tl__regset_flags {
	TL__REGSET_READONLY = 1,
	TL__REGSET_VARIABLE = 2, /* size known at run time only; count is the most there can be */
};

/* One register set as PTRACE_GETREGSET serves it (linux/regset.h): count slots of size bytes. */
struct tl__regset {
	const char *name;
	uint32_t note;
	uint32_t size;
	uint32_t count;
	uint32_t align;
	uint32_t flags;
};

struct tl__view {
	const char *name; /* the architecture's canonical name */
	uint16_t e_machine;
	const struct tl__regset *sets;
	size_t n;
};

/* A named register inside the general set (note 1). */
struct tl__reg {
	const char *name;
	uint16_t offset;
	uint8_t size;
};

/* One system call, the same shape on all architectures. */
struct tl__frame {
	int64_t nr; /* as the ABI counts: x32's bit 30 taken off */
	uint64_t args[6];
	int64_t ret;
	uint64_t ip, sp;
};

/* Calls that the core itself must recognise, by this ABI's numbers; -1 where it has none. */
struct tl__known_calls {
	int16_t clone, clone3, fork, vfork;
	int16_t restart_syscall, rt_sigreturn, sigreturn;
	int16_t sched_getaffinity, sched_setaffinity;
	int16_t execve, execveat;
	int16_t close;
	int16_t seccomp, prctl;
	int16_t mmap, munmap, rt_sigaction; /* mmap2 where there is one */
};

/* What a stepped instruction does with the flags that the step is made by. */
struct tl__saved_flags {
	enum { TL__FLAGS_NOT_SAVED, TL__FLAGS_ON_STACK, TL__FLAGS_IN_REGISTER } where;
	uint8_t size;     /* on the stack, in bytes */
	uint8_t insn_len; /* of the instruction */
};

struct tl__arch {
	enum tl_abi abi;
	const char *name;
	uint32_t audit_arch;
	uint8_t word;           /* bytes in a pointer */
	uint8_t step_call_code; /* si_code of a step's end over a system call */
	uint8_t hidden_reg;     /* into regs: what the kernel hides at system call stops; 0: none */
	uint32_t nr_note;       /* the set that a call's number lives in; 0: the general one */
	bool arg0_is_ret; /* behind a call its first argument is not in the general set any more */
	const struct tl__view *view;
	const struct tl__reg *regs;
	size_t nregs;
	struct tl__known_calls known;
	/* Those that answer EINTR to a signal without a handler, where others are restarted
	 * (signal(7)); sockets do with a timeout. Only where arg0_is_ret. */
	const int16_t *breaks;
	size_t nbreaks;
	uint8_t breakpoint[4];
	uint8_t breakpoint_mask[4]; /* the bits that make any breakpoint, whatever its number */
	uint8_t breakpoint_len;
	uint8_t uprobe[4];          /* what the kernel's own are, of the same length */
	uint8_t breakpoint_code;    /* si_code of its SIGTRAP */
	uint8_t breakpoint_advance; /* how far past it the pc stands in the stop */

	/* gpr/len: the general set as the kernel gave it; its length tells its layout. */
	int (*get_frame)(const void *gpr, size_t len, struct tl__frame *frame);
	int (*set_nr)(void *gpr, size_t len, int64_t nr); /* NULL with nr_note */
	int (*set_args)(void *gpr, size_t len, const uint64_t args[6]);
	int (*set_ret)(void *gpr, size_t len, int64_t ret);
	/* Puts the task back before the call's instruction, with number and first argument in place
	 * (which x86 and AArch32 keep themselves: arg0 is not looked at there). */
	int (*reissue)(void *gpr, size_t len, uint64_t arg0);
	/* Puts the task in front of a call's instruction at ip, with everything in place for it and
	 * nothing to be restarted; and that instruction. NULL: not here. */
	int (*make_call)(void *gpr, size_t len, int64_t nr, const uint64_t args[6], uint64_t ip);
	uint8_t call_insn[4], call_insn_len;
	/* Code for a place at at, behind the call's instruction (make_call): restores this mask of
	 * blocked signals, and goes on as the general set says, without anybody's help. Its length;
	 * 0: not from there. */
	size_t (*go_on)(const void *gpr, size_t len, uint64_t at, uint64_t mask,
			uint8_t code[TL__GO_ON_MAX]);
	/* The same from anywhere, by the return from a signal's handler: its frame lies there, and
	 * has the floating-point set, too. NULL: go_on is never too far. */
	size_t (*go_on_far)(const void *gpr, size_t len, const void *floats, size_t floats_len,
			    uint64_t frame_at, uint64_t mask, uint8_t code[TL__GO_ON_MAX],
			    uint8_t frame[TL__GO_ON_FRAME]);
	/* Was this stop reached through a system call? (x86: orig_rax is not -1.) NULL where the
	 * general set does not tell. */
	bool (*in_syscall)(const void *gpr, size_t len);
	uint64_t (*get_ip)(const void *gpr, size_t len);
	int (*set_ip)(void *gpr, size_t len, uint64_t ip);
	uint64_t (*get_sp)(const void *gpr, size_t len);
	/* The register that a return goes to; NULL: it is on the stack. */
	uint64_t (*get_link)(const void *gpr, size_t len);
	/* A function's arguments at its first instruction, as far as they are in registers: how
	 * many; and how far above the stack pointer the others begin. */
	unsigned (*call_args)(const void *gpr, size_t len, uint64_t args[TL__CALL_ARGS]);
	uint8_t call_args_at;
	void (*add_sp)(void *gpr, size_t len, int by);
	/* syscall leaves the pc in rcx. NULL: not here. */
	void (*fix_rcx)(void *gpr, size_t len, uint64_t raw, uint64_t shown);
	/* The registers in DWARF's order; returns how many. */
	unsigned (*dwarf_regs)(const void *gpr, size_t len, uint64_t regs[TL__DWARF_MAX]);
	/* Those of the floating-point set (NT_PRFPREG), by their numbers; count 0 ends. */
	struct tl__dwarf_floats {
		uint16_t first, count, offset, stride, size;
	} dwarf_floats[2];
	/* The ABI that the instruction before ip would use: for kernels that do not tell. */
	enum tl_abi (*abi_of_insn)(const uint8_t insn[4], size_t gpr_len, int64_t nr);
	/* Does this instruction make a call? The CPU's mode is in the registers. */
	bool (*is_call)(const uint8_t insn[4], const void *gpr, size_t len);
	unsigned (*call_len)(const void *gpr, size_t len); /* of that instruction, in bytes */
	/* NULL where steps are made otherwise. */
	void (*step_saves_flags)(const uint8_t *insn, size_t n, const void *gpr, size_t len,
				 struct tl__saved_flags *ret);
	bool (*has_trap_flag)(const void *gpr, size_t len); /* of the program's own */
	void (*hide_trap_flag)(void *gpr, size_t len); /* in the register that it was saved in */
	/* Where the flags themselves show a step to register reads and in a handler's frame: the
	 * bit, and where the frame has them, from the stack pointer on. NULL, 0: nowhere. */
	void (*mask_step_flag)(void *gpr, size_t len);
	uint64_t step_flag;
	bool step_flag_shared; /* when nothing is stepped, the bit is the program's */
	uint16_t frame_flags;
	/* The same in a frame without a siginfo, which begins with this word. 0: none. */
	uint16_t plain_frame_flags;
	uint32_t plain_frame;
	/* Where a sequence that begins with this code is left, if it must not be stepped through;
	 * how many places. NULL: there are no such sequences. */
	unsigned (*exclusive_exits)(const uint8_t *code, size_t code_len, const void *gpr,
				    size_t len, uint64_t exits[TL__EXITS_MAX]);
	/* Where this one instruction at the pc leads; how many places. NULL with step_saves_flags.
	 */
	unsigned (*next_ips)(const uint8_t insn[4], const void *gpr, size_t len,
			     uint64_t next[TL__EXITS_MAX]);
	/* What an instruction becomes in a slot; false: that is too far away. NULL: no probes here.
	 */
	bool (*displace)(const struct tl__original *o, uint64_t slot, struct tl__displaced *ret);
	uint64_t reach;         /* of a slot's branches, in bytes; 0: of any width */
	uint32_t hw_break_note; /* the set of this thread's hardware breakpoints */
	/* The sets that a system call empties, of which one is in use (vectors.c). */
	uint32_t call_empties[2];
};

/* By ABI; NULL when it is none of ours. */
const struct tl__arch *tl__arch_get(enum tl_abi abi);
/* The ABI of a call from seccomp's and GET_SYSCALL_INFO's arch word, and its raw number. */
const struct tl__arch *tl__arch_of_call(uint32_t audit_arch, int64_t nr);
/* The descriptor for the general set of this length on this host family. */
const struct tl__arch *tl__arch_of_gpr(size_t len);
const struct tl__arch *tl__arch_of_machine(uint16_t e_machine, bool elf64);
bool tl__is_restart_code(int64_t ret);
/* One more of the places where a sequence is left, once. False: too many. */
bool tl__exits_add(uint64_t exits[TL__EXITS_MAX], unsigned *n, uint64_t to);

static inline int64_t tl__sign_extend(uint32_t value, unsigned bits)
{
	return (int64_t)((uint64_t)value << (64 - bits)) >> (64 - bits);
}

/* This machine's own, for programs of 64 or 32 bits. */
const struct tl__arch *tl__arch_native(unsigned bits);

extern const struct tl__arch tl__arch_x86_64, tl__arch_i386, tl__arch_x32, tl__arch_arm64,
	tl__arch_arm;

#define TL__GPR_MAX 288 /* arm64's 272 is the largest */
#define TL__X32_BIT 0x40000000

#endif
