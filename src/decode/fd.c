/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a descriptor is open on: "</etc/passwd>", "</dev/null<char 1:3>>", "<TCP:[a:1->b:2]>". */
#define _GNU_SOURCE
#include "printers.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#define DELETED " (deleted)"

static int family(const uint8_t *address, uint32_t len)
{
	sa_family_t f;

	if (len < sizeof(f))
		return AF_UNSPEC;
	memcpy(&f, address, sizeof(f));
	return f;
}

/* "1.2.3.4:80" or "[::1]:80"; false when it is no such address, or none at all. */
static bool inet_text(const uint8_t *address, uint32_t len, char *text, size_t size)
{
	char host[INET6_ADDRSTRLEN];
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	if (family(address, len) == AF_INET && len >= sizeof(in)) {
		memcpy(&in, address, sizeof(in));
		inet_ntop(AF_INET, &in.sin_addr, host, sizeof(host));
		snprintf(text, size, "%s:%u", host, ntohs(in.sin_port));
		return true;
	}
	if (family(address, len) == AF_INET6 && len >= sizeof(in6)) {
		memcpy(&in6, address, sizeof(in6));
		inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof(host));
		snprintf(text, size, "[%s]:%u", host, ntohs(in6.sin6_port));
		return true;
	}
	return false;
}

/* Neither bound nor connected: nothing to tell but its inode. */
static bool bound(const struct tl_fd_info *info)
{
	uint16_t port;

	memcpy(&port, info->local + 2, sizeof(port));
	return port || info->peer_len;
}

static void inet_socket(struct tl__ctx *c, const struct tl_fd_info *info)
{
	char local[64], peer[64];

	if (!bound(info) || !inet_text(info->local, info->local_len, local, sizeof(local)))
		tl__printf(c, "%llu", (unsigned long long)info->inode);
	else if (inet_text(info->peer, info->peer_len, peer, sizeof(peer)))
		tl__printf(c, "%s->%s", local, peer);
	else
		tl__puts(c, local);
}

static void unix_socket(struct tl__ctx *c, const struct tl_fd_info *info)
{
	const char *path = (const char *)info->local + offsetof(struct sockaddr_un, sun_path);
	uint32_t len = info->local_len - (uint32_t)offsetof(struct sockaddr_un, sun_path);
	uint32_t max = c->max_string;

	tl__printf(c, "%llu", (unsigned long long)info->inode);
	if (info->peer_inode)
		tl__printf(c, "->%llu", (unsigned long long)info->peer_inode);
	if (!len)
		return;
	c->max_string = sizeof(info->local);
	tl__puts(c, path[0] ? "," : ",@");
	if (path[0])
		tl__quote(c, path, strnlen(path, len), false);
	else
		tl__quote(c, path + 1, len - 1, false);
	c->max_string = max;
}

static void netlink_socket(struct tl__ctx *c, const struct tl_fd_info *info)
{
	const char *name = tl__name_of(&tl__n_netlink, (uint32_t)info->protocol);
	struct sockaddr_nl nl = { 0 };

	memcpy(&nl, info->local, info->local_len < sizeof(nl) ? info->local_len : sizeof(nl));
	if (name && !strncmp(name, "NETLINK_", 8))
		tl__puts(c, name + 8);
	else
		tl__printf(c, "%d", info->protocol);
	tl__printf(c, ":%u", nl.nl_pid);
}

static bool socket_details(struct tl__ctx *c, const struct tl_fd_info *info)
{
	if (!info->protocol_name[0])
		return false;
	tl__printf(c, "%s:[", info->protocol_name);
	switch (family(info->local, info->local_len)) {
	case AF_INET:
	case AF_INET6:
		inet_socket(c, info);
		break;
	case AF_UNIX:
		unix_socket(c, info);
		break;
	case AF_NETLINK:
		netlink_socket(c, info);
		break;
	default:
		tl__printf(c, "%llu", (unsigned long long)info->inode);
		break;
	}
	tl__puts(c, "]");
	return true;
}

static void put_details(struct tl__ctx *c, const struct tl_fd_info *info, const char *path,
			size_t len)
{
	if (S_ISSOCK(info->mode) && socket_details(c, info))
		return;
	if (info->pid) {
		tl__printf(c, "pid:%d", info->pid);
		return;
	}
	tl__strbuf_add(c->out, path, len);
	if (S_ISCHR(info->mode) || S_ISBLK(info->mode))
		tl__printf(c, "<%s %u:%u>", S_ISCHR(info->mode) ? "char" : "block",
			   major(info->device), minor(info->device));
}

static bool take_off_deleted(const char *path, size_t *len)
{
	size_t tail = strlen(DELETED);

	if (*len <= tail || memcmp(path + *len - tail, DELETED, tail) != 0)
		return false;
	*len -= tail;
	return true;
}

void tl__fd_path(struct tl__ctx *c, int fd)
{
	struct tl_fd_info info = { .size = sizeof(info) };
	char name[32], target[4096];
	bool deleted;
	size_t len;
	int64_t n;

	if (!(c->flags & (TL_DECODE_FD_PATHS | TL_DECODE_FD_DETAILS)) || !c->source ||
	    !c->source->read_link)
		return;
	if (fd == -100)
		snprintf(name, sizeof(name), "cwd");
	else
		snprintf(name, sizeof(name), "fd/%d", fd);
	n = c->source->read_link(c->source->data, name, target, sizeof(target));
	if (n <= 0)
		return;
	len = (size_t)n;
	deleted = take_off_deleted(target, &len);
	tl__puts(c, "<");
	if (fd >= 0 && c->flags & TL_DECODE_FD_DETAILS && c->source->fd_info &&
	    c->source->fd_info(c->source->data, fd, &info) == 0)
		put_details(c, &info, target, len);
	else
		tl__strbuf_add(c->out, target, len);
	tl__puts(c, deleted ? ">(deleted)" : ">");
}
