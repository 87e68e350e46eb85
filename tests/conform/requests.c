/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory and registers. */
#include "conform.h"

#include <elf.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/user.h>

static long word = (long)0x1122334455667788;

static void checks_word(void)
{
	_exit(word == 42 ? 1 : 2);
}

static void memory(void)
{
	pid_t pid = traced(checks_word);
	unsigned long value = 0;

	rq(PTRACE_PEEKDATA, pid, (unsigned long)&word, (unsigned long)&value);
	printf("%lx\n", value);
	rq(PTRACE_PEEKTEXT, pid, (unsigned long)&word, (unsigned long)&value);
	printf("%lx\n", value);
	tell(PTRACE_POKEDATA, pid, (unsigned long)&word, 42);
	tell(PTRACE_PEEKDATA, pid, 8, (unsigned long)&value);
	tell(PTRACE_POKEDATA, pid, 8, 1);
	tell(PTRACE_PEEKDATA, pid, (unsigned long)&word, 8);
	to_the_end(pid, PTRACE_CONT);
}

static void poke_text(void)
{
	pid_t pid = traced(checks_word);
	unsigned long value = 0, again = 0;

	rq(PTRACE_PEEKTEXT, pid, (unsigned long)checks_word, (unsigned long)&value);
	tell(PTRACE_POKETEXT, pid, (unsigned long)checks_word, ~value);
	rq(PTRACE_PEEKTEXT, pid, (unsigned long)checks_word, (unsigned long)&again);
	printf("%s\n", again == ~value ? "written" : "not written");
	tell(PTRACE_POKETEXT, pid, (unsigned long)checks_word, value);
	to_the_end(pid, PTRACE_CONT);
}

static void regset(void)
{
	unsigned char buf[4096];
	struct iovec iov = { buf, sizeof(buf) };
	pid_t pid = traced(checks_word);

	tell(PTRACE_GETREGSET, pid, NT_PRSTATUS, (unsigned long)&iov);
	printf("%zu\n", iov.iov_len);
	tell(PTRACE_SETREGSET, pid, NT_PRSTATUS, (unsigned long)&iov);
	iov.iov_len = 16;
	tell(PTRACE_GETREGSET, pid, NT_PRSTATUS, (unsigned long)&iov);
	printf("%zu\n", iov.iov_len);
	iov.iov_len = 13;
	tell(PTRACE_GETREGSET, pid, NT_PRSTATUS, (unsigned long)&iov);
	iov.iov_len = sizeof(buf);
	tell(PTRACE_GETREGSET, pid, 0x7654, (unsigned long)&iov);
	tell(PTRACE_GETREGSET, pid, NT_PRFPREG, (unsigned long)&iov);
	printf("%zu\n", iov.iov_len);
	iov.iov_base = (void *)8;
	iov.iov_len = 16;
	tell(PTRACE_GETREGSET, pid, NT_PRSTATUS, (unsigned long)&iov);
	tell(PTRACE_GETREGSET, pid, NT_PRSTATUS, 8);
	to_the_end(pid, PTRACE_CONT);
}

#ifdef __x86_64__
static void asks(void)
{
	long r = syscall(SYS_getppid);

	_exit(r == 42 ? 11 : r == -ENOSYS ? 12 : 13);
}

static void to_entry_of(pid_t pid, long nr)
{
	struct user_regs_struct regs;

	do {
		if (rq(PTRACE_SYSCALL, pid, 0, 0) < 0)
			return;
		waitpid(pid, NULL, 0);
		rq(PTRACE_GETREGS, pid, 0, (unsigned long)&regs);
	} while ((long)regs.orig_rax != nr);
}

static void registers(void)
{
	struct user_regs_struct regs, again;
	pid_t pid = traced(asks);
	unsigned long value = 0;

	to_entry_of(pid, SYS_getppid);
	rq(PTRACE_GETREGS, pid, 0, (unsigned long)&regs);
	printf("%lld %lld\n", (long long)regs.orig_rax, (long long)regs.rax);
	rq(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.orig_rax), (unsigned long)&value);
	printf("%ld\n", (long)value);
	rq(PTRACE_SYSCALL, pid, 0, 0);
	show(pid, 0);
	rq(PTRACE_GETREGS, pid, 0, (unsigned long)&regs);
	printf("%s\n", (pid_t)regs.rax == getpid() ? "mine" : "?");
	regs.rax = 42;
	tell(PTRACE_SETREGS, pid, 0, (unsigned long)&regs);
	rq(PTRACE_GETREGS, pid, 0, (unsigned long)&again);
	printf("%d\n", memcmp(&regs, &again, sizeof(regs)));
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
}

