/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The broker: unmodified tracers share their tracees.
 *
 * A tool, strace or gdb say, and all that it starts make their calls of ptrace(2) and of the wait
 * family to a server, by a seccomp filter that tells of them (seccomp_unotify(2)). The server is
 * the only tracer that the kernel knows, and each tool's relation to a task is an engine's.
 */
#ifndef TRAPLINE_BROKER_H
#define TRAPLINE_BROKER_H

#include <trapline/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tl_broker_options {
	uint32_t size;    /* sizeof(struct tl_broker_options) */
	uint32_t flags;   /* none yet: 0 */
	const char *path; /* the tool, resolved: PATH is not searched */
	char *const *argv;
	char *const *envp;
	/* The tool has this process id, and is about to be executed. May be NULL. */
	void (*on_start)(int32_t pid, void *data);
	void *data;
	/* PTRACE_ATTACH or PTRACE_SEIZE of this task by this process of the tool's has failed with
	 * EPERM: a tool can say no more than that. Called in the server, which serves nobody until
	 * it returns, and which is a fork of the caller: it may not block, and the caller does not
	 * see what it changes. May be NULL. */
	void (*on_refused)(int32_t tracer, int32_t tid, void *data);
};

/*
 * Runs a tool, and returns when it is dead: 0, with its status as wait(2) has it. Forks the server,
 * which is the tool's parent and lives on as long as anything does that the tool has started; the
 * calling process holds the server's descriptor meanwhile, and stands in for it if it is killed.
 * The server stays the caller's child, to be waited for once everything has ended (waitpid(2) with
 * -1 may return it).
 * Blocks; signals that the caller handles or that stop it are the caller's affair. Not to be used
 * in a process with other threads, nor inside a callback.
 *
 * Errors: -EINVAL; -EBUSY (there is such a filter already: a container's, or a broker's above);
 * -EACCES, -ENOSYS (no seccomp here); those of fork(2) and execve(2).
 */
TL_CHECKED int tl_broker_run(const struct tl_broker_options *options, int *ret_status);

enum tl_broker_state {
	TL_BROKER_RUNS = 1,
	TL_BROKER_RUNS_TO_CALL, /* to the next system call's stop */
	TL_BROKER_STEPS,
	TL_BROKER_HOLDS,   /* it is in a stop of this tracer's */
	TL_BROKER_LISTENS, /* in a group stop: PTRACE_LISTEN */
	TL_BROKER_DEAD,    /* and this tracer has not waited for it yet */
};

/* One tracer's relation to one task. */
struct tl_broker_link {
	uint32_t size; /* of this structure, in the library that made it */
	enum tl_broker_state state;
	int32_t pid, tid; /* the process and the thread that is traced */
	int32_t tool;     /* the tracer's process */
	int32_t server;   /* that holds the task */
	int32_t signo;    /* HOLDS: of the stop, SIGTRAP for most */
	int32_t event;    /* HOLDS: PTRACE_EVENT_*, or 0 */
};

/*
 * Tells of each link that the servers of this user hold, in the order in which they were made. The
 * structure is valid until each returns. Blocks until all servers have answered, five seconds for
 * one that hangs. -ENOMEM; -EACCES: the servers' folder cannot be read.
 */
TL_CHECKED int tl_broker_list(void (*each)(const struct tl_broker_link *link, void *data),
			      void *data);

#ifdef __cplusplus
}
#endif
#endif
