/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* arch: instructions out of line, byte by byte, and over the code that this test itself runs on. */
#include "arch.h"

#include <Zydis/Zydis.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { AT = 0x401000, SLOT = 0x500000, BACK = SLOT - AT };

static struct tl__displaced d;

static bool x86(bool wide, const char *bytes, size_t n)
{
	struct tl__original o = { (const uint8_t *)bytes, 0, n, AT, false, true };

	return wide ? tl__x86_64_displace(&o, SLOT, &d) : tl__i386_displace(&o, SLOT, &d);
}

#define X64(bytes) assert_true(x86(true, bytes, sizeof(bytes) - 1))
#define X32(bytes) assert_true(x86(false, bytes, sizeof(bytes) - 1))

static void is_code(enum tl__displace_kind kind, const char *bytes, size_t n)
{
	assert_null(d.why);
	assert_int_equal(d.kind, kind);
	assert_true(d.len >= n);
	assert_memory_equal(d.code, bytes, n);
}

#define IS(kind, bytes) is_code(TL__DISPLACE_##kind, bytes, sizeof(bytes) - 1)

static void is_mark(unsigned i, unsigned at, bool done, uint64_t ip)
{
	assert_true(i < d.nmarks);
	assert_int_equal(d.marks[i].at, at);
	assert_int_equal(d.marks[i].done, done);
	assert_int_equal(d.marks[i].ip, ip);
}

static uint64_t constant(void)
{
	uint64_t v;

	memcpy(&v, d.code + TL__SLOT_SIZE - 8, sizeof(v));
	return v;
}

static void x86_plain(void **state)
{
	(void)state;
	/* push rbp; jmp to 0x401001 */
	X64("\x55");
	IS(SLOT, "\x55\xe9\xfb\x0f\xf0\xff");
	is_mark(0, 0, false, AT);
	is_mark(1, 1, true, AT + 1);
	assert_int_equal(d.insn_len, 1);
	/* lea rax, [rip + 0x100] */
	X64("\x48\x8d\x05\x00\x01\x00\x00");
	IS(SLOT, "\x48\x8d\x05\x00\x11\xf0\xff\xe9");
	/* cmp dword [rip + 0x100], 7: the displacement is not last */
	X64("\x83\x3d\x00\x01\x00\x00\x07");
	IS(SLOT, "\x83\x3d\x00\x11\xf0\xff\x07\xe9");
	/* vmovaps ymm0, [rip + 0x100], and zmm0 */
	X64("\xc5\xfc\x28\x05\x00\x01\x00\x00");
	IS(SLOT, "\xc5\xfc\x28\x05\x00\x11\xf0\xff\xe9");
	X64("\x62\xf1\x7c\x48\x28\x05\x00\x01\x00\x00");
	IS(SLOT, "\x62\xf1\x7c\x48\x28\x05\x00\x11\xf0\xff\xe9");
	/* ret, and jmp [rax], as they are */
	X64("\xc3");
	IS(SLOT, "\xc3");
	assert_int_equal(d.len, 1);
	X64("\xff\x20");
	IS(SLOT, "\xff\x20");
	/* In 32 bits [0x100] is not relative. */
	X32("\x83\x3d\x00\x01\x00\x00\x07");
	IS(SLOT, "\x83\x3d\x00\x01\x00\x00\x07\xe9\xfb\x0f\xf0\xff");
}

static void x86_branches(void **state)
{
	(void)state;
	/* jmp +0x10 */
	X64("\xeb\x10");
	IS(EMULATE, "\xe9\x0d\x10\xf0\xff");
	/* je -2: over a jump back, to a jump there */
	X64("\x74\xfe");
	IS(EMULATE, "\x74\x05\xe9\xfb\x0f\xf0\xff\xe9\xf4\x0f\xf0\xff");
	is_mark(1, 2, true, AT + 2);
	is_mark(2, 7, true, AT);
	/* jne near, loop, jrcxz, jecxz */
	X64("\x0f\x85\x00\x01\x00\x00");
	IS(EMULATE, "\x75\x05\xe9");
	is_mark(2, 7, true, AT + 0x106);
	X64("\xe2\xfe");
	IS(EMULATE, "\xe2\x05\xe9");
	X64("\xe3\x10");
	IS(EMULATE, "\xe3\x05\xe9");
	X64("\x67\xe3\x10");
	IS(EMULATE, "\x67\xe3\x05\xe9");
	/* xbegin +0x100 */
	X64("\xc7\xf8\x00\x01\x00\x00");
	IS(SLOT, "\xc7\xf8\x00\x11\xf0\xff\xe9");
}

