/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* arch: the call ABI in register buffers of both layouts, on any host. */
#include "arch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/user.h>

#include <cmocka.h>

static struct user_regs_struct sample(void)
{
	struct user_regs_struct r = { .rdi = 1,
				      .rsi = 2,
				      .rdx = 3,
				      .r10 = 4,
				      .r8 = 5,
				      .r9 = 6,
				      .rbx = 11,
				      .rcx = 12,
				      .rbp = 16,
				      .rax = (unsigned long long)-38,
				      .orig_rax = 257,
				      .rip = 0x401002,
				      .rsp = 0x7ffc0000 };
	return r;
}

static void layouts_match_the_kernel(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct user_regs_struct), 216);
	assert_ptr_equal(tl__arch_of_gpr(216), &tl__arch_x86_64);
	assert_ptr_equal(tl__arch_of_gpr(68), &tl__arch_i386);
	assert_null(tl__arch_of_gpr(100));
}

static void frame_64(void **state)
{
	struct user_regs_struct r = sample();
	struct tl__frame f;

	(void)state;
	assert_int_equal(tl__arch_x86_64.get_frame(&r, sizeof(r), &f), 0);
	assert_int_equal(f.nr, 257);
	assert_int_equal(f.ret, -38);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(f.args[i], i + 1);
	assert_int_equal(tl__arch_x86_64.get_frame(&r, 68, &f), -EINVAL);
}

/* int $0x80 from 64-bit code: the i386 ABI in the 64-bit layout. */
static void frame_32_in_64(void **state)
{
	static const uint64_t args[6] = { 21, 22, 23, 24, 25, 26 };
	struct user_regs_struct r = sample();
	struct tl__frame f;

	(void)state;
	assert_int_equal(tl__arch_i386.get_frame(&r, sizeof(r), &f), 0);
	assert_int_equal(f.args[0], 11);
	assert_int_equal(f.args[1], 12);
	assert_int_equal(f.args[5], 16);
	assert_int_equal(tl__arch_i386.set_args(&r, sizeof(r), args), 0);
	assert_int_equal(r.rbx, 21);
	assert_int_equal(r.rbp, 26);
	assert_int_equal(r.r8, 5);
}

static void reissue_goes_back(void **state)
{
	struct user_regs_struct r = sample();

	(void)state;
	assert_true(tl__arch_x86_64.in_syscall(&r, sizeof(r)));
	assert_int_equal(tl__arch_x86_64.reissue(&r, sizeof(r)), 0);
	assert_int_equal(r.rip, 0x401000);
	assert_int_equal(r.rax, 257);
	r.orig_rax = (unsigned long long)-1;
	assert_false(tl__arch_x86_64.in_syscall(&r, sizeof(r)));
}

static void x32_has_a_bit(void **state)
{
	struct user_regs_struct r = sample();
	struct tl__frame f;

	(void)state;
	r.orig_rax = 0x40000000 | 520;
	assert_ptr_equal(tl__arch_of_call(0xc000003e, 0x40000000 | 1), &tl__arch_x32);
	assert_ptr_equal(tl__arch_of_call(0xc000003e, -1), &tl__arch_x86_64);
	assert_ptr_equal(tl__arch_of_call(0xc000003e, 1), &tl__arch_x86_64);
	assert_ptr_equal(tl__arch_of_call(0x40000003, 1), &tl__arch_i386);
	assert_null(tl__arch_of_call(0x12345678, 1));
	assert_int_equal(tl__arch_x32.get_frame(&r, sizeof(r), &f), 0);
	assert_int_equal(f.nr, 520);
}

static void numbers_are_32_bits_wide(void **state)
{
	struct user_regs_struct r = sample();
	struct tl__frame f;

	(void)state;
	r.orig_rax = 0xffffffffull; /* what the program loaded as -1 */
	assert_int_equal(tl__arch_x86_64.get_frame(&r, sizeof(r), &f), 0);
	assert_int_equal(f.nr, -1);
	assert_false(tl__arch_x86_64.in_syscall(&r, sizeof(r)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layouts_match_the_kernel),
		cmocka_unit_test(frame_64),
		cmocka_unit_test(frame_32_in_64),
		cmocka_unit_test(reissue_goes_back),
		cmocka_unit_test(x32_has_a_bit),
		cmocka_unit_test(numbers_are_32_bits_wide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
