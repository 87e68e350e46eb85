/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Printers: waiting for descriptors. */
#define _GNU_SOURCE
#include "printers.h"

#include <inttypes.h>
#include <string.h>

#define PRINTER(name) void tl__p_##name(struct tl__ctx *c, const struct tl__arg *a, uint64_t v)

struct pollfd_ {
	int32_t fd;
	int16_t events, revents;
};

static void pollfd(struct tl__ctx *c, const struct pollfd_ *p)
{
	tl__puts(c, "{fd=");
	tl__fd(c, p->fd);
	if (p->fd >= 0) {
		tl__puts(c, ", events=");
		tl__flags(c, &tl__n_poll, (uint16_t)p->events);
	}
	tl__puts(c, "}");
}

PRINTER(pollfd)
{
	uint64_t n = (uint32_t)c->call->args[1];

	(void)a;
	if (!v) {
		tl__puts(c, "NULL");
		return;
	}
	if (!n)
		tl__puts(c, "[]");
	for (uint64_t i = 0; i < n; i++) {
		struct pollfd_ p;

		if (!tl__read(c, v + i * sizeof(p), &p, sizeof(p))) {
			if (!i)
				tl__addr(c, v);
			else
				tl__printf(c, ", ... /* 0x%" PRIx64 " */]", v + i * sizeof(p));
			return;
		}
		tl__puts(c, i ? ", " : "[");
		if (i >= c->max_string && !(c->flags & TL_DECODE_VERBOSE)) {
			tl__puts(c, "...");
			i = n - 1;
		} else {
			pollfd(c, &p);
		}
		if (i + 1 == n)
			tl__puts(c, "]");
	}
}

/* What poll found, behind its result: "([{fd=3, revents=POLLIN}])". */
static void poll_found(struct tl__ctx *c, uint64_t v, uint64_t n)
{
	bool first = true;

	tl__puts(c, " ([");
	for (uint64_t i = 0; i < n; i++) {
		struct pollfd_ p;

		if (!tl__read(c, v + i * sizeof(p), &p, sizeof(p)))
			break;
		if (!p.revents)
			continue;
		tl__puts(c, first ? "{fd=" : ", {fd=");
		first = false;
		tl__fd(c, p.fd);
		tl__puts(c, ", revents=");
		tl__flags(c, &tl__n_poll, (uint16_t)p.revents);
		tl__puts(c, "}");
	}
	tl__puts(c, "]");
}

/* The time that is left stands behind the result, where the kernel writes it back. */
static void time_left(struct tl__ctx *c, uint64_t v, unsigned word, bool nano)
{
	int64_t t[2];
	int32_t narrow[2];

	if (!v)
		return;
	if (word == 8) {
		if (!tl__read(c, v, t, sizeof(t)))
			return;
	} else {
		if (!tl__read(c, v, narrow, sizeof(narrow)))
			return;
		t[0] = narrow[0];
		t[1] = narrow[1];
	}
	tl__printf(c, ", left {tv_sec=%" PRId64 ", tv_%s=%" PRId64 "}", t[0],
		   nano ? "nsec" : "usec", t[1]);
}

void tl__poll_result(struct tl__ctx *c, bool ppoll, unsigned time_word)
{
	const uint64_t *x = c->call->args;

	if (c->call->flags & TL_SYSCALL_FAILED)
		return;
	if (c->call->ret == 0) {
		tl__puts(c, " (Timeout)");
		return;
	}
	poll_found(c, x[0], (uint32_t)x[1]);
	if (ppoll)
		time_left(c, x[2], time_word, true);
	tl__puts(c, ")");
}

static bool in_set(const uint8_t *set, unsigned fd)
{
	return set[fd / 8] >> (fd % 8) & 1;
}

static bool fetch_set(struct tl__ctx *c, uint64_t addr, uint64_t n, uint8_t *set, size_t size)
{
	size_t bytes;

	if (!addr || !n || n > size * 8)
		return false;
	bytes = (size_t)((n + c->word * 8 - 1) / (c->word * 8)) * c->word;
	return bytes <= size && tl__read(c, addr, set, bytes);
}

