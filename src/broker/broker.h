/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The broker: ptrace(2) and the wait family of unmodified tools, served from the engines.
 *
 * start.c   the processes; stand_in.c: what the front does when the server has been killed
 * reply.c   answers, and signals that take calls back
 * serve.c   the server's loop: notices of calls, stops of tracees, ends of tools
 * open.c    calls that are received and not answered, for the front to see
 * filter.c  which calls of the tools are told of
 * family.c  a tool's other children
 * sigchld.c the signal that tells a tool of its tracees
 * alone.c   a tool that nobody shares with; takeover.c, takeover_look.c, takeover_take.c: and when
 *           somebody does; driven.c: and when one of us is killed in the middle of that
 * shortcut.c what a debugger asks all the time, and is not told of; way.c: the code for both
 * tool.c    processes that trace or wait, and their calls that are not answered yet
 * tracee.c  tasks: one engine each, and what it reports in ptrace(2)'s words
 * chain.c   the links of a task, that every event passes along
 * stuck.c   tools that wait for each other
 * step_over.c  threads that are kept while a tool steps over a breakpoint
 * link.c    the rules of one link (pure)
 * memory.c  /proc/PID/mem of tracees; process_vm.c: process_vm_readv and _writev
 * shadow.c  whose a breakpoint is, and what lies under it (pure)
 * breaks.c  who sees the signal of one
 * lift.c    what a killed debugger leaves behind
 * peer.c    other servers; peer_memory.c: memory of their tasks; peer_waits.c: tools that wait for
 *           those
 * message.c what they say; talk.c: and answer
 * registry.c where they are
 * windows.c what they may see of a tool (pure)
 * trace.c   ptrace(2), request by request; attach.c: by which a link begins
 * narrow.c  in the layouts of 32 bits (pure)
 * registers.c those for registers
 * registers_32.c by a tool of 32 bits
 * narrow_regs.c of a task of 64 bits (pure)
 * debugregs.c debug registers, hwdebug.c arm64's; watches.c: each tracer's, in the task's (pure)
 * callinfo.c those for what a call's stop says; clone_call.c: whether a clone asks for its tracer
 * seccomp.c its requests about filters, of which the tools' own is hidden
 * list.c    who traces what, as all servers of a user's tell: `trapline ps`
 * poke.c    getting a thread out of a wait that was left to the kernel
 * visit.c   a tool's thread that is nobody's tracee, seized for a moment
 * wait.c    wait4, waitid, waitpid
 *
 * Everything runs in the server's one thread. On tasks it uses the public contract only; but for
 * those that a takeover drives, which are nobody's then, and for tools whose text changes.
 */
#ifndef TL_BROKER_BROKER_H
#define TL_BROKER_BROKER_H

#include "hash.h"
#include "children.h"
#include "compat.h"
#include "link.h"
#include "notify.h"
#include "puppet.h"
#include "shortcut.h"
#include "watches.h"
#include "trapline/broker.h"
#include "trapline/engine.h"
#include "trapline/session.h"
#include "trapline/state.h"
#include "trapline/task.h"

#include <sys/queue.h>

/* Calls that are told of. */
enum tl__served {
	TL__SERVE_NONE,
	TL__SERVE_PTRACE,
	TL__SERVE_WAIT4,
	TL__SERVE_WAITID,
	TL__SERVE_WAITPID,
	TL__SERVE_SIGACTION, /* of SIGCHLD */
	TL__SERVE_OPEN,      /* for writing, of what is there */
	TL__SERVE_OPENAT,
	TL__SERVE_READ, /* of descriptors from TL__FD_FIRST on */
	TL__SERVE_WRITE,
	TL__SERVE_PREAD,
	TL__SERVE_PWRITE,
	TL__SERVE_TKILL, /* with SIGSTOP or SIGCONT */
	TL__SERVE_TGKILL,
	TL__SERVE_VM_READ, /* process_vm_readv and _writev */
	TL__SERVE_VM_WRITE,
};

/* CONT and its like, on this machine. */
static inline bool tl__resumes(uint32_t request)
{
	return tl__vlink_resumes(request, TL__BY_HOST(true, false));
}

