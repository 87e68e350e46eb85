/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A link: one virtual tracer's relation to one task, as ptrace(2) has it. Pure: what happened to
 * the task goes in, whether this tracer sees a stop, and which, comes out; likewise its requests.
 *
 * Semantics: ptrace(2); kernel/ptrace.c, kernel/signal.c (ptrace_stop, ptrace_signal,
 * do_jobctl_trap).
 */
#ifndef TL_BROKER_LINK_H
#define TL_BROKER_LINK_H

#include "compat.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TL__INFO_SIZE = 128 };

/* ptrace(2)'s requests, numbers that all architectures share. */
enum tl__request {
	TL__REQ_TRACEME = 0,
	TL__REQ_PEEKTEXT = 1,
	TL__REQ_PEEKDATA = 2,
	TL__REQ_POKETEXT = 4,
	TL__REQ_POKEDATA = 5,
	TL__REQ_CONT = 7,
	TL__REQ_KILL = 8,
	TL__REQ_SINGLESTEP = 9,
	TL__REQ_ATTACH = 16,
	TL__REQ_DETACH = 17,
	TL__REQ_OLDSETOPTIONS = 21,
	TL__REQ_SYSCALL = 24,
	TL__REQ_SYSEMU = 31,
	TL__REQ_SYSEMU_SINGLESTEP = 32,
	TL__REQ_SINGLEBLOCK = 33, /* x86; on arm64 this is PEEKMTETAGS */
	TL__REQ_SETOPTIONS = 0x4200,
	TL__REQ_GETEVENTMSG = 0x4201,
	TL__REQ_GETSIGINFO = 0x4202,
	TL__REQ_SETSIGINFO = 0x4203,
	TL__REQ_GETREGSET = 0x4204,
	TL__REQ_SETREGSET = 0x4205,
	TL__REQ_SEIZE = 0x4206,
	TL__REQ_INTERRUPT = 0x4207,
	TL__REQ_LISTEN = 0x4208,
	TL__REQ_PEEKSIGINFO = 0x4209,
	TL__REQ_GETSIGMASK = 0x420a,
	TL__REQ_SECCOMP_GET_FILTER = 0x420c,
	TL__REQ_SECCOMP_GET_METADATA = 0x420d,
	TL__REQ_GET_SYSCALL_INFO = 0x420e,
	TL__REQ_SET_SYSCALL_INFO = 0x4212,
};

enum tl__opt {
	TL__OPT_SYSGOOD = 1,
	TL__OPT_FORK = 2,
	TL__OPT_VFORK = 4,
	TL__OPT_CLONE = 8,
	TL__OPT_EXEC = 0x10,
	TL__OPT_VFORK_DONE = 0x20,
	TL__OPT_EXIT = 0x40,
	TL__OPT_SECCOMP = 0x80,
	TL__OPT_EXITKILL = 1 << 20,
	TL__OPT_SUSPEND_SECCOMP = 1 << 21,
	TL__OPT_RAW_REGS = 1 << 28, /* arm64's alone, and no kernel's yet */
	TL__OPT_KNOWN = 0xff | TL__OPT_EXITKILL | TL__OPT_SUSPEND_SECCOMP |
			TL__BY_HOST(0, TL__OPT_RAW_REGS),
};

/* PTRACE_EVENT_*. */
enum tl__trace_event {
	TL__TE_FORK = 1,
	TL__TE_VFORK,
	TL__TE_CLONE,
	TL__TE_EXEC,
	TL__TE_VFORK_DONE,
	TL__TE_EXIT,
	TL__TE_SECCOMP,
	TL__TE_STOP = 128,
};

/* What happened to a task. */
enum tl__what {
	TL__WHAT_SIGNAL, /* about to be delivered */
	TL__WHAT_ENTRY,
	TL__WHAT_EXIT,
	TL__WHAT_STEP,
	TL__WHAT_FORK,
	TL__WHAT_VFORK,
	TL__WHAT_CLONE,
	TL__WHAT_VFORK_DONE,
	TL__WHAT_EXEC,
	TL__WHAT_LEAVING,
	TL__WHAT_SECCOMP,
	TL__WHAT_GROUP_STOP,
	TL__WHAT_GROUP_END,
	TL__WHAT_QUIET, /* nothing but that it stands still */
};

