/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Printers: descriptors, opening, mapping, fcntl and ioctl. */
#define _GNU_SOURCE
#include "printers.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PRINTER(name) void tl__p_##name(struct tl__ctx *c, const struct tl__arg *a, uint64_t v)

enum {
	X86_DIRECT = 040000,
	X86_LARGEFILE = 0100000,
	X86_DIRECTORY = 0200000,
	X86_NOFOLLOW = 0400000,
	X86_TMPFILE = 020000000 | X86_DIRECTORY,
	ARM_DIRECTORY = 040000,
	ARM_NOFOLLOW = 0100000,
	ARM_DIRECT = 0200000,
	ARM_LARGEFILE = 0400000,
};

/* The flags as x86 has them, whose values the table of names is written in. */
static uint32_t as_on_x86(const struct tl__ctx *c, uint32_t v)
{
	uint32_t all = X86_DIRECT | X86_LARGEFILE | X86_DIRECTORY | X86_NOFOLLOW, x = v & ~all;

	if (!tl__abi_is_arm(c->call->abi))
		return v;
	x |= v & ARM_DIRECT ? X86_DIRECT : 0;
	x |= v & ARM_LARGEFILE ? X86_LARGEFILE : 0;
	x |= v & ARM_DIRECTORY ? X86_DIRECTORY : 0;
	x |= v & ARM_NOFOLLOW ? X86_NOFOLLOW : 0;
	return x;
}

void tl__open_flags(struct tl__ctx *c, uint32_t v)
{
	v = as_on_x86(c, v);
	tl__enum(c, &tl__n_access_mode, v & 3);
	if (v & ~3u) {
		tl__puts(c, "|");
		tl__flags(c, &tl__n_open, v & ~3u);
	}
}

PRINTER(open_flags)
{
	(void)a;
	tl__open_flags(c, (uint32_t)v);
}

static bool makes_file(const struct tl__ctx *c, uint32_t flags)
{
	flags = as_on_x86(c, flags);
	return flags & O_CREAT || (flags & X86_TMPFILE) == X86_TMPFILE;
}

/* A mode is only looked at when something is created. len - 1: the argument with the flags. */
static bool creates(const struct tl__ctx *c, const struct tl__arg *a)
{
	return makes_file(c, (uint32_t)c->call->args[a->len - 1]);
}

/* Prints flags, and the mode where it counts; the row leaves the mode out. */
PRINTER(open_flags_mode)
{
	(void)a;
	tl__open_flags(c, (uint32_t)v);
	if (creates(c, a))
		tl__printf(c, ", %#03o", (unsigned)(c->call->args[a->len] & 0xffff));
}

/* mq_open: mode and attributes are only there when a queue is made. */
PRINTER(mq_open)
{
	struct tl__arg plain = { 0 };

	tl__p_open_flags_mode(c, a, v);
	if (!creates(c, a))
		return;
	tl__puts(c, ", ");
	tl__p_mq_attr(c, &plain, c->call->args[3]);
}

PRINTER(open_how)
{
	uint64_t h[3], size = c->call->args[3];

	(void)a;
	if (size < sizeof(h) || !tl__fetch(c, v, h, sizeof(h)))
		return;
	tl__puts(c, "{flags=");
	tl__open_flags(c, (uint32_t)h[0]);
	if (makes_file(c, (uint32_t)h[0]) || h[1])
		tl__printf(c, ", mode=%#03o", (unsigned)h[1]);
	tl__puts(c, ", resolve=");
	tl__flags(c, &tl__n_resolve, h[2]);
	tl__puts(c, "}");
}

PRINTER(mknod_mode)
{
	uint32_t type = (uint32_t)v & 0170000;

	tl__mode(c, (uint32_t)v & 0xffff);
	if (type != 0020000 && type != 0060000)
		return;
	tl__puts(c, ", ");
	tl__dev(c, c->call->args[a->len - 1]);
}

PRINTER(mmap_flags)
{
	uint32_t f = (uint32_t)v, type = f & 0xf, huge = f >> 26 & 0x3f;

	(void)a;
	tl__enum(c, &tl__n_map_type, type);
	f &= ~0xfu;
	if (f & 0x40000 /* HUGETLB */)
		f &= 0x3ffffff;
	if (f) {
		tl__puts(c, "|");
		tl__flags(c, &tl__n_mmap, f);
	}
	if ((uint32_t)v & 0x40000 && huge)
		tl__printf(c, "|%u<<MAP_HUGE_SHIFT", huge);
}

PRINTER(mmap_fd)
{
	(void)a;
	tl__fd(c, (int32_t)v);
}

/* i386's mmap2 counts pages. */
PRINTER(page_off)
{
	(void)a;
	tl__strbuf_hex(c->out, v * 4096);
}

