/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The core: many engines on one task, over one ptrace relation.
 *
 * One direction, one file per step:
 *   sys/wait -> stop (typed) -> task (state) -> claim -> event -> dispatch -> verdict (fold) ->
 * resume Nothing here knows an architecture by name, and resume.c is the only place that restarts a
 * task.
 *
 * Death is an ordinary return: any -ESRCH from sys only makes the caller give up on this stop. The
 * task is declared dead by loop.c alone, when the wait reports it.
 */
#ifndef TL_CORE_H
#define TL_CORE_H

#include "arch.h"
#include "hash.h"
#include "sys.h"
#include "trapline/engine.h"
#include "trapline/session.h"
#include "trapline/state.h"

#include <sys/queue.h>

/* What the kernel says. */
enum tl__stop_kind {
	TL__STOP_NONE,
	TL__STOP_SYSCALL, /* entry or exit, not yet known which */
	TL__STOP_ENTRY,
	TL__STOP_EXIT,
	TL__STOP_SECCOMP,
	TL__STOP_SIGNAL,
	TL__STOP_GROUP, /* EVENT_STOP with a stop signal */
	TL__STOP_TRAP,  /* EVENT_STOP with SIGTRAP: interrupt, birth, end of a group stop */
	TL__STOP_STEP,
	TL__STOP_HANDLER, /* stepped into a signal handler */
	TL__STOP_FORK,
	TL__STOP_VFORK,
	TL__STOP_CLONE,
	TL__STOP_EXEC,
	TL__STOP_VFORK_DONE,
	TL__STOP_EXIT_EVENT,
	TL__STOP_SITE, /* at a patched address: nothing of the program's */
};

struct tl__stop {
	enum tl__stop_kind kind;
	int sig;
	uint64_t time;
	bool have_info;
	bool asked; /* we have interrupted it */
	bool hides; /* a system call stop: the kernel shows no real x7 or ip (arm64) */
	uint8_t info[TL__SIGINFO_SIZE];
};

enum tl__task_state {
	TL__TASK_PARKED,   /* its first stop came before its parent's report of its birth */
	TL__TASK_STARTING, /* ours, the first stop is owed */
	TL__TASK_RUNNING,
	TL__TASK_STOPPED,
	TL__TASK_LISTENING, /* in a group stop, waiting for its end */
	TL__TASK_GONE,      /* dead or detached; only references keep it */
};

/* Entry and exit told apart without the kernel's help: systrack.c. */
struct tl__systrack {
	bool in_call; /* an entry was seen, its exit is owed */
};

/* What the next stop is waited for: raw.c. */
enum tl__raw_phase {
	TL__RAW_NONE,
	TL__RAW_CANCELLED, /* before a call that was not made */
	TL__RAW_ENTERING,
	TL__RAW_LEAVING, /* behind a call, whose exit is reported there */
	TL__RAW_WRITING, /* behind a call whose exit was reported */
	TL__RAW_JUDGED,  /* judge.c: before a call whose entry was reported */
	TL__RAW_JUDGED_ENTERING,
};

struct tl__raw {
	enum tl__raw_phase phase;
	enum tl__pt_request then; /* with WRITING: how it goes on */
	bool known;
	bool write_owed; /* value is not in place yet */
	bool changed;    /* in this call */
	uint64_t value;
	uint64_t ip; /* of the call's instruction */
};

/* A system call filter of the program's own: judge.c. */
struct tl__judge {
	enum { TL__FILTER_UNKNOWN, TL__FILTER_NONE, TL__FILTER_OWN } filter;
	bool told, blocked; /* call was reported, and not entered yet; signals wait */
	uint64_t mask;      /* the program's own */
	struct tl_syscall call;
	enum tl__pt_request then;
	bool interrupt; /* an engine wants it broken as soon as it is made */
	struct tl__raw raw;
	int32_t nr; /* as the engines left it, and the registers */
	uint8_t regs[TL__GPR_MAX];
};

