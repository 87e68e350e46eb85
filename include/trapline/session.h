/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sessions: the tracees of one thread.
 *
 * A session belongs to the thread that made it, as the kernel's ptrace relation does; calls from
 * another thread answer -ECHILD, but for tl_session_wake(). It waits for its own tracees and never
 * takes a child of the host program. It prints nothing, installs no signal handler and never exits.
 */
#ifndef TRAPLINE_SESSION_H
#define TRAPLINE_SESSION_H

#include <trapline/engine.h>
#include <trapline/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum tl_origin {
	TL_ORIGIN_SPAWN = 1,
	TL_ORIGIN_ATTACH, /* a thread found by tl_session_attach() */
	/* Born to a tracee that was killed before it could report the birth; or, where births are
	   not reported, made with CLONE_PTRACE. */
	TL_ORIGIN_ORPHAN,
};

enum tl_session_flags {
	/* Kill the tracees if the tracer dies. Forced where a filter of ours is installed. */
	TL_SESSION_EXITKILL = 1,
	/* Leave the tracees on the cores where the scheduler puts them. */
	TL_SESSION_NO_PLACE = 2,
	/* Type every system call stop twice, from the kernel's answer and without; -EPROTO on a
	   difference. */
	TL_SESSION_CHECK_STOPS = 4,
	/* Do not follow children; their clone report carries no task. */
	TL_SESSION_NO_FOLLOW = 8,
	/* Engines that ask for one get a quiesce where the task is in no call at all, as ptrace's
	   own interrupt has it: what is then written to its registers is what it goes on with. */
	TL_SESSION_QUIESCE_AT_REST = 16,
};

struct tl_session_options {
	uint32_t size; /* sizeof(struct tl_session_options) */
	uint32_t flags;
	/* Called for each task that no clone report announces, before anything of it is reported.
	 */
	void (*on_task)(struct tl_session *session, struct tl_task *task, enum tl_origin origin,
			void *data);
	/* tl_session_run() was interrupted by a signal, or woken. Non-zero ends the run with that
	 * value. */
	int (*on_wake)(struct tl_session *session, void *data);
	void *data;
	/* Kernel features to deny or claim, "no-NAME,NAME,...", names as `trapline doctor --kernel`
	 * has them. */
	const char *pretend;
	/* Record what the kernel answers to this file, or replay such a file instead of a kernel.
	 */
	const char *record, *replay;
};

struct tl_error {
	int32_t code;   /* what the call returned */
	int32_t cause;  /* the errno behind it */
	const char *op; /* what was tried: "seize", "exec", ...; a constant string */
	struct tl_task_id task;
};

/*
 * Makes a session for the calling thread. options may be NULL.
 * Errors: -EINVAL (unknown flags or features, a longer options with a non-zero tail), -ENOMEM, and
 * with record or replay those of fopen().
 */
TL_CHECKED int tl_session_new(const struct tl_session_options *options,
			      struct tl_session **ret_session);

/*
 * Ends a session: engines are released, tasks that can be detached at once are, and the kernel
 * detaches the others when this thread ends. Call tl_session_detach_all() and run until 0 first to
 * do it in order. Accepts NULL.
 */
TL_API void tl_session_free(struct tl_session *session);

/*
 * Runs until no task is left (0) or on_wake says otherwise. Blocks in one wait for this thread's
 * tracees. Errors: -EPROTO (see tl_session_last_error), or what on_wake returned.
 */
TL_CHECKED int tl_session_run(struct tl_session *session);

/*
 * Handles whatever is ready and returns at once: the number of tasks still there, or -errno.
 * For programs with an event loop of their own; see tl_session_fd().
 */
TL_CHECKED int tl_session_turn(struct tl_session *session);

/*
 * Looks for tasks that are gone without a word, and reports their deaths, superseded. For sessions
 * that do not trace all threads of a process: where one that they do not trace calls exec(2), the
 * leader's trace ends, and the kernel tells nobody (fs/exec.c, de_thread). A look at /proc for each
 * process: to be called now and then, while nothing happens.
 */
