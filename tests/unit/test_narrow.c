/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a tool of 32 bits sees: siginfo, the user area, and the registers of a task of 64 bits. */
#define _GNU_SOURCE
#include "narrow.h"
#include "narrow_regs.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_info(void **state)
{
	/* What a handler or tracer gets, and which of its bytes the narrow one keeps. */
	static const struct {
		int sig, code, wide, narrow, len;
	} kept[] = {
		{ SIGUSR1, SI_USER, 16, 12, 8 },        { SIGUSR1, SI_QUEUE, 16, 12, 12 },
		{ SIGCHLD, CLD_EXITED, 16, 12, 12 },    { SIGCHLD, CLD_EXITED, 32, 24, 4 },
		{ SIGSEGV, SEGV_MAPERR, 16, 12, 4 },    { SIGTRAP, TRAP_BRKPT, 16, 12, 4 },
		{ SIGTRAP, SIGTRAP | 0x80, 16, 12, 8 }, { SIGPOLL, POLL_IN, 16, 12, 4 },
		{ SIGPOLL, POLL_IN, 24, 16, 4 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		uint8_t wide[TL__NARROW_INFO], narrow[TL__NARROW_INFO], again[TL__NARROW_INFO];
		int32_t head[3] = { kept[i].sig, 0, kept[i].code };

		for (size_t at = 0; at < sizeof(wide); at++)
			wide[at] = (uint8_t)(at * 7 + 1);
		memcpy(wide, head, sizeof(head));
		tl__narrow_info(wide, narrow);
		assert_memory_equal(narrow, head, sizeof(head));
		assert_memory_equal(narrow + kept[i].narrow, wide + kept[i].wide,
				    (size_t)kept[i].len);
		tl__widen_info(narrow, again);
		assert_memory_equal(again + kept[i].wide, wide + kept[i].wide, (size_t)kept[i].len);
	}
}

static enum tl__user_word word(uint64_t addr, bool x86, uint64_t *ret)
{
	uint64_t in_user = 0;
	size_t in_set = 0;
	enum tl__user_word what = tl__narrow_user(addr, x86, &in_set, &in_user);

	*ret = what == TL__USER_GENERAL ? in_set : in_user;
	return what;
}

static void test_user(void **state)
{
	uint64_t at;

	(void)state;
	assert_int_equal(word(64, true, &at), TL__USER_GENERAL);
	assert_int_equal(at, 64);
	assert_int_equal(word(68, true, &at), TL__USER_NOTHING);
	assert_int_equal(word(68, false, &at), TL__USER_GENERAL);
	assert_int_equal(word(252, true, &at), TL__USER_WIDE);
	assert_int_equal(at, 848);
	assert_int_equal(word(280, true, &at), TL__USER_WIDE);
	assert_int_equal(at, 848 + 56);
	assert_int_equal(word(284, true, &at), TL__USER_NOTHING);
	assert_int_equal(word(288, true, &at), TL__USER_NOWHERE);
	assert_int_equal(word(292, false, &at), TL__USER_NOTHING);
	assert_int_equal(word(296, false, &at), TL__USER_NOWHERE);
	assert_int_equal(word(2, true, &at), TL__USER_NOWHERE);
}

static void test_general(void **state)
{
	enum { EBP = 5, RBP = 4, R12 = 3, FS = 9 };
	uint64_t wide[TL__WIDE_WORDS], before[TL__WIDE_WORDS];
	uint32_t narrow[TL__I386_WORDS];

	(void)state;
	for (uint64_t i = 0; i < TL__WIDE_WORDS; i++)
		wide[i] = before[i] = (i + 1) << 32 | (i + 100);
	tl__narrow_general(wide, narrow);
	assert_int_equal(narrow[EBP], RBP + 100);
	assert_int_equal(narrow[TL__I386_WORDS - 1], 120);
	assert_int_equal(tl__widen_general(EBP, 7, wide), 0);
	assert_int_equal(tl__widen_general(FS, 0x63, wide), TL__WIDE_FS_BASE);
	assert_true(wide[RBP] == 7 && wide[25] == 0x63 && wide[R12] == before[R12]);
	/* What it reads it may write, and reads it again. */
	for (size_t i = 0; i < TL__I386_WORDS; i++)
		tl__widen_general(i, narrow[i], wide);
	tl__narrow_general(wide, narrow);
	assert_int_equal(narrow[EBP], RBP + 100);
	assert_int_equal(narrow[FS], 125);
}

enum { STACK = 8, SIZE = 10, AT = 28 };

static void check_floats(const uint8_t wide[TL__WIDE_FLOATS], const uint8_t narrow[TL__I386_FLOATS])
{
	uint8_t again[TL__WIDE_FLOATS];

	memcpy(again, wide, sizeof(again));
	tl__widen_floats(narrow, again);
	/* All but the last operation and where it was. */
	assert_memory_equal(again, wide, 6);
	assert_memory_equal(again + 24, wide + 24, sizeof(again) - 24);
}

#if defined(__x86_64__)
static const double values[] = { 0.0, -0.0, 1.5, -3e300, 1e-320, 1.0 / 3 };

/* The machine itself can say both. */
static void test_floats(void **state)
{
	_Alignas(16) uint8_t wide[TL__WIDE_FLOATS];
	uint8_t is[TL__I386_FLOATS], should[TL__I386_FLOATS];

	(void)state;
	srand(1);
	for (int round = 0; round < 1000; round++) {
		int depth = rand() % (STACK + 1), popped = depth ? rand() % depth : 0;
		uint32_t word;

		memset(wide, 0, sizeof(wide));
		__asm__ volatile("fninit");
		for (int i = 0; i < depth; i++)
			if (rand() % 8)
				__asm__ volatile("fldl %0" : : "m"(values[rand() % 6]));
			else if (rand() % 2)
				__asm__ volatile("fldz\n\tfld1\n\tfdivp");
			else
				__asm__ volatile("fldpi");
		for (int i = 0; i < popped; i++)
			__asm__ volatile("fstp %st(0)");
		__asm__ volatile("fxsave64 %0\n\tfnsave %1\n\tfninit" : "=m"(wide), "=m"(should));
		tl__narrow_floats(wide, 0x33, 0x2b, is);
		assert_memory_equal(is, should, 12);
		assert_memory_equal(is + AT, should + AT, STACK * SIZE);
		memcpy(&word, is + 16, sizeof(word));
		assert_int_equal(word, 0x33);
		check_floats(wide, is);
	}
}
#else
static void test_floats(void **state)
{
	uint8_t wide[TL__WIDE_FLOATS], narrow[TL__I386_FLOATS];

	(void)state;
	for (size_t i = 0; i < sizeof(wide); i++)
		wide[i] = (uint8_t)(i * 13 + 1);
	wide[5] = 0;
	tl__narrow_floats(wide, 0x33, 0x2b, narrow);
	assert_memory_equal(narrow + AT + SIZE, wide + 48, SIZE);
	check_floats(wide, narrow);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_general),
		cmocka_unit_test(test_floats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