/* A thread that runs out of line, and where it is seen: site/slot.c. */
struct tl__moved {
	bool on, done;       /* the instruction has been executed */
	int8_t sp;           /* added to what is shown */
	uint64_t raw, shown; /* pc */
	uint64_t addr, slot; /* of the instruction */
};

struct tl__process {
	pid_t tgid;
	unsigned tasks;   /* alive */
	unsigned parents; /* of those: threads with children */
	unsigned refs;    /* tombstones too */
};

struct tl_task {
	TAILQ_ENTRY(tl_task) link;
	struct tl_session *session;
	struct tl__process *process;
	pid_t tid;
	uint64_t serial;
	unsigned refs;

	enum tl__task_state state;
	struct tl__stop stop;
	bool unconsumed; /* the stop was only peeked at: */
	struct tl__waited waited;
	enum tl__pt_request last_request;
	int deliver;      /* the signal to go on with */
	uint32_t options; /* as the kernel has them */

	bool parent;      /* has or had child processes: their SIGCHLD comes to this thread first */
	bool spawned;     /* first stop is the SIGSTOP before its exec */
	bool single;      /* seized by itself: children are followed when an engine listens */
	bool filtered;    /* a seccomp program of ours selects what stops */
	bool interrupted; /* PTRACE_INTERRUPT sent, its stop not seen */
	bool detach_wanted;
	bool quiesce_owed;
	bool group_stopped;
	bool passes_group_stop; /* let go in one, it runs: until that ends, */
	bool stops_anew;        /* or another begins */
	bool stepped_out;       /* a step has ended in this stop, a call's exit */
	bool exit_wanted;       /* internally: the exit stop of this call is needed */

	struct tl__systrack track;
	bool call_valid; /* call holds what was seen at entry */
	struct tl_syscall call;
	uint64_t entered_arg0; /* before any engine changed it */
	bool restart_owed;     /* restart.c */
	uint64_t restart_ip, restart_from, restart_to;
	struct {
		int64_t nr;
		uint64_t arg0, sp, ip;
		bool asleep; /* good for the next stop only: no other call is noted */
	} noted;             /* arg0.c */
	struct tl__raw raw;
	struct tl__judge judge;
	struct tl__remote *remote;          /* a call that it makes for us: remote.c */
	struct tl__saved_flags saved_flags; /* step.c */
	uint64_t stepped_ip, stepped_sp;
	bool stepped_uprobe, stepped_call;      /* what stands there */
	uint64_t sequence_exits[TL__EXITS_MAX]; /* sequence.c */
	unsigned sequence_n, sequence_slots;
	bool trap_blocked;              /* by the program; not while it is stepped */
	bool step_lingers;              /* its flag is still in the flags */
	bool frame_owed;                /* a step into a handler is our own, */
	enum tl__pt_request frame_then; /* and goes on like this */
	bool skip_owed; /* the result of a skipped call is put in place at its exit */
	int64_t skip_ret;
	bool emulated; /* a SYSEMU stop was rewound: the exit of the skipped call comes first */

	struct tl__moved moved;
	struct tl__sited *sited; /* NULL: no sites in its memory */

	bool regs_valid, regs_dirty;
	uint16_t regs_len;
	uint8_t regs[TL__GPR_MAX];

	TAILQ_HEAD(tl__engine_list, tl_engine) engines;
	struct tl__engine_list arriving; /* attached during a report */
	unsigned reporting;

	/* place.c: where it runs */
	bool hot;            /* it comes by sites so often that it is held, and its calls traced */
	uint16_t site_share; /* of its last stops, in 1024ths */
	uint16_t cool;       /* so many sites until it may be hot again */
	bool held;
	struct tl__held *slot;       /* with the guardian, while held */
	struct tl__cpumask own_mask; /* what the program itself asked for; len 0: not read yet */
	uint64_t resumed_at;
	uint32_t pace; /* smoothed time from resume to stop, ns */
};