TL_CHECKED int tl_session_sweep(struct tl_session *session);

/*
 * A descriptor that polls readable when tl_session_turn() has something to do. It belongs to the
 * session. Behind it stands a thread of the library that only looks (waitid with WNOWAIT); a stop
 * found this way costs one more thread switch than in tl_session_run().
 */
TL_CHECKED int tl_session_fd(struct tl_session *session);

/* Makes a tl_session_run() in progress call on_wake. From any thread, and from signal handlers. */
TL_API void tl_session_wake(struct tl_session *session);

/* The last failure, in detail. The strings are constants. */
TL_API void tl_session_last_error(const struct tl_session *session, struct tl_error *ret_error);

struct tl_spawn_options {
	uint32_t size;    /* sizeof(struct tl_spawn_options) */
	uint32_t flags;   /* none yet: 0 */
	const char *path; /* the program, resolved: PATH is not searched */
	char *const *argv;
	char *const *envp;
	/* Become this user first; NULL to stay. */
	const char *user;
	uint32_t uid, gid;
	/*
	 * With a selection only these calls stop, by a seccomp filter in the program. It cannot be
	 * taken off again: see TL_SESSION_EXITKILL. Arrays of numbers for the machine's ABIs of 64
	 * bits (on x86-64 for x32 too) and of 32: tl_abi_native().
	 */
	bool select;
	const int32_t *select_64, *select_32;
	size_t n_select_64, n_select_32;
};

/*
 * Starts a program; on_task is called with its task before it runs, and the first event is the
 * entry of its execve. *ret_task is borrowed from the session. Errors: -EINVAL, -EPERM, -ENOMEM,
 * -EAGAIN (fork). A failing execve is seen as its result.
 */
TL_CHECKED int tl_session_spawn(struct tl_session *session, const struct tl_spawn_options *options,
				struct tl_task **ret_task);

/* Whether the last spawn with a selection had to set no_new_privs: setuid programs gain nothing
 * then. */
TL_API bool tl_session_no_new_privs(const struct tl_session *session);

/* Why the last spawned program could not be executed: an errno, or 0. Known once it has died. */
TL_API int tl_session_spawn_error(const struct tl_session *session);

/*
 * Attaches to a process with all its threads, and to those born meanwhile; on_task is called for
 * each. Each stops for a moment, and reports a quiesce. The process is never seen stopped by its
 * parent, and system calls that the interruption broke are issued again. Errors: -ESRCH, -EPERM
 * (see `trapline doctor PID` for why), -EBUSY (traced by somebody), -ENOMEM.
 */
TL_CHECKED int tl_session_attach(struct tl_session *session, int32_t pid);

/*
 * Seizes one thread, which is not stopped by that, and attaches an engine to it before anything of
 * it can be reported. Threads and children that it makes are followed, and theirs, while an engine
 * of the one that makes them listens for TL_EVENT_CLONE. Errors: -EEXIST (there is such a task),
 * -ESRCH, -EPERM, -EINVAL (ops, events), -ENOMEM. (PTRACE_SEIZE in ptrace(2).)
 */
TL_CHECKED int tl_session_seize(struct tl_session *session, int32_t tid,
				const struct tl_engine_ops *ops, void *data, uint32_t events,
				struct tl_engine **ret_engine);

/*
 * Begins to detach from every task. Never blocks: run or turn until no task is left. Engines are
 * released as their task is let go; a group-stopped task stays stopped, a pending signal is
 * delivered. Threads that have child processes go before the others of their process, which are
 * traced until then: the signals that a child's end sends would else break calls of threads that
 * ignore them.
 * A leader that is dead while its threads live cannot be detached (ptrace(2) needs a stop): it is
 * given up, and stays this thread's tracee until the thread ends or waits for it.
 */
TL_API void tl_session_detach_all(struct tl_session *session);

/* Tasks that are there. */
TL_API size_t tl_session_task_count(const struct tl_session *session);

#ifdef __cplusplus
}
#endif
#endif
