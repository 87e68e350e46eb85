/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A register set of trapline's own: the general registers with what the kernel hides of them.
 *
 * The layout is the general set's (NT_PRSTATUS) of an AArch64 or an AArch32 task, with three things
 * put right, on kernels that hide them at system call stops:
 *  - x7 (AArch32: ip) is the program's at entries and exits too;
 *  - the first argument stands apart, as orig_x0 (orig_r0);
 *  - x0 (r0) reads -ENOSYS in front of a call, where the result will be.
 *
 * Read it with tl_task_read_regset() and write it with tl_task_write_regset(), as TL_NT_RAW. With a
 * buffer of sizeof(struct tl_raw_arm64) without its last member, AArch64's is read without orig_x0.
 * Errors beside those of any set: -ENODATA where nobody can know one of them (x7 and ip at a system
 * call stop when no engine asked for TL_RAW_REGISTERS; orig_x0 at other stops on kernels that let
 * it follow x0), -EOPNOTSUPP on machines that hide nothing.
 *
 * What is written: at an entry orig_x0 is the call's first argument, for the kernel's filters and
 * restarts too as far as tl_syscall_set() can have them use it, and x0 the result if the call is
 * skipped. At an exit x0 is the result, and orig_x0 what a restart will use. Elsewhere orig_x0 is
 * not written.
 */
#ifndef TRAPLINE_RAW_REGS_H
#define TRAPLINE_RAW_REGS_H

#include <stdint.h>

/* In the range of no kernel's notes. */
#define TL_NT_RAW 0x74720001u

/* 280 bytes; orig_x0 at 272. */
struct tl_raw_arm64 {
	uint64_t x[31]; /* 0 */
	uint64_t sp;    /* 248 */
	uint64_t pc;    /* 256 */
	uint64_t pstate;
	uint64_t orig_x0;
};

/* 72 bytes; ip is r[12], pc r[15], orig_r0 at 68. */
struct tl_raw_arm {
	uint32_t r[16]; /* 0 */
	uint32_t cpsr;  /* 64 */
	uint32_t orig_r0;
};

#endif
