/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pieces that every printer is made of: reading, numbers, names, strings, descriptors. */
#include "decode.h"

#include "err.h"

#include <stdio.h>
#include <string.h>

bool tl__read(struct tl__ctx *c, uint64_t addr, void *buf, size_t len)
{
	if (!c->source || !c->source->read_mem)
		return false;
	return c->source->read_mem(c->source->data, addr, buf, len) == (int64_t)len;
}

bool tl__failed(const struct tl__ctx *c)
{
	return c->exiting && c->call->flags & TL_SYSCALL_FAILED;
}

bool tl__fetch(struct tl__ctx *c, uint64_t addr, void *buf, size_t len)
{
	if (addr && tl__read(c, addr, buf, len))
		return true;
	tl__addr(c, addr);
	return false;
}

uint64_t tl__read_word(struct tl__ctx *c, const uint8_t *at)
{
	uint64_t wide = 0;

	memcpy(&wide, at, c->word);
	return wide;
}

void tl__puts(struct tl__ctx *c, const char *s)
{
	tl__strbuf_puts(c->out, s);
}

void tl__printf(struct tl__ctx *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tl__strbuf_vprintf(c->out, fmt, ap);
	va_end(ap);
}

void tl__addr(struct tl__ctx *c, uint64_t addr)
{
	if (!addr)
		tl__puts(c, "NULL");
	else
		tl__strbuf_hex(c->out, addr);
}

const char *tl__name_of(const struct tl__names *t, uint64_t value)
{
	for (const struct tl__name *n = t->names; n->name; n++)
		if (n->value == value)
			return n->name;
	return NULL;
}

void tl__enum(struct tl__ctx *c, const struct tl__names *t, uint64_t value)
{
	const char *name = tl__name_of(t, value);

	if (name) {
		tl__puts(c, name);
		return;
	}
	tl__strbuf_hex(c->out, value);
	if (t->unknown)
		tl__printf(c, " /* %s */", t->unknown);
}

void tl__flags(struct tl__ctx *c, const struct tl__names *t, uint64_t value)
{
	uint64_t left = value;
	bool any = false;

	for (const struct tl__name *n = t->names; n->name; n++) {
		if (n->value ? (left & n->value) != n->value : value != 0)
			continue;
		if (any)
			tl__puts(c, "|");
		tl__puts(c, n->name);
		left &= ~n->value;
		any = true;
		if (!value)
			return;
	}
	if (any && !left)
		return;
	if (any)
		tl__puts(c, "|");
	tl__strbuf_hex(c->out, left);
	if (!any && left && t->unknown)
		tl__printf(c, " /* %s */", t->unknown);
}

static bool needs_hex(const struct tl__ctx *c, const char *s, size_t len)
{
	if (!(c->flags & TL_DECODE_HEX_STRINGS))
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char ch = (unsigned char)s[i];

		if ((ch < ' ' && !(ch >= '\t' && ch <= '\r')) || ch > '~')
			return true;
	}
	return false;
}

void tl__quote(struct tl__ctx *c, const char *s, size_t len, bool cut)
{
	bool all = c->flags & TL_DECODE_HEX_ALL || needs_hex(c, s, len);
	size_t plain = 0;

	tl__strbuf_putc(c->out, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char ch = (unsigned char)s[i];

		if (all) {
			tl__strbuf_printf(c->out, "\\x%02x", ch);
			plain = i + 1;
			continue;
		}
		if (ch >= ' ' && ch <= '~' && ch != '"' && ch != '\\')
			continue;
		tl__strbuf_add(c->out, s + plain, i - plain);
		tl__strbuf_escape(c->out, ch, i + 1 < len ? (unsigned char)s[i + 1] : 0);
		plain = i + 1;
	}
	tl__strbuf_add(c->out, s + plain, len - plain);
	tl__puts(c, cut ? "\"..." : "\"");
}

enum { STRING_MOST = 4096 };

/* Reads up to max bytes of a C string, page by page; -1 when not even the first byte is there. */
static long read_string(struct tl__ctx *c, uint64_t addr, char *buf, size_t max, bool *ended)
{
	size_t len = 0;

	*ended = false;
	while (len < max) {
		size_t n = 4096 - (size_t)((addr + len) & 4095);
		int64_t r;
		char *nul;

		if (n > max - len)
			n = max - len;
		/* Most strings are short: a first small bite instead of a page. */
		if (!len && n > 200)
			n = 200;
		r = c->source && c->source->read_mem
			    ? c->source->read_mem(c->source->data, addr + len, buf + len, n)
			    : -1;
		if (r <= 0)
			return len ? (long)len : -1;
		nul = memchr(buf + len, '\0', (size_t)r);
		if (nul) {
			*ended = true;
			return nul - buf;
		}
		len += (size_t)r;
	}
	return (long)len;
}

static void string_at(struct tl__ctx *c, uint64_t addr, size_t max)
{
	char buf[STRING_MOST + 1];
	bool ended;
	long n;

	if (!addr) {
		tl__puts(c, "NULL");
		return;
	}
	if (max > STRING_MOST)
		max = STRING_MOST;
	/* One byte more than is shown tells whether the string ends there. */
	n = read_string(c, addr, buf, max + 1, &ended);
	if (n < 0) {
		tl__addr(c, addr);
		return;
	}
	if ((size_t)n > max)
		n = (long)max;
	tl__quote(c, buf, (size_t)n, !ended);
}

void tl__string_at(struct tl__ctx *c, uint64_t addr)
{
	string_at(c, addr, c->max_string);
}

void tl__path_at(struct tl__ctx *c, uint64_t addr)
{
	string_at(c, addr, STRING_MOST - 1);
}

void tl__bytes_at(struct tl__ctx *c, uint64_t addr, uint64_t len)
{
	char buf[STRING_MOST];
	size_t n = len;

	if (!addr) {
		tl__puts(c, "NULL");
		return;
	}
	if (n > c->max_string)
		n = c->max_string;
	if (n > sizeof(buf))
		n = sizeof(buf);
	if (n && !tl__read(c, addr, buf, n)) {
		tl__addr(c, addr);
		return;
	}
	tl__quote(c, buf, n, n < len);
}

void tl__fd(struct tl__ctx *c, int fd)
{
	tl__strbuf_dec(c->out, fd);
	if (fd >= 0)
		tl__fd_path(c, fd);
}

void tl__array(struct tl__ctx *c, uint64_t addr, uint64_t n, size_t size, tl__element element)
{
	uint8_t buf[512];
	uint64_t most = c->flags & TL_DECODE_VERBOSE ? 4096 : c->max_string;

	if (!addr || size > sizeof(buf)) {
		tl__addr(c, addr);
		return;
	}
	if (!n) {
		tl__puts(c, "[]");
		return;
	}
	for (uint64_t i = 0; i < n; i++) {
		if (i == 0 && !tl__read(c, addr, buf, size)) {
			tl__addr(c, addr);
			return;
		}
		tl__puts(c, i ? ", " : "[");
		if (i >= most) {
			tl__puts(c, "...");
			break;
		}
		if (i && !tl__read(c, addr + i * size, buf, size)) {
			tl__printf(c, "... /* 0x%llx */", (unsigned long long)(addr + i * size));
			break;
		}
		element(c, buf);
	}
	tl__puts(c, "]");
}
