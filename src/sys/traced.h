/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whom a thread traces: the kernel tells that only of each tracee. */
#ifndef TL_SYS_TRACED_H
#define TL_SYS_TRACED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Less than tl__person_read() tells, by one file: it is asked of all that runs. */
struct tl__traced {
	pid_t tgid, tracer;
	char state;       /* as proc(5) has it */
	unsigned threads; /* of its process */
	unsigned filters; /* of system calls (5.9) */
};

int tl__traced_read(pid_t tid, struct tl__traced *ret); /* -ESRCH */
/* The threads of a process: how many there are (may exceed max), or -errno. */
int tl__threads_of(pid_t tgid, pid_t *tids, size_t max);
/* All that this thread traces, until each says false: then so does this. */
bool tl__traced_each(pid_t tracer, bool (*each)(pid_t tid, const struct tl__traced *is, void *data),
		     void *data);

#endif
