/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules of one link: for each kind of link, mode and happening, which stop its tracer sees. */
#define _GNU_SOURCE
#include "link.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SYSGOOD = TL__OPT_SYSGOOD, ALL = 0x7f };

#define EVENT(n) ((n) << 8 | SIGTRAP)

/* The whole table: a link of this kind and mode, this happening: its code, or 0 for none. */
static const struct {
	enum tl__what what;
	int sig;
	bool seized;
	enum tl__mode mode;
	uint32_t options;
	bool owed;
	uint32_t code;
	uint64_t msg;
} rows[] = {
	{ TL__WHAT_SIGNAL, SIGUSR1, false, TL__MODE_CONT, 0, false, SIGUSR1, 0 },
	{ TL__WHAT_SIGNAL, SIGUSR1, true, TL__MODE_SYSCALL, ALL, false, SIGUSR1, 0 },
	{ TL__WHAT_ENTRY, 0, false, TL__MODE_CONT, ALL, false, 0, 0 },
	{ TL__WHAT_ENTRY, 0, false, TL__MODE_STEP, ALL, false, 0, 0 },
	{ TL__WHAT_ENTRY, 0, false, TL__MODE_SYSCALL, 0, false, SIGTRAP, 1 },
	{ TL__WHAT_ENTRY, 0, true, TL__MODE_SYSCALL, SYSGOOD, false, SIGTRAP | 0x80, 1 },
	{ TL__WHAT_EXIT, 0, true, TL__MODE_SYSCALL, SYSGOOD, false, SIGTRAP | 0x80, 2 },
	{ TL__WHAT_EXIT, 0, true, TL__MODE_CONT, SYSGOOD, false, 0, 0 },
	{ TL__WHAT_ENTRY, 0, true, TL__MODE_SYSEMU, SYSGOOD, false, SIGTRAP | 0x80, 1 },
	{ TL__WHAT_EXIT, 0, true, TL__MODE_SYSEMU, SYSGOOD, false, 0, 0 },
	{ TL__WHAT_ENTRY, 0, true, TL__MODE_SYSEMU_STEP, 0, false, SIGTRAP, 1 },
	{ TL__WHAT_STEP, 0, false, TL__MODE_STEP, 0, false, SIGTRAP, 0 },
	{ TL__WHAT_STEP, 0, false, TL__MODE_BLOCK, 0, false, SIGTRAP, 0 },
	{ TL__WHAT_STEP, 0, false, TL__MODE_SYSEMU_STEP, 0, false, SIGTRAP, 0 },
	{ TL__WHAT_STEP, 0, false, TL__MODE_CONT, ALL, false, 0, 0 },
	{ TL__WHAT_STEP, 0, false, TL__MODE_SYSCALL, ALL, false, 0, 0 },
	{ TL__WHAT_FORK, 0, false, TL__MODE_CONT, TL__OPT_FORK, false, EVENT(1), 77 },
	{ TL__WHAT_FORK, 0, false, TL__MODE_CONT, ALL & ~TL__OPT_FORK, false, 0, 0 },
	{ TL__WHAT_VFORK, 0, false, TL__MODE_CONT, TL__OPT_VFORK, false, EVENT(2), 77 },
	{ TL__WHAT_VFORK, 0, false, TL__MODE_CONT, TL__OPT_FORK, false, 0, 0 },
	{ TL__WHAT_CLONE, 0, true, TL__MODE_CONT, TL__OPT_CLONE, false, EVENT(3), 77 },
	{ TL__WHAT_EXEC, 0, true, TL__MODE_CONT, TL__OPT_EXEC, false, EVENT(4), 77 },
	{ TL__WHAT_EXEC, 0, true, TL__MODE_CONT, 0, false, 0, 0 },
	{ TL__WHAT_EXEC, 0, false, TL__MODE_CONT, 0, false, 0, 0 },
	{ TL__WHAT_VFORK_DONE, 0, true, TL__MODE_CONT, TL__OPT_VFORK_DONE, false, EVENT(5), 77 },
	{ TL__WHAT_LEAVING, 0, true, TL__MODE_CONT, TL__OPT_EXIT, false, EVENT(6), 77 },
	{ TL__WHAT_SECCOMP, 0, true, TL__MODE_CONT, TL__OPT_SECCOMP, false, EVENT(7), 77 },
	{ TL__WHAT_SECCOMP, 0, true, TL__MODE_SYSCALL, 0, false, 0, 0 },
	{ TL__WHAT_LEAVING, 0, true, TL__MODE_CONT, 0, false, 0, 0 },
	{ TL__WHAT_GROUP_STOP, SIGTSTP, true, TL__MODE_CONT, 0, false, 128 << 8 | SIGTSTP, 0 },
	{ TL__WHAT_GROUP_STOP, SIGTSTP, false, TL__MODE_CONT, 0, false, SIGTSTP, 0 },
	{ TL__WHAT_QUIET, 0, true, TL__MODE_CONT, 0, false, 0, 0 },
	{ TL__WHAT_QUIET, 0, true, TL__MODE_CONT, 0, true, 128 << 8 | SIGTRAP, 0 },
	{ TL__WHAT_QUIET, SIGSTOP, true, TL__MODE_CONT, 0, true, 128 << 8 | SIGSTOP, 0 },
	{ TL__WHAT_QUIET, 0, false, TL__MODE_CONT, 0, true, SIGSTOP, 0 },
	{ TL__WHAT_GROUP_END, 0, true, TL__MODE_CONT, 0, false, 0, 0 },
	{ TL__WHAT_GROUP_END, 0, true, TL__MODE_CONT, 0, true, 128 << 8 | SIGTRAP, 0 },
};

