/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Printers: what the stat family fills in, directories, file systems. */
#define _GNU_SOURCE
#include "printers.h"

#include <inttypes.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/sysmacros.h>

#define PRINTER(name) void tl__p_##name(struct tl__ctx *c, const struct tl__arg *a, uint64_t v)

void tl__mode(struct tl__ctx *c, uint32_t mode)
{
	const char *type = tl__name_of(&tl__n_file_type, mode & 0170000);

	if (type)
		tl__printf(c, "%s%s%s%s|%#03o", type, mode & 04000 ? "|S_ISUID" : "",
			   mode & 02000 ? "|S_ISGID" : "", mode & 01000 ? "|S_ISVTX" : "",
			   mode & 0777);
	else
		tl__printf(c, "%#03o", mode);
}

void tl__dev(struct tl__ctx *c, uint64_t dev)
{
	unsigned ma = gnu_dev_major(dev), mi = gnu_dev_minor(dev);

	tl__puts(c, "makedev(");
	tl__strbuf_hex(c->out, ma);
	tl__puts(c, ", ");
	tl__strbuf_hex(c->out, mi);
	tl__puts(c, ")");
}

/* What all layouts come down to. */
struct file_stat {
	uint64_t dev, ino, nlink, rdev, blocks;
	uint32_t mode, uid, gid;
	int64_t size, blksize;
	int64_t sec[3], nsec[3];
};

static void put_time(struct tl__ctx *c, const char *name, int64_t sec, int64_t nsec)
{
	tl__printf(c, ", %s=%" PRId64, name, sec);
	tl__calendar(c, sec, nsec);
	tl__printf(c, ", %s_nsec=%" PRId64, name, nsec);
}

static void put_stat(struct tl__ctx *c, const struct file_stat *s)
{
	bool verbose = c->flags & TL_DECODE_VERBOSE,
	     device = (s->mode & 0170000) == 0020000 || (s->mode & 0170000) == 0060000;

	tl__puts(c, "{");
	if (verbose) {
		tl__puts(c, "st_dev=");
		tl__dev(c, s->dev);
		tl__printf(c, ", st_ino=%" PRIu64 ", ", s->ino);
	}
	tl__puts(c, "st_mode=");
	tl__mode(c, s->mode);
	if (verbose)
		tl__printf(c,
			   ", st_nlink=%" PRIu64 ", st_uid=%u, st_gid=%u, st_blksize=%" PRId64
			   ", st_blocks=%" PRIu64,
			   s->nlink, s->uid, s->gid, s->blksize, s->blocks);
	if (device) {
		tl__puts(c, ", st_rdev=");
		tl__dev(c, s->rdev);
	} else {
		tl__printf(c, ", st_size=%" PRId64, s->size);
	}
	if (!verbose) {
		tl__puts(c, ", ...}");
		return;
	}
	put_time(c, "st_atime", s->sec[0], s->nsec[0]);
	put_time(c, "st_mtime", s->sec[1], s->nsec[1]);
	put_time(c, "st_ctime", s->sec[2], s->nsec[2]);
	tl__puts(c, "}");
}

struct stat_x86_64 {
	uint64_t dev, ino, nlink;
	uint32_t mode, uid, gid, pad;
	uint64_t rdev;
	int64_t size, blksize, blocks, atime, atime_nsec, mtime, mtime_nsec, ctime, ctime_nsec;
	int64_t unused[3];
};

struct stat_i386 {
	uint32_t dev, ino;
	uint16_t mode, nlink, uid, gid;
	uint32_t rdev, size, blksize, blocks, atime, atime_nsec, mtime, mtime_nsec, ctime,
		ctime_nsec, unused[2];
};

struct __attribute__((packed)) stat64_i386 {
	uint64_t dev;
	uint32_t pad, ino32, mode, nlink, uid, gid;
	uint64_t rdev;
	uint32_t pad2;
	int64_t size;
	uint32_t blksize;
	uint64_t blocks;
	uint32_t atime, atime_nsec, mtime, mtime_nsec, ctime, ctime_nsec;
	uint64_t ino;
};

struct stat_generic {
	uint64_t dev, ino;
	uint32_t mode, nlink, uid, gid;
	uint64_t rdev, pad;
	int64_t size;
	int32_t blksize, pad2;
	int64_t blocks, atime, atime_nsec, mtime, mtime_nsec, ctime, ctime_nsec;
	int32_t unused[2];
};

struct stat64_arm {
	uint64_t dev;
	uint32_t pad, ino32, mode, nlink, uid, gid;
	uint64_t rdev;
	uint32_t pad2, pad3;
	int64_t size;
	uint32_t blksize, pad4;
	uint64_t blocks;
	uint32_t atime, atime_nsec, mtime, mtime_nsec, ctime, ctime_nsec;
	uint64_t ino;
};