/* The six arguments of i386's first mmap lie in memory. */
PRINTER(old_mmap)
{
	uint32_t m[6];

	(void)a;
	if (!tl__fetch(c, v, m, sizeof(m)))
		return;
	tl__puts(c, "{addr=");
	tl__addr(c, m[0]);
	tl__printf(c, ", len=%u, prot=", m[1]);
	tl__flags(c, &tl__n_prot, m[2]);
	tl__puts(c, ", flags=");
	tl__p_mmap_flags(c, a, m[3]);
	tl__printf(c, ", fd=%d, offset=%#x}", (int)m[4], m[5]);
}

static void flock(struct tl__ctx *c, uint64_t v, bool wide, bool out)
{
	uint8_t raw[32];
	int16_t type, whence;
	int64_t start = 0, len = 0;
	int32_t pid;
	unsigned w = wide ? 8 : c->word, at = wide && c->call->abi == TL_ABI_I386 ? 4 : w;

	if (!tl__fetch(c, v, raw, at + 2 * w + 4))
		return;
	memcpy(&type, raw, 2);
	memcpy(&whence, raw + 2, 2);
	memcpy(&start, raw + at, w);
	memcpy(&len, raw + at + w, w);
	memcpy(&pid, raw + at + 2 * w, 4);
	if (w == 4) {
		start = (int32_t)start;
		len = (int32_t)len;
	}
	tl__puts(c, "{l_type=");
	tl__enum(c, &tl__n_lock_type, (uint16_t)type);
	tl__puts(c, ", l_whence=");
	tl__enum(c, &tl__n_seek, (uint16_t)whence);
	tl__printf(c, ", l_start=%" PRId64 ", l_len=%" PRId64, start, len);
	if (out)
		tl__printf(c, ", l_pid=%d", pid);
	tl__puts(c, "}");
}

/* The command, and the argument that it has. */
PRINTER(fcntl)
{
	uint64_t x = c->call->args[2];
	struct tl__arg plain = { 0 };

	(void)a;
	tl__enum(c, &tl__n_fcntl, (uint32_t)v);
	switch ((uint32_t)v) {
	case F_GETFD:
	case F_GETFL:
	case F_GETOWN:
	case F_GETSIG:
	case F_GETLEASE:
	case F_GETPIPE_SZ:
	case F_GET_SEALS:
		return;
	default:
		tl__puts(c, ", ");
		break;
	}
	switch ((uint32_t)v) {
	case F_SETFD:
		tl__flags(c, &tl__n_fd_flags, x);
		break;
	case F_SETFL:
		tl__open_flags(c, (uint32_t)x);
		break;
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
	case F_SETOWN:
	case F_SETPIPE_SZ:
		tl__p_int(c, &plain, x);
		break;
	case 5:
		flock(c, x, false, true);
		break;
	case 6:
	case 7:
		flock(c, x, false, false);
		break;
	case 12:
	case 36:
		flock(c, x, true, true);
		break;
	case 13:
	case 14:
	case 37:
	case 38:
		flock(c, x, true, false);
		break;
	case F_SETSIG:
		tl__signal(c, (int)x);
		break;
	case F_ADD_SEALS:
		tl__flags(c, &tl__n_seals, x);
		break;
	case F_SETLEASE:
		tl__enum(c, &tl__n_lock_type, x);
		break;
	default:
		tl__strbuf_hex(c->out, x);
		break;
	}
}

/* F_GETLK writes what it finds: its argument can only be shown at exit. */
PRINTER(splice_off)
{
	int64_t off;

	(void)a;
	if (tl__fetch(c, v, &off, sizeof(off)))
		tl__printf(c, "[%" PRId64 "]", off);
}

/* Where a copy began and where it ended: known at exit. */
PRINTER(off_moved)
{
	int64_t off;

	(void)a;
	if (!tl__fetch(c, v, &off, sizeof(off)))
		return;
	if (c->before && !tl__failed(c) && (int64_t)c->before->values[a->keep - 1] != off)
		tl__printf(c, "[%" PRId64 "] => [%" PRId64 "]",
			   (int64_t)c->before->values[a->keep - 1], off);
	else
		tl__printf(c, "[%" PRId64 "]", off);
}

/* High half first, and the two together are one number. */
PRINTER(llseek_off)
{
	(void)a;
	tl__strbuf_dec(c->out, (int64_t)(v << 32 | (uint32_t)c->call->args[2]));
}

PRINTER(llseek_result)
{
	int64_t off;

	(void)a;
	if (tl__failed(c))
		tl__addr(c, v);
	else if (tl__fetch(c, v, &off, sizeof(off)))
		tl__printf(c, "[%" PRId64 "]", off);
}

PRINTER(close_range_fd)
{
	(void)a;
	tl__strbuf_dec(c->out, (uint32_t)v);
}

static void inotify_handle(struct tl__ctx *c, uint64_t v)
{
	uint32_t h[2];

	if (tl__fetch(c, v, h, sizeof(h)))
		tl__printf(c, "{handle_bytes=%u, handle_type=%d}", h[0], (int)h[1]);
}

PRINTER(file_handle)
{
	(void)a;
	inotify_handle(c, v);
}