static void skipped(void)
{
	pid_t pid = traced(asks);

	to_entry_of(pid, SYS_getppid);
	tell(PTRACE_POKEUSER, pid, offsetof(struct user, regs.orig_rax), ~0ul);
	rq(PTRACE_SYSCALL, pid, 0, 0);
	show(pid, 0);
	tell(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rax), 42);
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
}

static void another_call(void)
{
	pid_t pid = traced(asks);
	struct user_regs_struct regs;

	to_entry_of(pid, SYS_getppid);
	rq(PTRACE_POKEUSER, pid, offsetof(struct user, regs.orig_rax), SYS_getpid);
	rq(PTRACE_SYSCALL, pid, 0, 0);
	show(pid, 0);
	rq(PTRACE_GETREGS, pid, 0, (unsigned long)&regs);
	printf("%s\n", (pid_t)regs.rax == pid ? "its own" : "?");
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
}

static void user_area(void)
{
	pid_t pid = traced(asks);
	unsigned long value;

	tell(PTRACE_PEEKUSER, pid, 3, (unsigned long)&value);
	tell(PTRACE_PEEKUSER, pid, 100000, (unsigned long)&value);
	tell(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[0]), 0x1000);
	tell(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg[0]), (unsigned long)&value);
	printf("%lx\n", value);
	tell(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[7]), ~0ul);
	tell(PTRACE_POKEUSER, pid, offsetof(struct user, regs.cs), 0);
	to_the_end(pid, PTRACE_CONT);
}

static volatile long watched;

static void writes(void)
{
	watched = 1;
	watched = 2;
	_exit(0);
}

static void watchpoint(void)
{
	pid_t pid = traced(writes);
	unsigned long dr6 = 0;

	rq(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[0]), (unsigned long)&watched);
	rq(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[7]), 0xd0001);
	for (int i = 0; i < 2; i++) {
		rq(PTRACE_CONT, pid, 0, 0);
		show(pid, 0);
		show_siginfo(pid);
		rq(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg[6]), (unsigned long)&dr6);
		printf("%lx\n", dr6 & 0xf);
	}
	to_the_end(pid, PTRACE_CONT);
}

static void floats(void)
{
	struct user_fpregs_struct fp;
	pid_t pid = traced(asks);

	memset(&fp, 0, sizeof(fp));
	tell(PTRACE_GETFPREGS, pid, 0, (unsigned long)&fp);
	printf("%x\n", fp.mxcsr);
	tell(PTRACE_SETFPREGS, pid, 0, (unsigned long)&fp);
	fp.mxcsr = ~0u;
	tell(PTRACE_SETFPREGS, pid, 0, (unsigned long)&fp);
	to_the_end(pid, PTRACE_CONT);
}

static void block_step(void)
{
	pid_t pid = traced(asks);

	rq(33 /* PTRACE_SINGLEBLOCK */, pid, 0, 0);
	show(pid, 0);
	show_siginfo(pid);
	to_the_end(pid, PTRACE_CONT);
}

/* A breakpoint as debuggers set it. */
__attribute__((noinline)) static long target(long n)
{
	__asm__ volatile("");
	return n + 1;
}

static void calls_target(void)
{
	_exit((int)(target(1) + target(2)));
}

static void breakpoint(void)
{
	pid_t pid = traced(calls_target);
	struct user_regs_struct regs;
	unsigned long old = 0, at = (unsigned long)target;

	rq(PTRACE_PEEKTEXT, pid, at, (unsigned long)&old);
	rq(PTRACE_POKETEXT, pid, at, (old & ~0xfful) | 0xcc);
	for (int i = 0; i < 2; i++) {
		rq(PTRACE_CONT, pid, 0, 0);
		show(pid, 0);
		show_siginfo(pid);
		rq(PTRACE_GETREGS, pid, 0, (unsigned long)&regs);
		printf("%lld %lld\n", (long long)(regs.rip - at), (long long)regs.rdi);
		regs.rip = at;
		rq(PTRACE_SETREGS, pid, 0, (unsigned long)&regs);
		rq(PTRACE_POKETEXT, pid, at, old);
		rq(PTRACE_SINGLESTEP, pid, 0, 0);
		show(pid, 0);
		rq(PTRACE_POKETEXT, pid, at, (old & ~0xfful) | 0xcc);
	}
	to_the_end(pid, PTRACE_CONT);
}
#endif