/* Fetches one of the kernel's layouts, which name their members alike. */
#define FETCH(layout)                                                                              \
	static bool fetch_##layout(struct tl__ctx *c, uint64_t v, struct file_stat *s)             \
	{                                                                                          \
		struct layout k;                                                                   \
                                                                                                   \
		if (!tl__fetch(c, v, &k, sizeof(k)))                                               \
			return false;                                                              \
		*s = (struct file_stat){ .dev = k.dev,                                             \
					 .ino = k.ino,                                             \
					 .nlink = k.nlink,                                         \
					 .rdev = k.rdev,                                           \
					 .blocks = (uint64_t)k.blocks,                             \
					 .mode = k.mode,                                           \
					 .uid = k.uid,                                             \
					 .gid = k.gid,                                             \
					 .size = k.size,                                           \
					 .blksize = k.blksize,                                     \
					 .sec = { k.atime, k.mtime, k.ctime },                     \
					 .nsec = { k.atime_nsec, k.mtime_nsec, k.ctime_nsec } };   \
		return true;                                                                       \
	}

FETCH(stat_x86_64)
FETCH(stat_i386)
FETCH(stat64_i386)
FETCH(stat_generic)
FETCH(stat64_arm)
#undef FETCH

static bool fetch_stat(struct tl__ctx *c, uint64_t v, struct file_stat *s)
{
	if (c->word == 4)
		return fetch_stat_i386(c, v, s); /* arm has the same */
	if (c->call->abi == TL_ABI_ARM64)
		return fetch_stat_generic(c, v, s);
	return fetch_stat_x86_64(c, v, s);
}

static bool fetch_stat64(struct tl__ctx *c, uint64_t v, struct file_stat *s)
{
	if (c->word == 8)
		return fetch_stat(c, v, s);
	if (c->call->abi == TL_ABI_ARM)
		return fetch_stat64_arm(c, v, s);
	return fetch_stat64_i386(c, v, s);
}

PRINTER(stat)
{
	struct file_stat s;

	(void)a;
	if (tl__failed(c))
		tl__addr(c, v);
	else if (fetch_stat(c, v, &s))
		put_stat(c, &s);
}

PRINTER(stat64)
{
	struct file_stat s;

	(void)a;
	if (tl__failed(c))
		tl__addr(c, v);
	else if (fetch_stat64(c, v, &s))
		put_stat(c, &s);
}

static void statx_time(struct tl__ctx *c, const char *name, const struct statx_timestamp *t)
{
	tl__printf(c, ", %s={tv_sec=%lld, tv_nsec=%u}", name, (long long)t->tv_sec, t->tv_nsec);
	tl__calendar(c, t->tv_sec, t->tv_nsec);
}

PRINTER(statx_flags)
{
	uint32_t f = (uint32_t)v;

	(void)a;
	tl__enum(c, &tl__n_statx_sync, f & 0x6000);
	if (f & ~0x6000u) {
		tl__puts(c, "|");
		tl__flags(c, &tl__n_at, f & ~0x6000u);
	}
}

PRINTER(statx)
{
	struct statx s;

	(void)a;
	if (tl__failed(c)) {
		tl__addr(c, v);
		return;
	}
	if (!tl__fetch(c, v, &s, sizeof(s)))
		return;
	tl__puts(c, "{stx_mask=");
	tl__flags(c, &tl__n_statx_mask, s.stx_mask);
	if (c->flags & TL_DECODE_VERBOSE)
		tl__printf(c, ", stx_blksize=%u", s.stx_blksize);
	tl__puts(c, ", stx_attributes=");
	tl__flags(c, &tl__n_statx_attr, s.stx_attributes);
	if (c->flags & TL_DECODE_VERBOSE)
		tl__printf(c, ", stx_nlink=%u, stx_uid=%u, stx_gid=%u", s.stx_nlink, s.stx_uid,
			   s.stx_gid);
	tl__puts(c, ", stx_mode=");
	tl__mode(c, s.stx_mode);
	if (c->flags & TL_DECODE_VERBOSE)
		tl__printf(c, ", stx_ino=%llu", (unsigned long long)s.stx_ino);
	tl__printf(c, ", stx_size=%llu", (unsigned long long)s.stx_size);
	if (!(c->flags & TL_DECODE_VERBOSE)) {
		tl__puts(c, ", ...}");
		return;
	}
	tl__printf(c, ", stx_blocks=%llu, stx_attributes_mask=", (unsigned long long)s.stx_blocks);
	tl__flags(c, &tl__n_statx_attr, s.stx_attributes_mask);
	statx_time(c, "stx_atime", &s.stx_atime);
	if (s.stx_mask & STATX_BTIME)
		statx_time(c, "stx_btime", &s.stx_btime);
	statx_time(c, "stx_ctime", &s.stx_ctime);
	statx_time(c, "stx_mtime", &s.stx_mtime);
	tl__printf(c, ", stx_rdev_major=%u, stx_rdev_minor=%u, stx_dev_major=%u, stx_dev_minor=%u",
		   s.stx_rdev_major, s.stx_rdev_minor, s.stx_dev_major, s.stx_dev_minor);
	tl__printf(c, ", stx_mnt_id=%#llx}", (unsigned long long)s.stx_mnt_id);
}

