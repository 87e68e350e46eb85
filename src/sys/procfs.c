/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What /proc says about a task, as text, and the few fields that trapline takes from it. */
#define _GNU_SOURCE
#include "kernel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const file_names[] = {
	[TL__PROC_STATUS] = "status",   [TL__PROC_STAT] = "stat", [TL__PROC_MAPS] = "maps",
	[TL__PROC_SYSCALL] = "syscall", [TL__PROC_COMM] = "comm", [TL__PROC_WCHAN] = "wchan",
};

ssize_t tl__kernel_proc_read(struct tl__sys *sys, pid_t tid, enum tl__proc_file file, char *buf,
			     size_t size)
{
	size_t len = 0;
	char path[48];
	ssize_t r = 0;
	int fd;

	(void)sys;
	if (file == TL__PROC_CHILDREN)
		snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)tid, (int)tid);
	else
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)tid, file_names[file]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	while (len + 1 < size) {
		r = read(fd, buf + len, size - 1 - len);
		if (r <= 0)
			break;
		len += (size_t)r;
	}
	r = r < 0 ? -errno : 0;
	close(fd);
	buf[len] = '\0';
	return r < 0 && !len ? r : (ssize_t)len;
}

ssize_t tl__kernel_proc_link(struct tl__sys *sys, pid_t tid, const char *name, char *buf,
			     size_t size)
{
	char path[64];
	ssize_t r;

	(void)sys;
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)tid, name);
	r = readlink(path, buf, size - 1);
	if (r < 0)
		return -errno;
	buf[r] = '\0';
	return r;
}

int tl__kernel_threads(struct tl__sys *sys, pid_t pid, pid_t *tids, size_t max)
{
	struct dirent *entry;
	char path[40];
	size_t n = 0;
	DIR *dir;

	(void)sys;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? -ESRCH : -errno;
	while ((entry = readdir(dir))) {
		pid_t tid = (pid_t)atoi(entry->d_name);

		if (tid <= 0)
			continue;
		if (n < max)
			tids[n] = tid;
		n++;
	}
	closedir(dir);
	return (int)n;
}

int tl__kernel_open_mem(struct tl__sys *sys, pid_t tid)
{
	char path[40];
	int fd;

	(void)sys;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)tid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int tl__kernel_same_memory(struct tl__sys *sys, pid_t a, pid_t b)
{
	long r = syscall(SYS_kcmp, a, b, KCMP_VM, 0ul, 0ul);

	(void)sys;
	return r < 0 ? -errno : r == 0;
}

bool tl__kernel_same_process(struct tl__sys *sys, pid_t tgid, pid_t tid)
{
	char path[64];

	(void)sys;
	snprintf(path, sizeof(path), "/proc/%d/task/%d", (int)tgid, (int)tid);
	return access(path, F_OK) == 0;
}

static const char *field(const char *text, const char *key)
{
	size_t len = strlen(key);

	while (text && *text) {
		if (!strncmp(text, key, len) && text[len] == ':')
			return text + len + 1 + strspn(text + len + 1, " \t");
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return NULL;
}

bool tl__proc_field(const char *text, const char *key, char *value, size_t size)
{
	const char *at = field(text, key);
	size_t len;

	if (!at)
		return false;
	len = strcspn(at, "\n");
	if (len >= size)
		len = size - 1;
	memcpy(value, at, len);
	value[len] = '\0';
	return true;
}

uint64_t tl__proc_field_hex(const char *text, const char *key)
{
	const char *at = field(text, key);

	return at ? strtoull(at, NULL, 16) : 0;
}

long tl__proc_field_dec(const char *text, const char *key)
{
	const char *at = field(text, key);

	return at ? strtol(at, NULL, 10) : -1;
}
