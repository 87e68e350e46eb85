/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The debuginfo of a file: lines, functions, and what their arguments are. By elfutils' libdw. */
#ifndef TL_IMAGE_DEBUG_H
#define TL_IMAGE_DEBUG_H

#include "symbols.h"

#include <elfutils/libdw.h>

uint16_t tl__symbols_machine(const struct tl__symbols *s); /* EM_* */

Elf *tl__symbols_elf(const struct tl__symbols *s); /* NULL: it cannot be had */
/* NULL: it has none. Its addresses and *ret_bias are the file's. */
Dwarf *tl__symbols_dwarf(const struct tl__symbols *s, uint64_t *ret_bias);
/* functions.c. A unit that a skeleton stands for (-gsplit-dwarf), where it can be found. */
Dwarf_Die tl__debug_whole(Dwarf_Die *unit);
Dwarf_CFI *tl__symbols_cfi(const struct tl__symbols *s, bool eh, uint64_t *ret_bias);

/*
 * lines.c: the places of a line of source, one for each function that it went into; where the line
 * has no code, those of the next that has. FILE is the end of a path. Returns how many, or -ENOMEM.
 */
int tl__lines_find(const struct tl__symbols *s, const char *file, unsigned line,
		   void (*on_place)(void *data, uint64_t value, unsigned line), void *data);

#endif