struct tl_engine {
	TAILQ_ENTRY(tl_engine) link;
	struct tl_task *task;
	const struct tl_engine_ops *ops;     /* the inert table once detached */
	const struct tl_engine_ops *own_ops; /* for release */
	void *data;
	uint32_t events;
	uint32_t next_events; /* in force when the report that goes on is over */
	uint32_t hold, step;  /* its last answer: TL_HOLD_*, TL_STEP_* */
	bool detached;
	bool restores; /* the program's text: it holds a task that is let go */
};

struct tl__place {
	bool off, begun;
	int cpu;                     /* the core that everything is held on, or -1 */
	struct tl__cpumask own_mask; /* the session thread's, to be given back */
	unsigned held;
};

/* Where the layer of patched addresses takes part. */
struct tl__site_hooks {
	bool (*stopped)(struct tl_task *task);         /* true: it goes on, and no engine is told */
	void (*secure)(struct tl_task *task);          /* a stop that is about to be taken */
	void (*loaded)(struct tl_task *task);          /* registers, fresh from the kernel */
	void (*raw)(struct tl_task *task, void *regs); /* what the kernel is to get */
	void (*hide)(struct tl_task *task, uint64_t addr, void *buf, size_t n);
	void (*written)(struct tl_task *task, uint64_t addr, size_t n);
	void (*execed)(struct tl_task *task);  /* before engines are told */
	void (*work)(struct tl_session *s);    /* before the next wait */
	bool (*leaving)(struct tl_task *task); /* true: it cannot be let go yet */
	void (*done)(struct tl_session *s);
};

TAILQ_HEAD(tl__tasks, tl_task);

struct tl_session {
	struct tl__sys *sys;
	struct tl_session_options options;
	pid_t owner; /* thread id */
	struct tl__hash by_tid;
	struct tl__hash processes;
	struct tl__hash early_deaths; /* of children that no parent has reported yet: lifecycle.c */
	struct tl__tasks tasks;
	size_t ntasks;
	uint64_t next_serial;
	bool detaching, parents_gone; /* detach.c */
	bool filter;                  /* a filter of ours was installed: seccomp stops are ours */
	bool no_new_privs;
	int failed; /* ends the run: -EPROTO */
	int wake;   /* set from signal handlers */
	struct tl_error error;
	struct tl__place place;
	struct tl__guard *guard;
	struct tl__waited *batch; /* stops taken and not handled yet: loop.c */
	size_t batch_size;
	unsigned alone; /* stops to take one by one before all tasks are looked at again */
	struct tl__watcher *watcher; /* behind tl_session_fd() */
	FILE *record;
	const struct tl__site_hooks *site_hooks; /* NULL: there are no sites */
	struct tl__sites *sites;
};

/* loop.c */
void tl__load_siginfo(struct tl_task *task);
/* Killed in the stop that was waited for it may be in the one of its exit before it is asked
 * anything: requests are answered there. */
bool tl__is_exiting(struct tl_task *task);
/* The task that an event's stop is about: a child, or who has called exec. False: it is gone, or in
 * the stop of its exit, whose message is none. */
bool tl__stop_names(struct tl_task *task, pid_t *ret);
int tl__loop_run(struct tl_session *s);
int tl__loop_turn(struct tl_session *s);

/* stop.c */
void tl__stop_from_wait(const struct tl__waited *w, struct tl__stop *stop);
void tl__stop_refine(struct tl__stop *stop, int call_code);
bool tl__is_fault(int sig, int code);           /* by the instruction that it stands at */
int tl__stop_code(const struct tl__stop *stop); /* si_code; 0 without a siginfo */
void tl__signal_from_info(const uint8_t *info, int sig, struct tl_signal *ret);

