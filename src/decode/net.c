/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Printers: sockets, addresses, messages, options. */
#define _GNU_SOURCE
#include "printers.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define PRINTER(name) void tl__p_##name(struct tl__ctx *c, const struct tl__arg *a, uint64_t v)

PRINTER(socket_type)
{
	uint32_t t = (uint32_t)v;

	(void)a;
	if (t & 0xf)
		tl__enum(c, &tl__n_sock_type, t & 0xf);
	else if (!t)
		tl__puts(c, "0");
	if (t & ~0xfu) {
		if (t & 0xf)
			tl__puts(c, "|");
		tl__flags(c, &tl__n_sock_flags, t & ~0xfu);
	}
}

PRINTER(socket_protocol)
{
	(void)a;
	switch ((int)c->call->args[0]) {
	case AF_INET:
	case AF_INET6:
		tl__enum(c, &tl__n_ipproto, (uint32_t)v);
		break;
	case AF_NETLINK:
		tl__enum(c, &tl__n_netlink, (uint32_t)v);
		break;
	default:
		tl__strbuf_dec(c->out, (uint32_t)v);
		break;
	}
}

static void sa_unix(struct tl__ctx *c, const uint8_t *sa, size_t len)
{
	const char *path = (const char *)sa + 2;
	size_t n = len - 2;

	if (!n)
		return;
	tl__puts(c, ", sun_path=");
	if (path[0]) {
		uint32_t max = c->max_string;

		c->max_string = 108;
		tl__quote(c, path, strnlen(path, n), false);
		c->max_string = max;
	} else {
		tl__puts(c, "@");
		tl__quote(c, path + 1, n - 1, false);
	}
}

static void sa_inet(struct tl__ctx *c, const uint8_t *sa)
{
	struct sockaddr_in in;
	char text[INET_ADDRSTRLEN];

	memcpy(&in, sa, sizeof(in));
	inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text));
	tl__printf(c, ", sin_port=htons(%u), sin_addr=inet_addr(\"%s\")", ntohs(in.sin_port), text);
}

static void sa_inet6(struct tl__ctx *c, const uint8_t *sa, size_t len)
{
	struct sockaddr_in6 in = { 0 };
	char text[INET6_ADDRSTRLEN], name[IF_NAMESIZE];

	memcpy(&in, sa, len < sizeof(in) ? len : sizeof(in));
	inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof(text));
	tl__printf(c,
		   ", sin6_port=htons(%u), sin6_flowinfo=htonl(%u), "
		   "inet_pton(AF_INET6, \"%s\", &sin6_addr), sin6_scope_id=",
		   ntohs(in.sin6_port), ntohl(in.sin6_flowinfo), text);
	if (in.sin6_scope_id && if_indextoname(in.sin6_scope_id, name))
		tl__printf(c, "if_nametoindex(\"%s\")", name);
	else
		tl__printf(c, "%u", in.sin6_scope_id);
}

static void sa_netlink(struct tl__ctx *c, const uint8_t *sa)
{
	struct sockaddr_nl nl;

	memcpy(&nl, sa, sizeof(nl));
	tl__printf(c, ", nl_pid=%u, nl_groups=%08x", nl.nl_pid, nl.nl_groups);
}

static void sa_packet(struct tl__ctx *c, const uint8_t *sa)
{
	struct sockaddr_ll ll;
	char name[IF_NAMESIZE];

	memcpy(&ll, sa, sizeof(ll));
	tl__printf(c, ", sll_protocol=htons(%#x), sll_ifindex=", ntohs(ll.sll_protocol));
	if (ll.sll_ifindex && if_indextoname((unsigned)ll.sll_ifindex, name))
		tl__printf(c, "if_nametoindex(\"%s\")", name);
	else
		tl__printf(c, "%d", ll.sll_ifindex);
	tl__printf(c, ", sll_hatype=%u, sll_pkttype=%u, sll_halen=%u", ll.sll_hatype,
		   ll.sll_pkttype, ll.sll_halen);
}

