/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Engines: the parties that watch and control a task.
 *
 * Any number of engines attach to one task. Each has a table of callbacks, a mask of the events it
 * wants and a pointer of its own. The contract is utrace's (Linux 2.6.32, kernel/utrace.c),
 * finished:
 *
 *  - Events are reported in attach order; a system call's entry in reverse, so that the engine
 * attached first stands nearest the kernel: it speaks last before the call and first after it.
 *  - An engine attached during a report does not see that report. An engine detached, by itself or
 * by another, is not called again, and its release callback is called exactly once, last.
 *  - Each callback answers with a verdict. Verdicts are folded: the least value of each dimension
 * wins. An engine's last verdict stands until its next one, or until tl_engine_control() changes
 * it.
 *  - Everything passed to a callback is borrowed: valid until the callback returns.
 *  - Callbacks run in the session's thread, inside tl_session_run() or tl_session_turn(), and must
 * not wait for anything: to hold a task, answer TL_HOLD_STOP and call tl_engine_control() later.
 */
#ifndef TRAPLINE_ENGINE_H
#define TRAPLINE_ENGINE_H

#include <trapline/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum tl_event_type {
	TL_EVENT_UNSPEC = 0,
	TL_EVENT_QUIESCE, /* stopped because somebody asked, or just attached */
	TL_EVENT_SIGNAL,  /* about to be delivered; SIGKILL is never reported */
	TL_EVENT_HANDLER, /* a signal's frame is set up, no instruction of the handler has run */
	TL_EVENT_SYSCALL_ENTRY,
	TL_EVENT_SYSCALL_EXIT,
	TL_EVENT_STEP,  /* a step that an engine asked for is done */
	TL_EVENT_EXEC,  /* the new program is in place, none of it has run */
	TL_EVENT_CLONE, /* fork, vfork, clone: the child cannot run before the report ends */
	TL_EVENT_VFORK_DONE,
	TL_EVENT_GROUP_STOP, /* job control */
	TL_EVENT_EXIT,       /* on its way out, memory and registers still there */
	TL_EVENT_DEATH,      /* gone; the last report */
	/*
	 * A filter of the program's own says SECCOMP_RET_TRACE of a call that is about to be made
	 * (seccomp(2)). Without a listener such a call fails with ENOSYS, with one it is made: so
	 * it is not among TL_EVENTS_ALL. Not reported where the session selects calls itself.
	 */
	TL_EVENT_SECCOMP,
	/*
	 * SIGCONT was sent to the process, which ends no group stop (ptrace(2): a seized tracee
	 * traps all the same). One that does is told by TL_EVENT_GROUP_STOP. The signal itself
	 * comes behind it. Not among TL_EVENTS_ALL; not told where an interrupt of ours comes in
	 * the same stop.
	 */
	TL_EVENT_CONTINUED,
	TL_EVENT_COUNT
};

#define TL_EVENTS(type)    (1u << (type))
#define TL_EVENTS_SYSCALLS (TL_EVENTS(TL_EVENT_SYSCALL_ENTRY) | TL_EVENTS(TL_EVENT_SYSCALL_EXIT))
#define TL_EVENTS_ALL      ((1u << TL_EVENT_SECCOMP) - 2u)

/*
 * In an event mask, beside the events: the registers that the program really has at system call
 * stops too. On arm64 the kernel hides x7 there (AArch32: ip): reads and writes of it answer
 * -ENODATA unless an engine of the task asks for this. Costs stops that no engine sees: two a call,
 * none where a filter of the session selects it; one more where the register is written, at a
 * filter's entry excepted, and one behind sigreturn. Elsewhere it does nothing and costs nothing. A
 * tracer that is killed in the middle of the first two leaves a call that was not made.
 */
#define TL_RAW_REGISTERS (1u << 31)

/*
 * A verdict: one hold, one step, and dispositions for the events that have one, or'ed together. 0
 * means run on, no step, let the event take its course as the engines before left it.
 */
typedef uint32_t tl_verdict;

enum {
	TL_HOLD_STOP = 1,      /* keep it stopped until this engine says otherwise */
	TL_HOLD_INTERRUPT = 2, /* run, but report a quiesce at once, breaking a sleep */
	TL_HOLD_REPORT = 3,    /* run, and report a quiesce at the next safe point */
	TL_RUN = 4,            /* the same as 0 */
	TL_HOLD_MASK = 0xf,

	TL_STEP_SINGLE = 0x10, /* one instruction */
	TL_STEP_BLOCK = 0x20,  /* to the next branch; SINGLE where there is no such thing */
	TL_STEP_NONE = 0x30,   /* the same as 0 */
	TL_STEP_MASK = 0xf0,

	TL_SYSCALL_RUN = 0x100,  /* undo an earlier engine's SKIP */
	TL_SYSCALL_SKIP = 0x200, /* no call is made; see tl_syscall_set_result() */
	TL_SYSCALL_MASK = 0xf00,

	TL_SIGNAL_DELIVER = 0x1000, /* undo an earlier engine's IGNORE */
	TL_SIGNAL_IGNORE = 0x2000,  /* drop it */
	TL_SIGNAL_MASK = 0xf000,

	TL_DETACH = 0x10000, /* this engine leaves; implies TL_RUN */
};