static void put_statfs(struct tl__ctx *c, const uint64_t f[9], const int32_t fsid[2])
{
	tl__puts(c, "{f_type=");
	tl__enum(c, &tl__n_fs_magic, f[0]);
	tl__printf(c,
		   ", f_bsize=%" PRIu64 ", f_blocks=%" PRIu64 ", f_bfree=%" PRIu64
		   ", f_bavail=%" PRIu64 ", f_files=%" PRIu64 ", f_ffree=%" PRIu64,
		   f[1], f[2], f[3], f[4], f[5], f[6]);
	tl__puts(c, ", f_fsid={val=[");
	tl__strbuf_hex(c->out, (uint32_t)fsid[0]);
	tl__puts(c, ", ");
	tl__strbuf_hex(c->out, (uint32_t)fsid[1]);
	tl__printf(c, "]}, f_namelen=%" PRIu64 ", f_frsize=%" PRIu64, f[7], f[8]);
}

PRINTER(statfs)
{
	uint8_t raw[120];
	uint64_t f[9];
	int32_t fsid[2];
	unsigned w = c->word;

	(void)a;
	if (tl__failed(c)) {
		tl__addr(c, v);
		return;
	}
	if (!tl__fetch(c, v, raw, w == 8 ? 120 : 64))
		return;
	for (unsigned i = 0; i < 7; i++)
		f[i] = tl__read_word(c, raw + i * w);
	memcpy(fsid, raw + 7 * w, 8);
	f[7] = tl__read_word(c, raw + 7 * w + 8);
	f[8] = tl__read_word(c, raw + 8 * w + 8);
	put_statfs(c, f, fsid);
	tl__puts(c, ", f_flags=");
	tl__flags(c, &tl__n_statfs_flags, tl__read_word(c, raw + 9 * w + 8));
	tl__puts(c, "}");
}

struct __attribute__((packed)) statfs64_i386 {
	uint32_t type, bsize;
	uint64_t blocks, bfree, bavail, files, ffree;
	int32_t fsid[2];
	uint32_t namelen, frsize, flags, spare[4];
};

PRINTER(statfs64)
{
	struct statfs64_i386 k;

	(void)a;
	if (tl__failed(c)) {
		tl__addr(c, v);
		return;
	}
	if (!tl__fetch(c, v, &k, sizeof(k)))
		return;
	const uint64_t f[9] = { k.type,  k.bsize, k.blocks,  k.bfree, k.bavail,
				k.files, k.ffree, k.namelen, k.frsize };
	int32_t fsid[2] = { k.fsid[0], k.fsid[1] };
	put_statfs(c, f, fsid);
	tl__puts(c, ", f_flags=");
	tl__flags(c, &tl__n_statfs_flags, k.flags);
	tl__puts(c, "}");
}

/* One entry of a directory; at points to at least its fixed part. */
static void dirent(struct tl__ctx *c, const uint8_t *at, size_t reclen, unsigned head, bool wide)
{
	size_t name_at = wide ? head + 3 : head + 2, max = reclen - name_at;
	uint64_t ino = 0, off = 0;
	unsigned w = wide ? 8 : c->word;
	const char *name = (const char *)at + name_at;

	memcpy(&ino, at, w);
	memcpy(&off, at + w, w);
	tl__printf(c, "{d_ino=%" PRIu64 ", d_off=%" PRIu64 ", d_reclen=%zu", ino, off, reclen);
	if (wide) {
		tl__puts(c, ", d_type=");
		tl__enum(c, &tl__n_dirent_type, at[head + 2]);
		tl__puts(c, ", d_name=");
	} else {
		tl__puts(c, ", d_name=");
	}
	tl__quote(c, name, strnlen(name, max), false);
	if (!wide) {
		tl__puts(c, ", d_type=");
		tl__enum(c, &tl__n_dirent_type, at[reclen - 1]);
	}
	tl__puts(c, "}");
}

static void dirents(struct tl__ctx *c, uint64_t v, bool wide)
{
	unsigned head = wide ? 16 : 2 * c->word, count = 0;
	uint64_t end = (uint64_t)c->call->ret;
	bool verbose = c->flags & TL_DECODE_VERBOSE;
	uint8_t raw[1024];

	if (tl__failed(c)) {
		tl__addr(c, v);
		return;
	}
	if (verbose)
		tl__puts(c, "[");
	else
		tl__addr(c, v);
	for (uint64_t at = 0; at + head + 3 <= end;) {
		uint16_t reclen;

		if (!tl__read(c, v + at + head, &reclen, 2) || reclen < head + 3 ||
		    reclen > sizeof(raw) || !tl__read(c, v + at, raw, reclen))
			break;
		if (verbose) {
			tl__puts(c, count ? ", " : "");
			dirent(c, raw, reclen, head, wide);
		}
		count++;
		at += reclen;
	}
	if (verbose)
		tl__puts(c, "]");
	else
		tl__printf(c, " /* %u entr%s */", count, count == 1 ? "y" : "ies");
}

PRINTER(dirents)
{
	(void)a;
	dirents(c, v, false);
}

PRINTER(dirents64)
{
	(void)a;
	dirents(c, v, true);
}
