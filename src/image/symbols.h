/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The functions of an ELF file, with those of its debuginfo, by elfutils. */
#ifndef TL_IMAGE_SYMBOLS_H
#define TL_IMAGE_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tl__symbol {
	const char *name;     /* without its version */
	uint64_t value, size; /* as the file has them, before it is loaded */
	bool ifunc;           /* its address is what it returns */
};

struct tl__symbols;

/* -ENOENT, -EACCES; -ENOEXEC: no ELF file; -ENOMEM. Looks for debuginfo as elfutils does:
 * beside the file, under /usr/lib/debug, in .gnu_debugdata, and with debuginfod where
 * DEBUGINFOD_URLS is set. */
int tl__symbols_open(const char *path, struct tl__symbols **ret);
void tl__symbols_free(struct tl__symbols *s);

/* Sorted by value; of several names, those that are meant for others come first. */
size_t tl__symbols_count(const struct tl__symbols *s);
const struct tl__symbol *tl__symbols_get(const struct tl__symbols *s, size_t i);
/* The one that this address lies in, or before it where sizes are not known; NULL. */
const struct tl__symbol *tl__symbols_at(const struct tl__symbols *s, uint64_t value);
/* The code that the file has at this offset has this address before it is loaded. */
bool tl__symbols_value_of(const struct tl__symbols *s, uint64_t offset, uint64_t *ret);

#endif
