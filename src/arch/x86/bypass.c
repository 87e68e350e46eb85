/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Past the filter, on x86-64. Registers are as at the program's own call, but for rcx and the
 * flags, which no compiler keeps across one; the stack is not touched.
 */
#include "bypass.h"

#include <string.h>

enum { SYSCALL_LEN = 2 };
enum {
	RESUME = 24,
	GETEVENTMSG = 0x4201,
	GETSIGINFO = 0x4202,
	GETREGSET = 0x4204,
	GET_SYSCALL_INFO = 0x420e
};

/* Those that change nothing. */
static const uint32_t asking[] = { GET_SYSCALL_INFO, GETSIGINFO, GETEVENTMSG, GETREGSET };
enum { ASKING = sizeof(asking) / sizeof(asking[0]) };

/* The program's addresses lie at the entry's end. */
enum { AFTER_AT = TL__BYPASS_ENTRY - 16, INSN_AT = TL__BYPASS_ENTRY - 8 };

struct code {
	uint8_t *start, *at;
	uint64_t where;
};

static void put(struct code *c, const char *bytes, size_t n)
{
	memcpy(c->at, bytes, n);
	c->at += n;
}

static void put32(struct code *c, uint32_t value)
{
	memcpy(c->at, &value, 4);
	c->at += 4;
}

static uint64_t here(const struct code *c)
{
	return c->where + (uint64_t)(c->at - c->start);
}

/* A jump of a byte that is filled in later. */
static uint8_t *jump(struct code *c, const char *opcode)
{
	put(c, opcode, 1);
	return c->at++;
}

static void lands(const struct code *c, uint8_t *jump)
{
	*jump = (uint8_t)(c->at - jump - 1);
}

/* cmpb $0, mode(%rip) */
static void look_at(struct code *c, size_t mode)
{
	uint64_t at = (c->where & ~(uint64_t)(TL__BYPASS_PAGE - 1)) + TL__BYPASS_PAGE + mode;

	put(c, "\x80\x3d", 2);
	put32(c, (uint32_t)(at - here(c) - 5));
	put(c, "", 1);
}

/* jmp *(%rip) to what lies at that place of the entry. */
static void jump_by(struct code *c, unsigned slot)
{
	put(c, "\xff\x25", 2);
	put32(c, (uint32_t)(c->where + slot - here(c) - 4));
}

/* cmp $request, %edi */
static uint8_t *if_request(struct code *c, uint32_t request, const char *opcode)
{
	put(c, "\x81\xff", 2);
	put32(c, request);
	return jump(c, opcode);
}

#define JE  "\x74"
#define JNE "\x75"

void tl__bypass_entry(uint8_t code[TL__BYPASS_ENTRY], uint64_t at, int32_t nr, bool traces,
		      uint64_t after)
{
	struct code c = { code, code, at };
	uint64_t insn = after - SYSCALL_LEN;
	uint8_t *closed, *asks[ASKING], *other = NULL, *resumes = NULL;

	memset(code, 0xcc, TL__BYPASS_ENTRY);
	look_at(&c, offsetof(struct tl__bypass_modes, open));
	put(&c, "\xb8", 1);
	put32(&c, (uint32_t)nr);
	closed = jump(&c, JE);
	if (traces) {
		for (unsigned i = 0; i < ASKING; i++)
			asks[i] = if_request(&c, asking[i], JE);
		other = if_request(&c, RESUME, JNE);
		look_at(&c, offsetof(struct tl__bypass_modes, resumes));
		resumes = jump(&c, JE);
		for (unsigned i = 0; i < ASKING; i++)
			lands(&c, asks[i]);
	}
	put(&c, "\x0f\x05", SYSCALL_LEN);
	jump_by(&c, AFTER_AT);
	lands(&c, closed);
	if (traces) {
		lands(&c, other);
		lands(&c, resumes);
	}
	jump_by(&c, INSN_AT);
	memcpy(code + AFTER_AT, &after, 8);
	memcpy(code + INSN_AT, &insn, 8);
}

bool tl__bypass_fits(const uint8_t site[TL__BYPASS_SITE], int32_t *ret_nr)
{
	memcpy(ret_nr, site + 1, 4);
	return site[0] == 0xb8 && site[5] == 0x0f && site[6] == 0x05;
}

void tl__bypass_near(uint8_t code[TL__BYPASS_NEAR], uint64_t entry)
{
	memset(code, 0xcc, TL__BYPASS_NEAR);
	memcpy(code, "\xff\x25\0\0\0\0", 6);
	memcpy(code + 6, &entry, 8);
}

bool tl__bypass_patch(uint8_t code[TL__BYPASS_PATCH], uint64_t site, uint64_t near)
{
	int64_t by = (int64_t)(near - site - TL__BYPASS_PATCH);
	int32_t narrow = (int32_t)by;

	code[0] = 0xe9;
	memcpy(code + 1, &narrow, 4);
	return narrow == by;
}

uint64_t tl__bypass_leave(const uint8_t page[TL__BYPASS_PAGE], uint64_t pc, bool restarts)
{
	uint64_t at = pc - TL__BYPASS_AT, begin = at - at % TL__BYPASS_ENTRY, after;
	const uint8_t *entry = page + begin;
	size_t in = (size_t)(at - begin);

	if (at >= (uint64_t)TL__BYPASS_ENTRIES * TL__BYPASS_ENTRY)
		return pc;
	/* The call has been made: it goes on behind that. */
	if (in >= SYSCALL_LEN && !memcmp(entry + in - SYSCALL_LEN, "\x0f\x05", SYSCALL_LEN)) {
		memcpy(&after, entry + AFTER_AT, 8);
		return restarts ? after : pc;
	}
	/* In front of it: once more. What it has loaded is loaded again. */
	return TL__BYPASS_AT + begin;
}

void tl__bypass_close(uint8_t page[TL__BYPASS_PAGE])
{
	/* The call, and the jump behind it; over that jump to the one that goes back. */
	static const uint8_t made[] = { 0x0f, 0x05, 0xff, 0x25 }, back[] = { 0xeb, 0x06 };

	for (size_t i = 0; i + sizeof(made) <= (size_t)TL__BYPASS_ENTRIES * TL__BYPASS_ENTRY; i++)
		if (!memcmp(page + i, made, sizeof(made)))
			memcpy(page + i, back, sizeof(back));
}
