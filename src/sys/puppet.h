/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A thread that is stopped and driven from outside of any session, step by step: a tool that is to
 * make system calls for us (on x86-64), or its tracee, on the way from its hands into ours.
 *
 * Nothing is waited for but the thread itself, and its death is left for others to see.
 */
#ifndef TL_SYS_PUPPET_H
#define TL_SYS_PUPPET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { TL__PUPPET_REGS = 34 * 8 };

struct tl__puppet {
	pid_t tgid, tid;
	uint64_t mask;  /* of blocked signals: its own */
	bool stop_owed; /* a SIGSTOP came meanwhile */
	size_t len;
	_Alignas(8) uint8_t regs[TL__PUPPET_REGS]; /* its own */
};

/* Where it stands. */
struct tl__puppet_stop {
	enum { TL__PUPPET_TRAP, TL__PUPPET_GROUP, TL__PUPPET_CALL, TL__PUPPET_SIGNAL } kind;
	int sig;
};

/* Seizes a thread that nobody traces, which then stands in an interrupt's stop, its signals
 * blocked. noted, if there is one, is called before anything of it is changed. -EPERM, -ESRCH. */
int tl__puppet_begin(struct tl__puppet *p, pid_t tgid, pid_t tid,
		     void (*noted)(const struct tl__puppet *p, void *data), void *data);
/* The call's result. insn: an instruction of its that makes calls. -ESRCH: it is dead. */
int64_t tl__puppet_call(struct tl__puppet *p, uint64_t insn, int64_t nr, const uint64_t args[6]);
/* Lets it go with its registers and mask, as they are in p. */
void tl__puppet_end(struct tl__puppet *p);

/* Seizes a thread that is only to stand still: nothing of it is changed. */
int tl__puppet_hold(pid_t tid);
void tl__puppet_release(pid_t tid);

/* For one that is seized already, by this thread. */
/* The stop that it comes to. left: that is still to be waited for. -EBUSY: an event's. */
int tl__puppet_wait(pid_t tid, bool left, struct tl__puppet_stop *ret);
int tl__puppet_interrupt(pid_t tid, bool left, struct tl__puppet_stop *ret);
/* call: to the next system call stop. */
int tl__puppet_go_on(pid_t tid, bool call, bool left, struct tl__puppet_stop *ret);
int tl__puppet_load(pid_t tid, void *regs, size_t *len);
int tl__puppet_store(pid_t tid, const void *regs, size_t len);
int tl__puppet_block(pid_t tid, uint64_t mask);
int tl__puppet_set_info(pid_t tid, const void *info);

#endif
