/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text that grows; a failed allocation is remembered and the text cut, never half a character lost.
 */
#ifndef TL_BASE_STRBUF_H
#define TL_BASE_STRBUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct tl__strbuf {
	char *data; /* NUL-terminated once anything was added */
	size_t len, cap;
	bool failed; /* an allocation failed: the text is incomplete */
};

void tl__strbuf_add(struct tl__strbuf *b, const void *data, size_t len);
void tl__strbuf_puts(struct tl__strbuf *b, const char *s);
void tl__strbuf_putc(struct tl__strbuf *b, char c);
void tl__strbuf_printf(struct tl__strbuf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void tl__strbuf_vprintf(struct tl__strbuf *b, const char *fmt, va_list ap);
void tl__strbuf_hex(struct tl__strbuf *b, unsigned long long value); /* 0x2a; 0 prints 0 */
void tl__strbuf_dec(struct tl__strbuf *b, long long value);
/* A byte of a string as C would have it, if it is not plain; next is the one behind it. */
void tl__strbuf_escape(struct tl__strbuf *b, unsigned char ch, unsigned char next);
void tl__strbuf_clear(struct tl__strbuf *b);
void tl__strbuf_done(struct tl__strbuf *b);

#endif
