/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The children of a process that is asked for them often. */
#ifndef TL_SYS_CHILDREN_H
#define TL_SYS_CHILDREN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Descriptors that are open; all zeros: none yet. */
struct tl__children {
	bool open;
	int tasks;
	uint64_t links;
	size_t n;
	struct tl__children_list *lists;
};

/* Of all its threads, ended ones that nobody has waited for among them: how many there are (may
 * exceed max), or -errno. */
int tl__children_read(struct tl__children *c, pid_t tgid, pid_t *pids, size_t max);
void tl__children_close(struct tl__children *c);

#endif
