/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random calls of ptrace, of the wait family and of process_vm_readv and _writev with random
 * arguments, from several threads of two processes, on children of the first that come and go.
 * Usage: hostile SECONDS SEED. Never touches a process of others'.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 4, VICTIMS = 6 };

/* Not TRACEME: its parent would have to know. */
static const long requests[] = { 1,      2,      3,      4,      5,      6,      7,         8,
				 9,      12,     13,     14,     15,     16,     17,        18,
				 19,     21,     24,     25,     26,     30,     31,        32,
				 33,     0x4200, 0x4201, 0x4202, 0x4203, 0x4204, 0x4205,    0x4206,
				 0x4207, 0x4208, 0x4209, 0x420a, 0x420b, 0x420c, 0x420d,    0x420e,
				 0x420f, 0x4210, 0x4211, 0x4212, 0x4213, -1,     0x7fffffff };
static struct shared {
	_Atomic pid_t victims[VICTIMS];
	_Atomic int over;
} * shared;
static char *page;

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static pid_t victim(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		static const struct timespec ms = { .tv_nsec = 1000000 };

		signal(SIGUSR1, SIG_IGN);
		for (;;) {
			if (fork() == 0)
				_exit(0);
			nanosleep(&ms, NULL);
			while (waitpid(-1, NULL, WNOHANG) > 0)
				;
		}
	}
	return pid;
}

static pid_t somebody(uint64_t *r)
{
	uint64_t pick = next(r) % 20;

	if (pick == 0)
		return getpid();
	if (pick == 1)
		return (pid_t)next(r) | (1 << 30);
	if (pick == 2)
		return 0;
	return shared->victims[next(r) % VICTIMS];
}

static unsigned long value(uint64_t *r)
{
	switch (next(r) % 6) {
	case 0:
		return 0;
	case 1:
		return next(r) % 64;
	case 2:
		return next(r);
	case 3:
		return (unsigned long)page + next(r) % 8192; /* its second half is not there */
	default:
		return (unsigned long)page + next(r) % 2048;
	}
}

static void one_call(uint64_t *r)
{
	unsigned long args[16];

	switch (next(r) % 9) {
	case 0:
		syscall(SYS_wait4, next(r) % 2 ? -1 : somebody(r), value(r), WNOHANG | next(r) % 16,
			value(r));
		break;
	case 1:
		syscall(SYS_waitid, next(r) % 4, somebody(r), value(r),
			WNOHANG | WEXITED | next(r) % 0x2000000, 0);
		break;
	case 2:
		kill(shared->victims[next(r) % VICTIMS], next(r) % 4 ? SIGUSR1 : SIGCONT);
		break;
	case 3:
		for (size_t i = 0; i < 16; i++)
			args[i] = value(r);
		memcpy(page, args, sizeof(args));
		syscall(next(r) % 2 ? SYS_process_vm_readv : SYS_process_vm_writev,
			(long)somebody(r), page + next(r) % 4 * 16, next(r) % 5, page + 64,
			next(r) % 5, next(r) % 20 == 0);
		break;
	default:
		for (size_t i = 0; i < 16; i++)
			args[i] = value(r);
		/* An iovec and such at the places that pointers lead to. */
		memcpy(page + next(r) % 1024, args, sizeof(args));
		syscall(SYS_ptrace, requests[next(r) % (sizeof(requests) / sizeof(requests[0]))],
			(long)somebody(r), value(r), value(r));
	}
}

static void *run(void *data)
{
	uint64_t r = (uint64_t)(uintptr_t)data * 0x9e3779b97f4a7c15u | 1;
	long n = 0;

	for (; !shared->over; n++)
		one_call(&r);
	return (void *)n;
}

/* New ones for those that have been killed, or are lost in a stop. */
static void renew(int i)
{
	kill(shared->victims[i], SIGKILL);
	shared->victims[i] = victim();
}

static long run_all(long seed)
{
	pthread_t threads[THREADS];
	long calls = 0;
	void *n;

	for (long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, run, (void *)(seed * THREADS + i));
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &n);
		calls += (long)n;
	}
	return calls;
}

static void *renews(void *data)
{
	long seconds = *(long *)data;

	for (long i = 0; i < seconds * 20; i++) {
		usleep(50000);
		renew((int)(i % VICTIMS));
	}
	shared->over = 1;
	return NULL;
}

int main(int argc, char **argv)
{
	long seconds = argc > 1 ? atol(argv[1]) : 1, seed = argc > 2 ? atol(argv[2]) : 1, calls;
	pthread_t renewing;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || page == MAP_FAILED || munmap(page + 4096, 4096) < 0)
		return 2;
	for (int i = 0; i < VICTIMS; i++)
		shared->victims[i] = victim();
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run_all(seed + 1000);
		_exit(0);
	}
	pthread_create(&renewing, NULL, renews, &seconds);
	calls = run_all(seed);
	for (int i = 0; i < VICTIMS; i++)
		kill(shared->victims[i], SIGKILL);
	printf("%ld calls\n", calls);
	return calls < 100;
}
