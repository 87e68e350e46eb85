/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The layouts of 32 bits, of x86 and of arm. Pure. */
#include "narrow.h"

#include "compat.h"

#include <signal.h>
#include <string.h>

enum {
	NT_GENERAL = 1,
	NT_FLOATS = 2,
	NT_XFLOATS = 0x46e62b7f,
	I386_GENERAL = 17 * 4,
	ARM_GENERAL = 18 * 4,
	I386_DEBUG = 252, /* of struct user32 */
	I386_USER = 284,
	ARM_USER = 296,
	WIDE_DEBUG = 848, /* of struct user */
};

static const struct {
	uint32_t request;
	bool writes;
	uint32_t note;
	uint16_t x86, arm; /* sizes; 0: not there */
} sets[] = {
	{ 12, false, NT_GENERAL, I386_GENERAL, ARM_GENERAL },
	{ 13, true, NT_GENERAL, I386_GENERAL, ARM_GENERAL },
	{ 14, false, NT_FLOATS, 108, 0 },
	{ 15, true, NT_FLOATS, 108, 0 },
	{ 18, false, NT_XFLOATS, 512, 0 },
	{ 19, true, NT_XFLOATS, 512, 0 },
};

bool tl__narrow_set(uint32_t request, bool x86, uint32_t *note, size_t *size, bool *writes)
{
	for (size_t i = 0; i < tl__array_len(sets); i++) {
		if (sets[i].request != request)
			continue;
		*note = sets[i].note;
		*size = x86 ? sets[i].x86 : sets[i].arm;
		*writes = sets[i].writes;
		return *size != 0;
	}
	return false;
}

size_t tl__narrow_general_size(bool x86)
{
	return x86 ? I386_GENERAL : ARM_GENERAL;
}

/* Semantics: arch/x86/kernel/ptrace.c (getreg32: its end is one word behind the area's),
 * arch/arm64/kernel/ptrace.c (compat_ptrace_read_user). */
enum tl__user_word tl__narrow_user(uint64_t addr, bool x86, size_t *in_set, uint64_t *in_user)
{
	if (addr % 4)
		return TL__USER_NOWHERE;
	if (addr < tl__narrow_general_size(x86)) {
		*in_set = (size_t)addr;
		return TL__USER_GENERAL;
	}
	if (x86 && addr >= I386_DEBUG && addr < I386_DEBUG + 8 * 4) {
		*in_user = WIDE_DEBUG + (addr - I386_DEBUG) * 2;
		return TL__USER_WIDE;
	}
	return addr < (x86 ? I386_USER + 4 : ARM_USER) ? TL__USER_NOTHING : TL__USER_NOWHERE;
}

/* Three numbers, then what depends on the code: at 12, or where words of 64 bits align. */
enum { HEAD = 12, WIDE_REST = 16 };
enum rest { PID_UID, PID_UID_VALUE, CHILD, ADDRESS, BAND };

static enum rest rest_of(const int32_t head[3])
{
	int sig = head[0], code = head[2];

	if (code < 0)
		return code == SI_SIGIO ? BAND : PID_UID_VALUE;
	if (code == SI_USER || code == SI_KERNEL || code > 0xff)
		return PID_UID;
	switch (sig) {
	case SIGCHLD:
		return CHILD;
	case SIGSEGV:
	case SIGBUS:
	case SIGILL:
	case SIGFPE:
		return ADDRESS;
	case SIGTRAP:
		/* A call's stop tells the task; a breakpoint, an address. */
		return (code & 0x7f) == SIGTRAP ? PID_UID : ADDRESS;
	case SIGPOLL:
		return BAND;
	default:
		return PID_UID;
	}
}

/* What the rest is made of, in bytes from its start; an address of 64 bits loses its upper half. */
static const struct {
	uint8_t wide, narrow, len;
} pieces[][4] = {
	[PID_UID] = { { 0, 0, 8 } },
	[PID_UID_VALUE] = { { 0, 0, 12 } },
	[CHILD] = { { 0, 0, 12 }, { 16, 12, 4 }, { 24, 16, 4 } },
	[ADDRESS] = { { 0, 0, 4 } },
	[BAND] = { { 0, 0, 4 }, { 8, 4, 4 } },
};

void tl__narrow_info(const void *wide, void *narrow)
{
	const uint8_t *from = (const uint8_t *)wide + WIDE_REST;
	uint8_t *to = (uint8_t *)narrow + HEAD;
	int32_t head[3];

	memcpy(head, wide, sizeof(head));
	memset(narrow, 0, TL__NARROW_INFO);
	memcpy(narrow, head, sizeof(head));
	for (unsigned i = 0, r = rest_of(head); i < 4; i++)
		memcpy(to + pieces[r][i].narrow, from + pieces[r][i].wide, pieces[r][i].len);
}

void tl__widen_info(const void *narrow, void *wide)
{
	const uint8_t *from = (const uint8_t *)narrow + HEAD;
	uint8_t *to = (uint8_t *)wide + WIDE_REST;
	int32_t head[3];

	memcpy(head, narrow, sizeof(head));
	memset(wide, 0, TL__NARROW_INFO);
	memcpy(wide, head, sizeof(head));
	for (unsigned i = 0, r = rest_of(head); i < 4; i++)
		memcpy(to + pieces[r][i].wide, from + pieces[r][i].narrow, pieces[r][i].len);
}
