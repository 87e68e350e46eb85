/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A look at all that runs, for the tracees of one thread. */
#define _GNU_SOURCE
#include "traced.h"

#include "kernel.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int tl__traced_read(pid_t tid, struct tl__traced *ret)
{
	char text[4096], state[32];

	if (tl__kernel_proc_read(NULL, tid, TL__PROC_STATUS, text, sizeof(text)) <= 0)
		return -ESRCH;
	ret->tgid = (pid_t)tl__proc_field_dec(text, "Tgid");
	ret->tracer = (pid_t)tl__proc_field_dec(text, "TracerPid");
	ret->threads = (unsigned)tl__proc_field_dec(text, "Threads");
	ret->filters = (unsigned)tl__proc_field_dec(text, "Seccomp_filters");
	ret->state = tl__proc_field(text, "State", state, sizeof(state)) ? state[0] : '?';
	return 0;
}

int tl__threads_of(pid_t tgid, pid_t *tids, size_t max)
{
	return tl__kernel_threads(NULL, tgid, tids, max);
}

struct search {
	pid_t tracer;
	bool (*each)(pid_t tid, const struct tl__traced *is, void *data);
	void *data;
};

static bool each_in(const char *path, bool (*one)(pid_t id, const struct search *s),
		    const struct search *s)
{
	struct dirent *entry;
	DIR *dir = opendir(path);
	bool ok = true;

	if (!dir)
		return true;
	while (ok && (entry = readdir(dir))) {
		pid_t id = (pid_t)atoi(entry->d_name);

		ok = id <= 0 || one(id, s);
	}
	closedir(dir);
	return ok;
}

static bool thread(pid_t tid, const struct search *s)
{
	struct tl__traced is;

	return tl__traced_read(tid, &is) < 0 || is.tracer != s->tracer ||
	       s->each(tid, &is, s->data);
}

static bool process(pid_t pid, const struct search *s)
{
	struct tl__traced is;
	char path[40];

	if (tl__traced_read(pid, &is) < 0)
		return true;
	if (is.threads <= 1)
		return is.tracer != s->tracer || s->each(pid, &is, s->data);
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	return each_in(path, thread, s);
}

bool tl__traced_each(pid_t tracer, bool (*each)(pid_t tid, const struct tl__traced *is, void *data),
		     void *data)
{
	const struct search s = { tracer, each, data };

	return each_in("/proc", process, &s);
}