static inline uint64_t tl__signal_bit(int sig)
{
	return (uint64_t)1 << (sig - 1);
}

struct tl__link {
	TAILQ_ENTRY(tl__link) of_tracee, of_tool;
	struct tl__tracee *tracee;
	struct tl__tool *tool;
	pid_t tracer;   /* the thread that made it, from which requests must come */
	uint64_t since; /* the tracee's count of events then */
	uint64_t seen;  /* and at the last one that went by here */
	unsigned order; /* of its making, among its tool's */
	bool kernels;   /* dead, and the tool is the parent: the kernel has it too */
	bool kin_known; /* it has been looked at whose child this is, */
	bool own_child; /* and seen that it is the tool's */
	unsigned news;  /* of another server's task: how often it was told, */
	bool held;      /* and that others hold it */
	bool owns;      /* the breakpoint or watchpoint whose signal is the last one */
	bool spared;    /* it is another's */
	int injects;    /* a signal that this tracer has put in, and is not to see again */
	/* The call that the task is in: it has seen its entry; or not, and was shown a stop, or
	 * joined, in the middle: nor is it to see its exit. */
	enum { TL__CALL_UNSEEN, TL__CALL_ENTERED, TL__CALL_LATE } call;
	/* The stop to come is an old one, which its tracer has waited for, and listens in, or has
	 * resumed it from. */
	enum { TL__COMES_NEW, TL__COMES_TOLD, TL__COMES_LISTENING, TL__COMES_RESUMED } comes;
	struct tl__watches watches[TL__WATCH_KINDS];
	struct tl__vlink v;
};

TAILQ_HEAD(tl__links, tl__link);

struct tl__tracee {
	TAILQ_ENTRY(tl__tracee) link;
	struct tl__broker *broker;
	struct tl_task *task;     /* a reference */
	struct tl_engine *engine; /* NULL: the task is gone */
	struct tl__peer *peer;    /* that holds it, for this is a stand-in; else NULL */
	pid_t tid, tgid;
	uid_t uid;
	struct tl__links links; /* in the order in which they were made */
	uint64_t events;        /* that it has had */
	int group_sig;          /* of the group stop that it is in */
	bool continue_told;     /* tracers know of the SIGCONT that is pending, if one is */
	pid_t sender;           /* whose signals others are that we have sent */
	uid_t sender_uid;
	uint64_t sent; /* signals that we have sent in a tracer's name: 1 << sig - 1 */
	pid_t vforked;

	struct tl__happening now; /* what goes along the chain */
	enum tl__what stands_in;  /* the kernel's stop */
	bool in_call;             /* whose entry was seen here, and whose exit was not yet */
	bool in_ptrace;           /* where that is a call's: it is ptrace(2) */
	struct tl__link *at;      /* the link whose turn it is; NULL: the chain is through */
	bool shown;               /* that link has seen it */
	bool emulated;            /* a call that a tracer makes itself */
	bool behind_call;         /* taken there: the next stop stands for the call's exit */
	bool kept;                /* nobody holds it, but a tool steps over a breakpoint */
	bool passing;     /* it makes a step while links hold it, whose steps wait for its */
	bool backwards;   /* a call's entry: the first link stands nearest the kernel */
	bool reporting;   /* inside the engine's callback */
	bool interrupted; /* by us, and not stopped yet */
	int64_t usage[TL__USAGE_WORDS]; /* at its last stop; for tools that ask for it */
	bool usage_known;
	bool lifted;      /* a debugger was killed: its breakpoints are not there any more */
	uint64_t met;     /* the breakpoint whose signal is the last one; 0: that was none */
	uint64_t trap_pc; /* the pc in its stop */
	uint64_t stood_in,
		stood_at; /* the event at which its registers were written, and the pc before */
	uint64_t aside, original; /* a copied instruction that it steps; 0: none */
	unsigned
		checks; /* whether a SIGSTOP is pending that a tracer has sent while it was alone */
	pid_t swallow;  /* whose: that tracer has been told of it already */
	bool rewatch;   /* its debug registers are to be written anew */
	bool unfiltered; /* its filters of system calls are suspended */
	unsigned pins;   /* not to be freed yet */
	int deliver;     /* of a signal: what the links before have left */
	bool replaced;   /* and whether that, or info, is not the kernel's any more */
	bool taken;      /* it goes on to those alone whose it is, too */
	bool leaves;     /* its end is told before it dies: a link has wanted that */
	uint8_t info[TL__INFO_SIZE];
	bool step_owed; /* a step ended in the same stop: next, with this info */
	bool step_call; /* over a call */
	uint8_t step_info[TL__INFO_SIZE];
	bool chld_owed; /* the SIGCHLD that we send it has this info */
	_Alignas(8) uint8_t chld_info[TL__INFO_SIZE];
};