struct tl__happening {
	enum tl__what what;
	int sig; /* QUIET, STEP: of a group stop that it is in, or 0 */
	uint64_t msg;
	int32_t tid;
	uint32_t uid;
	const void *info; /* of a signal or step; or NULL */
	bool call;        /* STEP: over a call */
	bool continued;   /* QUIET: a SIGCONT is pending, and nobody has been told of its trap */
};

enum tl__link_state { TL__LINK_RUNNING, TL__LINK_STOPPED, TL__LINK_LISTENING, TL__LINK_DEAD };

enum tl__mode {
	TL__MODE_CONT,
	TL__MODE_SYSCALL,
	TL__MODE_STEP,
	TL__MODE_BLOCK,
	TL__MODE_SYSEMU,
	TL__MODE_SYSEMU_STEP,
};

struct tl__vstop {
	enum tl__what what;
	uint32_t code; /* the signal, and above it the event: a wait's status >> 8 */
	uint64_t msg;
	bool has_info;
	uint8_t info[TL__INFO_SIZE];
};

struct tl__vlink {
	enum tl__link_state state;
	bool seized;
	bool stop_owed;  /* a stop that this tracer has asked for, or the first of an attached child
			  */
	bool born;       /* it is that child's */
	bool trap_owed;  /* the SIGTRAP behind an exec */
	bool step_owed;  /* that of a step over a call */
	bool group_owed; /* the group stop that it was found in */
	bool met_continued; /* a QUIET that was a SIGCONT's trap, too: that may come yet */
	uint64_t hit_owed;  /* a watchpoint's hit that ended another's step: the pc; 0: none */
	int32_t stop_from;  /* a SIGSTOP that this process, the tracer, has sent; 0: none */
	uint32_t stop_uid;
	bool reported;    /* the stop, to a wait */
	bool asked_about; /* its tracer has made a request in it */
	uint32_t options;
	enum tl__mode mode;
	int status; /* DEAD: as wait(2) has it */
	struct tl__vstop stop;
};

/* Whether this tracer sees it as a stop; then the link is in it. Only for links that run. */
bool tl__vlink_meets(struct tl__vlink *l, const struct tl__happening *h);

/* What a tracer that has let go leaves behind. */
struct tl__let_go {
	int sig;     /* the signal to deliver, behind a signal's stop */
	bool sent;   /* sig is to be sent to the task: behind a call's stop */
	bool unseen; /* it has left without having asked for anything in that stop */
};

/* CONT and its like. has_block: the machine has SINGLEBLOCK; arm64's of that number is another. */
bool tl__vlink_resumes(uint32_t request, bool has_block);
/* Requests that let go: 0, or ptrace's error. */
int tl__vlink_resume(struct tl__vlink *l, uint32_t request, uint64_t data, bool has_block,
		     struct tl__let_go *ret);
int tl__vlink_detach(const struct tl__vlink *l, uint64_t data, struct tl__let_go *ret);
bool tl__vlink_in_sigstop(const struct tl__vlink *l); /* in the stop of that signal */
int tl__vlink_listen(struct tl__vlink *l);
int tl__vlink_interrupt(struct tl__vlink *l);
/* Its tracer sends a SIGSTOP, for itself alone. */
void tl__vlink_send_stop(struct tl__vlink *l, int32_t from, uint32_t uid);
bool tl__vlink_owes(const struct tl__vlink *l); /* a stop, which needs the task to stand still */
int tl__vlink_check_options(uint64_t data);
int tl__vlink_set_options(struct tl__vlink *l, uint64_t data);
int tl__vlink_siginfo(const struct tl__vlink *l, const uint8_t **ret);

/* Which system call and clone events it needs. */
bool tl__vlink_emulates(const struct tl__vlink *l);
bool tl__vlink_wants_calls(const struct tl__vlink *l);
bool tl__vlink_wants_birth(const struct tl__vlink *l, enum tl__what what);

/* What a wait reports of it: a status, or -1. */
int tl__vlink_status(const struct tl__vlink *l);

#endif
