/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* core: typing stops, tracking calls, folding verdicts, the filter program. All without a kernel.
 */
#include "core.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static enum tl__stop_kind kind_of(int code)
{
	struct tl__waited w = { .kind = TL__WAIT_STOPPED, .code = code };
	struct tl__stop stop;

	tl__stop_from_wait(&w, &stop);
	return stop.kind;
}

static void wait_codes_are_typed(void **state)
{
	(void)state;
	assert_int_equal(kind_of(SIGTRAP | 0x80), TL__STOP_SYSCALL);
	assert_int_equal(kind_of(SIGTRAP), TL__STOP_SIGNAL);
	assert_int_equal(kind_of(SIGUSR1), TL__STOP_SIGNAL);
	assert_int_equal(kind_of(0x8005), TL__STOP_TRAP);
	assert_int_equal(kind_of(0x8000 | SIGSTOP), TL__STOP_GROUP);
	assert_int_equal(kind_of(0x705), TL__STOP_SECCOMP);
	assert_int_equal(kind_of(0x405), TL__STOP_EXEC);
	assert_int_equal(kind_of(0x605), TL__STOP_EXIT_EVENT);
}

enum { ON_ARM64 = 0, ON_X86 = 1 };

static enum tl__stop_kind refined(int code, int pid, int call_code)
{
	struct tl__stop stop = { .kind = TL__STOP_SIGNAL, .sig = SIGTRAP, .have_info = true };
	siginfo_t si = { .si_signo = SIGTRAP, .si_code = code };

	si.si_pid = pid;
	memcpy(stop.info, &si, sizeof(stop.info));
	tl__stop_refine(&stop, call_code);
	return stop.kind;
}

static void a_steps_end_is_told_from_a_breakpoint(void **state)
{
	(void)state;
	assert_int_equal(refined(1, 0, ON_X86), TL__STOP_STEP);     /* pseudo-step */
	assert_int_equal(refined(1, 0, ON_ARM64), TL__STOP_SIGNAL); /* brk */
	assert_int_equal(refined(2, 0, ON_X86), TL__STOP_STEP);
	assert_int_equal(refined(5, 0, ON_X86), TL__STOP_HANDLER);
	assert_int_equal(refined(0, 0, ON_ARM64), TL__STOP_STEP);    /* pseudo-step */
	assert_int_equal(refined(0, 0, ON_X86), TL__STOP_SIGNAL);    /* from another namespace */
	assert_int_equal(refined(0, 77, ON_ARM64), TL__STOP_SIGNAL); /* kill(2) */
	assert_int_equal(refined(128, 0, ON_X86), TL__STOP_SIGNAL);  /* int3 */
	assert_int_equal(refined(4, 0, ON_X86), TL__STOP_SIGNAL);    /* a watchpoint */
}

static void the_tracker_pairs_calls(void **state)
{
	struct tl__systrack t = { 0 };

	(void)state;
	assert_true(tl__systrack_is_entry(&t));
	tl__systrack_resume(&t, TL__STOP_ENTRY, TL__PT_SYSCALL);
	assert_false(tl__systrack_is_entry(&t));
	tl__systrack_resume(&t, TL__STOP_EXIT, TL__PT_SYSCALL);
	/* let run from its entry: no exit stop */
	assert_true(tl__systrack_is_entry(&t));
	tl__systrack_resume(&t, TL__STOP_ENTRY, TL__PT_CONT);
	assert_true(tl__systrack_is_entry(&t));
	/* a fork event inside a call whose entry nobody saw, resumed with tracing: an exit */
	t.in_call = false;
	tl__systrack_stop(&t, TL__STOP_FORK);
	tl__systrack_resume(&t, TL__STOP_FORK, TL__PT_SYSCALL);
	assert_false(tl__systrack_is_entry(&t));
	/* after a seccomp stop too */
	tl__systrack_stop(&t, TL__STOP_SECCOMP);
	tl__systrack_resume(&t, TL__STOP_SECCOMP, TL__PT_SYSCALL);
	assert_false(tl__systrack_is_entry(&t));
	/* a signal's stop comes after the exit stop */
	t.in_call = true;
	tl__systrack_stop(&t, TL__STOP_SIGNAL);
	assert_true(tl__systrack_is_entry(&t));
}

