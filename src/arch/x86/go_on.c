/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a thread does after a call that was made for us, if nobody is there any more. Pure.
 *
 * The flags are as they were: nothing here changes them, and syscall keeps them in r11.
 */
#include "regs.h"

#include <string.h>

enum { RESTARTSYS = 512, RESTARTNOINTR, RESTARTNOHAND, RESTART_RESTARTBLOCK = 516 };
enum { SETMASK = 2 };

struct code {
	uint8_t *at;
};

static void put(struct code *c, const void *bytes, size_t n)
{
	memcpy(c->at, bytes, n);
	c->at += n;
}

/* mov of an immediate of this many bytes. */
static void load(struct code *c, const char *opcode, uint64_t value, size_t n)
{
	put(c, opcode, strlen(opcode));
	put(c, &value, n);
}

/* As the kernel would have it behind a call that is restarted (arch_do_signal_or_restart). */
static void restart(uint64_t *ax, uint64_t *ip, int64_t nr, int64_t ret, unsigned restart_nr)
{
	if (nr < 0 || ret > -RESTARTSYS || ret < -RESTART_RESTARTBLOCK || ret == -515)
		return;
	*ax = ret == -RESTART_RESTARTBLOCK ? restart_nr : (uint64_t)nr;
	*ip -= 2;
}

static size_t go_on_64(const uint64_t *regs, uint64_t mask, uint8_t *code)
{
	/* rax and the others, r11 and rcx too: a call leaves its own in them. */
	static const struct {
		const char *mov;
		uint8_t slot;
	} others[] = { { "\x48\xbf", X64_RDI }, { "\x48\xbe", X64_RSI }, { "\x48\xba", X64_RDX },
		       { "\x49\xba", X64_R10 }, { "\x49\xb8", X64_R8 },  { "\x49\xb9", X64_R9 },
		       { "\x48\xb9", X64_RCX }, { "\x49\xbb", X64_R11 } };
	uint64_t ax = regs[X64_RAX], ip = regs[X64_RIP];
	struct code c = { code };
	uint8_t *mask_at;
	uint32_t by;

	restart(&ax, &ip, (int64_t)regs[X64_ORIG_RAX], (int64_t)regs[X64_RAX], 219);
	load(&c, "\xb8", 14, 4);
	load(&c, "\xbf", SETMASK, 4);
	load(&c, "\x48\x8d\x35", 0, 4); /* lea mask(%rip), %rsi */
	mask_at = c.at;
	load(&c, "\xba", 0, 4);
	load(&c, "\x41\xba", 8, 4);
	put(&c, "\x0f\x05", 2);
	load(&c, "\x48\xb8", ax, 8);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		load(&c, others[i].mov, regs[others[i].slot], 8);
	load(&c, "\xff\x25", 0, 4); /* jmp *(%rip) */
	put(&c, &ip, 8);
	by = (uint32_t)(c.at - mask_at);
	memcpy(mask_at - 4, &by, 4);
	put(&c, &mask, 8);
	return (size_t)(c.at - code);
}

static size_t go_on_32(const uint32_t *regs, uint64_t at, uint64_t mask, uint8_t *code)
{
	static const struct {
		const char *mov;
		uint8_t slot;
	} others[] = { { "\xbb", I386_EBX }, { "\xb9", I386_ECX }, { "\xba", I386_EDX },
		       { "\xbe", I386_ESI }, { "\xbf", I386_EDI }, { "\xbd", I386_EBP } };
	uint64_t ax = regs[I386_EAX], ip = regs[I386_EIP];
	struct code c = { code };
	uint8_t *mask_at;
	uint32_t where;

	restart(&ax, &ip, (int32_t)regs[I386_ORIG_EAX], (int32_t)regs[I386_EAX], 0);
	load(&c, "\xb8", 175, 4);
	load(&c, "\xbb", SETMASK, 4);
	load(&c, "\xb9", 0, 4);
	mask_at = c.at;
	load(&c, "\xba", 0, 4);
	load(&c, "\xbe", 8, 4);
	put(&c, "\xcd\x80", 2);
	load(&c, "\xb8", ax, 4);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		load(&c, others[i].mov, regs[others[i].slot], 4);
	where = (uint32_t)(ip - (at + (uint64_t)(c.at - code) + 5));
	load(&c, "\xe9", where, 4);
	where = (uint32_t)(at + (uint64_t)(c.at - code));
	memcpy(mask_at - 4, &where, 4);
	put(&c, &mask, 8);
	return (size_t)(c.at - code);
}

size_t tl__x86_go_on(const void *gpr, size_t len, uint64_t at, uint64_t mask,
		     uint8_t code[TL__GO_ON_MAX])
{
	uint64_t regs[X86_64_GPR_SIZE / 8];

	memcpy(regs, gpr, len);
	return len == X86_64_GPR_SIZE ? go_on_64(regs, mask, code)
				      : go_on_32((const void *)regs, at, mask, code);
}