/* A call that is not answered yet. */
struct tl__call {
	TAILQ_ENTRY(tl__call) link;
	struct tl__notice n;
	bool doomed;  /* a signal is breaking it: not to be answered now */
	bool queued;  /* it was looked at before, and found nothing */
	bool repeats; /* made a second time: its answer may have got lost */
	struct tl__wait {
		uint64_t status, info, usage; /* where the results go; 0: nowhere */
		unsigned options;
		int kind; /* P_ALL, P_PID, P_PGID */
		pid_t id;
		bool by_id; /* waitid: the result is 0, and a siginfo */
		bool again; /* EAGAIN where WNOHANG has 0: the flag is the descriptor's */
	} wait;
};

/* A child of a tool's own: one that nothing of ours tells the end of, or that has ended. */
struct tl__child {
	TAILQ_ENTRY(tl__child) link;
	pid_t pid;
	int fd; /* readable when it is dead; -1: it is */
};

/* What a SIGCHLD says. */
struct tl__sigchld {
	bool stop;
	int code, status;
	pid_t pid, to; /* the tracer */
	uid_t uid;
};

struct tl__tool {
	TAILQ_ENTRY(tl__tool) link;
	struct tl__broker *broker;
	pid_t tgid;
	uid_t uid;
	int fd;                  /* readable when it is dead */
	struct tl__peer *peer;   /* whose tool it is; NULL: ours */
	struct tl__alone *alone; /* its tracees are its own; NULL: it has links */
	bool was_alone;
	struct tl__shortcut shortcut; /* shortcut.c */
	struct tl__links links;
	unsigned sigchld; /* what it has said of that signal: TL__CHLD_* */
	TAILQ_HEAD(, tl__call) waiting;
	TAILQ_HEAD(, tl__child) children;
	TAILQ_HEAD(, tl__child) tracers; /* threads of its that have made links; not the leader */
	bool children_known;             /* they were looked for since a wait was looked at */
	bool has_others;                 /* or has had: children that were not its tracees */
	bool signalled;                  /* with waits that its handler breaks */
	bool suspicious;                 /* a call may have been made before that */
	bool leader_due;                 /* a leader's end may be told now */
	bool news_owed;                  /* a SIGCHLD that says this */
	unsigned put_off;
	pid_t lifted_in; /* the process that it has taken a breakpoint away in, and not set again */
	uint64_t lifted_at;  /* ms */
	pid_t stops_in;      /* the process that it stops threads of */
	uint64_t stops_at;   /* ms: the last one */
	uint64_t waits_at;   /* ms: since when something is waiting */
	uint64_t news_since; /* ms: since when its signal is put off while it is calling; 0: is not
			      */
	bool stuck_there;    /* another server's: it is in a wait there for what is held */
	bool stuck_said;     /* ours: so others were told, */
	uint64_t asked_at;   /* and were asked of what it waits for; 0: not of this wait */
	bool wants_usage;    /* its waits ask for it */
	bool debugs;         /* it has stepped or changed a tracee: breakpoints may be its own */
	struct tl__sigchld news;
	struct tl__children all_children; /* those that are its tracees, too */
	struct tl__child_of *kin;         /* as they were when they were looked for last */
	unsigned kin_n;
	unsigned order; /* the latest link's */
};