static void x86_calls(void **state)
{
	(void)state;
	/* call +0: push of a constant */
	X64("\xe8\x00\x00\x00\x00");
	IS(EMULATE, "\xff\x35\x32\x00\x00\x00\xe9\xfa\x0f\xf0\xff");
	assert_int_equal(constant(), AT + 5);
	is_mark(1, 6, true, AT + 5);
	X32("\xe8\x00\x00\x00\x00");
	IS(EMULATE, "\x68\x05\x10\x40\x00\xe9\xfb\x0f\xf0\xff");
	/* call rax; call [rip + 0x100] */
	X64("\xff\xd0");
	IS(EMULATE, "\xff\x35\x32\x00\x00\x00\xff\xe0");
	assert_int_equal(constant(), AT + 2);
	is_mark(1, 6, false, AT);
	assert_int_equal(d.marks[1].sp, 8);
	X64("\xff\x15\x00\x01\x00\x00");
	IS(EMULATE, "\xff\x35\x32\x00\x00\x00\xff\x25\xfa\x10\xf0\xff");
	/* The stack pointer has moved: call [rsp + 8], [rsp], [rsp + rcx * 2 + 0x100]; r12 has not.
	 */
	X64("\xff\x54\x24\x08");
	IS(EMULATE, "\xff\x35\x32\x00\x00\x00\xff\xa4\x24\x10\x00\x00\x00");
	X64("\xff\x14\x24");
	IS(EMULATE, "\xff\x35\x32\x00\x00\x00\xff\xa4\x24\x08\x00\x00\x00");
	X64("\xff\x94\x4c\x00\x01\x00\x00");
	IS(EMULATE, "\xff\x35\x32\x00\x00\x00\xff\xa4\x4c\x08\x01\x00\x00");
	X64("\x41\xff\x14\x24");
	IS(EMULATE, "\xff\x35\x32\x00\x00\x00\x41\xff\x24\x24");
	X32("\xff\x54\x24\x08");
	IS(EMULATE, "\x68\x04\x10\x40\x00\xff\xa4\x24\x0c\x00\x00\x00");
	/* fs's, as glibc calls its mangled pointers */
	X64("\x64\xff\x14\x25\x10\x00\x00\x00");
	IS(EMULATE, "\xff\x35\x32\x00\x00\x00\x64\xff\x24\x25\x10\x00\x00\x00");
	/* syscall: rcx is put right */
	X64("\x0f\x05");
	IS(SLOT, "\x0f\x05\x48\x8b\x0d\x2f\x00\x00\x00\xe9");
	assert_int_equal(constant(), AT + 2);
	assert_true(d.marks[1].fix_rcx);
	/* sysenter, int 0x80 */
	X32("\x0f\x34");
	IS(SLOT, "\x0f\x34\xe9");
	X32("\xcd\x80");
	IS(SLOT, "\xcd\x80\xe9");
}

static void refused(const char *why)
{
	assert_int_equal(d.kind, TL__DISPLACE_REFUSE);
	assert_non_null(d.why);
	if (!strstr(d.why, why))
		fail_msg("%s: not %s", d.why, why);
}

static void x86_refused(void **state)
{
	static const uint8_t call[] = { 0xe8, 0, 0, 0, 0 };
	struct tl__original o = { call, 0, 5, AT, true, true };

	(void)state;
	X64("\xcc");
	refused("own breakpoint");
	X64("\xcd\x03");
	refused("own breakpoint");
	X64("\xf1");
	refused("own breakpoint");
	X64("\xf4");
	refused("own breakpoint");
	X64("\xff\xd4");
	refused("stack pointer");
	X64("\xff\x54\x24\xf8");
	refused("below the stack pointer");
	X64("\x06");
	refused("no instruction");
	X64("\xe8\x00");
	refused("no instruction");
	X64("\xff\x18");
	refused("far");
	X32("\x66\xe9\x00\x00");
	refused("operand size");
	X64("\x67\x8b\x05\x00\x00\x00\x00");
	refused("32 bits");
	assert_true(tl__x86_64_displace(&o, SLOT, &d));
	refused("CET");
}