static void sa_vsock(struct tl__ctx *c, const uint8_t *sa)
{
	struct sockaddr_vm vm;

	memcpy(&vm, sa, sizeof(vm));
	tl__printf(c, ", svm_cid=%#x, svm_port=%#x", vm.svm_cid, vm.svm_port);
}

void tl__sockaddr(struct tl__ctx *c, const uint8_t *sa, size_t len)
{
	uint16_t family;

	if (len < 2) {
		tl__quote(c, (const char *)sa, len, false);
		return;
	}
	memcpy(&family, sa, 2);
	tl__puts(c, "{sa_family=");
	tl__enum(c, &tl__n_af, family);
	if (family == AF_UNIX)
		sa_unix(c, sa, len);
	else if (family == AF_INET && len >= sizeof(struct sockaddr_in))
		sa_inet(c, sa);
	else if (family == AF_INET6 && len >= 24)
		sa_inet6(c, sa, len);
	else if (family == AF_NETLINK && len >= sizeof(struct sockaddr_nl))
		sa_netlink(c, sa);
	else if (family == AF_PACKET && len >= sizeof(struct sockaddr_ll))
		sa_packet(c, sa);
	else if (family == AF_VSOCK && len >= sizeof(struct sockaddr_vm))
		sa_vsock(c, sa);
	else if (len > 2) {
		tl__puts(c, ", sa_data=");
		tl__quote(c, (const char *)sa + 2, len - 2, false);
	}
	tl__puts(c, "}");
}

static void sockaddr_at(struct tl__ctx *c, uint64_t addr, size_t len)
{
	uint8_t raw[128] = { 0 };

	if (!addr || len < 2) {
		tl__addr(c, addr);
		return;
	}
	if (len > sizeof(raw))
		len = sizeof(raw);
	if (tl__fetch(c, addr, raw, len))
		tl__sockaddr(c, raw, len);
}

PRINTER(sockaddr)
{
	sockaddr_at(c, v, (uint32_t)c->call->args[a->len - 1]);
}

/* Filled by the kernel; how long it is stands where the next argument points. */
PRINTER(sockaddr_out)
{
	uint64_t lenp = c->call->args[a->len - 1];
	uint32_t len;

	if (tl__failed(c) || !v || !tl__read(c, lenp, &len, 4))
		tl__addr(c, v);
	else
		sockaddr_at(c, v, len);
}

/* What the caller had room for is only known at entry: strace shows "[16 => 20]"; equal sizes show
 * one. */
PRINTER(socklen)
{
	uint32_t len;

	(void)a;
	if (!v) {
		tl__puts(c, "NULL");
	} else if (tl__fetch(c, v, &len, 4)) {
		if (c->before && !tl__failed(c) && (uint32_t)c->before->values[0] != len)
			tl__printf(c, "[%u => %u]", (uint32_t)c->before->values[0], len);
		else
			tl__printf(c, "[%u]", len);
	}
}

static void cmsg_data(struct tl__ctx *c, int type, uint64_t at, uint64_t len)
{
	if (type == SCM_RIGHTS) {
		tl__puts(c, ", cmsg_data=[");
		for (uint64_t i = 0; i + 4 <= len; i += 4) {
			int32_t fd;

			if (!tl__read(c, at + i, &fd, 4))
				break;
			tl__puts(c, i ? ", " : "");
			tl__fd(c, fd);
		}
		tl__puts(c, "]");
	} else if (type == SCM_CREDENTIALS && len >= 12) {
		uint32_t u[3];

		if (tl__read(c, at, u, sizeof(u)))
			tl__printf(c, ", cmsg_data={pid=%u, uid=%u, gid=%u}", u[0], u[1], u[2]);
	} else if (len) {
		tl__puts(c, ", cmsg_data=");
		tl__bytes_at(c, at, len);
	}
}

