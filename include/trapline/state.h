/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A stopped task's memory, registers, system call and signal: reading and changing them.
 *
 * All may be used inside callbacks. All answer -ESRCH once the task is dead; registers, call and
 * signal need it stopped (-EBUSY).
 */
#ifndef TRAPLINE_STATE_H
#define TRAPLINE_STATE_H

#include <trapline/engine.h>
#include <trapline/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Reads memory. Returns how many bytes were read before the first that could not be: an exact
 * count, at page granularity on every kernel. -EFAULT when not even the first one can. The task may
 * be running. (process_vm_readv(2), proc_pid_mem(5), PTRACE_PEEKDATA.)
 */
TL_CHECKED int64_t tl_task_read_mem(struct tl_task *task, tl_addr addr, void *buf, size_t len);

/* Writes memory, also to text and other pages that the program itself may not write. Counts
 * likewise. */
TL_CHECKED int64_t tl_task_write_mem(struct tl_task *task, tl_addr addr, const void *buf,
				     size_t len);

/* One piece of a vector: len is replaced by the exact count that was transferred. */
struct tl_mem_piece {
	tl_addr addr;
	void *buf;
	size_t len;
};
/* Reads pieces in order up to the first incomplete one; returns the total, or -EFAULT for none. */
TL_CHECKED int64_t tl_task_read_memv(struct tl_task *task, struct tl_mem_piece *pieces, size_t n);

/*
 * Reads a C string of up to size - 1 bytes; always terminated. Returns its length; -ERANGE when it
 * is cut (the first size - 1 bytes are there), -EFAULT when it runs into a page that cannot be
 * read.
 */
TL_CHECKED int64_t tl_task_read_string(struct tl_task *task, tl_addr addr, char *buf, size_t size);

struct tl_regset_info {
	uint32_t size;                    /* sizeof(struct tl_regset_info) */
	uint32_t note;                    /* NT_*: linux/elf.h */
	uint32_t slot_size, count, align; /* count * slot_size is the most it can be */
	bool readonly, variable;
	const char *name;
};
/* The index'th register set of this stopped task's view; -ENOENT past the last. */
TL_CHECKED int tl_task_regset_info(struct tl_task *task, size_t index, struct tl_regset_info *ret);
/* The view's canonical name and e_machine. */
TL_CHECKED int tl_task_view(struct tl_task *task, const char **ret_name, uint16_t *ret_e_machine);
/*
 * Reads a register set by note, in the kernel's layout, into a buffer of size bytes; returns its
 * length in bytes. -EOPNOTSUPP: this kernel, CPU or kind of program has no such set; -ERANGE: it is
 * longer than size. (PTRACE_GETREGSET in ptrace(2); arch/ARCH/kernel/ptrace.c.)
 */
TL_CHECKED int64_t tl_task_read_regset(struct tl_task *task, uint32_t note, void *buf, size_t size);
/*
 * Writes len bytes of a register set. The kernel answers at once, also for the general set, which
 * is written whole; a single register is written by name when the task goes on. -EOPNOTSUPP: as
 * above; -EPERM: it is read-only; -EINVAL: a wrong size, or values that the kernel refuses.
 */
TL_CHECKED int tl_task_write_regset(struct tl_task *task, uint32_t note, const void *buf,
				    size_t len);

/* The index'th general register by name; -ENOENT past the last. */
TL_CHECKED int tl_task_reg_name(struct tl_task *task, size_t index, const char **ret_name);
/* -ENODATA: the kernel hides it in this stop, and no engine asked for TL_RAW_REGISTERS. */
TL_CHECKED int tl_task_read_reg(struct tl_task *task, const char *name, uint64_t *ret_value);
TL_CHECKED int tl_task_write_reg(struct tl_task *task, const char *name, uint64_t value);

/*
 * A register of this stopped task by the number that DWARF gives it: general ones, and those of
 * floating point (x86-64's xmm, x87's st, arm64's v). Copies at most size bytes to buf and returns
 * how many. -ENOENT: no such register; -EOPNOTSUPP: none are known here.
 */
