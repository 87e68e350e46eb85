/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A process's mappings, as proc_pid_maps(5) has them. */
#ifndef TRAPLINE_MAPS_H
#define TRAPLINE_MAPS_H

#include <trapline/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tl_maps;

struct tl_mapping {
	uint32_t size; /* sizeof(struct tl_mapping) */
	bool read, write, exec, shared;
	tl_addr start, end;
	uint64_t offset; /* in the file, in bytes */
	uint64_t device, inode;
	const char *path; /* as the process sees it; "[vdso]" and its like; empty without one */
};

/* Takes them all, as they are now. To be freed. Anywhere. -ESRCH, -ENOMEM. */
TL_CHECKED int tl_maps_new(struct tl_task *task, struct tl_maps **ret_maps);
/* The next one, in the order of addresses; false behind the last. path lives as long as maps. */
TL_CHECKED bool tl_maps_next(struct tl_maps *maps, struct tl_mapping *ret);
TL_API void tl_maps_free(struct tl_maps *maps); /* accepts NULL */

/*
 * Breakpoints that a dead debugger has left in a process: where text that is mapped from a file has
 * a breakpoint, and the file has not. each, which may be NULL, is told of every one; lift puts back
 * what the file has. How many; or -ESRCH, -EACCES, -EPERM (as for /proc/PID/mem). The process need
 * not be traced, nor stopped: a thread that has executed one already gets its SIGTRAP.
 */
TL_CHECKED int tl_leftover_breakpoints(int32_t pid, bool lift,
				       void (*each)(tl_addr addr, void *data), void *data);

#ifdef __cplusplus
}
#endif
#endif
