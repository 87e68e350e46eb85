/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sites: addresses of a process where a callback is told of each thread that arrives.
 *
 * The instruction is replaced by a breakpoint and run out of line, from a slot in the process's own
 * memory, so that no thread ever passes unseen and none waits for another. The program sees nothing
 * of it: registers, memory, signals and faults show the instruction's own address, and reads of
 * memory its own bytes. Any number of sites may stand at one address.
 *
 * Text is patched while all threads of the process are held for a moment. Nothing here blocks: what
 * becomes of a site is told by its changed callback, from tl_session_run() or tl_session_turn().
 * (Documentation/trace/uprobetracer.rst has the kernel's own probes.)
 */
#ifndef TRAPLINE_SITE_H
#define TRAPLINE_SITE_H

#include <trapline/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tl_site;

enum tl_site_state {
	TL_SITE_PENDING = 1, /* not in place yet */
	TL_SITE_ARMED,
	TL_SITE_REFUSED, /* why says what speaks against it; it stays so */
	TL_SITE_GONE,    /* the program at this address is gone: exec, or the process's end */
};

struct tl_hit {
	uint32_t size; /* of this structure, in the library that made it */
	uint32_t flags;
	uint64_t time; /* CLOCK_MONOTONIC in ns, taken when the stop was found */
	tl_addr ip;    /* the site's address */
};

/*
 * Callbacks, any of which may be NULL; size is sizeof(struct tl_site_ops) as the caller was
 * compiled, and the table must outlive its sites. In all of them sites may be added and removed.
 */
struct tl_site_ops {
	uint32_t size;
	/* A thread is about to execute the instruction: it is stopped, its state can be read and
	 * written, a new pc goes there instead. */
	void (*hit)(struct tl_site *site, struct tl_task *task, const struct tl_hit *hit);
	/* error: 0, or a negative errno of REFUSED; why: for people, a constant. */
	void (*changed)(struct tl_site *site, enum tl_site_state state, int error, const char *why);
	/* In a forked child: data for a site of its own there; NULL: none, its text is put right
	 * before it runs. Without the callback there is none. */
	void *(*forked)(struct tl_site *site, struct tl_task *child);
	/* Removed, and called no more. */
	void (*release)(struct tl_site *site, void *data);
};

/*
 * Begins to put a site at an address of the process that task belongs to. *ret_site is borrowed,
 * and valid until release. May be used inside any callback. Errors: -EINVAL (ops without size),
 * -ESRCH (dead), -ENOMEM, -EOPNOTSUPP (no sites on this machine or in this kind of program).
 */
TL_CHECKED int tl_site_add(struct tl_task *task, tl_addr addr, const struct tl_site_ops *ops,
			   void *data, struct tl_site **ret_site);

/* No hit of it is told any more from here on; the text is restored when no site is left there.
 * Always succeeds. */
TL_API void tl_site_remove(struct tl_site *site);

/*
 * Begins to take away what a tracer that used this library, and was killed, has left in the process
 * of task: breakpoints, slots, its handler of SIGTRAP. It is over before the process is let go.
 * Sites that are added do the same for their process. All threads have to be attached to. Where a
 * thread may come back to a slot by a signal's frame, slots stay for a later tracer; for as long as
 * a tenth of a second it is waited for that. Returns how much was found, 0: nothing. Errors:
 * -ESRCH, -ENOMEM.
 */
TL_CHECKED int tl_task_repair(struct tl_task *task);

struct tl_insn {
	uint32_t size;   /* sizeof(struct tl_insn) */
	uint32_t length; /* in bytes; 0: none that is known */
	const char *why; /* no site can be there, and why: a constant; NULL: one can */
};

/*
 * Calls on_insn for each instruction from addr on that begins in the next len bytes, until it
 * returns non-zero; behind what is no instruction it goes on one byte (arm64: four) further.
 * Returns what it returned, or 0. The task has to be stopped, and its memory shows no sites.
 * Errors: -EBUSY, -ESRCH, -EFAULT, -EOPNOTSUPP.
 */
TL_CHECKED int tl_insn_walk(struct tl_task *task, tl_addr addr, size_t len,
			    int (*on_insn)(tl_addr addr, const struct tl_insn *insn, void *data),
			    void *data);

TL_API tl_addr tl_site_address(const struct tl_site *site);
TL_API void *tl_site_data(const struct tl_site *site);
TL_API enum tl_site_state tl_site_state(const struct tl_site *site);

#ifdef __cplusplus
}
#endif
#endif