#ifdef __i386__
enum { AX = 6 * 4, ORIG_AX = 11 * 4, DEBUG = 252 };

static long user(pid_t pid, unsigned long at)
{
	unsigned long value = 0;

	rq(PTRACE_PEEKUSER, pid, at, (unsigned long)&value);
	return (long)value;
}

static void asks(void)
{
	long r = syscall(SYS_getppid);

	_exit(r == 42 ? 11 : r == -ENOSYS ? 12 : 13);
}

static void registers(void)
{
	uint32_t regs[17] = { 0 }, again[17] = { 0 };
	pid_t pid = traced(asks);

	do {
		if (rq(PTRACE_SYSCALL, pid, 0, 0) < 0)
			return;
		waitpid(pid, NULL, 0);
	} while (user(pid, ORIG_AX) != SYS_getppid);
	printf("%ld %ld\n", user(pid, ORIG_AX), user(pid, AX));
	tell(PTRACE_PEEKUSER, pid, 3, (unsigned long)regs);
	tell(PTRACE_PEEKUSER, pid, 100000, (unsigned long)regs);
	rq(PTRACE_SYSCALL, pid, 0, 0);
	show(pid, 0);
	rq(PTRACE_GETREGS, pid, 0, (unsigned long)regs);
	printf("%s\n", (pid_t)regs[6] == getpid() ? "mine" : "?");
	regs[6] = 41;
	tell(PTRACE_SETREGS, pid, 0, (unsigned long)regs);
	rq(PTRACE_GETREGS, pid, 0, (unsigned long)again);
	printf("%d\n", memcmp(regs, again, sizeof(regs)));
	tell(PTRACE_POKEUSER, pid, AX, 42);
	printf("%ld\n", user(pid, AX));
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
}

static volatile long watched;

static void writes(void)
{
	watched = 1;
	watched = 2;
	_exit(0);
}

static void watchpoint(void)
{
	pid_t pid = traced(writes);

	rq(PTRACE_POKEUSER, pid, DEBUG, (unsigned long)&watched);
	rq(PTRACE_POKEUSER, pid, DEBUG + 28, 0xd0001);
	for (int i = 0; i < 2; i++) {
		rq(PTRACE_CONT, pid, 0, 0);
		show(pid, 0);
		show_siginfo(pid);
		printf("%lx\n", user(pid, DEBUG + 24) & 0xf);
	}
	to_the_end(pid, PTRACE_CONT);
}

static void floats(void)
{
	uint32_t fp[128] = { 0 };
	pid_t pid = traced(asks);

	tell(PTRACE_GETFPREGS, pid, 0, (unsigned long)fp);
	printf("%x\n", fp[0]);
	tell(PTRACE_SETFPREGS, pid, 0, (unsigned long)fp);
	tell(18 /* PTRACE_GETFPXREGS */, pid, 0, (unsigned long)fp);
	printf("%x\n", fp[6]);
	tell(19 /* PTRACE_SETFPXREGS */, pid, 0, (unsigned long)fp);
	to_the_end(pid, PTRACE_CONT);
}
#endif

#ifdef __x86_64__
static void executes(void)
{
	execl("/bin/true", "true", NULL);
	_exit(9);
}

static void on_told(int sig)
{
	(void)sig;
	executes();
}

static void executes_when_told(void)
{
	signal(SIGUSR1, on_told);
	for (;;)
		pause();
}

/* What is written in a stop behind a call is what the task goes on with. */
static void change_rax(pid_t pid)
{
	struct user_regs_struct regs = { 0 };

	rq(PTRACE_GETREGS, pid, 0, (unsigned long)&regs);
	printf("%lld of %lld\n", (long long)regs.rax, (long long)regs.orig_rax);
	regs.rax = 0x1234;
	rq(PTRACE_SETREGS, pid, 0, (unsigned long)&regs);
	rq(PTRACE_SINGLESTEP, pid, 0, 0);
	show(pid, 0);
	rq(PTRACE_GETREGS, pid, 0, (unsigned long)&regs);
	/* Of the first instruction nothing else is known. */
	printf("%s\n", regs.rax == 0x1234 ? "kept" : "lost");
}