static void verdicts_fold_to_the_least(void **state)
{
	struct tl_engine e[3] = { 0 };
	struct tl_task task = { 0 };
	struct tl__fold f;

	(void)state;
	TAILQ_INIT(&task.engines);
	for (int i = 0; i < 3; i++) {
		tl__verdict_note(&e[i], 0);
		TAILQ_INSERT_TAIL(&task.engines, &e[i], link);
	}
	f = tl__verdict_fold(&task);
	assert_int_equal(f.hold, TL_RUN);
	assert_int_equal(f.step, TL_STEP_NONE);
	tl__verdict_note(&e[0], TL_STEP_BLOCK);
	tl__verdict_note(&e[1], TL_HOLD_REPORT);
	f = tl__verdict_fold(&task);
	assert_int_equal(f.hold, TL_HOLD_REPORT);
	assert_int_equal(f.step, TL_STEP_BLOCK);
	tl__verdict_note(&e[2], TL_HOLD_STOP | TL_STEP_SINGLE);
	f = tl__verdict_fold(&task);
	assert_int_equal(f.hold, TL_HOLD_STOP);
	assert_int_equal(f.step, TL_STEP_SINGLE);
	/* one engine's stop ends; the step of another survives it */
	tl__verdict_note(&e[2], 0);
	f = tl__verdict_fold(&task);
	assert_int_equal(f.hold, TL_HOLD_REPORT);
	assert_int_equal(f.step, TL_STEP_BLOCK);
}

/* A classic BPF machine for the few instructions that the filter uses. */
static uint32_t run_filter(const struct tl__bpf_insn *code, int n, uint32_t arch, uint32_t nr)
{
	uint32_t a = 0;

	for (int pc = 0; pc < n; pc++) {
		const struct tl__bpf_insn *i = &code[pc];

		switch (i->code) {
		case 0x20:
			a = i->k ? arch : nr;
			break;
		case 0x54:
			a &= i->k;
			break;
		case 0x05:
			pc += (int)i->k;
			break;
		case 0x15:
			pc += a == i->k ? i->jt : i->jf;
			break;
		case 0x25:
			pc += a > i->k ? i->jt : i->jf;
			break;
		case 0x35:
			pc += a >= i->k ? i->jt : i->jf;
			break;
		case 0x06:
			return i->k;
		default:
			fail_msg("unknown instruction %#x", i->code);
		}
	}
	fail_msg("ran off the end");
	return 0;
}

static void the_filter_selects_what_was_asked(void **state)
{
	static const int32_t in64[] = { 300, 0, 1, 2, 59, 60, 400 }, in32[] = { 11, 4 };
	const struct tl_spawn_options o = {
		.select_64 = in64, .n_select_64 = 7, .select_32 = in32, .n_select_32 = 2
	};
	struct tl__bpf_insn code[256];
	int n = tl__select_build(&o, false, code, 256);

	(void)state;
	assert_true(n > 0);
	for (uint32_t nr = 0; nr < 600; nr++) {
		bool want64 = false, want32 = nr == 11 || nr == 4;
		uint32_t r;

		for (int i = 0; i < 7; i++)
			want64 |= (uint32_t)in64[i] == nr;
		r = run_filter(code, n, 0xc000003e, nr);
		assert_int_equal(r == (0x7ff00000u | TL__SELECT_MARK), want64);
		r = run_filter(code, n, 0xc000003e, nr | 0x40000000);
		assert_int_equal(r != 0x7fff0000u, want64);
		r = run_filter(code, n, 0x40000003, nr);
		assert_int_equal(r != 0x7fff0000u, want32);
		assert_int_equal(run_filter(code, n, 0xc00000b7, nr), 0x7fff0000u);
	}
	assert_int_equal(run_filter(code, n, 0xc000003e, 0xffffffff), 0x7fff0000u);
	assert_int_equal(tl__select_build(&o, false, code, 10), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wait_codes_are_typed),
		cmocka_unit_test(a_steps_end_is_told_from_a_breakpoint),
		cmocka_unit_test(the_tracker_pairs_calls),
		cmocka_unit_test(verdicts_fold_to_the_least),
		cmocka_unit_test(the_filter_selects_what_was_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