/* systrack.c */
bool tl__systrack_is_entry(struct tl__systrack *t);
void tl__systrack_stop(struct tl__systrack *t, enum tl__stop_kind kind);
void tl__systrack_resume(struct tl__systrack *t, enum tl__stop_kind kind, enum tl__pt_request req);

/* syscall.c */
int tl__syscall_stop(struct tl_task *task);
int tl__syscall_seccomp(struct tl_task *task);
int tl__syscall_change(struct tl_task *task, int64_t nr, const uint64_t args[6]);
int tl__syscall_set_result(struct tl_task *task, int64_t ret);
int tl__syscall_skip(struct tl_task *task);
int tl__syscall_pay_skip(struct tl_task *task);
const struct tl__arch *tl__syscall_arch(const struct tl_task *task);
bool tl__syscall_is_sigreturn(const struct tl_task *task);

/* regs.c */
int tl__regs_load(struct tl_task *task);
int tl__regs_flush(struct tl_task *task);
const struct tl__arch *tl__regs_arch(struct tl_task *task); /* NULL when they cannot be had */

/* task.c */
struct tl_task *tl__task_new(struct tl_session *s, pid_t tid, pid_t tgid);
struct tl_task *tl__task_find(struct tl_session *s, pid_t tid);
struct tl_task *tl__task_ref(struct tl_task *task);
struct tl_task *tl__task_unref(struct tl_task *task);
void tl__task_gone(struct tl_task *task); /* off the tables; engines are released */
void tl__task_is_parent(struct tl_task *task);
int tl__task_rename(struct tl_task *task, pid_t tid);
void tl__task_announce(struct tl_task *task, enum tl_origin origin);

/* lifecycle.c */
void tl__lifecycle_birth(struct tl_task *task, struct tl_event *ev);
void tl__lifecycle_exec(struct tl_task *task, pid_t former);
void tl__lifecycle_death(struct tl_task *task, const struct tl__waited *w, uint64_t now);
void tl__lifecycle_done(struct tl_session *s);
void tl__lifecycle_sweep(struct tl_session *s);
void tl__lifecycle_unknown(struct tl_session *s, const struct tl__waited *w, uint64_t now);

#define TL__EVENTS_KNOWN                                                                           \
	(TL_EVENTS_ALL | TL_EVENTS(TL_EVENT_SECCOMP) | TL_EVENTS(TL_EVENT_CONTINUED) |             \
	 TL_RAW_REGISTERS)

/* claim.c: true when the stop was ours and has been dealt with */
bool tl__claim(struct tl_task *task);

/* restart.c */
void tl__restart_note(struct tl_task *task);
void tl__restart_repair(struct tl_task *task);
bool tl__restart_is_put_back(struct tl_task *task); /* which needs an interrupt */

/* arg0.c */
bool tl__arg0_is_lost(struct tl_session *s);
void tl__arg0_note_sleeper(struct tl_task *task);
void tl__arg0_note_call(struct tl_task *task);
void tl__arg0_resuming(struct tl_task *task);
int tl__arg0(struct tl_task *task, uint64_t *ret);

/* regset.c */
int64_t tl__regset_read(struct tl_task *task, uint32_t note, void *buf, size_t size);
int tl__regset_write(struct tl_task *task, uint32_t note, const void *buf, size_t len);
int tl__dwarf_register(struct tl_task *task, const struct tl__arch *arch, unsigned number,
		       void *buf, size_t size);

/* step.c */
void tl__step_resuming(struct tl_task *task, enum tl__pt_request req);
void tl__step_typed(struct tl_task *task);
bool tl__is_uprobe(const struct tl__arch *arch, const uint8_t insn[4]);
bool tl__step_stopped(struct tl_task *task);
bool tl__step_trap_blocked(struct tl_task *task);
void tl__step_loaded(struct tl_task *task);
enum tl__pt_request tl__step_request(struct tl_task *task, enum tl__pt_request req);

/* sequence.c */
bool tl__sequence_resuming(struct tl_task *task);
void tl__sequence_stopped(struct tl_task *task);