static void behind_exec(void)
{
	pid_t pid = traced(executes);

	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	change_rax(pid);
	kill(pid, SIGKILL);
	show(pid, 0);
}

static void interrupted_behind_exec(void)
{
	pid_t pid = child(executes_when_told);

	until(pid, 'S');
	rq(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACEEXEC);
	kill(pid, SIGUSR1);
	show(pid, 0);
	rq(PTRACE_CONT, pid, 0, SIGUSR1);
	show(pid, 0);
	rq(PTRACE_INTERRUPT, pid, 0, 0);
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	change_rax(pid);
	kill(pid, SIGKILL);
	show(pid, 0);
}
#endif

#ifdef __x86_64__
/* The bases of FS and GS, and what arch_prctl(2) does not know. */
static void arch_prctl_for(void)
{
	enum { ARCH_PRCTL = 30, SET_GS = 0x1001, SET_FS, GET_FS, GET_GS };
	pid_t pid = traced(checks_word);
	unsigned long fs = 0, gs = 0, old = 0;
	struct user_regs_struct regs;

	tell(ARCH_PRCTL, pid, (unsigned long)&old, GET_FS);
	tell(ARCH_PRCTL, pid, 0x1000, SET_GS);
	tell(ARCH_PRCTL, pid, old + 64, SET_FS);
	tell(ARCH_PRCTL, pid, (unsigned long)&fs, GET_FS);
	tell(ARCH_PRCTL, pid, (unsigned long)&gs, GET_GS);
	rq(PTRACE_GETREGS, pid, 0, (unsigned long)&regs);
	printf("%d %d %#lx\n", fs == old + 64, regs.fs_base == fs, gs);
	tell(ARCH_PRCTL, pid, old, SET_FS);
	tell(ARCH_PRCTL, pid, -1ul, SET_FS);
	tell(ARCH_PRCTL, pid, 8, GET_FS);
	tell(ARCH_PRCTL, pid, 8, 0x7777);
	to_the_end(pid, PTRACE_CONT);
}
#endif

#ifdef __aarch64__
/* The memory tags of a page, a byte for 16 bytes; and what has none. */
static void tags(void)
{
	enum { MTE = 0x20, PEEK = 33, POKE = 34, TAGS = 8 };
	char *page =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE | MTE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char put[TAGS] = { 1, 2, 3, 4, 5, 6, 7, 8 }, got[TAGS] = { 0 };
	struct iovec iov = { put, TAGS };
	unsigned long at = (unsigned long)page;
	pid_t pid;

	printf("%s\n", page == MAP_FAILED ? "no tags here" : "tags");
	if (page != MAP_FAILED)
		page[0] = 1;
	pid = traced(checks_word);
	tell(POKE, pid, at, (unsigned long)&iov);
	printf("%zu\n", iov.iov_len);
	iov.iov_base = got;
	tell(PEEK, pid, at, (unsigned long)&iov);
	for (int i = 0; i < TAGS; i++)
		printf("%d%s", got[i], i < TAGS - 1 ? " " : "\n");
	tell(PEEK, pid, (unsigned long)&word, (unsigned long)&iov);
	tell(PEEK, pid, 8, (unsigned long)&iov);
	tell(PEEK, pid, at, 8);
	iov.iov_base = (void *)8;
	tell(PEEK, pid, at, (unsigned long)&iov);
	iov.iov_len = 0;
	tell(PEEK, pid, at, (unsigned long)&iov);
	to_the_end(pid, PTRACE_CONT);
}
#endif

#ifdef __i386__
enum { BX = 0, BP = 5 * 4, DI = 4 * 4, FS = 9 * 4, FLAGS = 14 * 4, FLOATS = 27, XFLOATS = 128 };

/* From here on as a program of 64 bits, which is traced by one of 32. */
static void is_wide(void)
{
	__asm__ volatile("fldpi\n\t"
			 "fld1\n\t"
			 "fldz\n\t"
			 "pushl $0x33\n\t"
			 "call 1f\n"
			 "1:\taddl $2f - 1b, (%esp)\n\t"
			 "lret\n"
			 ".code64\n"
			 "2:\tmovabs $0x1122334455667788, %rbx\n\t"
			 "mov %rbx, %rbp\n\t"
			 "mov $5, %edi\n\t"
			 "int3\n\t"
			 "cmp $0x66778899, %rbp\n\t"
			 "je 3f\n\t"
			 "add $1, %edi\n"
			 "3:\tmov %rbx, %rax\n\t"
			 "shr $32, %rax\n\t"
			 "jz 4f\n\t"
			 "add $2, %edi\n"
			 "4:\tmov $231, %eax\n\t"
			 "syscall\n"
			 ".code32");
}

