/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A tool that nobody shares with: the kernel serves it. */
#ifndef TL_BROKER_ALONE_H
#define TL_BROKER_ALONE_H

#include "broker.h"
#include "way.h"

struct tl__alone {
	pid_t tracer;          /* the thread whose tracees they are */
	uint32_t options;      /* of them all */
	bool odd;              /* it has done what cannot be taken over: it stays alone */
	bool mixed;            /* some are resumed otherwise than by SYSCALL: as modes say */
	struct tl__hash modes; /* by tid: enum tl__mode, and one more */
	bool ended;            /* it shares: but for some that come late */
	pid_t *late;
	size_t n_late;
	bool sleeps; /* they are dead leaders alone: it may take long */
	struct tl__way way;
};

/* True: the call has been left to the kernel, for this tool is alone, or is from now on. */
bool tl__alone_takes(struct tl__broker *b, const struct tl__notice *n, enum tl__served what,
		     unsigned word);
/* This process comes to trace this task, of that one. Who is alone and has to do with it, shares
 * from now on. -EPERM: that cannot be now. */
int tl__alone_share(struct tl__broker *b, pid_t tracer, pid_t tgid, pid_t tid);
/* Takes over those that could not be taken with the others; and in how many ms it is to be called
 * again, -1: there are none. */
void tl__alone_catch_up(struct tl__broker *b);
int tl__alone_patience(const struct tl__broker *b);
void tl__alone_free(struct tl__tool *tool);

/* takeover.c */
int tl__takeover(struct tl__tool *tool);

#endif
