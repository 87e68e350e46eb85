/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of C++, Rust and D as people write them, by libiberty. */
#include "symbols.h"

#include <libiberty/demangle.h>
#include <string.h>

/* Without parameters: what a function is called, not all that it takes. */
char *tl__demangle(const char *name)
{
	if (strncmp(name, "_Z", 2) != 0 && strncmp(name, "_R", 2) != 0 &&
	    strncmp(name, "_D", 2) != 0)
		return NULL;
	return cplus_demangle(name, DMGL_ANSI | DMGL_AUTO);
}
