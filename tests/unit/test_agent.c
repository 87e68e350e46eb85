/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* agent: an area's head and handler; and the way back from a call made for us. */
#include "agent.h"

#include <Zydis/Zydis.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct tl__arch *const all[] = { &tl__arch_x86_64, &tl__arch_i386, &tl__arch_arm64 };

static void heads(void **state)
{
	struct tl__agent_image image;
	uint64_t word;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		assert_true(tl__agent_image(all[i], 0x10000, &image));
		assert_true(tl__agent_is(all[i], 0x10000, &image.head));
		assert_false(tl__agent_is(all[i], 0x20000, &image.head));
		assert_false(tl__agent_is(all[(i + 1) % 3], 0x10000, &image.head));
		word = 0;
		memcpy(&word, image.head.trap, all[i]->word);
		assert_int_equal(word, 0x10000 + TL__HEAD_CODE);
		word = 0;
		memcpy(&word, image.head.trap + 2 * all[i]->word, all[i]->word);
		assert_int_equal(word, 0x10000 + TL__HEAD_CODE + TL__HEAD_RETURN);
	}
	assert_false(tl__agent_image(&tl__arch_arm, 0x10000, &image));
	/* A breakpoint is one, whatever the bits that do not make it. */
	for (unsigned i = 0; i < 3; i++)
		for (unsigned k = 0; k < all[i]->breakpoint_len; k++)
			assert_int_equal(all[i]->breakpoint[k] & ~all[i]->breakpoint_mask[k], 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_not_equal(all[i]->breakpoint_mask[0], 0);
}

/* Each handler loads the constants that its ABI's calls are made with where a handler ends. */
static void endings(void **state)
{
	static const uint8_t sigreturn[3][8] = {
		{ 0xb8, 15, 0, 0, 0, 0x0f, 0x05 },
		{ 0xb8, 173, 0, 0, 0, 0xcd, 0x80 },
		{ 0x68, 0x11, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4 },
	};
	struct tl__agent_image image;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		assert_true(tl__agent_image(all[i], 0x10000, &image));
		assert_memory_equal(image.code + TL__HEAD_RETURN, sigreturn[i], i == 2 ? 8 : 7);
	}
}

static void x86_code(const uint8_t *code, size_t n, bool wide, const char *const *want)
{
	ZydisDisassembledInstruction insn;
	size_t at = 0;

	for (; *want; want++) {
		assert_true(at < n);
		assert_true(ZYAN_SUCCESS(ZydisDisassembleIntel(
			wide ? ZYDIS_MACHINE_MODE_LONG_64 : ZYDIS_MACHINE_MODE_LEGACY_32,
			0x1000 + at, code + at, n - at, &insn)));
		assert_string_equal(insn.text, *want);
		at += insn.info.length;
	}
	/* Then the mask, and on 64 bits where it goes on. */
	assert_int_equal(n - at, wide ? 16 : 8);
}

/* Registers that tell where they come from; a read that a signal broke is made again. */
static void way_back_x86_64(void **state)
{
	static const char *const want[] = { "mov eax, 0x0E",
					    "mov edi, 0x02",
					    "lea rsi, [0x0000000000001086]",
					    "mov edx, 0x00",
					    "mov r10d, 0x08",
					    "syscall",
					    "mov rax, 0x00",
					    "mov rdi, 0x10E",
					    "mov rsi, 0x10D",
					    "mov rdx, 0x10C",
					    "mov r10, 0x107",
					    "mov r8, 0x109",
					    "mov r9, 0x108",
					    "mov rcx, 0x10B",
					    "mov r11, 0x106",
					    "jmp [0x000000000000107E]",
					    NULL };
	uint8_t code[TL__GO_ON_MAX];
	uint64_t regs[27], end[2];
	size_t n;

	(void)state;
	for (unsigned i = 0; i < 27; i++)
		regs[i] = 0x100 + i;
	regs[10] = (uint64_t)-512; /* rax: ERESTARTSYS */
	regs[15] = 0;              /* orig_rax: read */
	n = tl__arch_x86_64.go_on(regs, sizeof(regs), 0x1000, 0x5555, code);
	x86_code(code, n, true, want);
	memcpy(end, code + n - 16, 16);
	assert_int_equal(end[0], 0x110 - 2);
	assert_int_equal(end[1], 0x5555);
}