/* raw.c */
bool tl__raw_claim(struct tl_task *task);
bool tl__raw_stopped(struct tl_task *task);
void tl__raw_loaded(struct tl_task *task);
void tl__raw_flushing(struct tl_task *task);
bool tl__raw_unknown(struct tl_task *task, const struct tl__reg *reg);
void tl__raw_inherit(struct tl_task *child, const struct tl_task *parent);
enum tl__pt_request tl__raw_request(struct tl_task *task, enum tl__pt_request req);
bool tl__raw_write_first(struct tl_task *task, enum tl__pt_request req);

void tl__raw_pay(struct tl_task *task);
bool tl__raw_is_plain(const struct tl_task *task);
bool tl__raw_cancel(struct tl_task *task, uint64_t arg0, enum tl__raw_phase phase);

/* remote.c */
/* The call's result, or a negated error number of our own: -ESRCH, -EFAULT. */
typedef void tl__remote_done(struct tl_task *task, int64_t ret, void *data);
/* -EINPROGRESS; -EBUSY outside of an interrupt's stop. While it is made no engine sees a stop. */
int tl__remote(struct tl_task *task, int64_t nr, const uint64_t args[6], tl__remote_done *done,
	       void *data);
bool tl__remote_claim(struct tl_task *task);
void tl__remote_gone(struct tl_task *task);

/* vectors.c */
struct tl__vectors {
	uint32_t note;
	void *bytes; /* NULL: none were in use */
	size_t len;
};
void tl__vectors_keep(struct tl_task *task, const struct tl__arch *arch, struct tl__vectors *v);
void tl__vectors_give_back(struct tl_task *task, struct tl__vectors *v);
void tl__vectors_drop(struct tl__vectors *v);
/* cave.c */
uint64_t tl__cave_new(struct tl_task *task, const struct tl__arch *arch, uint64_t mask, int64_t nr,
		      uint64_t arg0);
void tl__cave_done(struct tl_task *task, uint64_t cave);
typedef void tl__on_cave(void *data, int64_t nr, uint64_t arg0);
/* Those that a killed tracer has left: how many. With on_cave it is told of each, which is then no
 * more, if no task of the process, which stands still, is in it. */
unsigned tl__caves_left(struct tl_task *task, tl__on_cave *on_cave, void *data);

/* judge.c */
bool tl__judge_applies(struct tl_task *task);
void tl__judge_anew(struct tl_task *task);
void tl__judge_exit(struct tl_task *task);
bool tl__judge_leaving(struct tl_task *task, enum tl__pt_request then, bool interrupt);
bool tl__judge_again(struct tl_task *task);
bool tl__judge_enter(struct tl_task *task);
bool tl__judge_entered(struct tl_task *task);

/* raw_set.c */
int64_t tl__raw_set_read(struct tl_task *task, void *buf, size_t size);
int tl__raw_set_write(struct tl_task *task, const void *buf, size_t size);

/* reissue.c */
bool tl__reissue_broken(struct tl_task *task);

/* event.c and dispatch.c */
void tl__report_stop(struct tl_task *task);
void tl__dispatch(struct tl_task *task, struct tl_event *ev);
void tl__quiesce(struct tl_task *task);

/* engine.c */
uint32_t tl__engines_events(const struct tl_task *task);
void tl__engines_settle(struct tl_task *task); /* after a report: arrivals in, the detached out */
void tl__engines_drop_all(struct tl_task *task);
int tl__engine_attach(struct tl_task *task, const struct tl_engine_ops *ops, void *data,
		      uint32_t events, struct tl_engine **ret);
void tl__engine_detach(struct tl_engine *e);
void tl__engine_set_events(struct tl_engine *e, uint32_t events);
int tl__engine_control(struct tl_engine *e, tl_verdict want);

/* verdict.c */
struct tl__fold {
	uint32_t hold, step;
};
struct tl__fold tl__verdict_fold(const struct tl_task *task);
void tl__verdict_note(struct tl_engine *e, tl_verdict v);

