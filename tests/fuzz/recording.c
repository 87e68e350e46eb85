/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A recording that somebody sent: parsed, and taken through the core as far as it goes. */
#define _GNU_SOURCE
#include "core.h"
#include "fake.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int end_it(struct tl_session *s, void *data)
{
	(void)data;
	tl__detach_all(s);
	return 0;
}

static void play(const char *path)
{
	char *argv[] = { NULL };
	struct tl_session_options o = { .size = sizeof(o), .replay = path, .on_wake = end_it };
	struct tl_spawn_options so = {
		.size = sizeof(so), .path = "x", .argv = argv, .envp = argv
	};
	struct tl_session *s;
	struct tl_task *task;
	pid_t pid;
	int r;

	if (tl__session_new(&o, &s) < 0)
		return;
	pid = tl__sys_fake_attached(s->sys);
	r = pid ? tl__attach(s, pid) : tl__spawn(s, &so, &task);
	if (r == 0)
		r = tl__loop_run(s);
	(void)r;
	tl__session_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[48];
	int fd = memfd_create("recording", MFD_CLOEXEC);

	if (fd < 0)
		return 0;
	if (write(fd, data, size) == (ssize_t)size) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		play(path);
	}
	close(fd);
	return 0;
}
