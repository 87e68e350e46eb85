/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Breakpoints that a dead debugger left: text that is mapped from a file is held against the file,
 * and where memory has a breakpoint and the file has not, that is one. Other differences are none
 * of ours: relocated text, a program that patches itself.
 */
#define _GNU_SOURCE
#include "leftover.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { INT3 = 0xcc, CHUNK = 16384 };

/* proc_pid_pagemap(5). */
#define PRESENT (1ull << 63)
#define SWAPPED (1ull << 62)
#define OF_FILE (1ull << 61)

struct search {
	pid_t pid;
	int mem, pagemap;
	bool lift;
	void (*each)(uint64_t addr, void *data);
	void *data;
};

/* How long breakpoints are here. */
static size_t breakpoint_len(void)
{
	struct utsname u;

	return uname(&u) == 0 && !strcmp(u.machine, "aarch64") ? 4 : 1;
}

static bool is_breakpoint(const unsigned char *at, size_t len)
{
	uint32_t insn;

	if (len == 1)
		return *at == INT3;
	memcpy(&insn, at, sizeof(insn));
	return (insn & 0xffe0001f) == 0xd4200000; /* brk */
}

struct mapping {
	uint64_t start, end, offset;
	char path[4096];
};

static bool parse_mapping(const char *line, struct mapping *m)
{
	char perms[8];
	int at = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*s %n", &m->start, &m->end,
		   perms, &m->offset, &at) < 4 ||
	    !at)
		return false;
	snprintf(m->path, sizeof(m->path), "%.*s", (int)strcspn(line + at, "\n"), line + at);
	return perms[2] == 'x' && m->path[0] == '/';
}

/* Through /proc/PID/map_files the very file is read, also one that was deleted or lies in a
 * container. */
static int open_file(pid_t pid, const struct mapping *m)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)pid, m->start,
		 m->end);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 ? fd : open(m->path, O_RDONLY | O_CLOEXEC);
}

static int lift(int mem, uint64_t addr, const unsigned char *bytes, size_t len)
{
	return pwrite(mem, bytes, len, (off_t)addr) == (ssize_t)len ? 0 : -errno;
}

/* What was written to is a page of the process's own; where that cannot be seen any may be one. */
static bool is_untouched(const struct search *s, uint64_t at, size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (n + page - 1) / page;
	uint64_t entries[CHUNK / 4096];

	if (s->pagemap < 0 ||
	    pread(s->pagemap, entries, pages * sizeof(*entries),
		  (off_t)(at / page * sizeof(*entries))) != (ssize_t)(pages * sizeof(*entries)))
		return false;
	for (size_t i = 0; i < pages; i++)
		if (entries[i] & (PRESENT | SWAPPED) && !(entries[i] & OF_FILE))
			return false;
	return true;
}

static int compare(const struct search *s, int file, const struct mapping *m)
{
	unsigned char in_mem[CHUNK], in_file[CHUNK];
	ssize_t len = (ssize_t)breakpoint_len();
	int found = 0;

	for (uint64_t at = m->start; at < m->end; at += CHUNK) {
		size_t n = m->end - at < CHUNK ? m->end - at : CHUNK;
		ssize_t a, b;

		if (is_untouched(s, at, n))
			continue;
		a = pread(s->mem, in_mem, n, (off_t)at);
		b = pread(file, in_file, n, (off_t)(m->offset + (at - m->start)));

		for (ssize_t i = 0; i + len <= a && i + len <= b; i += len) {
			if (!is_breakpoint(in_mem + i, (size_t)len) ||
			    !memcmp(in_mem + i, in_file + i, (size_t)len))
				continue;
			found++;
			if (s->lift && lift(s->mem, at + (uint64_t)i, in_file + i, (size_t)len) < 0)
				return -errno;
			if (s->each)
				s->each(at + (uint64_t)i, s->data);
		}
	}
	return found;
}

static int compare_mapping(const struct search *s, const struct mapping *m)
{
	int file = open_file(s->pid, m), n;

	if (file < 0)
		return 0;
	n = compare(s, file, m);
	close(file);
	return n;
}

static int search(const struct search *s, FILE *maps)
{
	struct mapping *m = malloc(sizeof(*m));
	char line[4400];
	int total = 0;

	if (!m)
		return -ENOMEM;
	while (total >= 0 && fgets(line, sizeof(line), maps)) {
		int n = parse_mapping(line, m) ? compare_mapping(s, m) : 0;

		total = n < 0 ? n : total + n;
	}
	free(m);
	return total;
}

int tl__leftover_breakpoints(pid_t pid, bool lift, void (*each)(uint64_t addr, void *data),
			     void *data)
{
	struct search s = { .pid = pid, .lift = lift, .each = each, .data = data };
	char path[40];
	FILE *maps;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	s.mem = open(path, (lift ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (s.mem < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	s.pagemap = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	r = maps ? search(&s, maps) : -errno;
	if (maps)
		fclose(maps);
	if (s.pagemap >= 0)
		close(s.pagemap);
	close(s.mem);
	return r;
}
