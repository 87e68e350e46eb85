/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One thread seized, ptrace's own requests handed through, signals dropped and put in, filters of
 * its own, a death while a stop is looked at. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <unistd.h>

#include "live.h"

enum { JUDGED = 0x123 };

/* getppid: asked about, or refused with EDOM. */
static void filter(uint32_t what)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, what),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(*code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2, &prog))
		_exit(99);
}

static const uint32_t with_death = TL_EVENTS(TL_EVENT_DEATH);
static volatile sig_atomic_t handled;

static void on_usr1(int sig)
{
	(void)sig;
	handled++;
}

/* Tells when it is ready, and is told to go on. */
static int to_us[2], to_child[2];

static pid_t start(void (*work)(void))
{
	pid_t pid;
	char c;

	assert_int_equal(pipe(to_us), 0);
	assert_int_equal(pipe(to_child), 0);
	pid = fork();
	if (pid == 0) {
		close(to_child[1]);
		signal(SIGUSR1, on_usr1);
		alarm(60);
		work();
	}
	close(to_us[1]);
	close(to_child[0]);
	assert_int_equal(read(to_us[0], &c, 1), 1);
	return pid;
}

static void ready(void)
{
	char c = 0;

	if (write(to_us[1], "r", 1) != 1)
		_exit(98);
	while (read(to_child[0], &c, 1) < 0 && errno == EINTR)
		;
}

/* We are parent and tracer: its end is told once. */
static int ended;

static tl_verdict on_death(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	(void)e;
	(void)task;
	ended = ev->exit.status;
	return 0;
}

static void end(struct tl_session *s, int expected)
{
	ended = -1;
	assert_int_equal(tl_session_run(s), 0);
	tl_session_free(s);
	close(to_us[0]);
	assert_int_equal(ended, expected);
}

static void go_on(void)
{
	assert_int_equal(write(to_child[1], "g", 1), 1);
	close(to_child[1]);
}

static void turn_until_quiet(struct tl_session *s)
{
	struct pollfd p = { .fd = tl_session_fd(s), .events = POLLIN };

	while (!seen[TL_EVENT_QUIESCE]) {
		assert_true(poll(&p, 1, 10000) >= 0);
		assert_true(tl_session_turn(s) >= 0);
	}
}

static tl_verdict stay(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	(void)e;
	(void)task;
	seen[ev->type]++;
	return TL_HOLD_STOP;
}

static tl_verdict drop_usr1(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	(void)e;
	seen[ev->type]++;
	if (ev->signal.signo == SIGUSR1)
		assert_int_equal(tl_signal_set(task, 0, NULL), 0);
	return TL_RUN;
}

static uint32_t judged;

static tl_verdict judge(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	(void)e;
	(void)task;
	judged = ev->seccomp.data;
	seen[ev->type]++;
	return TL_RUN;
}

static const struct tl_engine_ops ops = { .size = sizeof(ops),
					  .name = "requests",
					  .quiesce = stay,
					  .signal = drop_usr1,
					  .seccomp = judge,
					  .death = on_death };

static void signalled(void)
{
	ready();
	_exit(handled);
}

static void a_signal_is_dropped(void **state)
{
	struct tl_session *s = session_new(0, NULL);
	pid_t pid = start(signalled);
	struct tl_engine *e, *again;

	(void)state;
	memset(seen, 0, sizeof(seen));
	assert_int_equal(
		tl_session_seize(s, pid, &ops, NULL, TL_EVENTS(TL_EVENT_SIGNAL) | with_death, &e),
		0);
	assert_int_equal(tl_session_seize(s, pid, &ops, NULL, 0, &again), -EEXIST);
	assert_int_equal(tl_session_seize(s, 1 << 29, &ops, NULL, 0, &again), -ESRCH);
	assert_int_equal(tl_session_seize(s, getpid(), &ops, NULL, 0, &again), -EPERM);
	assert_false(tl_task_is_stopped(tl_engine_task(e)));
	kill(pid, SIGUSR1);
	go_on();
	end(s, 0);
	assert_int_equal(seen[TL_EVENT_SIGNAL], 1);
	assert_int_equal(seen[TL_EVENT_QUIESCE], 0);
}

