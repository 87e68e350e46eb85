/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A task's mappings: the text of /proc/TID/maps, whole, and its lines. */
#include "sys.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SIZE = 1 << 16, LAST_SIZE = 1 << 28 };

/* The file is written page by page; one that does not fill the buffer is whole. */
int tl__maps_read(struct tl__sys *sys, pid_t tid, char **ret_text)
{
	size_t size = FIRST_SIZE;
	ssize_t r = -ENOMEM;
	char *text = NULL, *more;

	while (size <= LAST_SIZE) {
		more = realloc(text, size);
		if (!more)
			break;
		text = more;
		r = sys->ops->proc_read(sys, tid, TL__PROC_MAPS, text, size);
		if (r < 0 || (size_t)r + 1 < size)
			break;
		r = -EFBIG;
		size *= 4;
	}
	if (r < 0) {
		free(text);
		return (int)r;
	}
	*ret_text = text;
	return 0;
}

bool tl__maps_next(const char **text, struct tl__mapping *ret)
{
	char flags[5] = "";
	const char *line = *text, *end = strchr(line, '\n');
	unsigned major, minor;
	int at = 0;

	if (!end)
		return false;
	*text = end + 1;
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n",
		   &ret->start, &ret->end, flags, &ret->offset, &major, &minor, &ret->inode,
		   &at) < 7)
		return tl__maps_next(text, ret);
	ret->device = (uint64_t)major << 32 | minor;
	ret->read = flags[0] == 'r';
	ret->write = flags[1] == 'w';
	ret->exec = flags[2] == 'x';
	ret->shared = flags[3] == 's';
	/* Behind a line without a path stands the next one. */
	ret->path = line + at < end ? line + at : end;
	ret->path_len = (size_t)(end - ret->path);
	return true;
}

bool tl__maps_is(const struct tl__mapping *m, const char *path)
{
	return m->path_len == strlen(path) && !memcmp(m->path, path, m->path_len);
}