static void test_stops(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tl__vlink l = { .seized = rows[i].seized,
				       .mode = rows[i].mode,
				       .options = rows[i].options,
				       .stop_owed = rows[i].owed };
		struct tl__happening h = { .what = rows[i].what, .sig = rows[i].sig, .msg = 77 };
		bool stops = tl__vlink_meets(&l, &h);

		if (stops != (rows[i].code != 0) || (stops && l.stop.code != rows[i].code))
			fail_msg("row %zu: %d, code %#x", i, stops, l.stop.code);
		if (!stops)
			continue;
		assert_int_equal(l.stop.msg, rows[i].msg);
		assert_int_equal(l.state, TL__LINK_STOPPED);
		assert_int_equal(tl__vlink_status(&l), (int)(rows[i].code << 8 | 0x7f));
	}
}

static const enum tl__link_state states[] = { TL__LINK_RUNNING, TL__LINK_STOPPED,
					      TL__LINK_LISTENING, TL__LINK_DEAD };
static const uint32_t requests[] = {
	TL__REQ_CONT,     TL__REQ_SYSCALL,           TL__REQ_SINGLESTEP,
	TL__REQ_SYSEMU,   TL__REQ_SYSEMU_SINGLESTEP, TL__REQ_SINGLEBLOCK,
	TL__REQ_GETREGSET
};

/* Every request in every state, with every kind of signal. */
static void test_requests(void **state)
{
	static const uint64_t signals[] = { 0, 1, 64, 65, ~(uint64_t)0 };

	(void)state;
	for (size_t s = 0; s < 4; s++)
		for (size_t r = 0; r < sizeof(requests) / sizeof(requests[0]); r++)
			for (size_t d = 0; d < 5; d++)
				for (int block = 0; block < 2; block++) {
					struct tl__vlink l = { .state = states[s] };
					struct tl__let_go how;
					bool lets_go =
						requests[r] != TL__REQ_GETREGSET &&
						(requests[r] != TL__REQ_SINGLEBLOCK || block);
					int want = states[s] != TL__LINK_STOPPED ? -ESRCH
						   : !lets_go || signals[d] > 64 ? -EIO
										 : 0;

					l.stop.what = TL__WHAT_SIGNAL;
					assert_int_equal(tl__vlink_resume(&l, requests[r],
									  signals[d], block, &how),
							 want);
					assert_int_equal(l.state,
							 want ? states[s] : TL__LINK_RUNNING);
					if (!want)
						assert_int_equal(how.sig, (int)signals[d]);
				}
}

static void test_signal_of_a_resume(void **state)
{
	struct tl__vlink l = { .state = TL__LINK_STOPPED, .stop.what = TL__WHAT_ENTRY };
	struct tl__let_go how;

	(void)state;
	assert_int_equal(tl__vlink_detach(&l, SIGTERM, &how), 0);
	assert_true(how.sent && how.sig == SIGTERM);
	l.stop.what = TL__WHAT_FORK;
	assert_int_equal(tl__vlink_resume(&l, TL__REQ_CONT, SIGTERM, true, &how), 0);
	assert_false(how.sent || how.sig);
}

