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

#ifdef __cplusplus
}
#endif
#endif
