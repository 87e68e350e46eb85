/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages over a socket of packets, with a descriptor where one goes along. */
#define _GNU_SOURCE
#include "message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

int tl__message_send(int to, const struct tl__message *m, const void *data, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov[2] = { { (void *)(uintptr_t)m, sizeof(*m) },
				{ (void *)(uintptr_t)data, m->len } };
	struct msghdr h = { .msg_iov = iov, .msg_iovlen = data ? 2 : 1 };
	size_t whole = sizeof(*m) + (data ? m->len : 0);

	if (fd >= 0) {
		h.msg_control = &control;
		h.msg_controllen = sizeof(control);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	}
	return sendmsg(to, &h, MSG_NOSIGNAL) == (ssize_t)whole ? 0 : -errno;
}

int tl__message_receive(int from, struct tl__message *m, void *data, int *fd, bool wait)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov[2] = { { m, sizeof(*m) }, { data, TL__DATA_MAX } };
	struct msghdr h = { .msg_iov = iov,
			    .msg_iovlen = 2,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	ssize_t r;

	do
		r = recvmsg(from, &h, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
	while (r < 0 && errno == EINTR);
	*fd = -1;
	if (r > 0 && CMSG_FIRSTHDR(&h) && CMSG_FIRSTHDR(&h)->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof(*fd));
	if (r < 0)
		return -errno;
	if ((size_t)r < sizeof(*m))
		return r == 0 ? -EPIPE : -EPROTO;
	/* A length that lies is nobody's that we talk to. */
	if (m->what != TL__SAY_READ && m->len != (size_t)r - sizeof(*m))
		return -EPROTO;
	return m->len <= TL__DATA_MAX ? 0 : -EPROTO;
}