static void requests_are_handed_through(void **state)
{
	uint64_t mask = 1ull << (SIGUSR1 - 1), is = 0;
	struct tl_session *s = session_new(0, NULL);
	pid_t pid = start(signalled);
	struct tl_engine *e;
	struct tl_task *task;

	(void)state;
	memset(seen, 0, sizeof(seen));
	assert_int_equal(
		tl_session_seize(s, pid, &ops, NULL, TL_EVENTS(TL_EVENT_QUIESCE) | with_death, &e),
		0);
	task = tl_engine_task(e);
	assert_int_equal(tl_task_request(task, PTRACE_GETSIGMASK, 8, 0, &is, 8), -EBUSY);
	assert_int_equal(tl_task_suspend_filters(task, true), -EBUSY);
	assert_true(tl_engine_control(e, TL_HOLD_INTERRUPT) == -EINPROGRESS);
	turn_until_quiet(s);
	assert_int_equal(tl_task_request(task, PTRACE_SETSIGMASK, 8, 0, &mask, 8), 0);
	assert_int_equal(tl_task_request(task, PTRACE_GETSIGMASK, 8, 0, &is, 8), 0);
	assert_int_equal(is, mask);
	/* Its size is wrong; there is no such request; these are calls of their own. */
	assert_int_equal(tl_task_request(task, PTRACE_GETSIGMASK, 7, 0, &is, 8), -EINVAL);
	assert_int_equal(tl_task_request(task, 0x4299, 0, 0, NULL, 0), -EIO);
	assert_int_equal(tl_task_request(task, PTRACE_CONT, 0, 0, NULL, 0), -EINVAL);
	assert_int_equal(tl_task_request(task, PTRACE_DETACH, 0, 0, NULL, 0), -EINVAL);
	assert_int_equal(tl_task_request(task, PTRACE_SETOPTIONS, 0, 0, NULL, 0), -EINVAL);
	kill(pid, SIGUSR1);
	go_on();
	assert_int_equal(tl_engine_control(e, TL_RUN), 0);
	end(s, 0);
}

static tl_verdict count(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	(void)e;
	(void)task;
	seen[ev->type]++;
	return TL_RUN;
}

/* Behind a call that is stepped over there is none in whose place it could be. */
static tl_verdict put_in(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	(void)e;
	seen[ev->type]++;
	if (ev->step.kind == TL_STEP_KIND_SYSCALL) {
		assert_int_equal(tl_signal_set(task, SIGUSR1, NULL), -EAGAIN);
		return TL_STEP_SINGLE;
	}
	assert_int_equal(tl_signal_set(task, SIGUSR1, NULL), 0);
	return TL_RUN;
}

static const struct tl_engine_ops steps = {
	.size = sizeof(steps), .name = "steps", .quiesce = stay, .step = put_in, .death = on_death
};

static void a_signal_behind_a_step(void **state)
{
	struct tl_session *s = session_new(0, NULL);
	pid_t pid = start(signalled);
	struct tl_engine *e;

	(void)state;
	memset(seen, 0, sizeof(seen));
	assert_int_equal(tl_session_seize(s, pid, &steps, NULL,
					  TL_EVENTS(TL_EVENT_QUIESCE) | TL_EVENTS(TL_EVENT_STEP) |
						  with_death,
					  &e),
			 0);
	assert_true(tl_engine_control(e, TL_HOLD_INTERRUPT) == -EINPROGRESS);
	turn_until_quiet(s);
	go_on();
	assert_int_equal(tl_engine_control(e, TL_RUN | TL_STEP_SINGLE), 0);
	end(s, 1 << 8);
	assert_true(seen[TL_EVENT_STEP] > 0);
}

static const struct tl_engine_ops continues = { .size = sizeof(continues),
						.name = "continues",
						.signal = count,
						.continued = count,
						.death = on_death };

static void sigcont_is_told(void **state)
{
	uint32_t events = TL_EVENTS(TL_EVENT_SIGNAL) | TL_EVENTS(TL_EVENT_CONTINUED) | with_death;
	struct tl_session *s = session_new(0, NULL);
	pid_t pid = start(signalled);
	struct tl_engine *e;

	(void)state;
	memset(seen, 0, sizeof(seen));
	assert_int_equal(tl_session_seize(s, pid, &continues, NULL, events, &e), 0);
	kill(pid, SIGCONT);
	go_on();
	end(s, 0);
	assert_int_equal(seen[TL_EVENT_CONTINUED], 1);
	assert_int_equal(seen[TL_EVENT_SIGNAL], 1);
}

