/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * System calls of programs that are not traced, answered in the kernel's place: seccomp's user
 * notifications (seccomp(2), kernel/seccomp.c), and the memory and state of those who make them.
 */
#ifndef TL_SYS_NOTIFY_H
#define TL_SYS_NOTIFY_H

#include "sys.h"

/* struct seccomp_notif. */
struct tl__notice {
	uint64_t id;
	pid_t tid; /* 0: not visible from here */
	uint32_t flags;
	int32_t nr;
	uint32_t arch; /* AUDIT_ARCH_* */
	uint64_t ip;
	uint64_t args[6];
};
_Static_assert(sizeof(struct tl__notice) == 80, "layout of seccomp_notif");

/* In the process whose calls are told of, and those of all that it starts: the listener, or an
 * error. *no_new_privs tells whether that was needed. */
int tl__notify_listen(const struct tl__bpf_insn *code, uint16_t len, bool *no_new_privs);

/* Caller and server take turns: they are woken on one core (6.6). Never fails. */
void tl__notify_take_turns(int listener);
/* 1; 0: it was taken back meanwhile; or an error. */
int tl__notify_receive(int listener, struct tl__notice *n);
/* -ENOENT: taken back, by a signal or by death. */
int tl__notify_answer(int listener, uint64_t id, int64_t result);
int tl__notify_continue(int listener, uint64_t id); /* the kernel makes the call */
bool tl__notify_valid(int listener, uint64_t id);
/* The caller, a thread of tgid, has this descriptor of ours under that number, which must be free;
 * its soft limit of descriptors does not matter. The call is still to be answered. -ENOENT: it was
 * taken back. (5.9.) */
int tl__notify_give(int listener, uint64_t id, pid_t tgid, int fd, int number, bool close_on_exec);

/* A string that is shorter than size: its length; else -EFAULT or -ENAMETOOLONG. */
int tl__caller_string(pid_t tid, uint64_t addr, char *buf, size_t size);
/* All of it, or -EFAULT. What the program itself could not write, this does not. */
int tl__caller_read(pid_t tid, uint64_t addr, void *buf, size_t len);
int tl__caller_write(pid_t tid, uint64_t addr, const void *buf, size_t len);

/* How much process_vm_readv or _writev of one piece has copied, or -errno. */
int64_t tl__process_vm(pid_t tid, bool writes, uint64_t addr, void *buf, size_t len);

struct tl__person {
	pid_t tgid, ppid, pgrp, tracer;
	uid_t uid;
	char state;       /* as proc(5) has it: 'Z' ... */
	unsigned threads; /* of its process: those that are not waited for, too */
	bool catches_sigchld;
};
int tl__person_read(pid_t tid, struct tl__person *p); /* -ESRCH */
pid_t tl__person_process(pid_t tid);                  /* -1: nobody is there */
/* When it began, in ms of CLOCK_MONOTONIC and to hundredths of a second, earlier rather than later.
 * 0: nobody is there. */
uint64_t tl__person_since(pid_t tid);
bool tl__person_has_pending(pid_t tid, int sig); /* for this thread alone */
bool tl__person_is_to_take(pid_t tid, int sig);  /* pending, for it or all, and not blocked */
/* It has handlers for signals that others send it; SIGCHLD does not count. */
bool tl__person_catches_signals(pid_t tid);
/* It has left the processor, and nothing has woken it. False also where that cannot be seen. */
struct tl__sleeper {
	pid_t tid; /* who was looked at last; 0: nobody */
	int fd;
};
bool tl__person_sleeps(struct tl__sleeper *last, pid_t tid);
/* A thread of this process has called exec, and waits for the ends of the others. */
bool tl__person_waits_in_exec(pid_t tgid);
/* What a tracer needs to read and suspend filters, if the newest of its own is not counted:
 * CAP_SYS_ADMIN, and no filter that this process has not. */
bool tl__person_may_suspend(pid_t tid);
/* The process that a descriptor of this thread's stands for, and whether waits for it never block.
 * -EBADF: none. */
pid_t tl__person_of_pidfd(pid_t tid, int fd, bool *ret_nonblock);
uint64_t tl__person_entry(pid_t tgid); /* where its program begins: AT_ENTRY; or 0 */
bool tl__person_is_narrow(pid_t tgid); /* a program of 32 bits */
/* Whether that number is a descriptor of this process's; and the same open file as ours. */
bool tl__person_has_fd(pid_t tgid, int number);
bool tl__person_shares_fd(pid_t tgid, int number, int fd);
/* struct rusage in words of 64 bits, as wait4(2) has it: of the stop that a tracee of ours is in
 * and that has not been waited for, else, to hundredths of a second, of now. */
enum { TL__USAGE_WORDS = 18 };
void tl__person_usage(pid_t tid, int64_t usage[TL__USAGE_WORDS]);
/* Whether it has the process ids that we have. */
bool tl__person_shares_pids(pid_t tid);
/* By which a process tells its parent of its end; 0: by none. */
int tl__person_exit_signal(pid_t pid);
/* The thread of a process that has made this child; 0: not known. */
pid_t tl__person_maker(pid_t tgid, pid_t child);
int tl__person_watch_thread(pid_t tid); /* the same for a thread; -EINVAL before 6.9 */
int tl__person_watch(pid_t pid); /* a descriptor that polls readable when the process is dead */

#endif