static bool put_set(struct tl__ctx *c, uint64_t addr, uint64_t n)
{
	uint8_t set[8192];
	bool any = false;

	if (!fetch_set(c, addr, n, set, sizeof(set)))
		return false;
	tl__puts(c, "[");
	for (unsigned i = 0; i < n; i++) {
		if (!in_set(set, i))
			continue;
		if (any)
			tl__puts(c, " ");
		tl__fd(c, (int)i);
		any = true;
	}
	tl__puts(c, "]");
	return true;
}

PRINTER(fdset)
{
	int32_t n = (int32_t)c->call->args[0];

	(void)a;
	if (n < 0 || !put_set(c, v, (uint64_t)n)) {
		if (v && n == 0)
			tl__puts(c, "[]");
		else
			tl__addr(c, v);
	}
}

void tl__select_result(struct tl__ctx *c, bool nano, unsigned time_word)
{
	static const char *const names[] = { "in", "out", "except" };
	const uint64_t *x = c->call->args;
	const char *before = " (";
	uint8_t set[8192];

	if (c->call->flags & TL_SYSCALL_FAILED)
		return;
	if (c->call->ret == 0) {
		tl__puts(c, " (Timeout)");
		return;
	}
	for (int i = 0; i < 3; i++) {
		bool any = false;

		if (!fetch_set(c, x[1 + i], x[0], set, sizeof(set)))
			continue;
		for (unsigned fd = 0; fd < x[0]; fd++)
			any |= in_set(set, fd);
		if (!any)
			continue;
		tl__printf(c, "%s%s ", before, names[i]);
		put_set(c, x[1 + i], x[0]);
		before = ", ";
	}
	if (x[4]) {
		if (*before == ' ')
			tl__puts(c, " (");
		struct tl__strbuf *out = c->out;
		size_t at = out->len;
		time_left(c, x[4], time_word, nano);
		/* The first item needs no comma. */
		if (*before == ' ' && out->len >= at + 2) {
			memmove(out->data + at, out->data + at + 2, out->len - at - 1);
			out->len -= 2;
		}
		before = ", ";
	}
	if (*before == ',')
		tl__puts(c, ")");
}

/* x86 packs it; others align the data. */
static unsigned epoll_data_at(const struct tl__ctx *c)
{
	return tl__abi_is_arm(c->call->abi) ? 8 : 4;
}

static void epoll_event(struct tl__ctx *c, const uint8_t *at)
{
	uint32_t events, u32;
	uint64_t u64;

	memcpy(&events, at, 4);
	memcpy(&u64, at + epoll_data_at(c), 8);
	u32 = (uint32_t)u64;
	tl__puts(c, "{events=");
	tl__flags(c, &tl__n_epoll_events, events);
	/* What the program put there nobody knows: a descriptor or a pointer. */
	tl__printf(c, ", data={u32=%u, u64=%" PRIu64 "}}", u32, u64);
}

PRINTER(epoll_event)
{
	uint8_t raw[16];

	(void)a;
	if ((uint32_t)c->call->args[1] == 2) {
		tl__addr(c, v);
		return;
	}
	if (tl__fetch(c, v, raw, epoll_data_at(c) + 8))
		epoll_event(c, raw);
}

PRINTER(epoll_events)
{
	(void)a;
	if (tl__failed(c))
		tl__addr(c, v);
	else
		tl__array(c, v, (uint64_t)c->call->ret, epoll_data_at(c) + 8, epoll_event);
}

/* pselect6's last argument: a pointer to a set and its size. */
PRINTER(sigset_argpack)
{
	uint8_t raw[16];
	uint64_t at, size, set = 0;

	(void)a;
	if (!tl__fetch(c, v, raw, 2 * c->word))
		return;
	at = tl__read_word(c, raw);
	size = tl__read_word(c, raw + c->word);
	tl__puts(c, "{sigmask=");
	if (!at)
		tl__puts(c, "NULL");
	else if (tl__fetch(c, at, &set, size < 8 ? size : 8))
		tl__sigset(c, set);
	tl__printf(c, ", sigsetsize=%" PRIu64 "}", size);
}