/* resume.c */
void tl__task_settle(struct tl_task *task);
bool tl__has_handler(struct tl_task *task);  /* of the signal that is about to be delivered */
bool tl__will_restart(struct tl_task *task); /* the call that it is behind */
void tl__task_interrupt(struct tl_task *task);
/* On to an interrupt's stop, in which a quiesce is reported, and without executing anything. */
void tl__task_bounce(struct tl_task *task);
/* In an event's stop in the middle of a call. */
bool tl__in_call_event(const struct tl_task *task);
void tl__task_sync_options(struct tl_task *task); /* with what engines listen for, if it stands */
void tl__task_consume(struct tl_task *task);      /* its stop, if that was only peeked at */
void tl__resume_claimed(struct tl_task *task, enum tl__pt_request req, int sig);
/* The request that goes on as the engines' masks ask for, without regard to holds and steps. */
enum tl__pt_request tl__resume_plain(const struct tl_task *task);

/* attach.c and detach.c */
int tl__spawn(struct tl_session *s, const struct tl_spawn_options *o, struct tl_task **ret);
int tl__attach(struct tl_session *s, pid_t pid);
int tl__seize(struct tl_session *s, pid_t tid, const struct tl_engine_ops *ops, void *data,
	      uint32_t events, struct tl_engine **ret);
uint32_t tl__attach_options(const struct tl_session *s);
uint32_t tl__asked_options(const struct tl_task *task, uint32_t events);
int tl__detach(struct tl_task *task);
bool tl__detach_now(struct tl_task *task);
void tl__detach_all(struct tl_session *s);
void tl__detach_next(struct tl_session *s);
void tl__detach_stopped(struct tl_session *s);

/* In our filter's RET_TRACE data: a call for the engines; one for arg0.c alone. */
#define TL__SELECT_MARK 0x746cu
#define TL__NOTE_MARK   0x746eu
/* select.c: the seccomp program that makes chosen calls stop */
int tl__select_build(const struct tl_spawn_options *o, bool noted, struct tl__bpf_insn *code,
		     size_t max);

/* place.c */
void tl__place_stopped(struct tl_task *task);
void tl__place_resuming(struct tl_task *task, enum tl__pt_request req);
void tl__place_stepping(struct tl_task *task); /* what stands there is known */
void tl__place_born(struct tl_task *child, const struct tl_task *parent);
void tl__place_release(struct tl_task *task);
void tl__place_gone(struct tl_task *task);
void tl__place_entry(struct tl_task *task);
void tl__place_exit(struct tl_task *task); /* at a call's exit: show the program its own mask */
void tl__place_done(struct tl_session *s);

/* memview.c */
int64_t tl__mem_read(struct tl_task *task, tl_addr addr, void *buf, size_t len);
int64_t tl__mem_write(struct tl_task *task, tl_addr addr, const void *buf, size_t len);
/* Without what hides patched text. */
int64_t tl__mem_read_raw(struct tl_task *task, tl_addr addr, void *buf, size_t len);
int64_t tl__mem_write_raw(struct tl_task *task, tl_addr addr, const void *buf, size_t len);

/* watch.c: a pollable descriptor */
int tl__watch_fd(struct tl_session *s);
void tl__watch_rearm(struct tl_session *s);
void tl__watch_done(struct tl_session *s);

/* session.c */
struct tl__guard *tl__session_guard(struct tl_session *s); /* NULL: none can be had */
int tl__session_new(const struct tl_session_options *o, struct tl_session **ret);
void tl__session_free(struct tl_session *s);
int tl__fail(struct tl_session *s, const struct tl_task *task, const char *op, int err);

static inline bool tl__traces_calls(const struct tl_task *task)
{
	return task->hot || tl__engines_events(task) & TL_EVENTS_SYSCALLS;
}

#endif
