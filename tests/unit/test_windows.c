/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which memory of its caller a request may have read or written for it. */
#define _GNU_SOURCE
#include "link.h"
#include "windows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ADDR = 0x10000, DATA = 0x20000, BEHIND = 0x30000 };
enum { ARCH_PRCTL = 30, ARCH_SET_FS = 0x1002, ARCH_GET_FS = 0x1003, GETREGS = 12, SETREGS = 13 };

static struct tl__notice notice(uint64_t request, uint64_t addr, uint64_t data)
{
	return (struct tl__notice){ .args = { request, 1, addr, data } };
}

struct seen {
	struct tl__window all[TL__WINDOWS];
	size_t n;
};

static struct seen windows(const struct tl__notice *n, unsigned word, bool trusted,
			   const void *first, size_t len)
{
	uint8_t head[TL__WINDOW_FIRST] = { 0 };
	struct seen s;
	uint64_t at;

	if (len)
		memcpy(head, first, len);
	assert_int_equal(tl__windows_first(n, word, &at), len);
	s.n = tl__windows_of(n, word, trusted, head, s.all);
	return s;
}

static bool reads(const struct seen *s, uint64_t addr, size_t len)
{
	return tl__windows_allow(s->all, s->n, false, addr, len);
}

static bool writes(const struct seen *s, uint64_t addr, size_t len)
{
	return tl__windows_allow(s->all, s->n, true, addr, len);
}

static void test_edges(void **state)
{
	struct tl__notice n = notice(TL__REQ_GETSIGINFO, 0, DATA);
	struct seen s = windows(&n, 8, false, NULL, 0);

	(void)state;
	assert_true(writes(&s, DATA, TL__INFO_SIZE));
	assert_true(writes(&s, DATA + TL__INFO_SIZE - 1, 1));
	assert_false(writes(&s, DATA + TL__INFO_SIZE - 1, 2));
	assert_false(writes(&s, DATA - 1, 2));
	assert_false(writes(&s, DATA, TL__INFO_SIZE + 1));
	assert_false(writes(&s, UINT64_MAX, 2));
	assert_false(writes(&s, DATA, SIZE_MAX));
	assert_false(reads(&s, DATA, 1));
	n = notice(TL__REQ_SETSIGINFO, 0, DATA);
	s = windows(&n, 8, false, NULL, 0);
	assert_true(reads(&s, DATA, TL__INFO_SIZE));
	assert_false(writes(&s, DATA, 1));
}

static void test_words(void **state)
{
	struct tl__notice n = notice(TL__REQ_PEEKDATA, ADDR, 0x700000000 + DATA);
	struct seen s = windows(&n, 8, false, NULL, 0);

	(void)state;
	assert_true(writes(&s, 0x700000000 + DATA, 8));
	/* Of a 32-bit caller the upper half says nothing. */
	s = windows(&n, 4, false, NULL, 0);
	assert_true(writes(&s, DATA, 4));
	assert_false(writes(&s, DATA, 8));
	n = notice(GETREGS, 0, DATA);
	s = windows(&n, 8, false, NULL, 0);
	assert_true(writes(&s, DATA, 216));
	s = windows(&n, 4, false, NULL, 0);
	assert_false(writes(&s, DATA, 216));
}

static void test_nothing(void **state)
{
	static const uint64_t requests[] = { TL__REQ_CONT,      TL__REQ_DETACH, TL__REQ_POKEDATA,
					     TL__REQ_INTERRUPT, TL__REQ_SEIZE,  TL__REQ_SETOPTIONS,
					     0xdeadbeef };

	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct tl__notice n = notice(requests[i], ADDR, DATA);
		struct seen s = windows(&n, 8, true, NULL, 0);

		assert_int_equal(s.n, 0);
	}
}

