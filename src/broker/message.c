/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages over a socket of packets, with a descriptor where one goes along. */
#define _GNU_SOURCE
#include "message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int))];
};

ssize_t tl__packet_send(int to, const struct iovec *iov, size_t n, int fd)
{
	union control control = { 0 };
	struct msghdr h = { .msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = n };
	ssize_t r;

	if (fd >= 0) {
		h.msg_control = &control;
		h.msg_controllen = sizeof(control);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	}
	r = sendmsg(to, &h, MSG_NOSIGNAL);
	return r < 0 ? -errno : r;
}

ssize_t tl__packet_receive(int from, const struct iovec *iov, size_t n, int *fd, int flags)
{
	union control control;
	struct msghdr h = { .msg_iov = (struct iovec *)(uintptr_t)iov,
			    .msg_iovlen = n,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	ssize_t r;

	do
		r = recvmsg(from, &h, MSG_CMSG_CLOEXEC | flags);
	while (r < 0 && errno == EINTR);
	*fd = -1;
	if (r > 0 && CMSG_FIRSTHDR(&h) && CMSG_FIRSTHDR(&h)->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof(*fd));
	return r < 0 ? -errno : r;
}

int tl__message_send(int to, const struct tl__message *m, const void *data, int fd)
{
	struct tl__message ours = *m;
	struct iovec iov[2] = { { &ours, sizeof(ours) }, { (void *)(uintptr_t)data, m->len } };
	ssize_t r;

	ours.protocol = TL__PROTOCOL;
	r = tl__packet_send(to, iov, data ? 2 : 1, fd);
	return r < 0 ? (int)r : 0;
}

static int check(const struct tl__message *m, size_t len)
{
	if (len < sizeof(*m) || m->protocol != TL__PROTOCOL)
		return len == 0 ? -EPIPE : -EPROTO;
	/* A length that lies is nobody's that we talk to. */
	if (m->what != TL__SAY_READ && m->what != TL__SAY_READ_OF && m->len != len - sizeof(*m))
		return -EPROTO;
	return m->len <= TL__DATA_MAX ? 0 : -EPROTO;
}

int tl__message_receive(int from, struct tl__message *m, void *data, int *fd, bool wait)
{
	struct iovec iov[2] = { { m, sizeof(*m) }, { data, TL__DATA_MAX } };
	ssize_t r = tl__packet_receive(from, iov, 2, fd, wait ? 0 : MSG_DONTWAIT);

	if (r < 0)
		return (int)r;
	r = check(m, (size_t)r);
	if (r < 0 && *fd >= 0) {
		close(*fd);
		*fd = -1;
	}
	return (int)r;
}
