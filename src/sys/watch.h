/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The thread that looks for stops and makes a descriptor readable. */
#ifndef TL_SYS_WATCH_H
#define TL_SYS_WATCH_H

#include <stdbool.h>

struct tl__watcher;

int tl__watcher_new(struct tl__watcher **ret);
int tl__watcher_fd(const struct tl__watcher *w);
/* All that was ready has been taken: look again, or rest while there is no tracee. */
void tl__watcher_rearm(struct tl__watcher *w, bool look);
void tl__watcher_free(struct tl__watcher *w);

#endif
