/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files with code: read once for all processes that have them mapped. */
#include "probe.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* By the mapping itself where that is allowed; else by its name, as the process sees it. */
static struct tl__symbols *open_symbols(int32_t pid, const struct tl_mapping *m)
{
	struct tl__symbols *symbols = NULL;
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "/proc/%d/root%s", pid, m->path);
	if (tl__symbols_open(path, &symbols) == 0)
		return symbols;
	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", pid,
		 (unsigned long long)m->start, (unsigned long long)m->end);
	return tl__symbols_open(path, &symbols) == 0 ? symbols : NULL;
}

struct tl__file *tl__file_get(struct tl_prober *prober, int32_t pid, const struct tl_mapping *m)
{
	struct tl__file *file;

	LIST_FOREACH (file, &prober->files, link)
		if (file->device == m->device && file->inode == m->inode &&
		    !strcmp(file->path, m->path)) {
			file->refs++;
			return file;
		}
	file = calloc(1, sizeof(*file));
	if (file)
		file->path = strdup(m->path);
	if (!file || !file->path) {
		free(file);
		return NULL;
	}
	file->refs = 1;
	file->device = m->device;
	file->inode = m->inode;
	file->symbols = open_symbols(pid, m);
	LIST_INSERT_HEAD(&prober->files, file, link);
	return file;
}

void tl__file_unref(struct tl__file *file)
{
	if (--file->refs)
		return;
	LIST_REMOVE(file, link);
	tl__symbols_free(file->symbols);
	free(file->path);
	free(file);
}
