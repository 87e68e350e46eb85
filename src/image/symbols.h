/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The functions of an ELF file, with those of its debuginfo, by elfutils. */
#ifndef TL_IMAGE_SYMBOLS_H
#define TL_IMAGE_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tl__symbol {
	const char *name;     /* without its version */
	char *demangled;      /* once somebody has asked; tl__symbol_shown() */
	uint64_t value, size; /* as the file has them, before it is loaded */
	bool ifunc;           /* its address is what it returns */
	bool plain;           /* it is not mangled */
};

struct tl__symbols;

/* -ENOENT, -EACCES; -ENOEXEC: no ELF file; -ENOMEM. Looks for debuginfo as elfutils does:
 * beside the file, under /usr/lib/debug, in .gnu_debugdata, and with debuginfod where
 * DEBUGINFOD_URLS is set. */
int tl__symbols_open(const char *path, struct tl__symbols **ret);
void tl__symbols_free(struct tl__symbols *s);

/* demangle.c. The caller frees it; NULL: it is none of C++, Rust or D. */
char *tl__demangle(const char *name);

/* As people write it. */
const char *tl__symbol_shown(struct tl__symbol *sym);
/* Several functions of this file are shown by this name. */
bool tl__symbols_is_repeated(struct tl__symbols *s, struct tl__symbol *sym);
/* ifunc.c. Where the dynamic linker writes what an IFUNC has picked, in the file's addresses; and
 * what is there before that. */
bool tl__symbols_ifunc_slot(const struct tl__symbols *s, const struct tl__symbol *sym,
			    uint64_t *ret_slot, uint64_t *ret_initial);

/* Sorted by value; of several names, those that are meant for others come first. */
size_t tl__symbols_count(const struct tl__symbols *s);
struct tl__symbol *tl__symbols_get(const struct tl__symbols *s, size_t i);
/* The one that this address lies in, or before it where sizes are not known; NULL. */
struct tl__symbol *tl__symbols_at(const struct tl__symbols *s, uint64_t value);
/* Is that the name of data? */
bool tl__symbols_object(const struct tl__symbols *s, const char *name, uint64_t *ret_value);
/* The address of a section, by its name; 0: there is none. */
uint64_t tl__symbols_section(const struct tl__symbols *s, const char *wanted);
/* Has the file code for this address? */
bool tl__symbols_is_code(const struct tl__symbols *s, uint64_t value);
/* The code that the file has at this offset has this address before it is loaded. */
bool tl__symbols_value_of(const struct tl__symbols *s, uint64_t offset, uint64_t *ret);

#endif
