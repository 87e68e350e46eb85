/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What trapline takes for true of arm64 kernels, shown by bare ptrace. Prints a line a fact; the
 * status tells whether all hold.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef PTRACE_SYSEMU
#define PTRACE_SYSEMU 31
#endif
enum { NUMBER = 0x404, X0 = 0, X7 = 7, X8 = 8, PC = 32 };

static pid_t pid;
static int failures, follows;

static void fact(const char *what, int holds)
{
	printf("%s %s\n", holds ? "ok" : "FAIL", what);
	failures += !holds;
}

static void set_of(int request, int note, void *data, size_t len)
{
	struct iovec iov = { data, len };

	if (ptrace((enum __ptrace_request)request, pid, note, &iov) < 0) {
		perror("a register set");
		exit(2);
	}
}

static void get_regs(uint64_t r[34])
{
	set_of(PTRACE_GETREGSET, NT_PRSTATUS, r, 34 * 8);
}

static void set_regs(uint64_t r[34])
{
	set_of(PTRACE_SETREGSET, NT_PRSTATUS, r, 34 * 8);
}

static int32_t get_number(void)
{
	int32_t nr;

	set_of(PTRACE_GETREGSET, NUMBER, &nr, sizeof(nr));
	return nr;
}

static void set_number(int32_t nr)
{
	set_of(PTRACE_SETREGSET, NUMBER, &nr, sizeof(nr));
}

/* The next stop's status >> 8. */
static int go(int request)
{
	int status;

	if (ptrace((enum __ptrace_request)request, pid, 0, 0) < 0 ||
	    waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status)) {
		fprintf(stderr, "request %d: no stop\n", request);
		exit(2);
	}
	return status >> 8;
}

/* getppid(first) with x7 as given; returns x7 as it is then. */
static uint64_t call_with_x7(uint64_t first, uint64_t x7)
{
	register uint64_t r0 __asm__("x0") = first, r7 __asm__("x7") = x7,
			     r8 __asm__("x8") = SYS_getppid;

	__asm__ volatile("svc #0" : "+r"(r0), "+r"(r7) : "r"(r8) : "memory");
	return r7;
}

static _Noreturn void tracee(void)
{
	uint64_t seen = 0x7777;

	for (;;)
		seen = call_with_x7(0xabcdef, seen);
}

static uint64_t orig_x0(void)
{
	char path[40], text[256] = "", *end;
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/syscall", (int)pid);
	fd = open(path, O_RDONLY);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	strtoull(text, &end, 10);
	return strtoull(end, NULL, 16);
}

static void entry_shows_no_x7(uint64_t r[34])
{
	while (go(PTRACE_SYSCALL) != (SIGTRAP | 0x80) || (get_regs(r), r[X8] != SYS_getppid))
		;
	fact("x7 reads 0 at a syscall entry", r[X7] == 0);
	r[X0] = 0xfedcba;
	set_regs(r);
	follows = orig_x0() == r[X0];
	printf("   what is written to x0 at an entry %s orig_x0\n",
	       follows ? "reaches" : "does not reach");
	r[X0] = 0xabcdef;
	set_regs(r);
	go(PTRACE_SYSCALL);
	get_regs(r);
	fact("x7 reads 1 at a syscall exit", r[X7] == 1);
	fact("the result has taken the first argument's register", r[X0] != 0xabcdef);
	fact("/proc/PID/syscall tells the first argument at an exit", orig_x0() == 0xabcdef);
}

static void interrupt_at_exit_is_raw(uint64_t r[34])
{
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	fact("an interrupt queued at an exit stops before the program runs",
	     go(PTRACE_CONT) >> 8 == PTRACE_EVENT_STOP);
	get_regs(r);
	fact("x7 is real there", r[X7] == 0x7777);
	fact("the kernel has forgotten the call there", get_number() == -1);
	set_number(SYS_getppid);
	fact(follows ? "with a number in place the first argument is lost"
		     : "with a number in place /proc/PID/syscall tells the first argument",
	     orig_x0() == (follows ? r[X0] : 0xabcdef));
	set_number(-1);
	r[X7] = 0x8888;
	set_regs(r);
}

static void sysemu_and_step_is_raw(uint64_t r[34])
{
	uint64_t svc;
	siginfo_t si;

	fact("SYSEMU stops at the call", go(PTRACE_SYSEMU) == (SIGTRAP | 0x80));
	get_regs(r);
	svc = r[PC] - 4;
	fact("x7 reads 0 at a SYSEMU stop", r[X7] == 0);
	set_number(-1);
	fact("a step from there ends at once", go(PTRACE_SINGLESTEP) == SIGTRAP);
	ptrace(PTRACE_GETSIGINFO, pid, 0, &si);
	fact("as a signal that nobody sent", si.si_code == 0 && si.si_pid == 0);
	get_regs(r);
	fact("x7 is real there, and was written at the exit before", r[X7] == 0x8888);
	fact("the first argument is there", r[X0] == 0xabcdef);
	r[X7] = 0x9999;
	r[X0] = 0x123456;
	r[PC] = svc;
	set_regs(r);
	fact("the call is entered for real", go(PTRACE_SYSCALL) == (SIGTRAP | 0x80));
	fact("with the first argument as written before it", orig_x0() == 0x123456);
	go(PTRACE_SYSCALL);
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	go(PTRACE_CONT);
	get_regs(r);
	fact("x7 was written before the call", r[X7] == 0x9999);
}

/* The same without a step, so without a SIGTRAP that the program may block or ignore. */
static void sysemu_and_interrupt_is_raw(uint64_t r[34])
{
	uint64_t svc;
	int status;

	r[X7] = 0x7777;
	set_regs(r);
	fact("SYSEMU stops at the next call", go(PTRACE_SYSEMU) == (SIGTRAP | 0x80));
	get_regs(r);
	svc = r[PC] - 4;
	r[PC] = svc;
	set_regs(r);
	set_number(-1);
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	kill(pid, SIGUSR1);
	status = go(PTRACE_CONT);
	fact("an interrupt queued at a SYSEMU stop comes before a signal",
	     status == (SIGTRAP | PTRACE_EVENT_STOP << 8));
	get_regs(r);
	fact("the call was not made, and x7 is real", r[PC] == svc && r[X7] == 0x7777);
	fact("the first argument is still there", r[X0] == 0xabcdef);
	r[X7] = 0x6666;
	set_regs(r);
	fact("the signal is next", go(PTRACE_SYSCALL) == SIGUSR1);
	get_regs(r);
	fact("before the call", r[PC] == svc && r[X7] == 0x6666);
	fact("which is then entered", go(PTRACE_SYSCALL) == (SIGTRAP | 0x80));
	go(PTRACE_SYSCALL);
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	go(PTRACE_CONT);
	get_regs(r);
	fact("with x7 as written", r[X7] == 0x6666);
}

int main(void)
{
	uint64_t r[34];
	int status;

	setvbuf(stdout, NULL, _IONBF, 0);
	alarm(30);
	pid = fork();
	if (pid == 0) {
		raise(SIGSTOP);
		tracee();
	}
	waitpid(pid, &status, WUNTRACED);
	if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) < 0) {
		perror("seize");
		return 2;
	}
	kill(pid, SIGCONT);
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	do
		waitpid(pid, &status, __WALL);
	while (!WIFSTOPPED(status));
	entry_shows_no_x7(r);
	interrupt_at_exit_is_raw(r);
	sysemu_and_step_is_raw(r);
	sysemu_and_interrupt_is_raw(r);
	kill(pid, SIGKILL);
	printf("%d failed\n", failures);
	return failures != 0;
}