static void cmsgs(struct tl__ctx *c, uint64_t at, uint64_t len)
{
	unsigned w = c->word, head = w + 8;
	uint64_t end = at + len;
	bool first = true;

	tl__puts(c, "[");
	while (at + head <= end) {
		uint8_t raw[16];
		uint64_t n;
		int32_t level, type;

		if (!tl__read(c, at, raw, head))
			break;
		n = tl__read_word(c, raw);
		memcpy(&level, raw + w, 4);
		memcpy(&type, raw + w + 4, 4);
		tl__printf(c, "%s{cmsg_len=%" PRIu64 ", cmsg_level=", first ? "" : ", ", n);
		tl__enum(c, &tl__n_sol, (uint32_t)level);
		tl__puts(c, ", cmsg_type=");
		if (level == SOL_SOCKET)
			tl__enum(c, &tl__n_scm, (uint32_t)type);
		else
			tl__strbuf_hex(c->out, (uint32_t)type);
		if (n >= head && at + n <= end)
			cmsg_data(c, level == SOL_SOCKET ? type : -1, at + head, n - head);
		tl__puts(c, "}");
		first = false;
		if (n < head)
			break;
		at += (n + w - 1) & ~(uint64_t)(w - 1);
	}
	tl__puts(c, "]");
}

/* limit: bytes of data that count; the name's room is not what was filled in, so its length is
 * shown as is. */
static void msghdr(struct tl__ctx *c, const uint8_t *m, uint64_t limit, bool data)
{
	unsigned w = c->word;
	uint64_t name = tl__read_word(c, m), iov = tl__read_word(c, m + 2 * w),
		 iovlen = tl__read_word(c, m + 3 * w), control = tl__read_word(c, m + 4 * w),
		 controllen = tl__read_word(c, m + 5 * w);
	uint32_t namelen, flags;

	memcpy(&namelen, m + w, 4);
	memcpy(&flags, m + 6 * w, 4);
	tl__puts(c, "{msg_name=");
	sockaddr_at(c, name, namelen);
	if (c->before && (uint32_t)c->before->values[0] != namelen)
		tl__printf(c, ", msg_namelen=%u => %u, msg_iov=", (uint32_t)c->before->values[0],
			   namelen);
	else
		tl__printf(c, ", msg_namelen=%u, msg_iov=", namelen);
	tl__iovecs(c, iov, iovlen, limit, data);
	tl__printf(c, ", msg_iovlen=%" PRIu64, iovlen);
	if (controllen) {
		tl__puts(c, ", msg_control=");
		if (control && data)
			cmsgs(c, control, controllen);
		else
			tl__addr(c, control);
	}
	tl__printf(c, ", msg_controllen=%" PRIu64 ", msg_flags=", controllen);
	tl__flags(c, &tl__n_msg, flags);
	tl__puts(c, "}");
}

PRINTER(msghdr)
{
	uint8_t raw[56];

	if (a->out && tl__failed(c)) {
		uint8_t len[4];
		uint32_t namelen;

		/* Nothing was received: what the caller offered is not data. */
		if (!v || !tl__read(c, v + c->word, len, 4)) {
			tl__addr(c, v);
			return;
		}
		memcpy(&namelen, len, 4);
		tl__printf(c, "{msg_namelen=%u}", namelen);
		return;
	}
	if (!tl__fetch(c, v, raw, c->word == 8 ? 56 : 28))
		return;
	msghdr(c, raw, a->out ? (uint64_t)c->call->ret : ~0ull, true);
}

PRINTER(mmsghdr)
{
	unsigned size = c->word == 8 ? 64 : 32, head = c->word == 8 ? 56 : 28;
	uint64_t n = a->out ? (uint64_t)c->call->ret : (uint32_t)c->call->args[2];
	uint8_t raw[64];

	if (tl__failed(c) || !v) {
		tl__addr(c, v);
		return;
	}
	tl__puts(c, "[");
	for (uint64_t i = 0; i < n && i < 1024; i++) {
		uint32_t len;

		if (!tl__read(c, v + i * size, raw, size))
			break;
		memcpy(&len, raw + head, 4);
		tl__puts(c, i ? ", {msg_hdr=" : "{msg_hdr=");
		msghdr(c, raw, a->out ? len : ~0ull, true);
		if (c->exiting && (int64_t)i < c->call->ret)
			tl__printf(c, ", msg_len=%u", len);
		tl__puts(c, "}");
	}
	tl__puts(c, "]");
}

