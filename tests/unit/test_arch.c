/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* arch: the call ABI in register buffers of both layouts, on any host. */
#include "arch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#ifdef __x86_64__
#include <sys/user.h>
#endif

#include <cmocka.h>

/* struct user_regs_struct of x86-64, on any host. */
struct x86_64_gpr {
	unsigned long long r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi,
		orig_rax, rip, cs, eflags, rsp, ss, fs_base, gs_base, ds, es, fs, gs;
};

static struct x86_64_gpr sample(void)
{
	struct x86_64_gpr r = { .rdi = 1,
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
#ifdef __x86_64__
	assert_int_equal(sizeof(struct user_regs_struct), sizeof(struct x86_64_gpr));
	assert_int_equal(offsetof(struct user_regs_struct, rip), offsetof(struct x86_64_gpr, rip));
#endif
	assert_ptr_equal(tl__arch_of_gpr(272), &tl__arch_arm64);
	assert_ptr_equal(tl__arch_of_gpr(72), &tl__arch_arm);
	assert_ptr_equal(tl__arch_of_gpr(216), &tl__arch_x86_64);
	assert_ptr_equal(tl__arch_of_gpr(68), &tl__arch_i386);
	assert_null(tl__arch_of_gpr(100));
}

static void frame_64(void **state)
{
	struct x86_64_gpr r = sample();
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
	struct x86_64_gpr r = sample();
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
	struct x86_64_gpr r = sample();

	(void)state;
	assert_true(tl__arch_x86_64.in_syscall(&r, sizeof(r)));
	assert_int_equal(tl__arch_x86_64.reissue(&r, sizeof(r), 0), 0);
	assert_int_equal(r.rip, 0x401000);
	assert_int_equal(r.rax, 257);
	r.orig_rax = (unsigned long long)-1;
	assert_false(tl__arch_x86_64.in_syscall(&r, sizeof(r)));
}

static void x32_has_a_bit(void **state)
{
	struct x86_64_gpr r = sample();
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
	struct x86_64_gpr r = sample();
	struct tl__frame f;

	(void)state;
	r.orig_rax = 0xffffffffull; /* what the program loaded as -1 */
	assert_int_equal(tl__arch_x86_64.get_frame(&r, sizeof(r), &f), 0);
	assert_int_equal(f.nr, -1);
	assert_false(tl__arch_x86_64.in_syscall(&r, sizeof(r)));
}

/* x0 to x30, sp, pc, pstate. */
static void arm64_frame_and_reissue(void **state)
{
	static const uint8_t svc[4] = { 0x01, 0, 0, 0xd4 }, svc_imm[4] = { 0x41, 0x02, 0, 0xd4 },
			     brk[4] = { 0, 0, 0x20, 0xd4 };
	uint64_t r[34], other[6] = { 90, 91, 92, 93, 94, 95 };
	const struct tl__arch *a = &tl__arch_arm64;
	struct tl__frame f;

	(void)state;
	for (unsigned i = 0; i < 34; i++)
		r[i] = 1000 + i;
	r[8] = 0xffffffff00000038;
	assert_int_equal(a->get_frame(r, sizeof(r), &f), 0);
	assert_int_equal(f.nr, 56);
	assert_int_equal(f.ret, 1000);
	assert_int_equal(f.args[0], 1000);
	assert_int_equal(f.args[5], 1005);
	assert_int_equal(f.sp, 1031);
	assert_int_equal(f.ip, 1032);
	assert_int_equal(a->get_frame(r, 72, &f), -EINVAL);
	assert_int_equal(a->set_args(r, sizeof(r), other), 0);
	assert_int_equal(r[5], 95);
	assert_int_equal(r[6], 1006);
	assert_int_equal(a->set_ret(r, sizeof(r), -4), 0);
	assert_int_equal(a->reissue(r, sizeof(r), 77), 0);
	assert_int_equal(r[0], 77);
	assert_int_equal(r[32], 1028);
	assert_true(a->is_call(svc, r, sizeof(r)));
	assert_true(a->is_call(svc_imm, r, sizeof(r)));
	assert_false(a->is_call(brk, r, sizeof(r)));
}

/* r0 to r15, cpsr, orig_r0. */
static void arm_frame_and_reissue(void **state)
{
	static const uint8_t svc[4] = { 0, 0, 0, 0xef }, thumb_svc[4] = { 0, 0xdf, 0, 0 };
	uint32_t r[18], before[18];
	const struct tl__arch *a = &tl__arch_arm;
	struct tl__frame f;

	(void)state;
	for (unsigned i = 0; i < 18; i++)
		r[i] = 1000 + i;
	r[0] = (uint32_t)-4;
	r[16] = 0x10;
	assert_int_equal(a->get_frame(r, sizeof(r), &f), 0);
	assert_int_equal(f.nr, 1007);
	assert_int_equal(f.ret, -4);
	assert_int_equal(f.args[0], 1017);
	assert_int_equal(f.args[1], 1001);
	memcpy(before, r, sizeof(r));
	assert_true(a->is_call(svc, r, sizeof(r)));
	assert_int_equal(a->reissue(r, sizeof(r), 0), 0);
	assert_int_equal(r[0], 1017);
	assert_int_equal(r[15], 1015 - 4);
	memcpy(r, before, sizeof(r));
	r[16] |= 0x20;
	assert_true(a->is_call(thumb_svc, r, sizeof(r)));
	assert_int_equal(a->reissue(r, sizeof(r), 0), 0);
	assert_int_equal(r[15], 1015 - 2);
}

static unsigned exits_of(const uint32_t *code, size_t words, uint64_t exits[TL__EXITS_MAX])
{
	uint64_t r[34] = { [32] = 0x1000 };

	return tl__arch_arm64.exclusive_exits((const uint8_t *)code, words * 4, r, sizeof(r),
					      exits);
}

static unsigned next_of(uint32_t insn, uint64_t next[TL__EXITS_MAX])
{
	uint64_t r[34] = { [2] = 0x5000, [30] = 0x6000, [32] = 0x1000 };

	return tl__arch_arm64.next_ips((const uint8_t *)&insn, r, sizeof(r), next);
}

static void arm64_where_an_instruction_leads(void **state)
{
	uint64_t next[TL__EXITS_MAX];

	(void)state;
	assert_int_equal(next_of(0xd503201f, next), 1); /* nop */
	assert_int_equal(next[0], 0x1004);
	assert_int_equal(next_of(0x14000004, next), 1); /* b +16 */
	assert_int_equal(next[0], 0x1010);
	assert_int_equal(next_of(0x97ffffff, next), 1); /* bl -4 */
	assert_int_equal(next[0], 0xffc);
	assert_int_equal(next_of(0xd61f0040, next), 1); /* br x2 */
	assert_int_equal(next[0], 0x5000);
	assert_int_equal(next_of(0xd65f03c0, next), 1); /* ret */
	assert_int_equal(next[0], 0x6000);
	assert_int_equal(next_of(0x54000061, next), 2); /* b.ne +12 */
	assert_int_equal(next[1], 0x100c);
	assert_int_equal(next_of(0xb5ffffe0, next), 2); /* cbnz -4 */
	assert_int_equal(next[1], 0xffc);
	assert_int_equal(next_of(0x36000040, next), 2); /* tbz +8 */
	assert_int_equal(next[1], 0x1008);
}

/* In A32 or T32, from bytes. */
static unsigned arm_exits_of(const char *code, size_t n, bool thumb, uint64_t exits[TL__EXITS_MAX])
{
	uint32_t r[18] = { [15] = 0x1000, [16] = thumb ? 0x30 : 0x10 };

	return tl__arch_arm.exclusive_exits((const uint8_t *)code, n, r, sizeof(r), exits);
}

static void arm_exclusive_sequences(void **state)
{
	/* ldrex r1, [r0]; add r1, r1, #1; strex r2, r1, [r0] */
	static const char add[] = "\x9f\x1f\x90\xe1\x01\x10\x81\xe2\x91\x2f\x80\xe1";
	/* ldrexd r2, r3, [r0]; cmp r2, r4; bne +8; strexd r1, r6, r7, [r0] */
	static const char cas[] =
		"\x9f\x2f\xb0\xe1\x04\x00\x52\xe1\x00\x00\x00\x1a\x96\x1f\xa0\xe1";
	/* ldrex; bx lr; and a plain load-acquire */
	static const char leaves[] = "\x9f\x1f\x90\xe1\x1e\xff\x2f\xe1\x91\x2f\x80\xe1";
	static const char acquire[] = "\x9f\x1c\x90\xe1\x91\x2f\x80\xe1";
	/* ldrex r1, [r0]; adds r1, #1; strex r2, r1, [r0] */
	static const char thumb[] = "\x50\xe8\x00\x1f\x01\x31\x40\xe8\x00\x12";
	/* ldrexb r3, [r0]; cmp r3, r1; bne.n +4; strexb r4, r2, [r0] */
	static const char byte[] = "\xd0\xe8\x4f\x3f\x8b\x42\x01\xd1\xc0\xe8\x44\x2f";
	uint64_t exits[TL__EXITS_MAX];

	(void)state;
	assert_int_equal(arm_exits_of(add, 12, false, exits), 1);
	assert_int_equal(exits[0], 0x100c);
	assert_int_equal(arm_exits_of(cas, 16, false, exits), 1); /* both to the same place */
	assert_int_equal(exits[0], 0x1010);
	assert_int_equal(arm_exits_of(leaves, 12, false, exits), 0);
	assert_int_equal(arm_exits_of(acquire, 8, false, exits), 0);
	assert_int_equal(arm_exits_of(add, 8, false, exits), 0); /* cut off */
	assert_int_equal(arm_exits_of(thumb, 10, true, exits), 1);
	assert_int_equal(exits[0], 0x100a);
	assert_int_equal(arm_exits_of(byte, 12, true, exits), 1);
	assert_int_equal(exits[0], 0x100c);
	assert_int_equal(arm_exits_of(thumb, 5, true, exits), 0);
}

/* What compilers make of an atomic operation, and what only looks like it. */
static void arm64_exclusive_sequences(void **state)
{
	const uint32_t add[] = { 0x885f7c01, 0x11000421, 0x88027c01, 0x35ffffa2 };
	/* ldaxr, cmp, b.ne +3, stlxr, cbnz */
	const uint32_t cas[] = { 0x885ffc03, 0x6b01007f, 0x54000061, 0x8804fc02, 0x35ffff84 };
	const uint32_t pair[] = { 0xc87f0c02, 0xc8241402, 0xd65f03c0 };
	const uint32_t casp[] = { 0x48207c02, 0xc8241402 };
	const uint32_t lone[] = { 0x885f7c01, 0xd65f03c0, 0x88027c01 };
	const uint32_t call[] = { 0x885f7c01, 0xd4000001, 0x88027c01 };
	const uint32_t acquire[] = { 0x88dffc01, 0x88027c01 };
	uint64_t exits[TL__EXITS_MAX];

	(void)state;
	assert_int_equal(exits_of(add, 4, exits), 1);
	assert_int_equal(exits[0], 0x100c);
	assert_int_equal(exits_of(cas, 5, exits), 2);
	assert_int_equal(exits[0], 0x1014);
	assert_int_equal(exits[1], 0x1010);
	assert_int_equal(exits_of(pair, 3, exits), 1);
	assert_int_equal(exits_of(casp, 2, exits), 0);
	assert_int_equal(exits_of(lone, 3, exits), 0);
	assert_int_equal(exits_of(call, 3, exits), 0);
	assert_int_equal(exits_of(acquire, 2, exits), 0);
	assert_int_equal(exits_of(add, 2, exits), 0); /* cut off */
}

static struct tl__saved_flags saves(const char *insn, size_t n, unsigned cs)
{
	struct x86_64_gpr r = sample();
	struct tl__saved_flags saved;

