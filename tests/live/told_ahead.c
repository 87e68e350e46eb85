/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A debugger on the broker that steps, once the status of a step's stop lies in its own memory
 * before it waits: each stop is waited for once, by whoever waits for it and in whatever way, or
 * lost by who goes on without a wait, as natively. Prints what is wrong, or ok; with the argument
 * "ahead" it shares its tracee, and wants the status to be there.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TIMES = 12, BEGIN = 30, RACES = 1000, STATUS = 7, ANY = WNOHANG | __WALL };

static const int step_stop = SIGTRAP << 8 | 0x7f;
static pid_t tracee;
static bool shared, lies_there;
static int there, not_there;

static int wrong(const char *what, long got)
{
	printf("%s: %ld (%s)\n", what, got, strerror(errno));
	return 1;
}

static void on_child(int sig)
{
	(void)sig;
}

static void program(void)
{
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	for (volatile int i = 0; i < 1000000; i++)
		;
	_exit(STATUS);
}

static pid_t next_news(int *ret_status)
{
	pid_t pid;

	while ((pid = waitpid(-1, ret_status, ANY)) == 0)
		usleep(50);
	return pid;
}

static bool nothing(void)
{
	int status = 0;

	return waitpid(-1, &status, ANY) == 0 && !status;
}

static bool begin(void)
{
	int status;

	tracee = fork();
	if (tracee == 0)
		program();
	return next_news(&status) == tracee && status == (SIGSTOP << 8 | 0x7f);
}