/* It stands in the stop of its exit before this one has been taken. */
static tl_verdict is_killed_meanwhile(struct tl_engine *e, struct tl_task *task,
				      const struct tl_event *ev)
{
	enum { LONG_ENOUGH_US = 50000 };

	(void)e;
	seen[ev->type]++;
	kill(tl_task_tid(task), SIGKILL);
	usleep(LONG_ENOUGH_US);
	return TL_HOLD_STOP;
}

static const struct tl_engine_ops killing = { .size = sizeof(killing),
					      .name = "killing",
					      .signal = is_killed_meanwhile,
					      .exit = count,
					      .death = on_death };

static void killed_in_a_stop(void **state)
{
	uint32_t events = TL_EVENTS(TL_EVENT_SIGNAL) | TL_EVENTS(TL_EVENT_EXIT) | with_death;
	struct tl_session *s = session_new(0, NULL);
	pid_t pid = start(signalled);
	struct tl_engine *e;

	(void)state;
	memset(seen, 0, sizeof(seen));
	assert_int_equal(tl_session_seize(s, pid, &killing, NULL, events, &e), 0);
	kill(pid, SIGUSR1);
	end(s, SIGKILL);
	close(to_child[1]);
	assert_int_equal(seen[TL_EVENT_SIGNAL], 1);
	assert_int_equal(seen[TL_EVENT_EXIT], 1);
}

static void asks_its_tracer(void)
{
	filter(SECCOMP_RET_TRACE | JUDGED);
	ready();
	_exit(syscall(SYS_getppid) > 0 ? 7 : errno);
}

static void a_filter_asks(void **state)
{
	bool listens = *state != NULL;
	struct tl_session *s = session_new(0, NULL);
	pid_t pid = start(asks_its_tracer);
	struct tl_engine *e;

	memset(seen, 0, sizeof(seen));
	assert_int_equal(tl_session_seize(s, pid, &ops, NULL,
					  with_death | (listens ? TL_EVENTS(TL_EVENT_SECCOMP) : 0),
					  &e),
			 0);
	go_on();
	end(s, (listens ? 7 : ENOSYS) << 8);
	assert_int_equal(seen[TL_EVENT_SECCOMP], listens);
	if (listens)
		assert_int_equal(judged, JUDGED);
}

static void is_refused(void)
{
	filter(SECCOMP_RET_ERRNO | EDOM);
	ready();
	_exit(syscall(SYS_getppid) > 0 ? 7 : errno);
}

static void filters_are_suspended(void **state)
{
	bool again = *state != NULL;
	struct tl_session *s = session_new(0, NULL);
	pid_t pid = start(is_refused);
	struct tl_engine *e;
	struct tl_task *task;
	int r;

	memset(seen, 0, sizeof(seen));
	assert_int_equal(
		tl_session_seize(s, pid, &ops, NULL, TL_EVENTS(TL_EVENT_QUIESCE) | with_death, &e),
		0);
	task = tl_engine_task(e);
	assert_true(tl_engine_control(e, TL_HOLD_INTERRUPT) == -EINPROGRESS);
	turn_until_quiet(s);
	r = tl_task_suspend_filters(task, true);
	/* Who may not is told so: without privilege, or in a sandbox. */
	if (geteuid() != 0)
		assert_int_equal(r, -EPERM);
	if (again)
		assert_int_equal(tl_task_suspend_filters(task, false), 0);
	go_on();
	assert_int_equal(tl_engine_control(e, TL_RUN), 0);
	end(s, (r == 0 && !again ? 7 : EDOM) << 8);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signal_is_dropped),
		cmocka_unit_test(requests_are_handed_through),
		cmocka_unit_test(a_signal_behind_a_step),
		cmocka_unit_test(sigcont_is_told),
		cmocka_unit_test(killed_in_a_stop),
		VIA(a_filter_asks, "with a listener"),
		VIA(a_filter_asks, NULL),
		VIA(filters_are_suspended, NULL),
		VIA(filters_are_suspended, "and not"),
	};

	dir = argc > 1 ? argv[1] : ".";
	alarm(50);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
