/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Breakpoints that a dead debugger left: text that is mapped from a file is held against the file,
 * and where memory has a breakpoint and the file has not, that is one. Other differences are none
 * of ours: relocated text, a program that patches itself.
 */
#define _GNU_SOURCE
#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { INT3 = 0xcc, CHUNK = 65536 };

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
static int open_file(int pid, const struct mapping *m)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid, m->start,
		 m->end);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 ? fd : open(m->path, O_RDONLY | O_CLOEXEC);
}

static int lift(int mem, uint64_t addr, const unsigned char *bytes, size_t len)
{
	return pwrite(mem, bytes, len, (off_t)addr) == (ssize_t)len ? 0 : -errno;
}

static int compare(int mem, int file, const struct mapping *m, bool repair)
{
	static unsigned char in_mem[CHUNK], in_file[CHUNK];
	ssize_t len = (ssize_t)breakpoint_len();
	int found = 0;

	for (uint64_t at = m->start; at < m->end; at += CHUNK) {
		size_t n = m->end - at < CHUNK ? m->end - at : CHUNK;
		ssize_t a = pread(mem, in_mem, n, (off_t)at);
		ssize_t b = pread(file, in_file, n, (off_t)(m->offset + (at - m->start)));

		for (ssize_t i = 0; i + len <= a && i + len <= b; i += len) {
			if (!is_breakpoint(in_mem + i, (size_t)len) ||
			    !memcmp(in_mem + i, in_file + i, (size_t)len))
				continue;
			found++;
			if (repair && lift(mem, at + (uint64_t)i, in_file + i, (size_t)len) < 0)
				return -errno;
		}
	}
	return found;
}

static int compare_mapping(int pid, int mem, const struct mapping *m, bool repair)
{
	int file = open_file(pid, m), n;

	if (file < 0)
		return 0;
	n = compare(mem, file, m, repair);
	close(file);
	return n;
}

int doctor_text(int pid, bool repair)
{
	char path[40], line[4400];
	struct mapping m;
	int total = 0, mem;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = open(path, (repair ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (mem < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	if (!maps) {
		close(mem);
		return -errno;
	}
	while (fgets(line, sizeof(line), maps) && total >= 0) {
		int n = parse_mapping(line, &m) ? compare_mapping(pid, mem, &m, repair) : 0;

		total = n < 0 ? n : total + n;
	}
	fclose(maps);
	close(mem);
	return total;
}

/* Memory of a trapline's that was killed: code of no file, with its mark. */
int doctor_leftovers(int pid)
{
	enum { EVERY = 65536 };
	char path[40], line[4400], perms[8], mark[8];
	uint64_t start, end, inode;
	int n = 0, mem;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = mem < 0 ? NULL : fopen(path, "re");
	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %*s %*s %" SCNu64, &start, &end,
			   perms, &inode) < 4 ||
		    inode || strcmp(perms, "r-xp") != 0)
			continue;
		for (; start < end; start += EVERY)
			n += pread(mem, mark, sizeof(mark), (off_t)start) == sizeof(mark) &&
			     !memcmp(mark, "trapline", sizeof(mark));
	}
	if (maps)
		fclose(maps);
	if (mem >= 0)
		close(mem);
	return n;
}