static void too_far(void **state)
{
	static const uint8_t push = 0x55, bl[] = { 0, 0, 0, 0x94 };
	struct tl__original o = { &push, 0, 1, AT, false, true };

	(void)state;
	assert_true(tl__x86_64_displace(&o, AT + UINT64_C(0x7fffff00), &d));
	assert_false(tl__x86_64_displace(&o, AT + UINT64_C(0x80000100), &d));
	/* In 32 bits nothing is. */
	assert_true(tl__i386_displace(&o, AT + UINT64_C(0x80000100), &d));
	o.insn = bl;
	o.after = 4;
	assert_true(tl__arm64_displace(&o, AT + 0x7fff000, &d));
	assert_false(tl__arm64_displace(&o, AT + 0x8001000, &d));
}

static bool arm64_at(const uint32_t *words, size_t before, size_t after)
{
	struct tl__original o = {
		(const uint8_t *)(words + before), before * 4, after * 4, AT, false, true
	};

	return tl__arm64_displace(&o, SLOT, &d);
}

static void arm64(uint32_t insn)
{
	assert_true(arm64_at(&insn, 0, 1));
}

static uint32_t code(unsigned i)
{
	uint32_t v;

	memcpy(&v, d.code + i * 4, sizeof(v));
	return v;
}

/* Where the b at this word of the slot goes. */
static uint64_t goes(unsigned i)
{
	assert_int_equal(code(i) >> 26, 5);
	return SLOT + i * 4 + (uint64_t)(tl__sign_extend(code(i) & 0x3ffffff, 26) * 4);
}

static void arm64_instructions(void **state)
{
	(void)state;
	arm64(0xd503233f); /* paciasp */
	assert_int_equal(d.kind, TL__DISPLACE_SLOT);
	assert_int_equal(code(0), 0xd503233f);
	assert_int_equal(goes(1), AT + 4);
	is_mark(1, 4, true, AT + 4);
	arm64(0xd65f03c0); /* ret */
	assert_int_equal(d.len, 4);
	arm64(0x17ffffff); /* b -4 */
	assert_int_equal(goes(0), AT - 4);
	arm64(0x94000040);                     /* bl +0x100 */
	assert_int_equal(code(0), 0x580001de); /* ldr x30, +56 */
	assert_int_equal(constant(), AT + 4);
	assert_int_equal(goes(1), AT + 0x100);
	arm64(0xd63f0020); /* blr x1 */
	assert_int_equal(code(1), 0xd61f0020);
	is_mark(1, 4, false, AT);
	arm64(0xd73f0822); /* blraa x1, x2 */
	assert_int_equal(code(1), 0xd71f0822);
	arm64(0x54000080); /* b.eq +16 */
	assert_int_equal(code(0), 0x54000040);
	assert_int_equal(goes(1), AT + 4);
	assert_int_equal(goes(2), AT + 16);
	arm64(0xb4ffffe3); /* cbz x3, -4 */
	assert_int_equal(code(0), 0xb4000043);
	assert_int_equal(goes(2), AT - 4);
	arm64(0xb6f80084); /* tbz x4, #63, +16 */
	assert_int_equal(code(0), 0xb6f80044);
	assert_int_equal(goes(2), AT + 16);
	arm64(0xb0000005); /* adrp x5, +0x1000 */
	assert_int_equal(code(0), 0x580001c5);
	assert_int_equal(constant(), AT + 0x1000);
	arm64(0x10ffffe5); /* adr x5, -4 */
	assert_int_equal(constant(), AT - 4);
	arm64(0x58000086); /* ldr x6, +16 */
	assert_int_equal(constant(), AT + 16);
	assert_int_equal(code(1), 0xf94000c6);
	arm64(0x98000086); /* ldrsw x6, +16 */
	assert_int_equal(code(1), 0xb98000c6);
	arm64(0xd4000001); /* svc #0 */
	assert_int_equal(d.kind, TL__DISPLACE_SLOT);
}

static void arm64_literals_of_vectors(void **state)
{
	uint32_t words[8] = { 0x9c000080, 0, 0, 0, 1, 2, 3, 4 };
	struct tl__original o = { (const uint8_t *)words, 0, sizeof(words), AT, false, true };

	(void)state;
	/* ldr q0, +16: near enough at first */
	assert_true(tl__arm64_displace(&o, SLOT, &d));
	assert_int_equal((tl__sign_extend(code(0) >> 5 & 0x7ffff, 19) * 4) + SLOT, AT + 16);
	assert_true(tl__arm64_displace(&o, SLOT + 0x1000000, &d));
	assert_int_equal(code(0), 0x9c000180);
	assert_memory_equal(d.code + 48, words + 4, 16);
	o.constant = false;
	assert_true(tl__arm64_displace(&o, SLOT + 0x1000000, &d));
	refused("literal");
}

