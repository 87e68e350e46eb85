/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A tracee's memory as one tool sees it, and the descriptors that tools have of it. */
#ifndef TL_BROKER_MEMORY_H
#define TL_BROKER_MEMORY_H

#include "broker.h"
#include "shadow.h"

/* A descriptor of a tool's that is /proc/PID/mem of a tracee of its. */
struct tl__memory {
	TAILQ_ENTRY(tl__memory) link;
	struct tl__tool *tool;
	pid_t tgid;            /* whose memory it is */
	int theirs, fd;        /* its number in the tool; ours of the same open file */
	bool for_writing;      /* alone, as the tool has opened it; ours is for both */
	struct tl__peer *peer; /* the server that holds the process; NULL: it is ours */
};

/* The memory of a process, through a descriptor or a tracee's task. */
struct tl__view {
	struct tl__broker *b;
	struct tl__tool *tool; /* who sees it */
	pid_t tgid;
	pid_t vm; /* by process_vm_readv and _writev, of this thread; 0: not so */
	int fd;   /* -1: through the task */
	struct tl_task *task;
};
/* As read(2) and write(2) of a /proc/PID/mem have it, or -errno. Stops of tasks may be reported
 * meanwhile: links and tracees may be gone. */
int64_t tl__view_read(const struct tl__view *v, uint64_t addr, void *buf, size_t len);
int64_t tl__view_write(const struct tl__view *v, uint64_t addr, const void *buf, size_t len);

/* Calls of tools: opening for writing, and reads and writes of reserved numbers. */
void tl__serve_open(struct tl__broker *b, const struct tl__notice *n, enum tl__served what);
bool tl__opens_memory(const struct tl__notice *n, enum tl__served what);
void tl__serve_io(struct tl__broker *b, const struct tl__notice *n, enum tl__served what,
		  unsigned word);

/* process_vm.c: process_vm_readv and _writev. */
void tl__serve_vm(struct tl__broker *b, const struct tl__notice *n, enum tl__served what,
		  unsigned word);

/* This tool's link to the task with that id, or to another of its process; NULL: there is none. */
struct tl__link *tl__memory_link(struct tl__tool *tool, pid_t pid);
pid_t tl__memory_whose(int fd); /* of an open file: the process whose memory it is; or 0 */
struct tl__memory *tl__memory_find(struct tl__broker *b, const struct tl__tool *tool, int theirs);
/* Takes fd over. */
struct tl__memory *tl__memory_add(struct tl__tool *tool, pid_t tgid, int theirs, int fd);
void tl__memory_drop(struct tl__memory *m);
/* The server that holds the process is gone: the memory is what it is. */
void tl__memories_leave(struct tl__broker *b, const struct tl__peer *peer);
void tl__memories_forget(struct tl__broker *b, const struct tl__tool *tool);

#endif
