/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a descriptor of a tracee is open on, beyond its link in /proc: devices, pidfds, sockets.
 *
 * A socket is duplicated for a moment (pidfd_getfd, Linux 5.6) and asked itself: that is right in
 * every network namespace, never stale, and needs no search through tables. Only the other end of
 * a unix socket has to be asked of the kernel's socket diagnostics, which know our own namespace.
 */
#define _GNU_SOURCE
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

static pid_t process_of(struct tl__sys *sys, pid_t tid)
{
	char status[4096];

	if (tl__kernel_proc_read(sys, tid, TL__PROC_STATUS, status, sizeof(status)) < 0)
		return -1;
	return (pid_t)tl__proc_field_dec(status, "Tgid");
}

/* -1 where there is no such call, no permission, or the thread has descriptors of its own. */
static int duplicate(struct tl__sys *sys, pid_t tid, int fd, uint64_t inode)
{
	int pidfd = (int)syscall(SYS_pidfd_open, process_of(sys, tid), 0u);
	struct stat st;
	int own;

	if (pidfd < 0)
		return -1;
	own = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0u);
	close(pidfd);
	if (own < 0)
		return -1;
	if (fstat(own, &st) == 0 && st.st_ino == inode)
		return own;
	close(own);
	return -1;
}

struct unix_answer {
	struct nlmsghdr head;
	struct unix_diag_msg msg;
	char attributes[512];
};

static uint64_t peer_of(const struct unix_answer *a, ssize_t len)
{
	const char *at = (const char *)a + NLMSG_LENGTH(sizeof(a->msg));
	const char *end = (const char *)a +
			  (len < (ssize_t)a->head.nlmsg_len ? len : (ssize_t)a->head.nlmsg_len);

	while (end - at >= NLA_HDRLEN) {
		struct nlattr attr;
		uint32_t peer;

		memcpy(&attr, at, sizeof(attr));
		if (attr.nla_len < NLA_HDRLEN || attr.nla_len > end - at)
			break;
		if (attr.nla_type == UNIX_DIAG_PEER && attr.nla_len == NLA_HDRLEN + sizeof(peer)) {
			memcpy(&peer, at + NLA_HDRLEN, sizeof(peer));
			return peer;
		}
		if (end - at < NLA_ALIGN(attr.nla_len))
			break;
		at += NLA_ALIGN(attr.nla_len);
	}
	return 0;
}

static uint64_t unix_peer(uint64_t inode)
{
	struct {
		struct nlmsghdr head;
		struct unix_diag_req req;
	} ask = {
		.head = { .nlmsg_len = sizeof(ask),
			  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			  .nlmsg_flags = NLM_F_REQUEST },
		.req = { .sdiag_family = AF_UNIX,
			 .udiag_states = ~0u,
			 .udiag_ino = (uint32_t)inode,
			 .udiag_show = UDIAG_SHOW_PEER,
			 .udiag_cookie = { ~0u, ~0u } },
	};
	struct unix_answer answer = { 0 };
	uint64_t peer = 0;
	ssize_t n = -1;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (fd < 0)
		return 0;
	/* The kernel answers before send() returns. */
	if (send(fd, &ask, sizeof(ask), 0) == (ssize_t)sizeof(ask))
		n = recv(fd, &answer, sizeof(answer), MSG_DONTWAIT);
	if (n >= (ssize_t)NLMSG_LENGTH(sizeof(answer.msg)) &&
	    answer.head.nlmsg_type == SOCK_DIAG_BY_FAMILY && answer.msg.udiag_ino == inode)
		peer = peer_of(&answer, n);
	close(fd);
	return peer;
}

static void ask_socket(int fd, struct tl__fd_info *info)
{
	socklen_t len = sizeof(info->local);

	if (getsockname(fd, (struct sockaddr *)info->local, &len) == 0 &&
	    len <= sizeof(info->local))
		info->local_len = (uint16_t)len;
	len = sizeof(info->peer);
	if (getpeername(fd, (struct sockaddr *)info->peer, &len) == 0 && len <= sizeof(info->peer))
		info->peer_len = (uint16_t)len;
	len = sizeof(info->protocol);
	if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &info->protocol, &len) < 0)
		info->protocol = -1;
}

static void look_at_socket(struct tl__sys *sys, pid_t tid, int fd, const char *path,
			   struct tl__fd_info *info)
{
	ssize_t n = getxattr(path, "system.sockprotoname", info->protocol_name,
			     sizeof(info->protocol_name) - 1);
	int own;

	info->protocol_name[n > 0 ? n : 0] = '\0';
	own = duplicate(sys, tid, fd, info->inode);
	if (own < 0)
		return;
	ask_socket(own, info);
	close(own);
	if (info->local_len >= 2 && info->local[0] == AF_UNIX)
		info->peer_inode = unix_peer(info->inode);
}

static int32_t pid_of_pidfd(pid_t tid, int fd)
{
	char path[64], text[512];
	ssize_t n;
	int own;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)tid, fd);
	own = open(path, O_RDONLY | O_CLOEXEC);
	if (own < 0)
		return 0;
	n = read(own, text, sizeof(text) - 1);
	close(own);
	text[n > 0 ? n : 0] = '\0';
	return (int32_t)tl__proc_field_dec(text, "Pid");
}

int tl__kernel_fd_info(struct tl__sys *sys, pid_t tid, int fd, struct tl__fd_info *info)
{
	char path[64], link[64];
	struct stat st;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)tid, fd);
	if (stat(path, &st) < 0)
		return -errno;
	*info = (struct tl__fd_info){ .mode = st.st_mode,
				      .device = st.st_rdev,
				      .inode = st.st_ino };
	if (S_ISSOCK(st.st_mode)) {
		look_at_socket(sys, tid, fd, path, info);
		return 0;
	}
	n = readlink(path, link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = '\0';
	/* On pidfs, since Linux 6.9, they look alike. */
	if (!strcmp(link, "anon_inode:[pidfd]") || !strncmp(link, "pidfd:[", 7))
		info->pid = pid_of_pidfd(tid, fd);
	return 0;
}
