/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way past the filter: executed here, where nothing is filtered. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bypass.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __x86_64__
/* A program's own wrapper: the call's result in rax, behind which it returns. */
static const uint8_t wrapper[] = { 0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0xc3 };

static uint8_t *room(void *at, size_t len)
{
	void *p = mmap(at, len, PROT_READ | PROT_WRITE | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED_NOREPLACE : 0), -1, 0);

	assert_true(p != MAP_FAILED);
	return p;
}

typedef long call(long a, long b, long c);

static call *patched(uint8_t *page, uint8_t *near, unsigned which, int32_t nr, bool traces)
{
	uint8_t *code = near + 1024 + which * 64;
	uint64_t entry = (uint64_t)(uintptr_t)page + which * TL__BYPASS_ENTRY;
	int32_t is;
	call *made;

	memcpy(code, wrapper, sizeof(wrapper));
	memcpy(code + 1, &nr, 4);
	assert_true(tl__bypass_fits(code, &is));
	assert_int_equal(is, nr);
	tl__bypass_entry(page + which * TL__BYPASS_ENTRY, entry, nr, traces,
			 (uint64_t)(uintptr_t)code + TL__BYPASS_SITE);
	tl__bypass_near(near + which * TL__BYPASS_NEAR, entry);
	assert_true(tl__bypass_patch(code, (uint64_t)(uintptr_t)code,
				     (uint64_t)(uintptr_t)near + which * TL__BYPASS_NEAR));
	assert_false(tl__bypass_fits(code, &is));
	memcpy(&made, &code, sizeof(made));
	return made;
}

static void test_calls_are_made(void **state)
{
	uint8_t *page = room((void *)(uintptr_t)TL__BYPASS_AT, 2 * TL__BYPASS_PAGE);
	struct tl__bypass_modes *modes = (void *)(page + TL__BYPASS_PAGE);
	uint8_t *near = room(NULL, TL__BYPASS_PAGE);
	call *pid = patched(page, near, 0, SYS_getpid, false);
	call *trace = patched(page, near, 1, SYS_ptrace, true);
	static const long requests[] = { 24, 0x420e, 0x4202, 0x4201, 0x4204, 7, 0x4203, 16 };

	(void)state;
	for (unsigned mode = 0; mode < 4; mode++) {
		*modes = (struct tl__bypass_modes){ mode & 1, mode >> 1 };
		assert_int_equal(pid(0, 0, 0), getpid());
		/* Of nobody's tracee, whichever way they take. */
		for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
			assert_true(trace(requests[i], 0x7ffffff0, 0) < 0);
	}
	/* Closed, it leads back from in front of the call as well. */
	*modes = (struct tl__bypass_modes){ 1, 1 };
	tl__bypass_close(page);
	assert_int_equal(pid(0, 0, 0), getpid());
	assert_true(trace(24, 0x7ffffff0, 0) < 0);
	for (size_t i = 0; i + 1 < 2 * TL__BYPASS_ENTRY; i++)
		assert_false(page[i] == 0x0f && page[i + 1] == 0x05);
	munmap(page, 2 * TL__BYPASS_PAGE);
	munmap(near, TL__BYPASS_PAGE);
}

static void test_leaves_anywhere(void **state)
{
	static uint8_t page[TL__BYPASS_PAGE];
	const uint64_t after = 0x7f0000001007, entry = TL__BYPASS_AT + 3 * TL__BYPASS_ENTRY;
	unsigned calls = 0;

	(void)state;
	tl__bypass_entry(page + 3 * TL__BYPASS_ENTRY, entry, 101, true, after);
	assert_int_equal(tl__bypass_leave(page, 0x401000, true), 0x401000);
	for (uint64_t pc = entry; pc < entry + TL__BYPASS_ENTRY - 16; pc++) {
		uint64_t made = tl__bypass_leave(page, pc, true);

		if (made != after) {
			assert_int_equal(made, entry);
			continue;
		}
		/* Behind the one call that there is: its result is kept where it has one. */
		assert_int_equal(tl__bypass_leave(page, pc, false), pc);
		calls++;
	}
	assert_int_equal(calls, 1);
}
#endif

static void test_far_is_refused(void **state)
{
	uint8_t patch[TL__BYPASS_PATCH];

	(void)state;
	assert_true(tl__bypass_patch(patch, 0x7f0000000000, 0x7eff90000000));
	assert_false(tl__bypass_patch(patch, 0x7f0000000000, 0x7efe00000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef __x86_64__
		cmocka_unit_test(test_calls_are_made),
		cmocka_unit_test(test_leaves_anywhere),
#endif
		cmocka_unit_test(test_far_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
