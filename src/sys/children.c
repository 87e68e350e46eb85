/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process's children, asked for again and again: by descriptors of its threads' lists that stay
 * open, since opening is what takes the time (4 us, and 0.3 to read one).
 */
#define _GNU_SOURCE
#include "children.h"

#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { THREADS = 512 };

struct tl__children_list {
	pid_t tid;
	int fd;
};

void tl__children_close(struct tl__children *c)
{
	for (size_t i = 0; i < c->n; i++)
		close(c->lists[i].fd);
	free(c->lists);
	if (c->open)
		close(c->tasks);
	*c = (struct tl__children){ 0 };
}

/* The kernel counts threads there (proc_task_getattr). */
static uint64_t links_of(int tasks)
{
	struct stat st;

	return fstat(tasks, &st) == 0 ? st.st_nlink : 0;
}

static void open_list(struct tl__children *c, pid_t tgid, pid_t tid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)tgid, (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		c->lists[c->n++] = (struct tl__children_list){ tid, fd };
}

static int open_all(struct tl__children *c, pid_t tgid)
{
	pid_t tids[THREADS];
	char path[32];
	int n;

	tl__children_close(c);
	snprintf(path, sizeof(path), "/proc/%d/task", (int)tgid);
	c->tasks = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->tasks < 0)
		return -errno;
	c->open = true;
	/* Before they are listed: who is born meanwhile is found by the next count. */
	c->links = links_of(c->tasks);
	n = tl__kernel_threads(NULL, tgid, tids, THREADS);
	if (n < 0)
		return n;
	n = n < THREADS ? n : THREADS;
	c->lists = calloc((size_t)n + 1, sizeof(*c->lists));
	if (!c->lists)
		return -ENOMEM;
	for (int i = 0; i < n; i++)
		open_list(c, tgid, tids[i]);
	return 0;
}

/* A dead thread's list is empty, and another thread may have taken its place in the count. */
static bool is_current(const struct tl__children *c, pid_t tgid)
{
	if (!c->open || links_of(c->tasks) != c->links)
		return false;
	for (size_t i = 0; i < c->n; i++)
		if (c->lists[i].tid != tgid &&
		    syscall(SYS_tgkill, (long)tgid, (long)c->lists[i].tid, 0l) < 0)
			return false;
	return true;
}

static int read_list(const struct tl__children *c, unsigned thread, struct tl__child_of *kids,
		     size_t max, int n)
{
	char text[8192], *at = text, *end; /* of a thousand; others are left out */
	ssize_t len = pread(c->lists[thread].fd, text, sizeof(text) - 1, 0);
	long pid;

	text[len > 0 ? len : 0] = '\0';
	while ((pid = strtol(at, &end, 10)) > 0 && *end == ' ') {
		if ((size_t)n < max)
			kids[n] = (struct tl__child_of){ (pid_t)pid, thread };
		n++;
		at = end;
	}
	return n;
}

int tl__children_read(struct tl__children *c, pid_t tgid, struct tl__child_of *kids, size_t max)
{
	int n = is_current(c, tgid) ? 0 : open_all(c, tgid);

	for (unsigned i = 0; n >= 0 && i < c->n; i++)
		n = read_list(c, i, kids, max, n);
	return n;
}

unsigned tl__children_thread(const struct tl__children *c, pid_t tid)
{
	for (unsigned i = 0; i < c->n; i++)
		if (c->lists[i].tid == tid)
			return i;
	return 0;
}

unsigned tl__children_threads(const struct tl__children *c)
{
	return (unsigned)c->n;
}
