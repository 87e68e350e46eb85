/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls of a tool that shares which change nothing, and which are left to the kernel each time, go
 * past the filter for as long as that is so; and what a debugger asks after each step lies in its
 * own memory.
 */
#ifndef TL_BROKER_SHORTCUT_H
#define TL_BROKER_SHORTCUT_H

#include "way.h"

#include <stdbool.h>

struct tl__broker;
struct tl__link;
struct tl__open;
struct tl__tool;
struct tl__tracee;

struct tl__shortcut {
	enum { TL__SHORTCUT_NONE, TL__SHORTCUT_THERE, TL__SHORTCUT_REFUSED } state;
	unsigned met; /* calls that could have gone by one */
	struct tl__way way;
	bool waits;                  /* its waits go past, */
	pid_t ahead;                 /* and this tracee's status lies there; 0: none */
	bool asks;                   /* where it asks about stops has been looked at, */
	bool answers;                /* and can be answered from its memory */
	struct tl__bypass_data data; /* as it is in the tool, but for a stop that is over */
};

/* A call of this kind is about to be left to the kernel: so are others, from now on. It may be
 * taken back by that, and comes again. Not from within a callback of the session's. */
void tl__shortcut_met(struct tl__broker *b, struct tl__tool *tool, const struct tl__notice *n,
		      enum tl__bypass_kind kind);
/* From now on they are told of, or not. Of a tool that has no such way: nothing. */
void tl__shortcut_reads(struct tl__tool *tool, bool past);
void tl__shortcut_waits(struct tl__tool *tool, bool past);
/* A request that lay in its memory would have answered. */
void tl__shortcut_asked(struct tl__broker *b, struct tl__tool *tool, const struct tl__notice *n);
/* That thread is about to be told of this link's stop; then waits find nothing. */
void tl__shortcut_stop(struct tl__link *l, pid_t caller, bool no_more);
/* Its next wait will find this stop, and it alone, without asking us. */
void tl__shortcut_ahead(struct tl__link *l, int status);
/* Whether one has, or this caller will be told of it. */
void tl__shortcuts_settle(struct tl__broker *b, pid_t caller);
void tl__shortcut_stop_over(struct tl__tool *tool);
/* Something is to be waited for; the stop is over. */
void tl__shortcut_news(struct tl__tool *tool);
void tl__shortcuts_killed(const struct tl__tracee *t); /* in its stop */
void tl__shortcuts_read_no_more(struct tl__broker *b); /* of all tools */
/* Somebody traces this now, who may write there. A tool that is traced itself makes its calls where
 * it is seen to. */
void tl__shortcuts_linked(const struct tl__tracee *t);
void tl__shortcuts_stand_in(const struct tl__open *open); /* the server is dead */
void tl__shortcut_end(struct tl__tool *tool);             /* for ever: it is traced, or gone */

#endif
