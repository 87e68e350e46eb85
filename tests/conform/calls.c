/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stops of system calls. */
#include "conform.h"

#include <elf.h>
#include <linux/filter.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/user.h>

#ifndef PTRACE_SYSEMU
#define PTRACE_SYSEMU 31
#endif

static void calls(void)
{
	syscall(SYS_getppid);
	syscall(SYS_close, 12345);
	syscall(SYS_getpriority, 0, 0);
	_exit(4);
}

static void show_call(pid_t pid)
{
	struct ptrace_syscall_info info;
	long r;

	memset(&info, 0, sizeof(info));
	r = rq(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), (unsigned long)&info);
	printf("info %s op %d", r > 0 ? "there" : "not there", info.op);
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		printf(" nr %llu", (unsigned long long)info.entry.nr);
	if (info.op == PTRACE_SYSCALL_INFO_EXIT && info.exit.is_error)
		printf(" error %lld", (long long)info.exit.rval);
	printf(" ip %s sp %s\n", info.instruction_pointer ? "there" : "0",
	       info.stack_pointer ? "there" : "0");
}

static void go(pid_t pid, int request)
{
	rq(request, pid, 0, 0);
	show(pid, 0);
	show_call(pid);
	printf("message %lu\n", message(pid));
}

static void syscalls_good(void)
{
	pid_t pid = traced(calls);

	rq(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
	for (int i = 0; i < 7; i++)
		go(pid, PTRACE_SYSCALL);
	show_siginfo(pid);
	to_the_end(pid, PTRACE_SYSCALL);
}

static void syscalls_plain(void)
{
	pid_t pid = traced(calls);

	for (int i = 0; i < 6; i++) {
		rq(PTRACE_SYSCALL, pid, 0, 0);
		show(pid, 0);
		printf("message %lu\n", message(pid));
	}
	show_siginfo(pid);
	to_the_end(pid, PTRACE_CONT);
}

static void entry_without_exit(void)
{
	pid_t pid = traced(calls);

	rq(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
	go(pid, PTRACE_SYSCALL);
	go(pid, PTRACE_SYSCALL);
	go(pid, PTRACE_SYSCALL);
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
}

static void step_over_call(void)
{
	pid_t pid = traced(calls);

	rq(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
	go(pid, PTRACE_SYSCALL);
	go(pid, PTRACE_SINGLESTEP);
	show_siginfo(pid);
	go(pid, PTRACE_SYSCALL);
	to_the_end(pid, PTRACE_CONT);
}

static void prints(void)
{
	long r = syscall(SYS_getppid);

	_exit(r == 42 ? 11 : 12);
}

static void emulated(void)
{
	pid_t pid = traced(prints);
	struct ptrace_syscall_info info = { 0 };

	rq(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
	for (int i = 0; i < 20; i++) {
		if (rq(PTRACE_SYSCALL, pid, 0, 0) < 0)
			return;
		waitpid(pid, NULL, 0);
		rq(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), (unsigned long)&info);
		if (info.op == PTRACE_SYSCALL_INFO_EXIT)
			break;
	}
	rq(PTRACE_SYSEMU, pid, 0, 0);
	show(pid, 0);
	show_call(pid);
	show_siginfo(pid);
	/* The next is the next call, not this one's exit. */
	rq(PTRACE_SYSEMU, pid, 0, 0);
	show(pid, 0);
	show_call(pid);
	kill(pid, SIGKILL);
	show(pid, 0);
}

static uint64_t address(pid_t pid)
{
	struct ptrace_syscall_info info = { 0 };

	rq(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), (unsigned long)&info);
	return info.instruction_pointer;
}

/* Behind an emulated call: whether its end is a step's, too, and where the next one ends. */
static void steps_from_emulated(void)
{
	static const int ways[] = { 32 /* PTRACE_SYSEMU_SINGLESTEP */, PTRACE_SINGLESTEP,
				    PTRACE_SYSEMU, PTRACE_SYSCALL };
	pid_t pid = traced(calls);

	rq(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
	for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) {
		uint64_t at;

		rq(PTRACE_SYSEMU, pid, 0, 0);
		show(pid, 0);
		at = address(pid);
		for (int i = 0; i < 3; i++) {
			rq(ways[w], pid, 0, 0);
			show(pid, 0);
			show_siginfo(pid);
			if (ways[w] == PTRACE_SINGLESTEP || ways[w] == ways[0])
				printf("%+lld\n", (long long)(address(pid) - at));
			else if (i)
				break;
		}
	}
	kill(pid, SIGKILL);
	show(pid, 0);
}

static void signal_at_call(void)
{
	pid_t pid = traced(calls);

	rq(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
	go(pid, PTRACE_SYSCALL);
	rq(PTRACE_SYSCALL, pid, 0, SIGUSR1);
	show(pid, 0);
	rq(PTRACE_SYSCALL, pid, 0, 0);
	show(pid, 0);
	show_siginfo(pid);
	rq(PTRACE_CONT, pid, 0, SIGUSR1);
	show(pid, 0);
}

static void interrupted_sleep(void)
{
	moment(300);
	_exit(5);
}

static void interrupt_in_call(void)
{
	pid_t pid = child(interrupted_sleep);

	rq(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD);
	until(pid, 'S');
	rq(PTRACE_INTERRUPT, pid, 0, 0);
	show(pid, 0);
	show_call(pid);
	go(pid, PTRACE_SYSCALL);
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
}

static void options_change(void)
{
	pid_t pid = traced(calls);

	go(pid, PTRACE_SYSCALL);
	rq(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
	go(pid, PTRACE_SYSCALL);
	rq(PTRACE_SETOPTIONS, pid, 0, 0);
	go(pid, PTRACE_SYSCALL);
	to_the_end(pid, PTRACE_CONT);
}

/* A filter of its own that asks its tracer about getppid. */
static void is_judged(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | 0x123),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = 4, .filter = code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
		_exit(99);
	_exit(syscall(SYS_getppid) < 0 ? errno : 0);
}

static void seccomp_event(void)
{
	pid_t pid = traced(is_judged);

	rq(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP);
	go(pid, PTRACE_CONT);
	show_siginfo(pid);
	go(pid, PTRACE_SYSCALL);
	to_the_end(pid, PTRACE_CONT);
}

static void seccomp_event_and_calls(void)
{
	pid_t pid = traced(is_judged);

	rq(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP);
	for (int i = 0; i < 9; i++)
		go(pid, PTRACE_SYSCALL);
	to_the_end(pid, PTRACE_CONT);
}

static void seccomp_event_unasked(void)
{
	to_the_end(traced(is_judged), PTRACE_CONT);
}

static int ends[2];

static void reads(void)
{
	char byte;

	_exit(read(ends[0], &byte, 1) == 1 ? 5 : 6);
}

static void registers(int request, pid_t pid, struct user_regs_struct *regs)
{
	struct iovec iov = { regs, sizeof(*regs) };

	rq(request, pid, NT_PRSTATUS, (unsigned long)&iov);
}

/* Back at the instruction of the call that it is in: to make this one. */
static void to_call(struct user_regs_struct *regs, long nr)
{
#if defined(__x86_64__)
	regs->rip -= 2;
	regs->rax = (unsigned long)nr;
	regs->orig_rax = ~0ul;
#elif defined(__i386__)
	regs->eip -= 2;
	regs->eax = nr;
	regs->orig_eax = -1;
#else
	regs->regs[8] = (unsigned long)nr;
#endif
}

static long result(const struct user_regs_struct *regs)
{
#if defined(__x86_64__)
	return (long)regs->rax;
#elif defined(__i386__)
	return regs->eax;
#else
	return (long)regs->regs[0];
#endif
}

/* A tracer makes a call in a thread that sleeps in one, and puts its registers back. */
static void call_in_call(void)
{
	struct user_regs_struct before, regs;
	pid_t pid;

	for (int how = 0; how < 3; how++) {
		if (pipe(ends) < 0)
			return;
		pid = traced(reads);
		rq(PTRACE_CONT, pid, 0, 0);
		until(pid, 'S');
		syscall(SYS_tgkill, pid, pid, SIGSTOP);
		show(pid, 0);
		registers(PTRACE_GETREGSET, pid, &before);
		regs = before;
		to_call(&regs, SYS_getppid);
		registers(PTRACE_SETREGSET, pid, &regs);
		rq(PTRACE_SINGLESTEP, pid, 0, 0);
		show(pid, 0);
		registers(PTRACE_GETREGSET, pid, &regs);
		printf("result: %s\n", name_of((pid_t)result(&regs)));
		registers(PTRACE_SETREGSET, pid, &before);
		if (how == 0)
			rq(PTRACE_SYSCALL, pid, 0, 0);
		else
			rq(how == 1 ? PTRACE_CONT : PTRACE_DETACH, pid, 0, 0);
		moment(20);
		if (write(ends[1], "", 1) == 1 && how == 0)
			to_the_end(pid, PTRACE_SYSCALL);
		else
			show(pid, 0);
	}
}

const struct conform_case cases_calls[] = { { "syscalls-good", syscalls_good },
					    { "syscalls-plain", syscalls_plain },
					    { "entry-without-exit", entry_without_exit },
					    { "step-over-call", step_over_call },
					    { "sysemu", emulated },
					    { "sysemu-steps", steps_from_emulated },
					    { "signal-at-call", signal_at_call },
					    { "interrupt-in-call", interrupt_in_call },
					    { "options-change", options_change },
					    { "call-in-call", call_in_call },
					    { "seccomp-event", seccomp_event },
					    { "seccomp-event-and-calls", seccomp_event_and_calls },
					    { "seccomp-event-unasked", seccomp_event_unasked },
					    { NULL, NULL } };