	r.cs = cs;
	tl__arch_x86_64.step_saves_flags((const uint8_t *)insn, n, &r, sizeof(r), &saved);
	return saved;
}

static void x86_instructions_that_save_flags(void **state)
{
	struct x86_64_gpr r = sample();

	(void)state;
	assert_int_equal(saves("\x9c", 1, 0x33).where, TL__FLAGS_ON_STACK);
	assert_int_equal(saves("\x9c", 1, 0x33).size, 8);
	assert_int_equal(saves("\x9c", 1, 0x23).size, 4);
	assert_int_equal(saves("\x66\x9c", 2, 0x33).size, 2);
	assert_int_equal(saves("\x66\x9c", 2, 0x33).insn_len, 2);
	assert_int_equal(saves("\x0f\x05", 2, 0x33).where, TL__FLAGS_IN_REGISTER);
	assert_int_equal(saves("\x0f\x05", 2, 0x23).where, TL__FLAGS_NOT_SAVED);
	assert_int_equal(saves("\x0f", 1, 0x33).where, TL__FLAGS_NOT_SAVED);
	assert_int_equal(saves("\x66", 1, 0x33).where, TL__FLAGS_NOT_SAVED);
	r.r11 = 0x346;
	tl__arch_x86_64.hide_trap_flag(&r, sizeof(r));
	assert_int_equal(r.r11, 0x246);
	r.eflags = 0x346;
	assert_true(tl__arch_x86_64.has_trap_flag(&r, sizeof(r)));
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
		cmocka_unit_test(arm64_frame_and_reissue),
		cmocka_unit_test(arm_frame_and_reissue),
		cmocka_unit_test(arm64_exclusive_sequences),
		cmocka_unit_test(arm64_where_an_instruction_leads),
		cmocka_unit_test(arm_exclusive_sequences),
		cmocka_unit_test(x86_instructions_that_save_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
