/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tool that is left alone, and does what it likes with the memory by which that is done: it takes
 * it away, writes into it, and forges what it says to those who take its tracees over. Usage:
 * hostile_alone SECONDS SEED. It ends, or dies of what it has done to itself.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { VICTIMS = 4, PAGE = 4096 };

/* Where the way past the filter lies (bypass.h). */
static char *const way = (char *)0x1e5f00000000;

static uint64_t state;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static pid_t victim(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		static const struct timespec ms = { .tv_nsec = 1000000 };

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			nanosleep(&ms, NULL);
			syscall(SYS_getppid);
		}
	}
	ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC);
	return pid;
}

/* Another process with the same memory: it changes what the tool is made to say, while that is
 * read. */
static int scribbler(void *unused)
{
	(void)unused;
	syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		for (size_t i = 512; i < 1024; i += 8)
			memcpy(way + PAGE + i, &(uint64_t){ next() % 3 ? next() : next() % 512 },
			       8);
	return 0;
}

static void begin_to_scribble(void)
{
	static char stack[16384];

	syscall(SYS_mprotect, way, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
	clone(scribbler, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
}

static void one(pid_t *victims)
{
	pid_t *v = &victims[next() % VICTIMS];
	int status;

	switch (next() % 6000) {
	case 0:
		begin_to_scribble();
		break;
	case 1:
		munmap(way + (next() % 2) * PAGE, PAGE);
		break;
	case 2:
		mprotect(way, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
		memset(way + next() % (2 * PAGE - 64), (int)next(), next() % 64);
		break;
	case 3 ... 6:
		kill(*v, SIGKILL);
		waitpid(*v, NULL, __WALL);
		*v = victim();
		break;
	case 100 ... 300:
		ptrace((int)(next() % 2 ? PTRACE_INTERRUPT : PTRACE_LISTEN), *v, NULL, NULL);
		break;
	case 301 ... 500:
		kill(*v, next() % 2 ? SIGSTOP : SIGCONT);
		break;
	default:
		if (waitpid(-1, &status, __WALL | WNOHANG) <= 0)
			usleep(200);
		for (int i = 0; i < VICTIMS; i++)
			ptrace(next() % 20 ? PTRACE_SYSCALL : PTRACE_CONT, victims[i], NULL, NULL);
	}
}

int main(int argc, char **argv)
{
	time_t until = time(NULL) + (argc > 1 ? atol(argv[1]) : 1);
	pid_t victims[VICTIMS];

	state = (argc > 2 ? strtoull(argv[2], NULL, 10) : 1) * 0x9e3779b97f4a7c15u | 1;
	for (int i = 0; i < VICTIMS; i++)
		victims[i] = victim();
	while (time(NULL) < until)
		one(victims);
	for (int i = 0; i < VICTIMS; i++)
		kill(victims[i], SIGKILL);
	return 0;
}