PRINTER(sockopt_name)
{
	(void)a;
	switch ((int)c->call->args[1]) {
	case SOL_SOCKET:
		tl__enum(c, &tl__n_so, (uint32_t)v);
		break;
	case SOL_TCP:
		tl__enum(c, &tl__n_tcp, (uint32_t)v);
		break;
	case SOL_IP:
		tl__enum(c, &tl__n_ip, (uint32_t)v);
		break;
	case SOL_IPV6:
		tl__enum(c, &tl__n_ipv6, (uint32_t)v);
		break;
	default:
		tl__strbuf_hex(c->out, (uint32_t)v);
		break;
	}
}

static void option_value(struct tl__ctx *c, uint64_t v, uint32_t len)
{
	int level = (int)c->call->args[1], name = (int)c->call->args[2];
	uint8_t raw[16];

	if (level == SOL_SOCKET && name == SO_LINGER && len >= 8 && tl__fetch(c, v, raw, 8)) {
		int32_t l[2];

		memcpy(l, raw, 8);
		tl__printf(c, "{l_onoff=%d, l_linger=%d}", l[0], l[1]);
	} else if (level == SOL_SOCKET && (name == 20 || name == 21) && len >= 2 * c->word) {
		struct tl__arg plain = { 0 };

		tl__p_timeval(c, &plain, v);
	} else if (level == SOL_SOCKET && name == SO_PEERCRED && len >= 12) {
		uint32_t u[3];

		if (tl__fetch(c, v, u, sizeof(u)))
			tl__printf(c, "{pid=%u, uid=%u, gid=%u}", u[0], u[1], u[2]);
	} else if (level == SOL_SOCKET && name == SO_BINDTODEVICE) {
		tl__string_at(c, v);
	} else if (len == 4) {
		struct tl__arg plain = { 0 };

		tl__p_int_ptr(c, &plain, v);
	} else {
		tl__bytes_at(c, v, len);
	}
}

PRINTER(sockopt)
{
	(void)a;
	option_value(c, v, (uint32_t)c->call->args[4]);
}

PRINTER(sockopt_out)
{
	uint32_t len;

	(void)a;
	if (tl__failed(c) || !tl__read(c, c->call->args[4], &len, 4))
		tl__addr(c, v);
	else
		option_value(c, v, len);
}

/* The multiplexed call of i386: its own arguments lie in memory. */
PRINTER(socketcall)
{
	static const char *const names[] = {
		NULL,
		"SYS_SOCKET",
		"SYS_BIND",
		"SYS_CONNECT",
		"SYS_LISTEN",
		"SYS_ACCEPT",
		"SYS_GETSOCKNAME",
		"SYS_GETPEERNAME",
		"SYS_SOCKETPAIR",
		"SYS_SEND",
		"SYS_RECV",
		"SYS_SENDTO",
		"SYS_RECVFROM",
		"SYS_SHUTDOWN",
		"SYS_SETSOCKOPT",
		"SYS_GETSOCKOPT",
		"SYS_SENDMSG",
		"SYS_RECVMSG",
		"SYS_ACCEPT4",
		"SYS_RECVMMSG",
		"SYS_SENDMMSG",
	};
	static const uint8_t counts[] = { 0, 3, 3, 3, 2, 3, 3, 3, 4, 4, 4,
					  6, 6, 2, 5, 5, 3, 3, 4, 5, 4 };
	uint32_t which = (uint32_t)v, x[6];

	(void)a;
	if (!which || which >= sizeof(counts)) {
		tl__printf(c, "%d, ", (int32_t)v);
		tl__addr(c, c->call->args[1]);
		return;
	}
	tl__printf(c, "%s, ", names[which]);
	if (!tl__read(c, c->call->args[1], x, counts[which] * 4u)) {
		tl__addr(c, c->call->args[1]);
		return;
	}
	for (unsigned i = 0; i < counts[which]; i++)
		tl__printf(c, "%s%#x", i ? ", " : "[", x[i]);
	tl__puts(c, "]");
}