struct tl__broker {
	struct tl_session *session;
	int listener, poll, signals;
	int registry; /* where other servers connect; -1: nowhere */
	TAILQ_HEAD(, tl__peer) peers;
	int front;   /* the first tool's status goes there; -1: nobody waits */
	pid_t first; /* the tool that we are the parent of; 0: it has ended */
	int first_fd;
	bool stops;                 /* some may be ready */
	struct tl__answer *answers; /* reply.c's: the last one of each thread */
	unsigned wary;              /* answers to be given with care yet */
	bool blind;                 /* whether callers sleep cannot be seen */
	struct tl__sleeper sleeper;
	uint64_t ungiven; /* the call whose results had nowhere to go */
	struct tl__open *open;
	const struct tl_broker_options *options;
	TAILQ_HEAD(, tl__tracee) tracees;
	TAILQ_HEAD(, tl__memory) memories;
	struct tl__hash breaks; /* by process */
	TAILQ_HEAD(, tl__tool) tools;
	unsigned alone;         /* tools that are */
	unsigned ahead;         /* tools where a stop lies that no wait has taken yet: shortcut.c */
	struct tl__hash by_tid; /* tracees */
	struct tl__hash visits;
	struct tl__hash sigchld;   /* by process: TL__CHLD_*, as a pointer */
	size_t sweep_at;           /* in_kernel had so many when it was swept last */
	struct tl__hash in_kernel; /* threads whose last wait was left to the kernel */
	bool stuck;                /* steps or stops are asked for of tasks that others hold */
	bool keeps;                /* tasks, for as long as a tool steps over a breakpoint */
	bool idle;                 /* and nothing has happened for a while */
	bool in_call; /* another server's tool has its memory read or written: talk.c */
	bool reads_known, reads_all; /* a tool may read all memory of a tracee of ours itself */
	bool over;                   /* nobody makes calls under the listener any more */
};

/* filter.c */
enum { TL__FILTER_MAX = 192 };
/* Descriptors of tools that are the memory of a tracee: a filter can tell no more of one than its
 * number. */
enum { TL__FD_FIRST = 4032, TL__FDS = 64 };
uint16_t tl__filter_build(struct tl__bpf_insn code[TL__FILTER_MAX]);
enum tl__served tl__filter_served(const struct tl__notice *n,
				  unsigned *ret_word); /* 4 or 8 bytes */

/* chain.c */
tl_verdict tl__chain_report(struct tl_engine *engine, const struct tl__happening *h);
/* Tasks that were kept go on, if it is time. */
void tl__chain_look_at_kept(struct tl__broker *b);
/* At so many stops behind the arrival of a second tracer a SIGSTOP of the first's is looked for:
 * the kernel may be about to send it then. */
enum { TL__CHECKS = 8 };
uint32_t tl__chain_events(const struct tl__tracee *t); /* that the links need */
/* What it was told of as a debugger it takes with it. */
void tl__chain_tracer_died(struct tl__link *l);
/* The kernel's answer, of a task that stands still. One that is a tool keeps its filters. */
int tl__chain_suspend_filters(struct tl__tracee *t);
struct tl__link *tl__chain_next(const struct tl__tracee *t, struct tl__link *l);
bool tl__chain_is_held(const struct tl__tracee *t);
/* It stands where the kernel's own interrupt could have stopped it: in no call. */
bool tl__chain_rests(const struct tl__tracee *t);
/* continued.c */
/* Whether a SIGCONT is pending whose trap no tracer has been told of; they are now, by this stop.
 */
bool tl__tell_continued(struct tl__tracee *t);
/* Whether that of a pending SIGCONT has been told of, once this has happened. */
bool tl__is_continue_told(const struct tl__tracee *t, const struct tl__happening *h);
/* What this link holds may have changed: the chain goes on, and the task if nobody holds it. */
void tl__link_let_go(struct tl__link *l, const struct tl__let_go *how);
void tl__tracee_settle(struct tl__tracee *t);
void tl__tracee_poke(struct tl__tracee *t);

