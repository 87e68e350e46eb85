/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls a function from in front of a breakpoint instruction of its own, and once from elsewhere.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <ucontext.h>

static int traps;

__attribute__((noinline, used)) void called(void)
{
	__asm__ volatile("");
}

static void on_trap(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
#ifdef __aarch64__
	((ucontext_t *)context)->uc_mcontext.pc += 4;
#endif
	traps++;
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };

	sigaction(SIGTRAP, &sa, NULL);
	for (int i = 0; i < 3; i++) {
#ifdef __aarch64__
		__asm__ volatile("bl called\n brk #1" : : : "x30", "memory", "cc");
#else
		__asm__ volatile("sub $128, %%rsp\n call called\n int3\n add $128, %%rsp"
				 :
				 :
				 : "rax", "memory", "cc");
#endif
	}
	called();
	printf("%d traps\n", traps);
	return traps != 3;
}