static void show_floats(pid_t pid)
{
	uint32_t words[FLOATS] = { 0 }, wide[XFLOATS] = { 0 };

	tell(PTRACE_GETFPREGS, pid, 0, (unsigned long)words);
	for (int i = 0; i < FLOATS; i++)
		if (i != 3 && i != 5) /* where */
			printf("%x%s", words[i], i < FLOATS - 1 ? " " : "\n");
	words[0] ^= 0xc00;
	words[2] = 0xffffaaaa; /* all used */
	words[7] = 0x12345678;
	tell(PTRACE_SETFPREGS, pid, 0, (unsigned long)words);
	tell(PTRACE_GETFPXREGS, pid, 0, (unsigned long)wide);
	printf("%x %x %x\n", wide[0], wide[1], wide[8]);
	wide[8] = 0x87654321;
	tell(PTRACE_SETFPXREGS, pid, 0, (unsigned long)wide);
	tell(PTRACE_GETFPREGS, pid, 0, (unsigned long)words);
	printf("%x %x %x\n", words[0], words[2], words[7]);
}

static void wide_task(void)
{
	static const int dummies[] = { 68, 100, 248, 280, 284, 288, 286 };
	uint32_t regs[17] = { 0 }, again[17] = { 0 };
	uint64_t wide[40] = { 0 };
	struct iovec iov = { wide, sizeof(wide) };
	pid_t pid = traced(is_wide);

	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	tell(PTRACE_GETREGS, pid, 0, (unsigned long)regs);
	printf("%x %x %x %x %x\n", regs[BX / 4], regs[BP / 4], regs[DI / 4], regs[13], regs[16]);
	printf("%lx %lx\n", user(pid, BX), user(pid, DI));
	for (unsigned i = 0; i < sizeof(dummies) / sizeof(dummies[0]); i++) {
		unsigned long value = 7;

		tell(PTRACE_PEEKUSER, pid, (unsigned long)dummies[i], (unsigned long)&value);
		printf("%lx\n", value);
		tell(PTRACE_POKEUSER, pid, (unsigned long)dummies[i], 3);
	}
	tell(PTRACE_POKEUSER, pid, BP, 0x66778899);
	tell(PTRACE_POKEUSER, pid, FS, 0x7777);
	tell(PTRACE_GETREGSET, pid, NT_PRSTATUS, (unsigned long)&iov);
	printf("%zu %llx %llx\n", iov.iov_len, (unsigned long long)wide[4],
	       (unsigned long long)wide[5]);
	show_floats(pid);
	/* All of them, and none has an upper half any more. */
	rq(PTRACE_GETREGS, pid, 0, (unsigned long)regs);
	tell(PTRACE_SETREGS, pid, 0, (unsigned long)regs);
	rq(PTRACE_GETREGS, pid, 0, (unsigned long)again);
	printf("%d\n", memcmp(regs, again, sizeof(regs)));
	rq(PTRACE_GETREGSET, pid, NT_PRSTATUS, (unsigned long)&iov);
	printf("%llx %llx\n", (unsigned long long)wide[5], (unsigned long long)wide[21]);
	to_the_end(pid, PTRACE_CONT);
}
#endif

const struct conform_case cases_requests[] = { { "memory", memory },
					       { "poke-text", poke_text },
					       { "regset", regset },
#ifdef __x86_64__
					       { "registers", registers },
					       { "call-skipped", skipped },
					       { "call-replaced", another_call },
					       { "user-area", user_area },
					       { "watchpoint", watchpoint },
					       { "floats", floats },
					       { "block-step", block_step },
					       { "behind-exec", behind_exec },
					       { "interrupted-behind-exec",
						 interrupted_behind_exec },
					       { "breakpoint", breakpoint },
#endif
#ifdef __x86_64__
					       { "arch-prctl", arch_prctl_for },
#endif
#ifdef __aarch64__
					       { "memory-tags", tags },
#endif
#ifdef __i386__
					       { "registers", registers },
					       { "watchpoint", watchpoint },
					       { "floats", floats },
					       { "wide-task", wide_task },
#endif
					       { NULL, NULL } };