static void test_listen_and_interrupt(void **state)
{
	struct tl__happening stop = { .what = TL__WHAT_GROUP_STOP, .sig = SIGSTOP };
	struct tl__vlink l = { .seized = true };

	(void)state;
	assert_int_equal(tl__vlink_listen(&l), -ESRCH);
	assert_true(tl__vlink_meets(&l, &stop));
	/* An interrupt in the stop is part of the next one. */
	assert_int_equal(tl__vlink_interrupt(&l), 0);
	assert_int_equal(tl__vlink_listen(&l), 0);
	assert_false(l.stop_owed);
	assert_int_equal(tl__vlink_interrupt(&l), 0);
	assert_true(l.stop_owed);
	l.state = TL__LINK_DEAD;
	assert_int_equal(tl__vlink_interrupt(&l), -ESRCH);
	l = (struct tl__vlink){ .state = TL__LINK_STOPPED };
	assert_int_equal(tl__vlink_listen(&l), -EIO);
	assert_int_equal(tl__vlink_interrupt(&l), -EIO);
}

static void test_trap_behind_exec(void **state)
{
	struct tl__happening exec = { .what = TL__WHAT_EXEC }, quiet = { .what = TL__WHAT_QUIET };
	struct tl__happening exit = { .what = TL__WHAT_EXIT };
	struct tl__vlink l = { .mode = TL__MODE_SYSCALL };

	(void)state;
	assert_false(tl__vlink_meets(&l, &exec));
	/* The call's exit comes first. */
	assert_true(tl__vlink_meets(&l, &exit));
	l.state = TL__LINK_RUNNING;
	assert_true(tl__vlink_meets(&l, &quiet));
	assert_int_equal(l.stop.code, SIGTRAP);
	assert_int_equal(l.stop.what, TL__WHAT_SIGNAL);
	l.state = TL__LINK_RUNNING;
	assert_false(tl__vlink_meets(&l, &quiet));
}

static void test_hit_of_anothers_step(void **state)
{
	struct tl__happening step = { .what = TL__WHAT_STEP }, quiet = { .what = TL__WHAT_QUIET };
	struct tl__vlink l = { .hit_owed = 0x123456789a, .stop_owed = true };
	const uint8_t *info;
	uint64_t at;
	int32_t code;

	(void)state;
	assert_true(tl__vlink_owes(&l));
	assert_false(tl__vlink_meets(&l, &step));
	assert_true(tl__vlink_meets(&l, &quiet));
	assert_int_equal(l.stop.code, SIGTRAP);
	assert_int_equal(tl__vlink_siginfo(&l, &info), 0);
	memcpy(&code, info + offsetof(siginfo_t, si_code), sizeof(code));
	memcpy(&at, info + offsetof(siginfo_t, si_addr), sizeof(at));
	assert_int_equal(code, TRAP_HWBKPT);
	assert_int_equal(at, 0x123456789a);
	/* And what was asked for is still to come. */
	l.state = TL__LINK_RUNNING;
	assert_true(tl__vlink_meets(&l, &quiet));
	assert_int_equal(l.stop.code, SIGSTOP);
	assert_false(tl__vlink_owes(&l));
}

static void test_options(void **state)
{
	struct tl__vlink l = { .state = TL__LINK_STOPPED };

	(void)state;
	for (int bit = 0; bit < 64; bit++) {
		bool known = bit < 8 || bit == 20 || bit == 21 ||
			     (bit == 28 && TL__BY_HOST(false, true));

		assert_int_equal(tl__vlink_set_options(&l, (uint64_t)1 << bit),
				 known ? 0 : -EINVAL);
	}
	l.state = TL__LINK_RUNNING;
	assert_int_equal(tl__vlink_set_options(&l, 0), -ESRCH);
}

static void test_siginfo(void **state)
{
	struct tl__happening stop = { .what = TL__WHAT_GROUP_STOP, .sig = SIGSTOP };
	struct tl__vlink l = { 0 };
	const uint8_t *info;
	siginfo_t si;

	(void)state;
	assert_int_equal(tl__vlink_siginfo(&l, &info), -ESRCH);
	assert_true(tl__vlink_meets(&l, &stop));
	assert_int_equal(tl__vlink_siginfo(&l, &info), -EINVAL);
	l = (struct tl__vlink){ .seized = true };
	assert_true(tl__vlink_meets(&l, &stop));
	assert_int_equal(tl__vlink_siginfo(&l, &info), 0);
	memcpy(&si, info, sizeof(si));
	assert_int_equal(si.si_signo, SIGSTOP);
	assert_int_equal(si.si_code, 128 << 8 | SIGSTOP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stops),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_signal_of_a_resume),
		cmocka_unit_test(test_listen_and_interrupt),
		cmocka_unit_test(test_trap_behind_exec),
		cmocka_unit_test(test_hit_of_anothers_step),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_siginfo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
