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

struct tl__child_of {
	pid_t pid;
	unsigned thread; /* that made it: which of the process's */
};

/* Of all its threads, ended ones that nobody has waited for among them, in the order in which the
 * kernel has them: how many there are (may exceed max), or -errno. */
int tl__children_read(struct tl__children *c, pid_t tgid, struct tl__child_of *kids, size_t max);
/* Which of the threads it is, in the kernel's order; of as many. As it was when children were read
 * last. */
unsigned tl__children_thread(const struct tl__children *c, pid_t tid);
unsigned tl__children_threads(const struct tl__children *c);
void tl__children_close(struct tl__children *c);

#endif
