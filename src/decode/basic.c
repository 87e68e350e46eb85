/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Printers of plain arguments: numbers, names, strings, buffers, descriptors. */
#include "printers.h"

#include <string.h>

#define PRINTER(name) void tl__p_##name(struct tl__ctx *c, const struct tl__arg *a, uint64_t v)

static uint64_t length_of(const struct tl__ctx *c, const struct tl__arg *a)
{
	return a->len ? c->call->args[a->len - 1] : 0;
}

PRINTER(int)
{
	(void)a;
	tl__strbuf_dec(c->out, (int32_t)v);
}

PRINTER(uint)
{
	(void)a;
	tl__strbuf_dec(c->out, (uint32_t)v);
}

PRINTER(long)
{
	(void)a;
	tl__strbuf_dec(c->out, c->word == 8 ? (int64_t)v : (int32_t)v);
}

PRINTER(ulong)
{
	(void)a;
	tl__printf(c, "%llu", (unsigned long long)v);
}

PRINTER(hex)
{
	(void)a;
	tl__strbuf_hex(c->out, v);
}

PRINTER(hex32)
{
	(void)a;
	tl__strbuf_hex(c->out, (uint32_t)v);
}

PRINTER(ptr)
{
	(void)a;
	tl__addr(c, v);
}

PRINTER(octal)
{
	(void)a;
	tl__printf(c, v ? "0%o" : "%o", (unsigned)v);
}

/* A file mode given as permissions: at least three digits, as chmod's users write it. */
PRINTER(mode)
{
	(void)a;
	tl__printf(c, "%#03o", (unsigned)(v & 0xffff));
}

PRINTER(flags)
{
	tl__flags(c, a->aux, (uint32_t)v);
}

PRINTER(flags64)
{
	tl__flags(c, a->aux, v);
}

PRINTER(enum)
{
	tl__enum(c, a->aux, (uint32_t)v);
}

PRINTER(fd)
{
	(void)a;
	tl__fd(c, (int32_t)v);
}

PRINTER(dirfd)
{
	(void)a;
	if ((int32_t)v == -100) {
		tl__puts(c, "AT_FDCWD");
		if (c->flags & (TL_DECODE_FD_PATHS | TL_DECODE_FD_DETAILS))
			tl__fd_path(c, -100);
		return;
	}
	tl__fd(c, (int32_t)v);
}

PRINTER(path)
{
	(void)a;
	tl__path_at(c, v);
}

PRINTER(str)
{
	(void)a;
	tl__string_at(c, v);
}

/* A buffer that the program filled; its length stands in another argument. */
PRINTER(buf)
{
	tl__bytes_at(c, v, c->word == 4 ? (uint32_t)length_of(c, a) : length_of(c, a));
}

/* A buffer that the kernel filled; the result tells how far. */
PRINTER(buf_ret)
{
	(void)a;
	if (tl__failed(c) || c->call->ret < 0)
		tl__addr(c, v);
	else
		tl__bytes_at(c, v, (uint64_t)c->call->ret);
}

/* Random bytes are no text, even where some of them look like it. */
PRINTER(random)
{
	uint32_t flags = c->flags;

	(void)a;
	c->flags |= TL_DECODE_HEX_ALL;
	tl__p_buf_ret(c, a, v);
	c->flags = flags;
}

/* A string or link that the kernel filled: cut where the result says, never shown shorter than a
 * path. */
PRINTER(path_out)
{
	uint32_t max = c->max_string;

	(void)a;
	if (tl__failed(c)) {
		tl__addr(c, v);
		return;
	}
	c->max_string = 4095;
	tl__bytes_at(c, v, (uint64_t)c->call->ret);
	c->max_string = max;
}

/* getcwd counts the terminating zero. */
PRINTER(getcwd)
{
	(void)a;
	if (tl__failed(c))
		tl__addr(c, v);
	else
		tl__path_at(c, v);
}

PRINTER(str_out)
{
	(void)a;
	if (tl__failed(c))
		tl__addr(c, v);
	else
		tl__string_at(c, v);
}

PRINTER(off)
{
	(void)a;
	tl__strbuf_dec(c->out, (int64_t)v);
}

PRINTER(hex64)
{
	(void)a;
	tl__strbuf_hex(c->out, v);
}

PRINTER(uid)
{
	(void)a;
	if ((uint32_t)v == ~0u)
		tl__puts(c, "-1");
	else
		tl__strbuf_dec(c->out, (uint32_t)v);
}

PRINTER(uid16)
{
	(void)a;
	if ((uint16_t)v == 0xffff)
		tl__puts(c, "-1");
	else
		tl__strbuf_dec(c->out, (uint16_t)v);
}

PRINTER(dev)
{
	(void)a;
	tl__dev(c, v);
}

PRINTER(int_ptr)
{
	int32_t n;

	(void)a;
	if (tl__failed(c))
		tl__addr(c, v);
	else if (tl__fetch(c, v, &n, sizeof(n)))
		tl__printf(c, "[%d]", n);
}

PRINTER(uint_ptr)
{
	uint32_t n;

	(void)a;
	if (tl__failed(c))
		tl__addr(c, v);
	else if (tl__fetch(c, v, &n, sizeof(n)))
		tl__printf(c, "[%u]", n);
}

