/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What servers say to each other, a packet a message, over a socket of one user's. */
#ifndef TL_BROKER_MESSAGE_H
#define TL_BROKER_MESSAGE_H

#include "notify.h"

#include <sys/types.h>
#include <sys/uio.h>

enum tl__say {
	TL__SAY_CALL = 1,    /* a tool of ours calls ptrace on a task of yours: n, word */
	TL__SAY_RESULT,      /* result */
	TL__SAY_READ,        /* the caller's memory: addr, len */
	TL__SAY_READ_DONE,   /* result, data */
	TL__SAY_WRITE,       /* addr, data */
	TL__SAY_WRITE_DONE,  /* result */
	TL__SAY_NEWS,        /* a link of a tool of yours has stopped, or its task has died */
	TL__SAY_CHILD,       /* a child of your tool's has ended, which the kernel will tell it */
	TL__SAY_THREAD_ENDS, /* of a tool of ours: tracer */
	TL__SAY_LIST,        /* which links there are: a LINK each, and a RESULT */
	TL__SAY_LINK,
	TL__SAY_STOP, /* a tool of ours sends a SIGSTOP or SIGCONT: tracer, tid, number; a RESULT, 1
			 or 0 */
	TL__SAY_OPENED,   /* a tool of ours has this descriptor of a process's memory: tool, number,
			     tgid */
	TL__SAY_CLOSED,   /* not any more: tool, number */
	TL__SAY_READ_OF,  /* it reads there: tool, number, addr, len; a RESULT with data. By
			     process_vm_readv: number is -1, and tid a task of the process */
	TL__SAY_WRITE_OF, /* data; a RESULT */
	TL__SAY_WAITS, /* a tool of ours is in a wait, for that task of yours or (0) any: tool, tid
			*/
	TL__SAY_HELD,  /* whether others hold a task that your tool waits for: tool, tid, state */
	TL__SAY_STUCK  /* whether that is so of what a tool of ours waits for: tool, state */
};

/* Another version's servers are not understood: their number is another. */
enum { TL__PROTOCOL = 3 };

enum { TL__BY_PROCESS_VM = -1 };

struct tl__message {
	uint32_t protocol; /* sent as it has to be */
	uint32_t what;
	uint32_t asked; /* by what is asked, and its answer: a number */
	uint32_t word;
	int64_t result;
	uint64_t addr;
	uint32_t len; /* of data */
	struct tl__notice n;
	/* NEWS: the link, and what its tracer sees */
	int32_t tid, tgid, tracer, tool, number;
	uint32_t uid;
	uint32_t dead, status, code, seized, options, state, mode;
};

enum { TL__DATA_MAX = 1 << 16 };

/* One packet, whole; fd: passed along, or -1. Its length, or -errno. */
ssize_t tl__packet_send(int to, const struct iovec *iov, size_t n, int fd);
ssize_t tl__packet_receive(int from, const struct iovec *iov, size_t n, int *fd, int flags);

/* fd: passed along, or -1. 0, or -errno. */
int tl__message_send(int to, const struct tl__message *m, const void *data, int fd);
/* data: TL__DATA_MAX bytes. *fd: what was passed along, or -1. -EPIPE: nobody is there any more;
 * -EAGAIN: nothing is there, and it is not waited for. */
int tl__message_receive(int from, struct tl__message *m, void *data, int *fd, bool wait);

#endif
