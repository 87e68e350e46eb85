/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a trapline that was killed has left in a process's memory. */
#define _GNU_SOURCE
#include "doctor.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
