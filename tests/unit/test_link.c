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

#define EVENT(n)  ((n) << 8 | SIGTRAP)
#define STOP(sig) (TL__TE_STOP << 8 | (sig))
#define MODE(m)   (1u << TL__MODE_##m)
enum { MODES = 6, ANY = (1 << MODES) - 1, OPTIONS = 256, NEITHER = 0, OWED = 1, EITHER = 2 };
enum { STEPS = MODE(STEP) | MODE(BLOCK) | MODE(SYSEMU_STEP) };
enum { EMULATES = MODE(SYSEMU) | MODE(SYSEMU_STEP) };

/* What happens; in which modes, with which option, and whether a stop is owed, it is a stop; which:
 * of a link that was attached, and of one that was seized. */
static const struct rule {
	enum tl__what what;
	int sig;
	uint32_t modes, needs;
	int owed;
	uint32_t codes[2];
	uint64_t msg;
} rules[] = {
	{ TL__WHAT_SIGNAL, SIGUSR1, ANY, 0, EITHER, { SIGUSR1, SIGUSR1 }, 0 },
	{ TL__WHAT_ENTRY, 0, MODE(SYSCALL) | EMULATES, 0, EITHER, { SIGTRAP, SIGTRAP }, 1 },
	{ TL__WHAT_EXIT, 0, MODE(SYSCALL), 0, EITHER, { SIGTRAP, SIGTRAP }, 2 },
	{ TL__WHAT_STEP, 0, STEPS, 0, EITHER, { SIGTRAP, SIGTRAP }, 0 },
	{ TL__WHAT_FORK, 0, ANY, TL__OPT_FORK, EITHER, { EVENT(1), EVENT(1) }, 77 },
	{ TL__WHAT_VFORK, 0, ANY, TL__OPT_VFORK, EITHER, { EVENT(2), EVENT(2) }, 77 },
	{ TL__WHAT_CLONE, 0, ANY, TL__OPT_CLONE, EITHER, { EVENT(3), EVENT(3) }, 77 },
	{ TL__WHAT_EXEC, 0, ANY, TL__OPT_EXEC, EITHER, { EVENT(4), EVENT(4) }, 77 },
	{ TL__WHAT_VFORK_DONE, 0, ANY, TL__OPT_VFORK_DONE, EITHER, { EVENT(5), EVENT(5) }, 77 },
	{ TL__WHAT_LEAVING, 0, ANY, TL__OPT_EXIT, EITHER, { EVENT(6), EVENT(6) }, 77 },
	{ TL__WHAT_SECCOMP, 0, ANY, TL__OPT_SECCOMP, EITHER, { EVENT(7), EVENT(7) }, 77 },
	{ TL__WHAT_GROUP_STOP, SIGTSTP, ANY, 0, EITHER, { SIGTSTP, STOP(SIGTSTP) }, 0 },
	{ TL__WHAT_GROUP_END, 0, ANY, 0, NEITHER, { 0, STOP(SIGTRAP) }, 0 },
	{ TL__WHAT_GROUP_END, 0, ANY, 0, OWED, { SIGSTOP, STOP(SIGTRAP) }, 0 },
	{ TL__WHAT_QUIET, 0, ANY, 0, NEITHER, { 0, 0 }, 0 },
	{ TL__WHAT_QUIET, 0, ANY, 0, OWED, { SIGSTOP, STOP(SIGTRAP) }, 0 },
	{ TL__WHAT_QUIET, SIGSTOP, ANY, 0, OWED, { SIGSTOP, STOP(SIGSTOP) }, 0 },
};

static uint32_t expected(const struct rule *r, unsigned mode, uint32_t options, bool seized)
{
	bool call = r->what == TL__WHAT_ENTRY || r->what == TL__WHAT_EXIT;

	if (!(r->modes & 1u << mode) || (options & r->needs) != r->needs)
		return 0;
	return r->codes[seized] | (call && options & TL__OPT_SYSGOOD ? 0x80 : 0);
}

