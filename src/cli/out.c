/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a trace goes. The first failed write is remembered, so that the trace can stop and say so.
 */
#define _GNU_SOURCE
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROOM = 65536 };

struct out {
	int fd;
	bool terminal, buffered;
	int error;
	size_t len;
	char data[ROOM];
};

static struct out *out_new(int fd)
{
	struct out *out = calloc(1, sizeof(*out));

	if (!out)
		return NULL;
	out->fd = fd;
	out->terminal = isatty(fd);
	return out;
}

/*
 * A descriptor far from the low numbers that people and programs use, and not inherited: the trace
 * is never mixed up with what the tracee writes, nor closed by its redirections.
 */
static int move_away(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, 200);

	if (high < 0)
		return fd;
	close(fd);
	return high;
}

struct out *out_open(const char *path, bool append)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC), 0666);
	struct out *out;

	if (fd < 0)
		return NULL;
	fd = move_away(fd);
	out = out_new(fd);
	if (!out)
		close(fd);
	else
		out->buffered = !out->terminal;
	return out;
}

struct out *out_stderr(void)
{
	int fd = fcntl(2, F_DUPFD_CLOEXEC, 200);

	return out_new(fd < 0 ? 2 : fd);
}

void out_flush(struct out *out)
{
	size_t done = 0;

	while (done < out->len && !out->error) {
		ssize_t n = write(out->fd, out->data + done, out->len - done);

		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && errno != EINTR)
			out->error = errno;
	}
	out->len = 0;
}

void out_write(struct out *out, const char *data, size_t len)
{
	while (len && !out->error) {
		size_t n = ROOM - out->len;

		if (n > len)
			n = len;
		memcpy(out->data + out->len, data, n);
		out->len += n;
		data += n;
		len -= n;
		if (out->len == ROOM)
			out_flush(out);
	}
}

void out_printf(struct out *out, const char *fmt, ...)
{
	char small[512], *text = small;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(small)) {
		va_start(ap, fmt);
		n = vasprintf(&text, fmt, ap);
		va_end(ap);
		if (n < 0) {
			out->error = ENOMEM;
			return;
		}
	}
	out_write(out, text, (size_t)n);
	if (text != small)
		free(text);
}

bool out_is_terminal(const struct out *out)
{
	return out->terminal;
}

bool out_is_buffered(const struct out *out)
{
	return out->buffered;
}

int out_error(const struct out *out)
{
	return out->error;
}

void out_close(struct out *out)
{
	if (!out)
		return;
	out_flush(out);
	close(out->fd);
	free(out);
}

void out_json_string(struct out *out, const char *s)
{
	out_write(out, "\"", 1);
	for (; *s; s++) {
		unsigned char ch = (unsigned char)*s;

		if (ch == '"' || ch == '\\')
			out_printf(out, "\\%c", ch);
		else if (ch == '\n')
			out_write(out, "\\n", 2);
		else if (ch < ' ' || ch >= 0x7f)
			/* Bytes above 127 need not be UTF-8: each stands for itself, as in Latin-1.
			 */
			out_printf(out, "\\u%04x", ch);
		else
			out_write(out, s, 1);
	}
	out_write(out, "\"", 1);
}
