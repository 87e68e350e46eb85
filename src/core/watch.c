/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A descriptor that tells when there is something to do.
 *
 * The kernel has none for ptrace stops. A thread looks instead: it sleeps in a waitid that only
 * peeks (threads of a process see each other's tracees), makes the eventfd readable, and looks
 * again when a turn has taken what there was. It never takes anything itself.
 */
#define _GNU_SOURCE
#include "core.h"

#include "watch.h"

#include <errno.h>

int tl__watch_fd(struct tl_session *s)
{
	int r;

	if (!s->watcher) {
		r = tl__watcher_new(&s->watcher);
		if (r < 0)
			return tl__fail(s, NULL, "watch for stops", r);
	}
	return tl__watcher_fd(s->watcher);
}

void tl__watch_rearm(struct tl_session *s)
{
	if (s->watcher)
		tl__watcher_rearm(s->watcher, s->ntasks > 0);
}

void tl__watch_done(struct tl_session *s)
{
	tl__watcher_free(s->watcher);
	s->watcher = NULL;
}
