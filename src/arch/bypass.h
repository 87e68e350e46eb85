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
	uint8_t reads;   /* those of memory do, */
	uint8_t waits;   /* and a wait for any that does not block, if none is told of; */
	uint8_t stop;    /* the stop beside this is asked about */
};

/* A stop of a tracee's as the tracer, a thread of the program, is told of it when it asks. */
enum { TL__BYPASS_REGS = 216, TL__BYPASS_INFO = 128, TL__BYPASS_DR6 = 896 /* in struct user */ };
struct tl__bypass_stop {
	int32_t tid, status; /* as a wait has it; one word */
	int32_t tracer;
	uint64_t low, high; /* what is asked for may be written there */
	uint64_t dr6;
	uint8_t regs[TL__BYPASS_REGS], info[TL__BYPASS_INFO];
};

/* That stop is told of to who waits, once. Each byte has one writer, so neither overwrites what the
 * other has done: who waits writes that it is taken, by one instruction that compares all four; who
 * tells writes the others, turn before a stop is shown, lest a thread that has looked at the one
 * before takes this for it. */
struct tl__bypass_told {
	uint8_t told, withdrawn, taken, turn;
};

struct tl__bypass_data {
	struct tl__bypass_modes modes;
	struct tl__bypass_stop stop;
	struct tl__bypass_told told;
};

/* Which calls of a place go past, and by which byte. */
enum tl__bypass_kind {
	TL__BYPASS_ALL,    /* open: every one */
	TL__BYPASS_TRACES, /* open: it is ptrace's, of which what changes nothing; and resumes */
	TL__BYPASS_READS,  /* reads: every one */
	/* waits, told: it is wait4's, of which (-1, WNOHANG | __WALL); with told the tracer's. */
	TL__BYPASS_WAITS,
	/* stop: it is ptrace's, of which GETREGS, GETSIGINFO, and PEEKUSER of a register or of
	 * debug register 6 are answered without a call but gettid. */
	TL__BYPASS_STOPS,
};
/* How many entries one of these takes. */
unsigned tl__bypass_entries(enum tl__bypass_kind kind);

/* Whether this is a place that can be changed: mov $nr, %eax; syscall. And the number. */
bool tl__bypass_fits(const uint8_t site[TL__BYPASS_SITE], int32_t *ret_nr);
/* The entry for the place whose call ends at after: its length. */
size_t tl__bypass_entry(uint8_t code[2 * TL__BYPASS_ENTRY], uint64_t at, int32_t nr,
			enum tl__bypass_kind kind, uint64_t after);
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
