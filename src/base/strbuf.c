/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Growing text buffer. */
#include "strbuf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool room(struct tl__strbuf *b, size_t more)
{
	size_t want = b->len + more + 1, cap = b->cap ? b->cap : 128;
	char *data;

	if (want <= b->cap)
		return true;
	while (cap < want)
		cap *= 2;
	data = realloc(b->data, cap);
	if (!data) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->cap = cap;
	return true;
}

void tl__strbuf_add(struct tl__strbuf *b, const void *data, size_t len)
{
	if (!room(b, len))
		return;
	memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void tl__strbuf_puts(struct tl__strbuf *b, const char *s)
{
	tl__strbuf_add(b, s, strlen(s));
}

void tl__strbuf_putc(struct tl__strbuf *b, char c)
{
	tl__strbuf_add(b, &c, 1);
}

void tl__strbuf_vprintf(struct tl__strbuf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n > 0 && room(b, (size_t)n)) {
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void tl__strbuf_printf(struct tl__strbuf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tl__strbuf_vprintf(b, fmt, ap);
	va_end(ap);
}

/* Hand-made: these two are most of what a trace line is made of, and printf is a third of its cost.
 */
void tl__strbuf_hex(struct tl__strbuf *b, unsigned long long value)
{
	char text[18];
	size_t at = sizeof(text);

	if (!value) {
		tl__strbuf_putc(b, '0');
		return;
	}
	for (; value; value >>= 4)
		text[--at] = "0123456789abcdef"[value & 15];
	text[--at] = 'x';
	text[--at] = '0';
	tl__strbuf_add(b, text + at, sizeof(text) - at);
}

void tl__strbuf_dec(struct tl__strbuf *b, long long value)
{
	unsigned long long v =
		value < 0 ? 0ull - (unsigned long long)value : (unsigned long long)value;
	char text[24];
	size_t at = sizeof(text);

	do {
		text[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	if (value < 0)
		text[--at] = '-';
	tl__strbuf_add(b, text + at, sizeof(text) - at);
}

void tl__strbuf_escape(struct tl__strbuf *b, unsigned char ch, unsigned char next)
{
	static const char letters[] = "\"\\\n\t\r\v\f", shown[] = "\"\\ntrvf";
	const char *at = ch ? memchr(letters, ch, sizeof(letters) - 1) : NULL;

	if (at)
		tl__strbuf_printf(b, "\\%c", shown[at - letters]);
	else if (ch >= ' ' && ch <= '~')
		tl__strbuf_putc(b, (char)ch);
	/* The short octal form, unless the next character would be read as a part of it. */
	else if (next >= '0' && next <= '7')
		tl__strbuf_printf(b, "\\%03o", ch);
	else
		tl__strbuf_printf(b, "\\%o", ch);
}

void tl__strbuf_clear(struct tl__strbuf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}

void tl__strbuf_done(struct tl__strbuf *b)
{
	free(b->data);
	*b = (struct tl__strbuf){ 0 };
}
