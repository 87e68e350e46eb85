/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file behind a piece of a task's memory: without breakpoints, the kernel's own among them. */
#define _GNU_SOURCE
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct mapping {
	uint64_t start, end, offset;
	char path[PATH_MAX];
};

static int find(pid_t tid, uint64_t addr, struct mapping *m)
{
	char name[40], line[PATH_MAX + 128];
	int r = -EFAULT, at = 0;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/maps", (int)tid);
	f = fopen(name, "re");
	if (!f)
		return -errno;
	while (r < 0 && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64 " %*s %*s %n", &m->start,
			   &m->end, &m->offset, &at) < 3 ||
		    addr < m->start || addr >= m->end)
			continue;
		snprintf(m->path, sizeof(m->path), "%.*s", (int)strcspn(line + at, "\n"),
			 line + at);
		r = m->path[0] == '/' ? 0 : -ENOENT;
	}
	fclose(f);
	return r;
}

/* By the mapping itself, which also finds a file that was deleted, and needs CAP_SYS_ADMIN on many
 * kernels; else by its name, as the task sees it. */
static int open_mapped(pid_t tid, const struct mapping *m)
{
	char name[PATH_MAX + 64];
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)tid, m->start,
		 m->end);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	snprintf(name, sizeof(name), "/proc/%d/root%s", (int)tid, m->path);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

ssize_t tl__kernel_mapped_read(struct tl__sys *sys, pid_t tid, uint64_t addr, void *buf, size_t len)
{
	struct mapping m;
	ssize_t r;
	int fd;

	(void)sys;
	r = find(tid, addr, &m);
	if (r < 0)
		return r;
	fd = open_mapped(tid, &m);
	if (fd < 0)
		return fd;
	r = pread(fd, buf, len, (off_t)(addr - m.start + m.offset));
	if (r < 0)
		r = -errno;
	close(fd);
	return r;
}