PRINTER(word_ptr)
{
	uint8_t raw[8];

	(void)a;
	if (!tl__failed(c) && !tl__fetch(c, v, raw, c->word))
		return;
	if (tl__failed(c))
		tl__addr(c, v);
	else
		tl__printf(c, "[%lld]",
			   c->word == 8 ? (long long)tl__read_word(c, raw)
					: (long long)(int32_t)tl__read_word(c, raw));
}

PRINTER(off_ptr)
{
	int64_t n;

	(void)a;
	if (tl__fetch(c, v, &n, sizeof(n)))
		tl__printf(c, "[%lld]", (long long)n);
}

PRINTER(fd_pair)
{
	int32_t fds[2];

	(void)a;
	if (tl__failed(c)) {
		tl__addr(c, v);
		return;
	}
	if (!tl__fetch(c, v, fds, sizeof(fds)))
		return;
	tl__puts(c, "[");
	tl__fd(c, fds[0]);
	tl__puts(c, ", ");
	tl__fd(c, fds[1]);
	tl__puts(c, "]");
}

static void gid_element(struct tl__ctx *c, const uint8_t *at)
{
	uint32_t gid;

	memcpy(&gid, at, sizeof(gid));
	tl__printf(c, "%u", gid);
}

PRINTER(gid_list)
{
	uint64_t n = a->out ? (uint64_t)c->call->ret : length_of(c, a);

	if (tl__failed(c) && a->out)
		tl__addr(c, v);
	else if (a->out && !length_of(c, a))
		tl__addr(c, v);
	else
		tl__array(c, v, (uint32_t)n, 4, gid_element);
}

/* A NULL-terminated vector of strings; -1 of them for the whole of it. */
static void strings(struct tl__ctx *c, uint64_t addr)
{
	uint8_t raw[8];

	for (unsigned i = 0;; i++) {
		uint64_t at;

		if (!tl__read(c, addr + i * c->word, raw, c->word)) {
			if (!i)
				tl__addr(c, addr);
			else
				tl__printf(c, ", ... /* 0x%llx */]",
					   (unsigned long long)(addr + i * c->word));
			return;
		}
		at = tl__read_word(c, raw);
		if (!at) {
			tl__puts(c, i ? "]" : "[]");
			return;
		}
		tl__puts(c, i ? ", " : "[");
		if (i >= c->max_string && !(c->flags & TL_DECODE_VERBOSE)) {
			tl__puts(c, "...]");
			return;
		}
		tl__string_at(c, at);
	}
}

PRINTER(argv)
{
	(void)a;
	if (!v)
		tl__puts(c, "NULL");
	else
		strings(c, v);
}

PRINTER(envp)
{
	uint8_t raw[8];
	unsigned n = 0;

	(void)a;
	if (c->flags & TL_DECODE_VERBOSE || !v) {
		tl__p_argv(c, a, v);
		return;
	}
	tl__addr(c, v);
	while (tl__read(c, v + n * c->word, raw, c->word) && tl__read_word(c, raw))
		n++;
	tl__printf(c, " /* %u var%s */", n, n == 1 ? "" : "s");
}

PRINTER(key)
{
	(void)a;
	if (!(uint32_t)v)
		tl__puts(c, "IPC_PRIVATE");
	else
		tl__strbuf_hex(c->out, (uint32_t)v);
}

static void iovec_one(struct tl__ctx *c, const uint8_t *at, uint64_t limit, bool data)
{
	uint64_t base = tl__read_word(c, at), len = tl__read_word(c, at + c->word);

	tl__puts(c, "{iov_base=");
	if (data)
		tl__bytes_at(c, base, len < limit ? len : limit);
	else
		tl__addr(c, base);
	tl__printf(c, ", iov_len=%llu}", (unsigned long long)len);
}

/* limit: how many bytes of the whole vector hold data. */
void tl__iovecs(struct tl__ctx *c, uint64_t addr, uint64_t n, uint64_t limit, bool data)
{
	uint8_t raw[16];
	uint64_t most = c->flags & TL_DECODE_VERBOSE ? 1024 : c->max_string;

	/* Longer vectors are refused, so what lies there is no vector (UIO_MAXIOV). */
	if (!addr || n > 1024) {
		tl__addr(c, addr);
		return;
	}
	if (!n) {
		tl__puts(c, "[]");
		return;
	}
	for (uint64_t i = 0; i < n; i++) {
		if (!tl__read(c, addr + i * 2 * c->word, raw, 2 * c->word)) {
			if (!i) {
				tl__addr(c, addr);
				return;
			}
			tl__printf(c, ", ... /* 0x%llx */",
				   (unsigned long long)(addr + i * 2 * c->word));
			break;
		}
		tl__puts(c, i ? ", " : "[");
		if (i >= most) {
			tl__puts(c, "...");
			break;
		}
		iovec_one(c, raw, limit, data);
		uint64_t len = tl__read_word(c, raw + c->word);
		limit -= len < limit ? len : limit;
	}
	tl__puts(c, "]");
}

PRINTER(iovec)
{
	tl__iovecs(c, v, length_of(c, a), ~0ull, true);
}

PRINTER(iovec_ret)
{
	if (tl__failed(c))
		tl__iovecs(c, v, length_of(c, a), 0, false);
	else
		tl__iovecs(c, v, length_of(c, a), (uint64_t)c->call->ret, true);
}

PRINTER(iovec_ptrs)
{
	tl__iovecs(c, v, length_of(c, a), 0, false);
}
