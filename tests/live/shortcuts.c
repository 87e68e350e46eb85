/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A debugger that reads memory and waits as gdb does, on the broker, until such calls go past the
 * filter, and what it asks after a step lies in its own memory: it still sees each stop once and
 * each end, never another's breakpoint, and of a stop what is true. Prints what is wrong, or ok;
 * with the argument "way" it wants the way past the filter to be there; "without-server": it kills
 * that, and nothing answers any more.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TIMES = 60, STEPS = 300, ENDS = 300, STATUS = 7, ANY = WNOHANG | __WALL };

static volatile sig_atomic_t told;
static pid_t tracee;
static int mem;

__attribute__((noinline, aligned(16))) static int spot(int i)
{
	__asm__ volatile("" : "+r"(i));
	return i + 1;
}

static int wrong(const char *what, long got)
{
	printf("%s: %ld (%s)\n", what, got, strerror(errno));
	return 1;
}

static void on_child(int sig)
{
	(void)sig;
	told++;
}

static void *idles(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void program(void)
{
	volatile int sum = 0;

	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	for (int i = 0; i < 1000000; i++)
		sum = spot(sum);
	_exit(STATUS);
}

static unsigned char byte_there(void)
{
	unsigned char byte = 0;

	return pread(mem, &byte, 1, (off_t)(uintptr_t)spot) == 1 ? byte : 0;
}

static int reads_as_always(void)
{
	unsigned char is = *(unsigned char *)(uintptr_t)spot;

	for (int i = 0; i < TIMES; i++)
		if (byte_there() != is)
			return wrong("memory has", byte_there());
	return 0;
}

static int nothing_to_wait_for(void)
{
	for (int i = 0; i < TIMES; i++) {
		int status = 0;
		pid_t pid = waitpid(-1, &status, ANY);

		if (pid || status)
			return wrong("a wait where nothing is", pid ? pid : status);
	}
	return 0;
}

static pid_t next_news(int *ret_status)
{
	pid_t pid;

	while ((pid = waitpid(-1, ret_status, ANY)) == 0)
		usleep(50);
	return pid;
}

static long user(size_t offset)
{
	return ptrace(PTRACE_PEEKUSER, tracee, offset, 0);
}

/* By what is told of each time. */
static struct user_regs_struct registers(void)
{
	struct user_regs_struct regs = { 0 };
	struct iovec iov = { &regs, sizeof(regs) };

	ptrace(PTRACE_GETREGSET, tracee, 1, &iov);
	return regs;
}

static int asks(void)
{
	struct user_regs_struct are = registers(), regs = { 0 };
	siginfo_t si = { 0 };

	if (ptrace(PTRACE_GETREGS, tracee, 0, &regs) < 0 || memcmp(&regs, &are, sizeof(regs)))
		return wrong("registers", (long)regs.rip);
	if (user(offsetof(struct user_regs_struct, rip)) != (long)are.rip ||
	    user(offsetof(struct user_regs_struct, fs_base)) != (long)are.fs_base)
		return wrong("a register", 0);
	if (!(user(offsetof(struct user, u_debugreg[6])) & 0x4000))
		return wrong("no step in dr6", 0);
	if (ptrace(PTRACE_GETSIGINFO, tracee, 0, &si) < 0 || si.si_signo != SIGTRAP ||
	    si.si_code != TRAP_TRACE || si.si_addr != (void *)are.rip)
		return wrong("siginfo", si.si_code);
	return 0;
}

static void *asks_too(void *unused)
{
	static struct user_regs_struct regs;
	long r = ptrace(PTRACE_GETREGS, tracee, 0, &regs);

	(void)unused;
	return (void *)(r < 0 ? (long)errno : 0);
}

/* In the stop of a step. */
static int changes(void)
{
	struct user_regs_struct regs = registers(), *elsewhere = malloc(sizeof(*elsewhere));
	unsigned long before = regs.r15;
	pthread_t thread;
	void *err;

	regs.r15 = 4711;
	if (ptrace(PTRACE_SETREGS, tracee, 0, &regs) < 0 ||
	    user(offsetof(struct user_regs_struct, r15)) != 4711 ||
	    ptrace(PTRACE_POKEUSER, tracee, offsetof(struct user_regs_struct, r15), 4712) < 0 ||
	    ptrace(PTRACE_GETREGS, tracee, 0, &regs) < 0 || regs.r15 != 4712)
		return wrong("a register that was written", (long)regs.r15);
	ptrace(PTRACE_POKEUSER, tracee, offsetof(struct user_regs_struct, r15), before);
	if (ptrace(PTRACE_GETREGS, tracee, 0, elsewhere) < 0 || elsewhere->r15 != before)
		return wrong("registers elsewhere", (long)elsewhere->r15);
	free(elsewhere);
	if (ptrace(PTRACE_GETREGS, tracee, 0, 0) != -1 || errno != EFAULT)
		return wrong("registers to nowhere", errno);
	pthread_create(&thread, NULL, asks_too, NULL);
	pthread_join(thread, &err);
	if ((long)err != ESRCH)
		return wrong("another thread that asks", (long)err);
	return 0;
}

static bool has_answers(void)
{
	return *(volatile char *)0x1e5f00001004;
}

static int step_and_wait(void)
{
	int status;

	if (ptrace(PTRACE_SINGLESTEP, tracee, 0, 0) < 0 || next_news(&status) != tracee ||
	    status >> 8 != SIGTRAP)
		return wrong("a step", status);
	return 0;
}

static int steps(void)
{
	for (int i = 0; i < STEPS; i++) {
		int before = told, status, more;

		if (ptrace(PTRACE_SINGLESTEP, tracee, 0, 0) < 0)
			return wrong("step", i);
		if (next_news(&status) != tracee || !WIFSTOPPED(status) ||
		    WSTOPSIG(status) != SIGTRAP)
			return wrong("the step's stop", status);
		if (waitpid(-1, &more, ANY) != 0)
			return wrong("the stop, once more", more);
		/* The signal may be a moment behind. */
		for (int n = 0; told == before && n < 2000; n++)
			usleep(100);
		if (told == before)
			return wrong("no SIGCHLD for step", i);
		if (i % 10 == 0 && reads_as_always())
			return 1;
		if (asks() || (i % 50 == 49 && changes()))
			return 1;
	}
	return 0;
}

static bool has_way(void)
{
	char line[256];
	bool found = false;
	FILE *maps = fopen("/proc/self/maps", "re");

	while (maps && fgets(line, sizeof(line), maps))
		found |= !strncmp(line, "1e5f00000000-", 13);
	if (maps)
		fclose(maps);
	return found;
}

static const size_t at_r15 = offsetof(struct user_regs_struct, r15);

static bool meets(int says, int hears)
{
	char c = 0;

	return write(says, &c, 1) == 1 && read(hears, &c, 1) == 1;
}

/* Another tracer's breakpoint, and what it has written to a register, for as long as it is told to;
 * and what it writes when the first one has made a step meanwhile. */
static int other(int says, int hears)
{
	long word, trap, was;
	int status;

	if (ptrace(PTRACE_SEIZE, tracee, 0, 0) < 0 || ptrace(PTRACE_INTERRUPT, tracee, 0, 0) < 0 ||
	    waitpid(tracee, &status, __WALL) != tracee)
		return wrong("the other tracer", 0);
	errno = 0;
	word = ptrace(PTRACE_PEEKTEXT, tracee, spot, 0);
	was = user(at_r15);
	trap = (word & ~0xffL) | 0xcc;
	if (errno || ptrace(PTRACE_POKETEXT, tracee, spot, trap) < 0 ||
	    ptrace(PTRACE_POKEUSER, tracee, at_r15, 4713) < 0 || !meets(says, hears) ||
	    ptrace(PTRACE_POKETEXT, tracee, spot, word) < 0 ||
	    ptrace(PTRACE_CONT, tracee, 0, 0) < 0 || !meets(says, hears))
		return wrong("the other's breakpoint", 0);
	if (ptrace(PTRACE_INTERRUPT, tracee, 0, 0) < 0 ||
	    waitpid(tracee, &status, __WALL) != tracee ||
	    ptrace(PTRACE_POKEUSER, tracee, at_r15, 4714) < 0 || !meets(says, hears) ||
	    ptrace(PTRACE_POKEUSER, tracee, at_r15, was) < 0)
		return wrong("the other's second stop", status);
	return ptrace(PTRACE_DETACH, tracee, 0, 0) < 0 ? wrong("detach", 0) : STATUS;
}

static int beside_another(void)
{
	int to[2], from[2], status;
	pid_t pid;
	char c = 0;

	if (pipe(from) < 0 || pipe(to) < 0 || step_and_wait())
		return wrong("pipe", 0);
	pid = fork();
	if (pid == 0) {
		close(to[1]);
		_exit(other(from[1], to[0]));
	}
	if (read(from[0], &c, 1) != 1 || user(at_r15) != 4713 || reads_as_always() ||
	    nothing_to_wait_for() || !meets(to[1], from[0]) || step_and_wait() ||
	    user(at_r15) != 4713 || !meets(to[1], from[0]))
		return wrong("beside another", 0);
	if (user(at_r15) != 4714 || write(to[1], &c, 1) != 1)
		return wrong("beside another, in a step's stop", 0);
	if (next_news(&status) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != STATUS)
		return wrong("the other's end", status);
	return reads_as_always() || nothing_to_wait_for();
}

/* It has the same code, and none of its children. */
static int forked(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		pid = waitpid(-1, &status, ANY);
		_exit(pid < 0 && errno == ECHILD && !reads_as_always() ? STATUS : 1);
	}
	if (next_news(&status) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != STATUS)
		return wrong("the forked one", status);
	return 0;
}