/* stuck.c: of a task that stands still */
bool tl__stuck_is_held(const struct tl__link *l); /* its task, by others */
/* It has waited for a while, for what others hold. */
bool tl__stuck_waits(const struct tl__tool *tool, const struct tl__call *c);
bool tl__stuck_hold(const struct tl__tracee *t);     /* all who hold it wait for what is held */
bool tl__stuck_owes(const struct tl__tracee *t);     /* a link is owed a stop */
bool tl__stuck_steps(const struct tl__tracee *t);    /* a link that has let go wants a step */
bool tl__stuck_may_pass(const struct tl__tracee *t); /* that step is made, though others hold it */
void tl__stuck_look(struct tl__broker *b);       /* for tasks that may go on, or stops to show */
void tl__stuck_look_again(struct tl__broker *b); /* nothing has happened for a while */
void tl__stuck_wait(struct tl__broker *b, pid_t tid); /* until its step is made */

/* tracee.c */
/* Of a signal that we have sent in a tracer's name: what it says natively. One that was put into a
 * call's stop is the kernel's (ptrace_report_syscall). False: it is another's. */
bool tl__tracee_sent_info(const struct tl__tracee *t, const void *info, uint8_t ret[TL__INFO_SIZE]);
struct tl__tracee *tl__tracee_find(struct tl__broker *b, pid_t tid);
/* The signal of the group stop that a thread of this process has come by; 0: of none. */
int tl__tracee_group_stop(const struct tl__broker *b, pid_t tgid);
bool tl__makes_traced_child(struct tl_task *task); /* clone_call.c */
void tl__tracee_orphan(struct tl__broker *b,
		       struct tl_task *task); /* that no clone event told of */
/* A link to a task that is not traced through us yet, or is. *ret is the tool's. */
void tl__tracee_died(struct tl__tool *tool, pid_t tid, pid_t tgid, pid_t tracer, uint32_t options,
		     int status);
int tl__tracee_link(struct tl__broker *b, pid_t tid, struct tl__tool *tool, pid_t tracer,
		    bool seize, uint32_t options, bool stop, struct tl__link **ret);
void tl__link_unlink(struct tl__link *l); /* lets go */
struct tl__link *tl__tracee_stand_in(struct tl__peer *p, struct tl__tool *tool, pid_t tid,
				     pid_t tracer);

/* visit.c: a tool's thread that is nobody's tracee, for a moment */
void tl__visit_interrupt(struct tl__broker *b, pid_t tid);
bool tl__visit_interrupts(struct tl__broker *b, pid_t tid); /* and it has not stopped yet */
bool tl__visit_sigchld(struct tl__broker *b, pid_t tgid, pid_t tid, const void *info);

/* breaks.c: a process's breakpoints, and what debuggers see of them */
struct tl__shadow;
struct tl__shadow *tl__breaks_of(const struct tl__broker *b, pid_t tgid); /* NULL: it has none */
struct tl__shadow *tl__breaks_get(struct tl__broker *b, pid_t tgid);      /* NULL: no memory */
bool tl__breaks_is_text(struct tl__broker *b, pid_t tgid, uint64_t addr);
/* Other tools have breakpoints there, or may come to set some. */
bool tl__breaks_are_shared(const struct tl__broker *b, const struct tl__tool *tool, pid_t tgid);
/* A write that changes text, which this tool must not make now. */
bool tl__breaks_refuse(struct tl__broker *b, struct tl__tool *tool, pid_t tgid, uint64_t addr,
		       const void *before, const void *wanted, size_t len);
/* The copy of an instruction, of any tool's, that this pc is in. */
bool tl__breaks_is_aside(const struct tl__broker *b, pid_t tgid, uint64_t pc, uint64_t *ret_begin);
/* A signal is reported: if a breakpoint's, where it stands, and which links it is not for. */
void tl__breaks_met(struct tl__tracee *t, int sig, const void *info);
bool tl__breaks_is_trap(int sig, const void *info);
bool tl__breaks_is_at(const struct tl__tracee *t, uint64_t addr); /* anybody's */
bool tl__breaks_pc(struct tl_task *task, uint64_t *pc);
bool tl__breaks_set_pc(struct tl_task *task, uint64_t pc);
void tl__breaks_forked(struct tl__broker *b, pid_t from, pid_t to);
void tl__breaks_forget(struct tl__broker *b, pid_t tgid); /* another program, or none */
/* A tool is gone: what lies under the breakpoints that it alone had in this process, and where it
 * had copied instructions to, if asides. */