static void arm64_refused(void **state)
{
	/* ldxr, add, stxr, cbnz; ldxr alone */
	static const uint32_t loop[] = { 0xc85f7c01, 0x91000421, 0xc8027c01, 0x35ffffa2 },
			      alone[] = { 0xc85f7c01, 0x91000421, 0xd65f03c0 };

	(void)state;
	assert_true(arm64_at(loop, 0, 4));
	assert_int_equal(d.kind, TL__DISPLACE_SLOT);
	assert_true(arm64_at(loop, 1, 3));
	refused("exclusive");
	assert_true(arm64_at(loop, 2, 2));
	refused("exclusive");
	assert_true(arm64_at(loop, 3, 1));
	assert_int_equal(d.kind, TL__DISPLACE_EMULATE);
	assert_true(arm64_at(alone, 1, 2));
	assert_int_equal(d.kind, TL__DISPLACE_SLOT);
	arm64(0xd4200000);
	refused("breakpoint");
	arm64(0xd63f03c0); /* blr x30 */
	refused("link register");
	arm64(0x19000400 | 1); /* cpyfp */
	refused("copy");
	arm64(0xdac1a3fe); /* paciasppc */
	refused("pc");
	arm64(0xdac143fe); /* xpaci x30 */
	assert_int_equal(d.kind, TL__DISPLACE_SLOT);
	arm64(0x74000000); /* cbgt */
	refused("branch");
}

/* Where an operand or a branch leads, from where it stands. */
static unsigned leads(const uint8_t *code_, size_t n, uint64_t ip, uint64_t to[2])
{
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction insn;
	ZydisDecoder decoder;
	unsigned found = 0;

	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code_, n, &insn, ops)))
		return 0;
	for (unsigned i = 0; i < insn.operand_count && found < 2; i++)
		if ((ops[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		     ops[i].mem.base == ZYDIS_REGISTER_RIP) ||
		    (ops[i].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && ops[i].imm.is_relative))
			found += ZYAN_SUCCESS(
				ZydisCalcAbsoluteAddress(&insn, &ops[i], ip, &to[found]));
	return found;
}

/* Every instruction of a large text: what was relative leads where it led. */
static void x86_of_a_library(void **state)
{
	size_t n = 0, decoded = 0, refusals = 0, relative = 0, far = 0;
	bool near;
	uint64_t want[2], got[2];
	uint8_t *text;
	FILE *f = fopen(*state, "rb");

	assert_non_null(f);
	assert_non_null(text = malloc(4 << 20));
	n = fread(text, 1, 4 << 20, f);
	fclose(f);
	for (size_t at = 0; at + TL__INSN_MAX < n; at += d.insn_len ? d.insn_len : 1) {
		struct tl__original o = { text + at, at, n - at, AT + at, false, true };

		/* What is no code, but data, may lead anywhere. */
		near = tl__x86_64_displace(&o, SLOT - at, &d);
		far += !near;
		decoded += d.insn_len > 0;
		refusals += d.insn_len > 0 && d.kind == TL__DISPLACE_REFUSE;
		assert_true(d.insn_len > 0 || d.kind == TL__DISPLACE_REFUSE);
		if (!near || d.kind != TL__DISPLACE_SLOT || !leads(o.insn, o.after, o.ip, want))
			continue;
		relative++;
		assert_int_equal(leads(d.code, d.len, SLOT - at, got), 1);
		assert_int_equal(got[0], want[0]);
	}
	printf("%zu instructions, %zu refused, %zu relative\n", decoded, refusals, relative);
	assert_true(relative > 100 && far < decoded / 100);
	free(text);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(x86_plain),
		cmocka_unit_test(x86_branches),
		cmocka_unit_test(x86_calls),
		cmocka_unit_test(x86_refused),
		cmocka_unit_test(too_far),
		cmocka_unit_test(arm64_instructions),
		cmocka_unit_test(arm64_literals_of_vectors),
		cmocka_unit_test(arm64_refused),
		cmocka_unit_test_prestate(x86_of_a_library, argv[argc > 1 ? 1 : 0]),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