static void meets(const struct rule *r, unsigned mode, uint32_t options, bool seized, bool owed)
{
	struct tl__happening h = { .what = r->what, .sig = r->sig, .msg = 77 };
	uint32_t code = expected(r, mode, options, seized);
	struct tl__vlink l = {
		.seized = seized, .mode = (enum tl__mode)mode, .options = options, .stop_owed = owed
	};
	bool stops = tl__vlink_meets(&l, &h);

	if (stops != (code != 0) || (stops && l.stop.code != code))
		fail_msg("rule %zu, mode %u, options %#x, seized %d, owed %d: %d, code %#x",
			 (size_t)(r - rules), mode, options, seized, owed, stops, l.stop.code);
	if (!stops)
		return;
	assert_int_equal(l.stop.msg, r->msg);
	assert_int_equal(l.state, TL__LINK_STOPPED);
	assert_int_equal(tl__vlink_status(&l), (int)(code << 8 | 0x7f));
	/* Any stop takes the place of one that a seized link is owed. */
	assert_int_equal(l.stop_owed, owed && !seized && r->what != TL__WHAT_QUIET &&
					      r->what != TL__WHAT_GROUP_END);
}

/* The whole table: each rule in every mode, with all options, of links of both kinds. */
static void test_stops(void **state)
{
	(void)state;
	for (const struct rule *r = rules; r < rules + sizeof(rules) / sizeof(rules[0]); r++)
		for (unsigned mode = 0; mode < MODES; mode++)
			for (uint32_t options = 0; options < OPTIONS; options++)
				for (int seized = 0; seized < 2; seized++)
					for (int owed = 0; owed < 2; owed++)
						if (r->owed == EITHER || r->owed == owed)
							meets(r, mode, options, seized, owed);
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

/* Without a signal: whether it has looked at the one that it leaves. */
static void test_leaves_unseen(void **state)
{
	static const struct {
		uint32_t code;
		bool reported, asked_about, unseen;
	} cases[] = {
		{ SIGTERM, false, false, true }, { SIGTERM, true, false, true },
		{ SIGTERM, true, true, false },  { SIGTERM, false, true, false },
		{ SIGSTOP, false, false, true }, { SIGSTOP, true, false, false },
		{ SIGSTOP, true, true, false },  { SIGSTOP | TL__TE_STOP << 8, true, false, true },
	};
	struct tl__let_go how;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tl__vlink l = { .state = TL__LINK_STOPPED,
				       .reported = cases[i].reported,
				       .asked_about = cases[i].asked_about,
				       .stop.code = cases[i].code };

		assert_int_equal(tl__vlink_detach(&l, 0, &how), 0);
		assert_int_equal(how.unseen, cases[i].unseen);
		assert_int_equal(tl__vlink_in_sigstop(&l), cases[i].code == SIGSTOP);
		l.state = TL__LINK_RUNNING;
		assert_false(tl__vlink_in_sigstop(&l));
	}
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

/* Both are SIGTRAPs that are sent: one is pending already when the other comes. */
static void test_step_over_exec(void **state)
{
	struct tl__happening exec = { .what = TL__WHAT_EXEC }, quiet = { .what = TL__WHAT_QUIET };
	struct tl__happening step = { .what = TL__WHAT_STEP, .call = true };
	struct tl__vlink l = { .mode = TL__MODE_STEP };

	(void)state;
	assert_false(tl__vlink_meets(&l, &exec));
	assert_false(tl__vlink_owes(&l));
	assert_true(tl__vlink_meets(&l, &step));
	assert_int_equal(l.stop.what, TL__WHAT_SIGNAL);
	l.state = TL__LINK_RUNNING;
	assert_false(tl__vlink_meets(&l, &quiet) || tl__vlink_owes(&l));
}

/* Behind a call that is stepped over an interrupt's trap comes before the step's signal, which
 * comes whatever is asked for then. */
static void test_interrupt_and_step_over_call(void **state)
{
	struct tl__happening step = { .what = TL__WHAT_STEP, .call = true, .sig = SIGSTOP };
	struct tl__happening quiet = { .what = TL__WHAT_QUIET };
	struct tl__vlink l = { .seized = true, .mode = TL__MODE_STEP, .stop_owed = true };

	(void)state;
	assert_true(tl__vlink_meets(&l, &step));
	assert_int_equal(l.stop.code, STOP(SIGSTOP));
	assert_int_equal(l.stop.what, TL__WHAT_QUIET);
	l.state = TL__LINK_RUNNING;
	l.mode = TL__MODE_CONT;
	assert_int_equal(tl__vlink_interrupt(&l), 0);
	assert_true(tl__vlink_meets(&l, &quiet));
	assert_int_equal(l.stop.code, STOP(SIGTRAP));
	l.state = TL__LINK_RUNNING;
	assert_true(tl__vlink_owes(&l) && tl__vlink_meets(&l, &quiet));
	assert_int_equal(l.stop.code, SIGTRAP);
	assert_int_equal(l.stop.what, TL__WHAT_SIGNAL);
	assert_false(tl__vlink_owes(&l));
}

/* A SIGCONT that was sent ends the group stop; its trap is the interrupt's, unless another is asked
 * for. */
static void test_interrupt_and_continue(void **state)
{
	struct tl__happening quiet = { .what = TL__WHAT_QUIET, .sig = SIGSTOP, .continued = true };
	struct tl__happening end = { .what = TL__WHAT_GROUP_END };

	(void)state;
	for (int again = 0; again < 2; again++) {
		struct tl__vlink l = { .seized = true, .stop_owed = true, .group_owed = true };

		assert_true(tl__vlink_meets(&l, &quiet));
		assert_int_equal(l.stop.code, STOP(SIGTRAP));
		if (again)
			assert_int_equal(tl__vlink_interrupt(&l), 0);
		l.state = TL__LINK_RUNNING;
		assert_int_equal(tl__vlink_meets(&l, &end), again);
		assert_false(tl__vlink_owes(&l));
		/* And so where it was the trap of an interrupt that nobody waits for any more. */
		l = (struct tl__vlink){ .seized = true };
		assert_true(tl__vlink_meets(&l, &quiet));
		assert_int_equal(l.stop.code, STOP(SIGTRAP));
		l = (struct tl__vlink){ 0 };
		assert_false(tl__vlink_meets(&l, &quiet));
		l = (struct tl__vlink){ .seized = true };
		/* The next is another's. */
		l.state = TL__LINK_RUNNING;
		assert_true(tl__vlink_meets(&l, &end));
		assert_int_equal(l.stop.code, STOP(SIGTRAP));
	}
}

/* A step's end is a signal; a handler's first instruction, and an interrupt's trap, is none. */
static void test_signal_behind_a_step(void **state)
{
	siginfo_t end = { .si_signo = SIGTRAP, .si_code = TRAP_TRACE };
	siginfo_t handler = { .si_signo = SIGTRAP, .si_code = SIGTRAP };
	struct tl__happening step = { .what = TL__WHAT_STEP, .info = &end };
	struct tl__vlink l = { .mode = TL__MODE_STEP };
	struct tl__let_go how;

	(void)state;
	assert_true(tl__vlink_meets(&l, &step));
	assert_int_equal(tl__vlink_resume(&l, TL__REQ_CONT, SIGUSR1, true, &how), 0);
	assert_true(how.sig == SIGUSR1 && !how.sent);
	l.mode = TL__MODE_STEP;
	step.info = &handler;
	assert_true(tl__vlink_meets(&l, &step));
	assert_int_equal(tl__vlink_resume(&l, TL__REQ_CONT, SIGUSR1, true, &how), 0);
	assert_int_equal(how.sig, 0);
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
		cmocka_unit_test(test_leaves_unseen),
		cmocka_unit_test(test_listen_and_interrupt),
		cmocka_unit_test(test_trap_behind_exec),
		cmocka_unit_test(test_step_over_exec),
		cmocka_unit_test(test_interrupt_and_step_over_call),
		cmocka_unit_test(test_interrupt_and_continue),
		cmocka_unit_test(test_signal_behind_a_step),
		cmocka_unit_test(test_hit_of_anothers_step),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_siginfo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
