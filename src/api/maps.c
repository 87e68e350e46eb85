/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Public: mappings. */
#include "api.h"
#include "leftover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct tl_maps {
	char *text;
	const char *at;
};

int tl_maps_new(struct tl_task *task, struct tl_maps **ret_maps)
{
	int r = tl__api_check_task(task);
	struct tl_maps *maps;

	if (r < 0)
		return r;
	maps = calloc(1, sizeof(*maps));
	if (!maps)
		return -ENOMEM;
	r = tl__maps_read(task->session->sys, task->tid, &maps->text);
	if (r < 0) {
		free(maps);
		return tl__err_public(r);
	}
	maps->at = maps->text;
	*ret_maps = maps;
	return 0;
}

bool tl_maps_next(struct tl_maps *maps, struct tl_mapping *ret)
{
	struct tl__mapping m;

	if (ret->size < sizeof(*ret) || !tl__maps_next(&maps->at, &m))
		return false;
	ret->read = m.read;
	ret->write = m.write;
	ret->exec = m.exec;
	ret->shared = m.shared;
	ret->start = m.start;
	ret->end = m.end;
	ret->offset = m.offset;
	ret->device = m.device;
	ret->inode = m.inode;
	/* The line's end is not needed any more. */
	maps->text[m.path + m.path_len - maps->text] = '\0';
	ret->path = m.path;
	return true;
}

void tl_maps_free(struct tl_maps *maps)
{
	if (maps)
		free(maps->text);
	free(maps);
}

int tl_leftover_breakpoints(int32_t pid, bool lift, void (*each)(tl_addr addr, void *data),
			    void *data)
{
	int r = tl__leftover_breakpoints(pid, lift, each, data);

	return r == -ENOENT ? -ESRCH : r;
}
