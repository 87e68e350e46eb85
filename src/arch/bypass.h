/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Code by which calls of a program go past a filter that tells of them, while a byte says so: the
 * filter lets through what is called from there. Pure.
 */
#ifndef TL_BYPASS_H
#define TL_BYPASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Two pages at an address that is the same in all programs: code, and what it looks at. */
#define TL__BYPASS_AT ((uint64_t)0x1e5f00000000)
enum {
	TL__BYPASS_PAGE = 4096,
	TL__BYPASS_ENTRY = 128, /* bytes of code a place */
	TL__BYPASS_ENTRIES = TL__BYPASS_PAGE / TL__BYPASS_ENTRY - 1,
	TL__BYPASS_SITE = 7, /* of the program's own code: mov, and the call */
	TL__BYPASS_PATCH = 5,
	TL__BYPASS_NEAR = 16, /* bytes: from near the program's code to there */
};

/* What is looked at, in the second page. */
struct tl__bypass_modes {
	uint8_t open;    /* calls go past the filter, */
	uint8_t resumes; /* PTRACE_SYSCALL among them */
};

/* Whether this is a place that can be changed: mov $nr, %eax; syscall. And the number. */
bool tl__bypass_fits(const uint8_t site[TL__BYPASS_SITE], int32_t *ret_nr);
/* The entry for the place whose call ends at after. traces: the call is ptrace's, of which what
 * changes nothing and PTRACE_SYSCALL go past. */
void tl__bypass_entry(uint8_t code[TL__BYPASS_ENTRY], uint64_t at, int32_t nr, bool traces,
		      uint64_t after);
/* What lies near the place, and jumps to the entry. */
void tl__bypass_near(uint8_t code[TL__BYPASS_NEAR], uint64_t entry);
/* What takes the mov's place. False: that is too far away. */
bool tl__bypass_patch(uint8_t code[TL__BYPASS_PATCH], uint64_t site, uint64_t near);
/* Where a thread whose pc this is would be if it had called from the program's own code; the pc
 * itself elsewhere. restarts: it is behind a call that is about to be made again. */
uint64_t tl__bypass_leave(const uint8_t page[TL__BYPASS_PAGE], uint64_t pc, bool restarts);

/* From now on all go back to the program's own code, wherever in the page they are: a handler may
 * return to the call that it has interrupted. */
void tl__bypass_close(uint8_t page[TL__BYPASS_PAGE]);

#endif