static void way_back_i386(void **state)
{
	static const char *const want[] = { "mov eax, 0xAF",  "mov ebx, 0x02",  "mov ecx, 0x1043",
					    "mov edx, 0x00",  "mov esi, 0x08",  "int 0x80",
					    "mov eax, 0x106", "mov ebx, 0x100", "mov ecx, 0x101",
					    "mov edx, 0x102", "mov esi, 0x103", "mov edi, 0x104",
					    "mov ebp, 0x105", "jmp 0x0000010C", NULL };
	uint8_t code[TL__GO_ON_MAX];
	uint32_t regs[17];

	(void)state;
	for (unsigned i = 0; i < 17; i++)
		regs[i] = 0x100 + i;
	regs[11] = (uint32_t)-1;
	x86_code(code, tl__arch_i386.go_on(regs, sizeof(regs), 0x1000, 0x5555, code), false, want);
}

static void way_back_arm64(void **state)
{
	uint8_t code[TL__GO_ON_MAX];
	uint64_t regs[34], words[8];
	uint32_t insns[14];
	size_t n;

	(void)state;
	for (unsigned i = 0; i < 34; i++)
		regs[i] = 0x100 + i;
	regs[32] = 0x2000;
	n = tl__arch_arm64.go_on(regs, sizeof(regs), 0x1000, 0x5555, code);
	assert_int_equal(n, sizeof(insns) + sizeof(words));
	memcpy(insns, code, sizeof(insns));
	memcpy(words, code + sizeof(insns), sizeof(words));
	assert_int_equal(insns[0], 0xd28010e8);          /* mov x8, #135 */
	assert_int_equal(insns[2], 0x10000181);          /* adr x1, .+48 */
	assert_int_equal(insns[6], 0x58000140);          /* ldr x0, .+40 */
	assert_int_equal(insns[12], 0x58000208);         /* ldr x8, .+64 */
	assert_int_equal(insns[13], 0x14000000 | 0x3f3); /* b 0x2000 */
	assert_int_equal(words[0], 0x5555);
	assert_int_equal(words[1], 0x100);
	assert_int_equal(words[7], 0x108);
	/* Too far. */
	regs[32] = 0x10002000;
	assert_int_equal(tl__arch_arm64.go_on(regs, sizeof(regs), 0x1000, 0x5555, code), 0);
}

static void way_back_arm64_far(void **state)
{
	uint8_t code[TL__GO_ON_MAX], frame[TL__GO_ON_FRAME], floats[528];
	uint64_t regs[34], at;
	uint32_t insns[4], fpsr, flags, head[2];

	(void)state;
	for (unsigned i = 0; i < 34; i++)
		regs[i] = 0x100 + i;
	for (unsigned i = 0; i < sizeof(floats); i++)
		floats[i] = (uint8_t)(i * 7);
	assert_int_equal(tl__arch_arm64.go_on_far(regs, sizeof(regs), floats, sizeof(floats),
						  0x7f00001230, 0x5555, code, frame),
			 sizeof(insns) + sizeof(at));
	memcpy(insns, code, sizeof(insns));
	memcpy(&at, code + sizeof(insns), sizeof(at));
	assert_int_equal(insns[0], 0x58000088); /* ldr x8, .+16 */
	assert_int_equal(at, 0x7f00001230);
	/* struct rt_sigframe: of its ucontext (128) the stack's flags, mask, registers, records. */
	memcpy(&flags, frame + 152, 4);
	assert_int_equal(flags, 0x7fffffff);
	memcpy(&at, frame + 168, 8);
	assert_int_equal(at, 0x5555);
	assert_memory_equal(frame + 312, regs, sizeof(regs));
	memcpy(head, frame + 592, sizeof(head));
	assert_int_equal(head[0], 0x46508001);
	assert_int_equal(head[1], 528);
	memcpy(&fpsr, frame + 600, 4);
	assert_memory_equal(&fpsr, floats + 512, 4);
	assert_memory_equal(frame + 608, floats, 512);
	/* Not the whole set. */
	assert_int_equal(
		tl__arch_arm64.go_on_far(regs, sizeof(regs), floats, 512, 0x1230, 0, code, frame),
		0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads),           cmocka_unit_test(endings),
		cmocka_unit_test(way_back_x86_64), cmocka_unit_test(way_back_i386),
		cmocka_unit_test(way_back_arm64),  cmocka_unit_test(way_back_arm64_far),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