/* That it is killed in its stop is seen a moment later than natively. */
static int killed_after_step(void)
{
	int status;
	pid_t before = tracee;
	struct user_regs_struct regs;

	tracee = fork();
	if (tracee == 0)
		program();
	if (next_news(&status) != tracee)
		return wrong("one more tracee", status);
	for (int i = 0; i < TIMES; i++)
		if (step_and_wait() || asks())
			return 1;
	kill(tracee, SIGKILL);
	for (int i = 0; i < 2000 && ptrace(PTRACE_GETREGS, tracee, 0, &regs) == 0; i++)
		usleep(100);
	if (ptrace(PTRACE_GETREGS, tracee, 0, &regs) != -1 || errno != ESRCH)
		return wrong("registers of one that is killed", errno);
	if (next_news(&status) != tracee || !WIFSIGNALED(status))
		return wrong("the end of one that is killed", status);
	tracee = before;
	return 0;
}

/* The kernel may tell the parent of an end before the server has looked whose it is. */
static int each_ends_once(void)
{
	for (int i = 0; i < ENDS; i++) {
		int status;
		pid_t pid = fork(), got;

		if (pid == 0) {
			ptrace(PTRACE_TRACEME, 0, 0, 0);
			raise(SIGSTOP);
			_exit(STATUS);
		}
		if (next_news(&status) != pid || !WIFSTOPPED(status) ||
		    ptrace(PTRACE_CONT, pid, 0, 0) < 0)
			return wrong("another tracee", status);
		do
			got = waitpid(-1, &status, ANY);
		while (got == 0);
		if (got != pid || !WIFEXITED(status) || WEXITSTATUS(status) != STATUS)
			return wrong("its end", status);
		got = waitpid(-1, &status, ANY);
		if (got)
			return wrong("its end, once more", got);
	}
	return 0;
}

