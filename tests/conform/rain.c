/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A tracer with a timer that never stops ringing: no stop is lost, and none is told of twice. */
#include "conform.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

/* Calls are slow on an emulated machine: the timer rings after a quarter of one's time to 16 times
 * it. */
enum { CALLS = 300, WITHOUT = 20, DOUBLED = 7, BROTHERS = 200 };

static volatile int least_us;
static volatile int rings;

static void ring(int sig)
{
	struct itimerval timer = { .it_value.tv_usec = least_us << rings++ % DOUBLED };

	(void)sig;
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void calls(void)
{
	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
	_exit(3);
}

/* On the broker ptrace(2) itself may come back with EINTR; natively it never does. */
static long resume(pid_t pid, int request)
{
	long r;

	do
		r = ptrace(request, pid, 0, 0);
	while (r < 0 && errno == EINTR);
	return r;
}

static void under(int flags)
{
	struct sigaction sa = { .sa_handler = ring, .sa_flags = flags };
	struct itimerval none = { .it_value.tv_usec = 0 };
	pid_t pid = traced(calls), r;
	int status = 0, stops = 0, others = 0;
	struct timespec begun, now;

	sigaction(SIGALRM, &sa, NULL);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	for (;;) {
		if (stops == WITHOUT) {
			clock_gettime(CLOCK_MONOTONIC, &now);
			least_us = 10 + (int)((now.tv_sec - begun.tv_sec) * 1000000 +
					      (now.tv_nsec - begun.tv_nsec) / 1000) /
						WITHOUT / 4;
			ring(SIGALRM);
		}
		if (resume(pid, PTRACE_SYSCALL) < 0)
			printf("cannot be resumed: %s\n", strerror(errno));
		do
			r = waitpid(pid, &status, 0);
		while (r < 0 && errno == EINTR);
		if (r < 0 || !WIFSTOPPED(status))
			break;
		if (WSTOPSIG(status) == SIGTRAP)
			stops++;
		else
			others++;
	}
	signal(SIGALRM, SIG_IGN);
	setitimer(ITIMER_REAL, &none, NULL);
	show_status(pid, status);
	printf("%d stops, %d others, %s\n", stops, others, rings ? "it rang" : "silence");
}

static void interrupting(void)
{
	under(0);
}

static void restarting(void)
{
	under(SA_RESTART);
}

/* Shared with the tracee: the id that it had last, or is to try first. */
static volatile pid_t *born;

/* Each is the tracer's child, calls before its brother's birth has been heard of, and has an id of
 * which the last digits are the tracer's. */
static void has_brothers(void)
{
	enum { LIKE = 1024 };
	pid_t tracer = getppid();

	for (int i = 0; i < BROTHERS; i++) {
		pid_t pid =
			child_as(tracer + (i % 8 - 3) * LIKE > 1 ? tracer + (i % 8 - 3) * LIKE : 0,
				 CLONE_PARENT);

		if (pid == 0) {
			ptrace(PTRACE_TRACEME, 0, 0, 0);
			_exit(0);
		}
		*born = pid;
		raise(SIGSTOP);
	}
	_exit(3);
}

static pid_t waits(pid_t pid, int *ret_status)
{
	pid_t r;

	do
		r = waitpid(pid, ret_status, __WALL);
	while (r < 0 && errno == EINTR);
	return r;
}

/* A call that is made again is known for the same, whoever calls meanwhile. */
static void brothers(void)
{
	struct sigaction sa = { .sa_handler = ring, .sa_flags = SA_RESTART };
	struct itimerval none = { .it_value.tv_usec = 0 };
	int status = 0, stops = 0, ends = 0, of_brother;
	pid_t pid;

	born = mmap(NULL, sizeof(*born), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (born == MAP_FAILED)
		return;
	pid = traced(has_brothers);
	sigaction(SIGALRM, &sa, NULL);
	least_us = 20;
	ring(SIGALRM);
	while (resume(pid, PTRACE_CONT) == 0 && waits(pid, &status) == pid && WIFSTOPPED(status)) {
		stops += WSTOPSIG(status) == SIGSTOP;
		ends += waits(*born, &of_brother) == *born && of_brother == 0;
	}
	signal(SIGALRM, SIG_IGN);
	setitimer(ITIMER_REAL, &none, NULL);
	show_status(pid, status);
	printf("%d stops, %d ends, %s\n", stops, ends, rings ? "it rang" : "silence");
}

const struct conform_case cases_rain[] = { { "rain-interrupting", interrupting },
					   { "rain-restarting", restarting },
					   { "rain-brothers", brothers },
					   { NULL, NULL } };