void tl__breaks_leave(struct tl__broker *b, const struct tl__tool *tool, pid_t tgid, bool asides,
		      void (*lift)(uint64_t addr, const void *bytes, size_t len, void *data),
		      void *data);
void tl__breaks_disown(struct tl__broker *b, const struct tl__tool *tool);

/*
 * debugregs.c, x86: offsets are of struct user; hwdebug.c, arm64: sets. Of a task that is stopped
 * for this tracer.
 */
bool tl__debugregs_has(uint64_t offset);
int64_t tl__debugregs_write(struct tl__link *l, uint64_t offset, uint64_t value);
int64_t tl__debugregs_read(const struct tl__link *l, uint64_t offset, uint64_t *ret);
bool tl__hwdebug_has(uint32_t note);
int64_t tl__hwdebug_write(struct tl__link *l, uint32_t note, const void *buf, size_t len);
int64_t tl__hwdebug_read(const struct tl__link *l, uint32_t note, void *buf, size_t len);
bool tl__debugregs_is_hit(int sig, const void *info);
/* A signal is reported: if a watchpoint's, which links it is not for. */
void tl__debugregs_met(struct tl__tracee *t, int sig, const void *info);
/* A step is over, says this siginfo: its trap may be a watchpoint's, too. Links that have not asked
 * for the step are owed that. */
void tl__debugregs_stepped(struct tl__tracee *t, const void *info);
void tl__debugregs_left(const struct tl__link *l);
void tl__debugregs_renew(struct tl__tracee *t); /* of a task that stands still, if need be */
void tl__debugregs_forget(struct tl__tracee *t);

/* step_over.c: a tool has taken breakpoints of its own away, or set some; has put a task back in
 * front of one or sent a SIGSTOP to some, or (0) let one go. */
void tl__step_over_lifted(struct tl__tool *tool, pid_t tgid, bool lifted);
void tl__step_over_stops(struct tl__tool *tool, pid_t tgid);
/* A task that nobody holds is to wait. */
bool tl__step_over_keeps(const struct tl__tracee *t);

/* lift.c */
void tl__lift_breakpoints(struct tl__tool *tool); /* of a tool that has been killed */
void tl__lift_note_pc(struct tl__tracee *t);
void tl__lift_note_step(struct tl__tracee *t); /* that is asked for */
void tl__lift_go_on(struct tl__tracee *t);     /* of a task that stands still */
bool tl__lift_go_back(struct tl__tracee *t);   /* in front of the breakpoint that it has met */
/* A signal that is about such a breakpoint, where no other debugger is than the one that is gone
 * (or NULL): it is to be dropped, and the task goes on where it was. */
bool tl__lifted_owns(struct tl__tracee *t, int sig, const void *info, const struct tl__tool *gone);
/* The task stands in a fault's stop of this tracer's, which has died. Where there are others the
 * signal stays: dropped it would come again, by the same instruction, and they have seen it. */
bool tl__lift_leaves_fault(const struct tl__tracee *t, const struct tl__link *gone);

/* poke.c */
bool tl__is_alive(uint64_t id, void *value); /* of a process or thread: for tl__hash_sweep() */
void tl__waits_in_kernel(struct tl__broker *b, pid_t tid, bool waits);
void tl__poke_waits(struct tl__broker *b, pid_t tgid); /* of this process */
/*
 * A thread that we have interrupted takes its call back, and makes it again. Until it has stopped
 * no call of its is answered: the kernel takes an answer that comes while the thread wakes up, and
 * throws it away (seccomp_do_user_notification).
 */
bool tl__is_interrupted(struct tl__broker *b, pid_t tid);

/* trace.c */
/* peer: whose tool it is; NULL: ours. */
int64_t tl__serve_request(struct tl__broker *b, const struct tl__notice *n, unsigned word,
			  struct tl__peer *peer);
void tl__serve_ptrace(struct tl__broker *b, const struct tl__notice *n, unsigned word);
/* A SIGSTOP that this thread sends a tracee of its, which others trace, too: it is the only one to
 * see it. A SIGCONT takes that back. False: it is a signal like others. */
bool tl__serve_stop(struct tl__broker *b, pid_t caller, pid_t tid, int sig, struct tl__peer *peer);

