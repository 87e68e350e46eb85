/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Code that is put into a tool, by which calls of its go past the filter (bypass.h). */
#ifndef TL_BROKER_WAY_H
#define TL_BROKER_WAY_H

#include "bypass.h"
#include "notify.h"
#include "puppet.h"

struct tl__way {
	int mem;          /* the tool's, for writing */
	uint64_t near;    /* the page near its calls, */
	unsigned entries; /* of which so much is used */
};

/* An instruction in the tool that makes calls for us, past the filter; and room for what they
 * say. */
#define TL__WAY_INSN ((uint64_t)TL__BYPASS_AT + TL__BYPASS_ENTRIES * TL__BYPASS_ENTRY)
#define TL__WAY_ROOM ((uint64_t)TL__BYPASS_AT + TL__BYPASS_PAGE + 512)

int tl__way_open(struct tl__way *w, pid_t pid);
void tl__way_close(struct tl__way *w);
/* Whether the call that this tells of can go by one: it is in the program's own text. */
bool tl__way_fits(const struct tl__way *w, const struct tl__notice *n);
/* The pages, by a call of the tool's, whose instruction for that is at insn. */
bool tl__way_make_room(struct tl__way *w, struct tl__puppet *p, uint64_t insn);
/* For the calls that are made where this one was. No other thread of the tool is to run. */
bool tl__way_add(struct tl__way *w, const struct tl__notice *n, enum tl__bypass_kind kind);
bool tl__way_has_room(const struct tl__way *w, enum tl__bypass_kind kind);
int tl__way_set(const struct tl__way *w, const struct tl__bypass_modes *modes);
int tl__way_show(const struct tl__way *w, const struct tl__bypass_data *data);
/* The stop that has been shown is there for who waits; and not any more. *ret_taken: it has been
 * waited for, and will be if this is false. */
int tl__way_tell(const struct tl__way *w);
int tl__way_withdraw(const struct tl__way *w, bool *ret_taken);
/* The first thread's stack, as far as it is there now. */
bool tl__way_stack(pid_t pid, uint64_t *ret_low, uint64_t *ret_high);

#endif