/* Its tracee is let go then, with the step's SIGTRAP: the kernel does so. */
static int without_server(void)
{
	struct user_regs_struct regs;
	int status;

	if (step_and_wait() || kill(getppid(), SIGKILL) < 0)
		return wrong("the server", 0);
	for (int i = 0; i < 5000 && ptrace(PTRACE_GETREGS, tracee, 0, &regs) == 0; i++)
		usleep(1000);
	if (ptrace(PTRACE_GETREGS, tracee, 0, &regs) != -1 || errno != ESRCH)
		return wrong("registers that nobody has", errno);
	if (waitpid(tracee, &status, 0) != tracee || WIFSTOPPED(status))
		return wrong("the tracee that was let go", status);
	puts("ok");
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_child, .sa_flags = SA_RESTART };
	pthread_t thread;
	char path[40];
	int status;

	setvbuf(stdout, NULL, _IONBF, 0);
	alarm(240);
	sigaction(SIGCHLD, &sa, NULL);
	pthread_create(&thread, NULL, idles, NULL);
	tracee = fork();
	if (tracee == 0)
		program();
	if (next_news(&status) != tracee)
		return wrong("the first stop", status);
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)tracee);
	mem = open(path, O_RDWR | O_CLOEXEC);
	if (reads_as_always() || nothing_to_wait_for() || steps())
		return 1;
	if (argc > 1 && !has_way())
		return wrong("no way past the filter", 0);
	if (argc > 1 && !strcmp(argv[1], "without-server"))
		return without_server();
	if (argc > 1 && (step_and_wait() || !has_answers() || changes() || has_answers()))
		return wrong("no answers", 0);
	if (forked() || beside_another() || each_ends_once() || killed_after_step() || steps())
		return 1;
	if (ptrace(PTRACE_CONT, tracee, 0, 0) < 0 || next_news(&status) != tracee)
		return wrong("the tracee's end", status);
	if (ptrace(PTRACE_GETREGS, tracee, 0, &(struct user_regs_struct){ 0 }) != -1 ||
	    errno != ESRCH)
		return wrong("registers of the dead", errno);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != STATUS)
		return wrong("the tracee's status", status);
	if (waitpid(-1, &status, ANY) != -1 || errno != ECHILD)
		return wrong("a wait where nobody is", status);
	puts("ok");
	return 0;
}