/* wait.c */
void tl__serve_wait(struct tl__broker *b, const struct tl__notice *n, enum tl__served what,
		    unsigned word);
pid_t tl__wait_one(const struct tl__call *c); /* that it is for alone; or 0 */
void tl__waits_look(struct tl__tool *tool);   /* something may have come for those that wait */
/* To those that wait again for what they were told of, if nothing has come for a while. */
void tl__waits_retell(struct tl__tool *tool);
void tl__wait_tell_ahead(struct tl__tool *tool); /* a signal is about to be sent */

/* sigchld.c */
enum {
	TL__CHLD_KNOWN = 1,
	TL__CHLD_NO_STOPS = 2,
	TL__CHLD_INFO = 4,
	TL__CHLD_RESTARTS = 8,
	TL__CHLD_KEPT = 16 /* the dead are waited for: neither ignored, nor with SA_NOCLDWAIT */
};
void tl__serve_sigaction(struct tl__broker *b, const struct tl__notice *n, unsigned word);
unsigned tl__sigchld_of(struct tl__broker *b, pid_t tgid);
void tl__sigchld_forget(struct tl__broker *b, pid_t tgid);
void tl__sigchld_about(const struct tl__link *l, struct tl__sigchld *ret);
void tl__sigchld_send(struct tl__tool *tool, const struct tl__sigchld *s);

/* tool.c */
struct tl__tool *tl__tool_find(struct tl__broker *b, pid_t tgid);
struct tl__tool *tl__tool_of(struct tl__broker *b, pid_t tid);   /* NULL: not one */
struct tl__tool *tl__tool_get(struct tl__broker *b, pid_t tgid); /* NULL: dead, or no memory */
void tl__tool_gone(struct tl__tool *tool);
void tl__tool_tell(struct tl__link *l); /* this link of it has news */
void tl__tool_watch_tracer(struct tl__tool *tool, pid_t tid);
void tl__tool_thread_ends(struct tl__broker *b, pid_t tid); /* and its links with it */
void tl__tools_look_at_tracers(struct tl__broker *b);       /* that the kernel does not tell of */
/* For how long at most nothing is to be looked for, in ms; -1: for ever. SWEEP: and then for tasks
 * that have gone without a word. */
enum { TL__SWEEP_MS = 1000 };
int tl__tools_patience(struct tl__broker *b);
bool tl__tools_have_news(const struct tl__broker *b);
void tl__tools_signal(struct tl__broker *b, bool calls); /* those; calls: some are there yet */
void tl__tools_were_signalled(struct tl__broker *b);     /* long enough ago */
bool tl__tool_owns(const struct tl__tool *tool, int fd);
void tl__tool_polled(struct tl__tool *tool, int fd); /* one of its descriptors is readable */

/* family.c: a tool's children that it does not trace */
void tl__family_look(struct tl__tool *tool); /* for those that there are, and watch them */
void tl__family_ended(struct tl__tool *tool, pid_t child);
void tl__family_see_end(struct tl__child *c);
void tl__family_forget(struct tl__tool *tool);
enum tl__kernel_has { TL__KERNEL_NOTHING, TL__KERNEL_PERHAPS, TL__KERNEL_AN_END };
/* For this wait: a child's stop, perhaps, or an end; told before (or NULL) what that link has. */
enum tl__kernel_has tl__family_has(struct tl__tool *tool, const struct tl__wait *w, pid_t caller,
				   const struct tl__link *before);
/* It has threads that have been traced and that the tool has not waited for: they come first. */
bool tl__family_is_delayed(const struct tl__tool *tool, pid_t pid);
/* Where no tracee has anything to tell: the kernel answers this wait as we would, of tracees and of
 * other children, and nobody has to look for these. */
bool tl__family_is_for_kernel(const struct tl__tool *tool, const struct tl__wait *w);
/* Of this end: it was in a wait that the kernel has answered, between our reaping it and our
 * asking whose child it is. */
bool tl__family_was_told(const struct tl__link *l);
/* It has called exec, which natively goes on when its tracer has waited for its dead threads
 * (de_thread). */
