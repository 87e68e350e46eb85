/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SIGCONT, before the task has come by its trap. It ends a group stop when it is sent
 * (prepare_signal), which nobody tells; but in a traced task it is pending then, whatever its
 * disposition (sig_ignored).
 */
#define _GNU_SOURCE
#include "broker.h"

#include <signal.h>

static bool is_seized(const struct tl__tracee *t)
{
	const struct tl__link *l;

	TAILQ_FOREACH (l, &t->links, of_tracee)
		if (l->v.seized && l->v.state != TL__LINK_DEAD)
			return true;
	return false;
}

/* Its trap may have been one with an interrupt of the server's: then no other comes. */
bool tl__tell_continued(struct tl__tracee *t)
{
	if (t->continue_told || !is_seized(t) || !tl__person_is_to_take(t->tid, SIGCONT))
		return false;
	t->continue_told = true;
	t->group_sig = 0;
	return true;
}

/* A SIGCONT that was pending before a group stop began does not end that, and has been told. */
bool tl__is_continue_told(const struct tl__tracee *t, const struct tl__happening *h)
{
	switch (h->what) {
	case TL__WHAT_GROUP_STOP:
		return tl__person_is_to_take(t->tid, SIGCONT);
	case TL__WHAT_GROUP_END:
		return true;
	case TL__WHAT_SIGNAL:
		return t->continue_told && h->sig != SIGCONT;
	default:
		return t->continue_told;
	}
}
