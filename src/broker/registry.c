/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where servers find each other: a socket named after the server's process, in a folder that is its
 * user's alone. A task's tracer is the server that holds it, so /proc tells which socket to ask.
 */
#define _GNU_SOURCE
#include "registry.h"

#include "compat.h"
#include "notify.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* The same whoever asks: no environment has a say. */
static bool is_private(const char *path, uid_t uid)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == uid &&
	       !(st.st_mode & 077);
}

static bool folder_of(uid_t uid, char *path, size_t size)
{
	char run[64];

	snprintf(run, sizeof(run), "/run/user/%u", (unsigned)uid);
	if (is_private(run, uid))
		snprintf(path, size, "%s/trapline", run);
	else
		snprintf(path, size, "/tmp/trapline-%u", (unsigned)uid);
	if (uid == geteuid() && mkdir(path, 0700) < 0 && errno != EEXIST)
		return false;
	return is_private(path, uid);
}

static bool address_of(uid_t uid, pid_t server, struct sockaddr_un *at)
{
	char folder[80];

	memset(at, 0, sizeof(*at));
	at->sun_family = AF_UNIX;
	if (!folder_of(uid, folder, sizeof(folder)))
		return false;
	return snprintf(at->sun_path, sizeof(at->sun_path), "%s/%d", folder, (int)server) <
	       (int)sizeof(at->sun_path);
}

int tl__registry_open(void)
{
	struct sockaddr_un at;
	int fd, r;

	if (!address_of(geteuid(), getpid(), &at))
		return -EACCES;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* Of a server that had this number before. */
	unlink(at.sun_path);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 16) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

void tl__registry_close(void)
{
	struct sockaddr_un at;

	if (address_of(geteuid(), getpid(), &at))
		unlink(at.sun_path);
}

/* One that hangs must not hang us. */
static void bound(int fd)
{
	struct timeval tv = { .tv_sec = 5 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static bool who_is_there(int fd, struct ucred *ret)
{
	socklen_t len = sizeof(*ret);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ret, &len) == 0;
}

/* A server of this user's or root's. root goes to others', too. */
static bool is_ours(int fd, bool goes, pid_t *pid)
{
	struct ucred who;

	if (!who_is_there(fd, &who))
		return false;
	*pid = who.pid;
	return who.uid == geteuid() || who.uid == 0 || (goes && geteuid() == 0);
}

bool tl__registry_is_foreign(int fd)
{
	struct ucred who;

	return !who_is_there(fd, &who) || (who.uid != geteuid() && who.uid != 0);
}

int tl__registry_accept(int listening, pid_t *pid)
{
	int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (!is_ours(fd, false, pid)) {
		close(fd);
		return -EPERM;
	}
	bound(fd);
	return fd;
}

int tl__registry_find(pid_t server)
{
	struct sockaddr_un at;
	struct tl__person p;
	pid_t pid;
	int fd;

	if (tl__person_read(server, &p) < 0 || !address_of(p.uid, server, &at))
		return -ENOENT;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	bound(fd);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || !is_ours(fd, true, &pid) ||
	    pid != server) {
		close(fd);
		return -ENOENT;
	}
	return fd;
}

int tl__registry_each(void (*each)(int fd, pid_t server, void *data), void *data)
{
	struct dirent *entry;
	char folder[80];
	DIR *dir;

	if (!folder_of(geteuid(), folder, sizeof(folder)))
		return 0;
	dir = opendir(folder);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		pid_t server = (pid_t)atoi(entry->d_name);
		int fd = server > 0 ? tl__registry_find(server) : -1;

		if (fd < 0)
			continue;
		each(fd, server, data);
		close(fd);
	}
	closedir(dir);
	return 0;
}