bool tl__family_is_in_exec(const struct tl__link *l);
bool tl__family_is_in_exec_stop(const struct tl__link *l);
/* Who is told of first. */
bool tl__family_is_before(const struct tl__link *l, const struct tl__link *other,
			  const struct tl__wait *w, pid_t caller);
/* The kernel would tell of this child, were it no tracee; as they were looked for last. */
bool tl__family_is_eligible(const struct tl__tool *tool, const struct tl__wait *w, pid_t caller,
			    pid_t pid);
bool tl__is_readable(int fd);

/* open.c: the calls that are received and not answered, where the front can see them */
struct tl__open;
struct tl__open *tl__open_new(void); /* NULL: no memory */
void tl__open_free(struct tl__open *o);
void tl__open_add(struct tl__open *o, const struct tl__notice *n);
void tl__open_drop(struct tl__open *o, uint64_t id);
/* Those of a server that is dead. */
void tl__open_each(const struct tl__open *o,
		   void (*each)(uint64_t id, pid_t tid, bool traces, void *data), void *data);
/* A thread that is being driven: the tool's, and its tracee on the way from its hands. */
enum { TL__DRIVEN_TOOL, TL__DRIVEN_TRACEE, TL__DRIVEN };
struct tl__driven {
	pid_t tid;                        /* 0: none; set last */
	struct tl__puppet is;             /* as it is to go on */
	uint8_t at_stop[TL__PUPPET_REGS]; /* and to stand on, in the tool's hands */
	uint64_t ip;                      /* where this text has been changed; 0: nowhere */
	uint8_t text[2];
};
struct tl__driven *tl__open_driven(struct tl__open *o, unsigned which);
/* driven.c: a tool's thread, from now on. If we are killed the front lets it go on as it was. */
int tl__tool_drive(struct tl__open *o, struct tl__puppet *p, pid_t tgid, pid_t tid);
void tl__tool_let_go(struct tl__open *o, struct tl__puppet *p);
/* In the front, when the server has been killed: all goes on as it was */
void tl__driven_release(struct tl__open *o);
/* In the server, when the tool has been: its tracee does. */
void tl__driven_rescue(struct tl__open *o);
/* A tool is alone from now on, or no more. False: there is no room for it. */
bool tl__open_alone(struct tl__open *o, pid_t tgid, bool begins);
bool tl__open_is_alone(struct tl__open *o, pid_t tgid);
/* One in whose memory there are answers, which nobody would take away any more (shortcut.c). */
bool tl__open_answered(struct tl__open *o, pid_t tgid, bool begins); /* false: there are too many */
void tl__open_each_answered(const struct tl__open *o, void (*each)(pid_t tgid));
int tl__reply(struct tl__broker *b, uint64_t id, int64_t result); /* -ENOENT: it was taken back */
int tl__pass(struct tl__broker *b, uint64_t id);                  /* to the kernel */

/* reply.c: answers, and signals that take calls back */
/* The same call was answered, and the answer got lost: it has it now. */
bool tl__answered_before(struct tl__broker *b, const struct tl__notice *n);
/* A wait that was answered by a stop which its tool is still in: the answer may have got lost. */
/* *ret_long_ago: so long that it is to be answered so again, if nothing else comes. */
bool tl__told_before(struct tl__broker *b, const struct tl__notice *n, bool *ret_long_ago);
/* A signal has taken back a call: others may be lost. */
void tl__taken_back(struct tl__broker *b);
/* -ENOENT: it was taken back. An answer that a signal may take back without a word is remembered.
 */
int tl__reply_to(struct tl__broker *b, const struct tl__notice *n, int64_t result);
/* Into the memory of who makes this call. Nothing where a signal has taken it back: the call has
 * failed, and something else lies there, or it is made again, and then served again. */
int tl__give(struct tl__broker *b, const struct tl__notice *n, uint64_t addr, const void *buf,
	     size_t len);
/* Of a call that cannot be served twice. */
void tl__answer(struct tl__broker *b, const struct tl__notice *n, int64_t result);

/* serve.c */
int tl__poll_add(struct tl__broker *b, int fd);
void tl__first_tool_ended(struct tl__broker *b, int status);
void tl__look_at_first(struct tl__broker *b); /* whether it has ended */

#endif