static bool ends(void)
{
	int status;

	kill(tracee, SIGKILL);
	return next_news(&status) == tracee && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* What src/arch/bypass.h has there: told, withdrawn, taken. */
static bool is_there(const char *bytes)
{
	unsigned char in_core;

	return mincore((void *)0x1e5f00001000, 4096, &in_core) == 0 &&
	       !memcmp((void *)0x1e5f00001188, bytes, 3);
}

static bool can_be_waited_for(void)
{
	siginfo_t si = { 0 };

	return waitid(P_PID, (id_t)tracee, &si, WSTOPPED | WNOHANG | WNOWAIT | __WALL) == 0 &&
	       si.si_pid == tracee;
}

/* And the stop can be waited for. */
static bool step(void)
{
	static bool from_here;

	/* The same call from the same place, without a wait between, could be one that a signal has
	 * broken off. */
	from_here = !from_here;
	if (from_here ? ptrace(PTRACE_SINGLESTEP, tracee, 0, 0) < 0
		      : syscall(SYS_ptrace, PTRACE_SINGLESTEP, tracee, 0, 0) < 0)
		return false;
	for (int n = 0; n < 20000; n++) {
		lies_there = is_there("\1\0\0");
		/* Not if a signal has broken the step's call off, and it has been made once more:
		 * then it is in vain to look there. */
		if (lies_there || ((!shared || n % 400 == 399) && can_be_waited_for())) {
			(*(lies_there ? &there : &not_there))++;
			return true;
		}
		usleep(50);
	}
	return false;
}

/* Until what it asks for is not told of any more. */
static bool debugs_for_a_while(void)
{
	struct user_regs_struct regs;
	int status;

	for (int i = 0; i < BEGIN; i++) {
		if (ptrace(PTRACE_SINGLESTEP, tracee, 0, 0) < 0 || next_news(&status) != tracee ||
		    status != step_stop || !nothing() ||
		    ptrace(PTRACE_GETREGS, tracee, 0, &regs) < 0)
			return false;
	}
	return true;
}

static int waits_once(void)
{
	int status = 0;

	if (!step() || waitpid(-1, &status, ANY) != tracee || status != step_stop)
		return wrong("a step", status);
	if (lies_there && !is_there("\1\0\1"))
		return wrong("it was not taken from there", 0);
	return nothing() ? 0 : wrong("once more", 0);
}

/* The kernel forgets a stop that is over. */
static int goes_on(void)
{
	int status = 0;

	if (!step() || !step() || waitpid(-1, &status, ANY) != tracee || status != step_stop ||
	    !nothing())
		return wrong("a step after one that was not waited for", status);
	return 0;
}

static int looks_first(void)
{
	siginfo_t si = { 0 };
	int status = 0;

	if (!step())
		return wrong("step", 0);
	for (int i = 0; i < 2; i++)
		if (waitid(P_ALL, 0, &si, WSTOPPED | WNOHANG | WNOWAIT | __WALL) < 0 ||
		    si.si_pid != tracee || si.si_status != SIGTRAP)
			return wrong("a look at it", si.si_pid);
	if (waitpid(-1, &status, ANY) != tracee || status != step_stop || !nothing())
		return wrong("what was looked at", status);
	return 0;
}

static int waits_otherwise(void)
{
	static int elsewhere;
	struct rusage usage;
	int status = 0;

	if (!step() || waitpid(tracee, &status, 0) != tracee || status != step_stop || !nothing())
		return wrong("a wait for this one", status);
	if (!step() || wait4(-1, &status, ANY, &usage) != tracee || status != step_stop ||
	    !nothing())
		return wrong("a wait for what it has used", status);
	if (!step() || waitpid(-1, NULL, ANY) != tracee || !nothing())
		return wrong("a wait that wants no status", 0);
	if (!step() || waitpid(-1, &elsewhere, ANY) != tracee || elsewhere != step_stop ||
	    !nothing())
		return wrong("a status elsewhere", elsewhere);
	if (!step() || waitpid(-1, (int *)8, ANY) != -1 || errno != EFAULT || !nothing())
		return wrong("a status nowhere", errno);
	return 0;
}

static void *waits_too(void *ret_status)
{
	return (void *)(long)waitpid(-1, ret_status, __WALL);
}

static int another_thread_waits(void)
{
	static int status;
	pthread_t thread;
	void *got;

	if (!step())
		return wrong("step", 0);
	pthread_create(&thread, NULL, waits_too, &status);
	pthread_join(thread, &got);
	return (long)got == tracee && status == step_stop && nothing()
		       ? 0
		       : wrong("another thread that waits", (long)got);
}

/* It has no children, but the same code; and, by vfork, the same memory. */
static int children_wait(void)
{
	int status = 0;
	pid_t pid;

	for (int i = 0; i < 2; i++) {
		if (!step())
			return wrong("step", i);
		pid = i ? fork() : vfork();
		if (pid == 0)
			_exit(waitpid(-1, &status, ANY) < 0 && errno == ECHILD ? STATUS : 1);
		if (next_news(&status) != tracee || status != step_stop)
			return wrong("a step before a child's end", status);
		if (next_news(&status) != pid || status != STATUS << 8 || !nothing())
			return wrong("a child that has nobody to wait for", status);
	}
	return 0;
}

/* While that waits to be waited for. */
static int another_joins(void)
{
	int status = 0;
	pid_t pid;

	if (!shared)
		return 0;
	if (!step())
		return wrong("step", 0);
	pid = fork();
	if (pid == 0) {
		bool joins = ptrace(PTRACE_SEIZE, tracee, 0, 0) == 0 &&
			     ptrace(PTRACE_INTERRUPT, tracee, 0, 0) == 0 &&
			     waitpid(tracee, &status, __WALL) == tracee;

		_exit(joins && ptrace(PTRACE_DETACH, tracee, 0, 0) == 0 ? STATUS : 1);
	}
	usleep(1000);
	if (next_news(&status) != tracee || status != step_stop)
		return wrong("a step before another came", status);
	if (next_news(&status) != pid || status != STATUS << 8 || !nothing())
		return wrong("another tracer", status);
	return 0;
}

/* Without a call that the server is told of. */
static bool becomes_zombie(pid_t pid)
{
	char path[40], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	for (int n = 0; state != 'Z' && n < 20000; n++) {
		usleep(50);
		f = fopen(path, "re");
		if (!f || fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
			state = 0;
		if (f)
			fclose(f);
	}
	return state == 'Z';
}

/* Of the kernel's children the oldest comes first, though it has ended last. */
static int older_child_ends(void)
{
	int end[2], status = 0;
	pid_t pid;
	char c;

	if (!ends() || pipe(end) < 0)
		return wrong("pipe", 0);
	pid = fork();
	if (pid == 0)
		_exit(read(end[0], &c, 1) == 1 ? STATUS : 1);
	if (!begin() || !debugs_for_a_while() || !step() || write(end[1], "", 1) != 1 ||
	    !becomes_zombie(pid))
		return wrong("a step beside an older child", 0);
	close(end[0]);
	close(end[1]);
	if (waitpid(-1, &status, ANY) != pid || status != STATUS << 8)
		return wrong("an older child's end", status);
	if (next_news(&status) != tracee || status != step_stop || !nothing())
		return wrong("the step behind it", status);
	return 0;
}

static int is_killed(void)
{
	int status = 0, fd = (int)syscall(SYS_pidfd_open, tracee, 0);
	struct pollfd end = { .fd = fd, .events = POLLIN };

	if (!step() || kill(tracee, SIGKILL) < 0)
		return wrong("step", 0);
	/* The broker's server, which hears of it first, is not to be seen. */
	while (poll(&end, 1, 1000) < 0 && errno == EINTR)
		;
	close(fd);
	for (int n = 0; n < 200; n++)
		usleep(100);
	if (next_news(&status) != tracee || !WIFSIGNALED(status))
		return wrong("a step before it was killed", status);
	return 0;
}

static atomic_int taken;
static atomic_bool over;

static void *races(void *unused)
{
	unsigned seed = 1;
	int status;

	while (!over) {
		if (waitpid(-1, &status, ANY) == tracee)
			taken += status == step_stop;
		usleep(rand_r(&seed) % 200);
	}
	return unused;
}

/* Both wait, and each of the stops is one's. */
static int two_threads_wait(void)
{
	int status, mine = 0;
	pthread_t thread;

	pthread_create(&thread, NULL, races, NULL);
	for (int i = 0; i < RACES; i++) {
		if (ptrace(PTRACE_SINGLESTEP, tracee, 0, 0) < 0)
			return wrong("step", i);
		for (int n = 0; mine + taken == i && n < 20000; n++) {
			if (waitpid(-1, &status, ANY) == tracee)
				mine += status == step_stop;
			if (mine + taken == i)
				usleep(20);
		}
		if (mine + taken != i + 1)
			return wrong("stops that were waited for", mine + taken - i);
	}
	usleep(20000);
	over = true;
	pthread_join(thread, NULL);
	return mine + taken == RACES && nothing() ? 0 : wrong("stops in all", mine + taken);
}

int main(int argc, char **argv)
{
	static int (*const all[])(void) = { waits_once, goes_on, looks_first, waits_otherwise,
					    another_thread_waits };
	struct sigaction sa = { .sa_handler = on_child, .sa_flags = SA_RESTART };

	(void)argv;
	setvbuf(stdout, NULL, _IONBF, 0);
	alarm(240);
	sigaction(SIGCHLD, &sa, NULL);
	if (!begin() || !debugs_for_a_while())
		return wrong("the first steps", 0);
	shared = argc > 1;
	for (int i = 0; i < TIMES; i++)
		for (unsigned k = 0; k < sizeof(all) / sizeof(all[0]); k++)
			if (all[k]())
				return 1;
	for (int i = 0; i < TIMES; i++)
		if (is_killed() || !begin() || !debugs_for_a_while())
			return wrong("one that is killed", i);
	/* Once it has had other children one of those may come first. */
	if (two_threads_wait() || another_joins())
		return 1;
	if (shared && there < 3 * not_there)
		return wrong("it is not there as a rule", there);
	for (int i = 0; i < TIMES; i++)
		if (children_wait() || another_joins() || waits_once() || goes_on())
			return 1;
	for (int i = 0; i < TIMES; i++)
		if (older_child_ends())
			return 1;
	if (!ends() || waitpid(-1, NULL, ANY) != -1 || errno != ECHILD)
		return wrong("the end", 0);
	puts("ok");
	return 0;
}
