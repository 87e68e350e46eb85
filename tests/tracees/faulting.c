/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Instructions that fault, and a handler that looks where: it must be the instruction's own place,
 * with the stack as it was. Each is passed behind its fault. Status 0 if all was so.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

extern const char at_load[], at_load_end[], at_illegal[], at_illegal_end[], at_own[], at_own_end[];
#if defined(__aarch64__)
#define PC(uc)     ((uc)->uc_mcontext.pc)
#define SP(uc)     ((uc)->uc_mcontext.sp)
#define OWN_BEHIND 0
__attribute__((noinline)) void faults(uintptr_t bad)
{
	__asm__ volatile("mov x0, %0\nat_load: ldr x1, [x0]\nat_load_end:\n"
			 "at_illegal: udf #0\nat_illegal_end:\n"
			 "at_own: brk #7\nat_own_end: nop\n"
			 :
			 : "r"(bad)
			 : "x0", "x1", "memory");
}
#else
#if defined(__x86_64__)
#define PC(uc) (*(uintptr_t *)&(uc)->uc_mcontext.gregs[REG_RIP])
#define SP(uc) (*(uintptr_t *)&(uc)->uc_mcontext.gregs[REG_RSP])
#else
#define PC(uc) (*(uintptr_t *)&(uc)->uc_mcontext.gregs[REG_EIP])
#define SP(uc) (*(uintptr_t *)&(uc)->uc_mcontext.gregs[REG_ESP])
#endif
#define OWN_BEHIND 1
extern const char at_call[], at_call_end[], at_divide[], at_divide_end[];
__attribute__((noinline)) void faults(uintptr_t bad)
{
	__asm__ volatile("at_load: mov (%0), %%ecx\nat_load_end:\n"
			 "at_call: call *(%0)\nat_call_end:\n"
			 "xor %%ecx, %%ecx\nxor %%edx, %%edx\n"
			 "at_divide: div %%ecx\nat_divide_end:\n"
			 "at_illegal: ud2\nat_illegal_end:\n"
			 "at_own: int3\nat_own_end: nop\n"
			 :
			 : "a"(bad)
			 : "ecx", "edx", "memory");
}
#endif

static struct expected {
	int sig;
	const char *at, *end;
} list[] = {
	{ SIGSEGV, at_load, at_load_end },
#if !defined(__aarch64__)
	{ SIGSEGV, at_call, at_call_end },      { SIGFPE, at_divide, at_divide_end },
#endif
	{ SIGILL, at_illegal, at_illegal_end }, { SIGTRAP, at_own, at_own_end },
};
enum { FAULTS = sizeof(list) / sizeof(list[0]) };

static unsigned seen, wrong;
static uintptr_t page, stack;
static sigjmp_buf out;
static int leave;

static void on_fault(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;
	const struct expected *e = &list[seen % FAULTS];
	uintptr_t pc = PC(uc), at = (uintptr_t)e->at + (sig == SIGTRAP ? OWN_BEHIND : 0);
	uintptr_t addr = (uintptr_t)si->si_addr;

	if (leave)
		siglongjmp(out, 1);
	if (!stack)
		stack = SP(uc);
	wrong += sig != e->sig || pc != at || SP(uc) != stack;
	if (sig == SIGSEGV)
		wrong += addr != page;
	else if (sig != SIGTRAP)
		wrong += addr != at;
	if (wrong)
		fprintf(stderr, "fault %u: signal %d, not %d; pc %#lx, not %#lx; address %#lx\n",
			seen, sig, e->sig, (unsigned long)pc, (unsigned long)at,
			(unsigned long)addr);
	if (wrong)
		_exit(1);
	seen++;
	PC(uc) = (uintptr_t)e->end;
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	volatile int left = 0;

	page = (uintptr_t)mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (unsigned i = 0; i < FAULTS; i++)
		sigaction(list[i].sig, &sa, NULL);
	for (int i = 0; i < 100; i++)
		faults(page);
	/* Handlers that do not come back. */
	leave = 1;
	for (int i = 0; i < 100; i++)
		if (!sigsetjmp(out, 1))
			faults(page);
		else
			left++;
	printf("%u faults, %d left\n", seen, left);
	return wrong || seen != 100 * FAULTS || left != 100;
}