static void test_so_many(void **state)
{
	struct tl__notice n = notice(TL__REQ_GET_SYSCALL_INFO, 24, DATA);
	struct seen s = windows(&n, 8, false, NULL, 0);

	(void)state;
	assert_true(writes(&s, DATA, 24));
	assert_false(writes(&s, DATA, 25));
	/* More than there is of it nobody writes. */
	n = notice(TL__REQ_GET_SYSCALL_INFO, 1 << 20, DATA);
	s = windows(&n, 8, false, NULL, 0);
	assert_true(writes(&s, DATA, 88));
	assert_false(writes(&s, DATA, 89));
}

static void test_vectors(void **state)
{
	const uint64_t wide[2] = { BEHIND, 100 };
	const uint32_t narrow[2] = { BEHIND, 60 };
	struct tl__notice n = notice(TL__REQ_GETREGSET, 1, DATA);
	struct seen s = windows(&n, 8, false, wide, sizeof(wide));

	(void)state;
	/* The vector itself is read, and its length written. */
	assert_true(reads(&s, DATA, 16) && writes(&s, DATA, 16));
	assert_true(writes(&s, BEHIND, 100));
	assert_false(writes(&s, BEHIND, 101) || reads(&s, BEHIND, 1));
	s = windows(&n, 4, false, narrow, sizeof(narrow));
	assert_true(writes(&s, DATA, 8) && writes(&s, BEHIND, 60));
	assert_false(writes(&s, DATA, 9) || writes(&s, BEHIND, 61));
	n = notice(TL__REQ_SETREGSET, 1, DATA);
	s = windows(&n, 8, false, wide, sizeof(wide));
	assert_true(reads(&s, BEHIND, 100));
	assert_false(writes(&s, BEHIND, 1));
}

static void test_queue(void **state)
{
	const struct {
		uint64_t off;
		uint32_t flags;
		int32_t nr;
	} args = { 0, 0, 3 };
	struct tl__notice n = notice(TL__REQ_PEEKSIGINFO, ADDR, DATA);
	struct seen s = windows(&n, 8, false, &args, sizeof(args));

	(void)state;
	assert_true(reads(&s, ADDR, 16));
	assert_true(writes(&s, DATA, 3 * TL__INFO_SIZE));
	assert_false(writes(&s, DATA, 3 * TL__INFO_SIZE + 1) || writes(&s, ADDR, 1));
}

static void test_machine_state(void **state)
{
	struct tl__notice n = notice(ARCH_PRCTL, ADDR, ARCH_GET_FS);
	struct seen s = windows(&n, 8, false, NULL, 0);

	(void)state;
	assert_true(writes(&s, ADDR, 8));
	assert_false(writes(&s, ARCH_GET_FS, 8));
	/* Of one that nobody knows it cannot be said. */
	assert_int_equal(tl__arch_prctl_kind(ARCH_GET_FS), TL__ARCH_PRCTL_GETS);
	assert_int_equal(tl__arch_prctl_kind(ARCH_SET_FS), TL__ARCH_PRCTL_TAKES);
	assert_int_equal(tl__arch_prctl_kind(0x5006), TL__ARCH_PRCTL_UNKNOWN);
	/* What is set is a value, not where one is. */
	n = notice(ARCH_PRCTL, ADDR, ARCH_SET_FS);
	s = windows(&n, 8, true, NULL, 0);
	assert_int_equal(s.n, 0);
}

static void test_filter(void **state)
{
	struct tl__notice n = notice(TL__REQ_SECCOMP_GET_FILTER, 0, DATA);
	struct seen s = windows(&n, 8, true, NULL, 0);

	(void)state;
	assert_true(writes(&s, DATA, 4096 * 8));
	assert_false(writes(&s, DATA, 4096 * 8 + 1));
	/* As many instructions as who serves it has said; only ours is believed. */
	s = windows(&n, 8, false, NULL, 0);
	assert_int_equal(s.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edges),         cmocka_unit_test(test_words),
		cmocka_unit_test(test_nothing),       cmocka_unit_test(test_so_many),
		cmocka_unit_test(test_vectors),       cmocka_unit_test(test_queue),
		cmocka_unit_test(test_machine_state), cmocka_unit_test(test_filter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