TL_CHECKED int tl_task_dwarf_register(struct tl_task *task, unsigned number, void *buf,
				      size_t size);

struct tl_call_frame {
	uint32_t size;   /* sizeof(struct tl_call_frame) */
	uint32_t popped; /* bytes that a return takes off the stack */
	tl_addr sp, return_address;
	uint64_t result; /* the register that results are in */
};
/* At the first instruction of a function: its caller, by the machine's calling convention alone.
 * -EFAULT: the stack cannot be read. */
TL_CHECKED int tl_task_call_frame(struct tl_task *task, struct tl_call_frame *ret);
/* Behind a function's return: its result. The stack is not read, and return_address is 0. */
TL_CHECKED int tl_task_call_result(struct tl_task *task, struct tl_call_frame *ret);
/*
 * At the first instruction of a function: its first n arguments, all of them integers or pointers,
 * by the machine's calling convention; on 32-bit machines a word each. -EFAULT: one is on the
 * stack, which cannot be read; -EOPNOTSUPP: no convention is known here.
 */
TL_CHECKED int tl_task_call_args(struct tl_task *task, uint64_t *args, size_t n);

/* The call that a task stopped at entry or exit is making. -EAGAIN anywhere else. */
TL_CHECKED int tl_syscall_get(struct tl_task *task, struct tl_syscall *ret_call);
/* At entry: another number, other arguments. They also stand when the kernel restarts the call. */
TL_CHECKED int tl_syscall_set(struct tl_task *task, int64_t nr, const uint64_t args[6]);
/* At exit: another result. At entry: the result of a call that the engine answers with
 * TL_SYSCALL_SKIP. */
TL_CHECKED int tl_syscall_set_result(struct tl_task *task, int64_t ret);

/*
 * In a signal report, or while an engine holds the task in one: put another signal in its place.
 * Where a step has ended, put one in the place of its SIGTRAP, which is not delivered else; -EAGAIN
 * at the end of a step over a system call.
 * info: 128 bytes of siginfo in the host's layout, or NULL for one that says kill(2) by the tracer.
 * signo 0: it is dropped, and info is not looked at.
 */
TL_CHECKED int tl_signal_set(struct tl_task *task, int32_t signo, const void *info);

/*
 * One of ptrace(2)'s requests that neither stop, start nor let go of a task nor touch its memory:
 * registers in the host's own layouts, signal masks, queued signals, debug registers and the like.
 * The kernel answers as it does any tracer of this process's word size, with its own error numbers.
 * buf is what data points to, size bytes; without a buf, data is handed through as it is.
 * GETREGSET and SETREGSET: addr is the note, and the length is returned; PEEKSIGINFO: addr is its
 * flags, data its offset. -EINVAL also for requests that are trapline's own affair; -EBUSY: not
 * stopped.
 */
TL_CHECKED int64_t tl_task_request(struct tl_task *task, uint32_t request, uint64_t addr,
				   uint64_t data, void *buf, size_t size);

/*
 * While suspended, the task's filters of system calls (seccomp(2)) are not asked, nor those of the
 * children that it makes and that are traced; each ends with its trace. ptrace(2),
 * PTRACE_O_SUSPEND_SECCOMP. -EPERM: without CAP_SYS_ADMIN, or this process has a filter itself;
 * -EINVAL: the kernel was built without; -EBUSY: not stopped.
 */
TL_CHECKED int tl_task_suspend_filters(struct tl_task *task, bool suspend);

/*
 * A task in a group stop stays in it when it is let go, until a SIGCONT ends it. If passes, it runs
 * on instead, as debuggers want of a program that they find stopped (ptrace(2): PTRACE_CONT where
 * others say PTRACE_LISTEN); the other threads of its process stay. Holds until the group stop
 * ends. -EBUSY: not stopped; -EAGAIN: in no group stop.
 */
TL_CHECKED int tl_task_pass_group_stop(struct tl_task *task, bool passes);

#ifdef __cplusplus
}
#endif
#endif
