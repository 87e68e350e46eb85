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

/* The program's addresses lie so far in front of the entry's end. */
enum { AFTER = 16, INSN = 8 };

struct code {
	uint8_t *start, *at;
	uint64_t where;
	unsigned after_at, insn_at;
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

/* What is at that offset of the second page, relative to what lies behind the instruction. */
static void put_place(struct code *c, size_t offset, unsigned behind)
{
	uint64_t at = (c->where & ~(uint64_t)(TL__BYPASS_PAGE - 1)) + TL__BYPASS_PAGE + offset;

	put32(c, (uint32_t)(at - here(c) - 4 - behind));
}

/* cmpb $0, mode(%rip) */
static void look_at(struct code *c, size_t mode)
{
	put(c, "\x80\x3d", 2);
	put_place(c, mode, 1);
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

#define JB  "\x72"
#define JAE "\x73"
#define JE  "\x74"
#define JNE "\x75"
#define JA  "\x77"
#define JMP "\xeb"

enum { ANY_THAT_HAS_NEWS = 0x40000001 /* WNOHANG | __WALL */ };

struct jumps {
	uint8_t *at[8];
	unsigned n;
};

static void back_if(struct code *c, struct jumps *back, const char *opcode)
{
	back->at[back->n++] = jump(c, opcode);
}

/* Over all that go past, to where the others go back. */
static void if_asks(struct code *c, struct jumps *back)
{
	uint8_t *asks[ASKING];

	for (unsigned i = 0; i < ASKING; i++)
		asks[i] = if_request(c, asking[i], JE);
	back->at[back->n++] = if_request(c, RESUME, JNE);
	look_at(c, offsetof(struct tl__bypass_modes, resumes));
	back_if(c, back, JE);
	for (unsigned i = 0; i < ASKING; i++)
		lands(c, asks[i]);
}

/* cmp $-1, %edi; cmp $options, %edx */
static void if_waits_for_any(struct code *c, struct jumps *back)
{
	put(c, "\x83\xff\xff", 3);
	back_if(c, back, JNE);
	put(c, "\x81\xfa", 2);
	put32(c, ANY_THAT_HAS_NEWS);
	back_if(c, back, JNE);
}

/* An instruction whose operand is a member of the stop. */
static void with_stop(struct code *c, const char *insn, size_t len, size_t member)
{
	put(c, insn, len);
	put_place(c, offsetof(struct tl__bypass_data, stop) + member, 0);
}

static void put_nr(struct code *c, int32_t nr)
{
	put(c, "\xb8", 1);
	put32(c, (uint32_t)nr);
}

/* xor %eax, %eax: it has been answered. */
static void answered(struct code *c)
{
	put(c, "\x31\xc0", 2);
	jump_by(c, c->after_at);
}

enum { GETTID = 186, PEEKUSER = 3, GETREGS = 12 };

/* A place where it may be written. cmp: with the register that says where. */
static void if_within(struct code *c, struct jumps *back, const char *cmp)
{
	with_stop(c, cmp, 3, offsetof(struct tl__bypass_stop, low));
	back_if(c, back, JB);
	with_stop(c, cmp, 3, offsetof(struct tl__bypass_stop, high));
	back_if(c, back, JA);
}

/* The thread that may ask. */
static void if_tracer(struct code *c, struct jumps *back, int32_t nr)
{
	put_nr(c, GETTID);
	put(c, "\x0f\x05", SYSCALL_LEN);
	with_stop(c, "\x3b\x05", 2, offsetof(struct tl__bypass_stop, tracer)); /* cmp , %eax */
	put_nr(c, nr);
	back_if(c, back, JNE);
}

/* It is that task's stop, such a place, and that thread. */
static void if_may_ask(struct code *c, struct jumps *back, int32_t nr)
{
	with_stop(c, "\x3b\x35", 2, offsetof(struct tl__bypass_stop, tid)); /* cmp , %esi */
	back_if(c, back, JNE);
	if_within(c, back, "\x4c\x3b\x15"); /* cmp , %r10 */
	if_tracer(c, back, nr);
}

/* A word, from a place that addr says: to data. Other registers than rax, rcx and r11 a call leaves
 * as they are. */
static void answer_word(struct code *c, struct jumps *back)
{
	uint8_t *is_dr6, *give;

	put(c, "\x48\x81\xfa", 3); /* cmp $, %rdx */
	put32(c, TL__BYPASS_DR6);
	is_dr6 = jump(c, JE);
	put(c, "\x48\x81\xfa", 3);
	put32(c, TL__BYPASS_REGS);
	back_if(c, back, JAE);
	put(c, "\xf6\xc2\x07", 3); /* test $7, %dl */
	back_if(c, back, JNE);
	with_stop(c, "\x48\x8d\x0d", 3, offsetof(struct tl__bypass_stop, regs)); /* lea , %rcx */
	put(c, "\x48\x8b\x0c\x11", 4); /* mov (%rcx,%rdx), %rcx */
	give = jump(c, JMP);
	lands(c, is_dr6);
	with_stop(c, "\x48\x8b\x0d", 3, offsetof(struct tl__bypass_stop, dr6)); /* mov , %rcx */
	lands(c, give);
	put(c, "\x49\x89\x0a", 3); /* mov %rcx, (%r10) */
	answered(c);
}

/* lea , %rax; mov $, %ecx */
static void of_structure(struct code *c, size_t member, unsigned size)
{
	with_stop(c, "\x48\x8d\x05", 3, member);
	put(c, "\xb9", 1);
	put32(c, size / 8);
}

static void copy_structure(struct code *c)
{
	put(c, "\x4c\x8b\x5c\xc8\xf8", 5); /* mov -8(%rax,%rcx,8), %r11 */
	put(c, "\x4d\x89\x5c\xca\xf8", 5); /* mov %r11, -8(%r10,%rcx,8) */
	put(c, "\xff\xc9" JNE "\xf2", 4);  /* dec %ecx; jne */
	answered(c);
}

static void go_back(struct code *c, struct jumps *back)
{
	while (back->n)
		lands(c, back->at[--back->n]);
}

static void answer_of_stop(struct code *c, struct jumps *back, int32_t nr)
{
	uint8_t *registers, *info, *copy;

	if_may_ask(c, back, nr);
	registers = if_request(c, GETREGS, JE);
	info = if_request(c, GETSIGINFO, JE);
	back->at[back->n++] = if_request(c, PEEKUSER, JNE);
	answer_word(c, back);
	go_back(c, back);
	jump_by(c, c->insn_at);
	lands(c, registers);
	of_structure(c, offsetof(struct tl__bypass_stop, regs), TL__BYPASS_REGS);
	copy = jump(c, JMP);
	lands(c, info);
	of_structure(c, offsetof(struct tl__bypass_stop, info), TL__BYPASS_INFO);
	lands(c, copy);
	copy_structure(c);
}

/* struct tl__bypass_told as a word. */
enum { TOLD = 1, TAKEN = 0x10000, ALL_BUT_TURN = 0xffffff };

/* mov told, %eax; is there something to be taken? */
static void look_at_told(struct code *c)
{
	put(c, "\x8b\x05", 2);
	put_place(c, offsetof(struct tl__bypass_data, told), 0);
	put(c, "\x89\xc1\x81\xe1", 4); /* mov %eax, %ecx; and $, %ecx */
	put32(c, ALL_BUT_TURN);
	put(c, "\x83\xf9", 2); /* cmp $, %ecx */
	*c->at++ = TOLD;
}

/* What is taken is read before, for then it may be another's. */
static void take_status(struct code *c, struct jumps *back)
{
	look_at_told(c);
	back_if(c, back, JNE);
	with_stop(c, "\x4c\x8b\x1d", 3, offsetof(struct tl__bypass_stop, tid)); /* mov , %r11 */
	put(c, "\x8d\x88", 2); /* lea TAKEN(%rax), %ecx */
	put32(c, TAKEN);
	put(c, "\xf0\x0f\xb1\x0d", 4); /* lock cmpxchg %ecx, */
	put_place(c, offsetof(struct tl__bypass_data, told), 0);
	back_if(c, back, JNE);
	put(c, "\x44\x89\xd8", 3);     /* mov %r11d, %eax */
	put(c, "\x49\xc1\xeb\x20", 4); /* shr $32, %r11 */
	put(c, "\x44\x89\x1e", 3);     /* mov %r11d, (%rsi) */
	jump_by(c, c->after_at);
}
_Static_assert(offsetof(struct tl__bypass_stop, status) ==
		       offsetof(struct tl__bypass_stop, tid) + 4,
	       "read as one");

static void go_back_with(struct code *c, struct jumps *back, int32_t nr)
{
	go_back(c, back);
	put_nr(c, nr);
	jump_by(c, c->insn_at);
}

static void answer_of_wait(struct code *c, struct jumps *back, int32_t nr)
{
	uint8_t *told;

	if_waits_for_any(c, back);
	look_at_told(c);
	told = jump(c, JE);
	look_at(c, offsetof(struct tl__bypass_modes, waits));
	back_if(c, back, JE);
	put_nr(c, nr);
	put(c, "\x0f\x05", SYSCALL_LEN);
	jump_by(c, c->after_at);
	go_back_with(c, back, nr);
	lands(c, told);
	put(c, "\x4d\x85\xd2", 3); /* test %r10, %r10 */
	back_if(c, back, JNE);
	if_within(c, back, "\x48\x3b\x35"); /* cmp , %rsi */
	if_tracer(c, back, nr);
	take_status(c, back);
	go_back_with(c, back, nr);
}

unsigned tl__bypass_entries(enum tl__bypass_kind kind)
{
	return kind == TL__BYPASS_STOPS || kind == TL__BYPASS_WAITS ? 2 : 1;
}

size_t tl__bypass_entry(uint8_t code[2 * TL__BYPASS_ENTRY], uint64_t at, int32_t nr,
			enum tl__bypass_kind kind, uint64_t after)
{
	static const size_t modes[] = {
		[TL__BYPASS_ALL] = offsetof(struct tl__bypass_modes, open),
		[TL__BYPASS_TRACES] = offsetof(struct tl__bypass_modes, open),
		[TL__BYPASS_READS] = offsetof(struct tl__bypass_modes, reads),
		[TL__BYPASS_STOPS] = offsetof(struct tl__bypass_modes, stop),
	};
	unsigned size = tl__bypass_entries(kind) * TL__BYPASS_ENTRY;
	struct code c = { code, code, at, size - AFTER, size - INSN };
	uint64_t insn = after - SYSCALL_LEN;
	struct jumps back = { .n = 0 };

	memset(code, 0xcc, size);
	memcpy(code + c.after_at, &after, 8);
	memcpy(code + c.insn_at, &insn, 8);
	if (kind == TL__BYPASS_WAITS) {
		answer_of_wait(&c, &back, nr);
		return size;
	}
	look_at(&c, modes[kind]);
	put_nr(&c, nr);
	back_if(&c, &back, JE);
	if (kind == TL__BYPASS_STOPS) {
		answer_of_stop(&c, &back, nr);
		return size;
	}
	if (kind == TL__BYPASS_TRACES)
		if_asks(&c, &back);
	put(&c, "\x0f\x05", SYSCALL_LEN);
	jump_by(&c, c.after_at);
	go_back(&c, &back);
	jump_by(&c, c.insn_at);
	return size;
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
		memcpy(&after, entry + TL__BYPASS_ENTRY - AFTER, 8);
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