enum tl_syscall_flags {
	TL_SYSCALL_INFERRED = 1, /* the kernel did not tell the ABI: it is read from the opcode */
	TL_SYSCALL_SKIPPED = 2,  /* an engine took the call's place */
	TL_SYSCALL_FAILED = 4,   /* exit: ret is a negated error number */
	TL_SYSCALL_NO_ENTRY = 8, /* exit: the entry was not seen, the arguments are as found now */
};

struct tl_syscall {
	enum tl_abi abi;
	uint32_t flags;
	int64_t nr; /* x32: without bit 30 */
	uint64_t args[6];
	int64_t ret; /* at entry -ENOSYS, on every architecture */
	tl_addr ip, sp;
};

struct tl_signal {
	int32_t signo;
	int32_t code; /* si_code */
	int32_t pid;  /* si_pid and si_uid, where the code has them; else 0 */
	uint32_t uid;
	tl_addr addr;     /* si_addr of a fault */
	const void *info; /* the kernel's siginfo in the host's layout, 128 bytes */
};

enum tl_clone_kind { TL_CLONE_FORK = 1, TL_CLONE_VFORK, TL_CLONE_THREAD, TL_CLONE_OTHER };
enum tl_step_kind { TL_STEP_KIND_SINGLE = 1, TL_STEP_KIND_BLOCK, TL_STEP_KIND_SYSCALL };

struct tl_event {
	uint32_t size; /* of this structure, in the library that made it */
	enum tl_event_type type;
	uint64_t time; /* CLOCK_MONOTONIC in ns, taken when the stop was found */
	/* The dispositions so far: TL_SYSCALL_* and TL_SIGNAL_* of the engines before this one. */
	tl_verdict action;
	union {
		struct tl_syscall syscall; /* SYSCALL_ENTRY, SYSCALL_EXIT */
		struct tl_signal signal;   /* SIGNAL, HANDLER */
		struct {
			struct tl_task *child; /* NULL when it is not traced (CLONE_UNTRACED) */
			int32_t tid;
			enum tl_clone_kind kind;
		} clone;
		struct {
			int32_t former_tid; /* differs when a thread other than the leader execs */
		} exec;
		struct {
			int32_t signo; /* the stop signal; 0 when the stop ends */
		} group_stop;
		struct {
			uint32_t data; /* SECCOMP_RET_DATA */
		} seccomp;
		struct {
			enum tl_step_kind kind;
		} step;
		struct {
			int32_t status; /* as wait(2) encodes it */
			bool killed;    /* by a signal: status & 0x7f */
			bool core_dumped;
			bool superseded;  /* its thread id was taken over by a thread's exec */
			bool last_thread; /* the process is gone with it */
		} exit;                   /* EXIT, DEATH */
	};
};

/* A callback: what happened, and what this engine wants now. */
typedef tl_verdict (*tl_report)(struct tl_engine *engine, struct tl_task *task,
				const struct tl_event *event);

/*
 * An engine's callbacks. size is sizeof(struct tl_engine_ops) as the caller was compiled; a NULL
 * member means that the event is let pass. The table must outlive every engine that uses it.
 */
struct tl_engine_ops {
	uint32_t size;
	const char *name; /* for people: shown by `trapline ps` and in errors */
	tl_report quiesce;
	tl_report signal;
	tl_report handler;
	tl_report syscall_entry;
	tl_report syscall_exit;
	tl_report step;
	tl_report exec;
	tl_report clone;
	tl_report vfork_done;
	tl_report group_stop;
	tl_report exit;
	tl_report death;
	tl_report seccomp;
	tl_report continued;
	/* The engine is gone from its task: data may be freed. */
	void (*release)(struct tl_engine *engine, void *data);
};

/*
 * Attaches an engine to a task: appended to the order, not called for the report in progress.
 * *ret_engine is borrowed from the task and valid until release is called. May be used inside any
 * callback; inside a clone report with the child it is certain that no event of the child is
 * missed. Errors: -EINVAL (ops without size, unknown event bits), -ESRCH (dead), -ENOMEM.
 */
TL_CHECKED int tl_engine_attach(struct tl_task *task, const struct tl_engine_ops *ops, void *data,
				uint32_t events, struct tl_engine **ret_engine);

/*
 * Detaches: no callback of this engine will start any more. release runs before this returns, or,
 * inside a report on the task, when that report ends. A task without engines runs on, still traced,
 * until tl_task_detach(). Always succeeds; engine must not be used afterwards.
 */
TL_API void tl_engine_detach(struct tl_engine *engine);

/* Replaces the event mask. -EINVAL for unknown bits. In force from the next report on. */
TL_CHECKED int tl_engine_set_events(struct tl_engine *engine, uint32_t events);

/*
 * Changes what this engine wants of its task, from outside a callback or on another engine's
 * behalf: a hold and a step, as in a verdict. Never blocks. 0: in force now. -EINPROGRESS: the task
 * runs and has been interrupted; a quiesce (to engines that listen for it) tells when it has
 * stopped. A call that the interrupt breaks is issued again with its arguments, so that the program
 * does not see EINTR. Errors: -ESRCH (dead), -EINVAL (dispositions make no sense here), -EOPNOTSUPP
 * (no stepping here).
 */
TL_CHECKED int tl_engine_control(struct tl_engine *engine, tl_verdict want);

TL_API struct tl_task *tl_engine_task(const struct tl_engine *engine);
TL_API void *tl_engine_data(const struct tl_engine *engine);

#ifdef __cplusplus
}
#endif
#endif
