/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a task's debug registers need on each machine: debugregs.c and hwdebug.c. */
#ifndef TL_BROKER_DEBUGREGS_H
#define TL_BROKER_DEBUGREGS_H

#include "broker.h"

enum { TL__WATCHERS = 16 /* more links than that share as if they did not */ };

/* Each in the task's register of the same number. */
bool tl__debugregs_plain(const struct tl__watches *w);
/* What the links use of a kind, but for one: how many. */
size_t tl__debugregs_used(const struct tl__tracee *t, unsigned kind, const struct tl__link *but,
			  const struct tl__watches *list[TL__WATCHERS]);

void tl__hwdebug_renew(const struct tl__tracee *t);
/* Sets `owns` of those whose the hit is; false: nobody uses them. */
bool tl__hwdebug_owners(struct tl__tracee *t, uint64_t addr);

#endif
