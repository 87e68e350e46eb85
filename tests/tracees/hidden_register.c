/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls of many kinds with a value in the register that arm64 kernels hide at system call stops
 * (x7; AArch32: ip), while signals arrive. Usage: hidden_register COUNT [read|write [ignore]].
 *
 * Beside the value a counter and a mark tell a tracer what to expect. With "write" the tracer
 * writes at the entries of calls 1 and 3 and at the exits of calls 2 and 3 of every four. Status 1,
 * and a message, for a value that should not be there behind a call, or when the SIGTRAP that is
 * blocked and pending all the while (with "ignore": ignored) is not that any more.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct frame {
	unsigned long nr, args[6], counter, value, after;
};

enum { OURS = 0x1000000, AT_ENTRY = 0x2000000, AT_EXIT = 0x3000000 };

long raw_call(struct frame *f);

#if defined(__aarch64__)
__asm__(".globl raw_call\n"
	"raw_call:\n"
	"	stp x29, x30, [sp, #-32]!\n"
	"	str x19, [sp, #16]\n"
	"	mov x19, x0\n"
	"	ldp x8, x0, [x19]\n"
	"	ldp x1, x2, [x19, #16]\n"
	"	ldp x3, x4, [x19, #32]\n"
	"	ldp x5, x9, [x19, #48]\n"
	"	ldr x7, [x19, #64]\n"
	"	movz x10, #0x7a7a\n"
	"	movk x10, #0x7a7a, lsl #16\n"
	"	svc #0\n"
	"	str x7, [x19, #72]\n"
	"	mov x10, #0\n"
	"	ldr x19, [sp, #16]\n"
	"	ldp x29, x30, [sp], #32\n"
	"	ret\n");
#elif defined(__arm__)
__asm__(".syntax unified\n"
	".globl raw_call\n"
	".type raw_call, %function\n"
#ifdef __thumb__
	".thumb_func\n"
#else
	".arm\n"
#endif
	"raw_call:\n"
	"	push {r4-r11, lr}\n"
	"	mov r11, r0\n"
	"	ldr r7, [r11]\n"
	"	ldr r0, [r11, #4]\n"
	"	ldr r1, [r11, #8]\n"
	"	ldr r2, [r11, #12]\n"
	"	ldr r3, [r11, #16]\n"
	"	ldr r4, [r11, #20]\n"
	"	ldr r5, [r11, #24]\n"
	"	ldr r8, [r11, #28]\n"
	"	ldr ip, [r11, #32]\n"
	"	movw r9, #0x7a7a\n"
	"	movt r9, #0x7a7a\n"
	"	svc #0\n"
	"	str ip, [r11, #36]\n"
	"	mov r9, #0\n"
	"	pop {r4-r11, pc}\n");
#else
#error "nothing is hidden here"
#endif

static int writes;
static volatile int ticks;

static void check(const struct frame *f, int child)
{
	unsigned long want = f->value;

	if (writes && f->counter & 1)
		want = f->counter + AT_ENTRY;
	if (writes && !child && f->counter & 2)
		want = f->counter + AT_EXIT;
	if (f->after == want)
		return;
	fprintf(stderr, "call %lu (number %ld)%s: %#lx, not %#lx\n", f->counter, (long)f->nr,
		child ? ", child" : "", f->after, want);
	_exit(1);
}

static long call(unsigned long counter, long nr, long a, long b, long c, long d)
{
	struct frame f = { (unsigned long)nr,
			   { (unsigned long)a, (unsigned long)b, (unsigned long)c,
			     (unsigned long)d },
			   counter,
			   counter + OURS,
			   0 };
	long r = raw_call(&f);

	check(&f, nr == SYS_clone && r == 0);
	return r;
}

static void fork_one(unsigned long counter)
{
	long pid = call(counter, SYS_clone, SIGCHLD, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	while (waitpid((pid_t)pid, NULL, 0) < 0)
		;
}

static void quick_or_wrong(unsigned long n)
{
	char buf[16] = "";

	switch (n % 23) {
	case 6:
		call(n, SYS_sched_yield, 0, 0, 0, 0);
		break;
	case 7:
		call(n, SYS_gettid, 0, 0, 0, 0);
		break;
	case 9:
		call(n, SYS_fcntl, 2, F_GETFD, 0, 0);
		break;
	case 10:
		call(n, SYS_getcwd, (long)buf, sizeof(buf), 0, 0);
		break;
	case 11:
		call(n, SYS_madvise, 0, 0, 0, 0);
		break;
	case 12:
		call(n, SYS_brk, 0, 0, 0, 0);
		break;
	case 13:
		call(n, SYS_getpid, 0, 0, 0, 0);
		break;
	case 15:
		call(n, SYS_uname, 0, 0, 0, 0);
		break;
	case 17:
		call(n, SYS_wait4, getpid(), 0, 0, 0);
		break;
	case 18:
		call(n, SYS_rt_sigprocmask, SIG_BLOCK, 0, 0, 8);
		break;
	case 21:
		call(n, 4000, -513, 2, 3, 4);
		break;
	default:
		call(n, -10, -512, 0, 0, 0);
		break;
	}
}

static void one(unsigned long n)
{
	struct timespec soon = { 0, 300000 };
	char buf[16] = "";
	long fd;

	switch (n % 23) {
	case 0:
		call(n, -1, 1, 2, 3, 4);
		break;
	case 1:
		call(n, SYS_getppid, 0, 0, 0, 0);
		break;
	case 2:
		call(n, SYS_close, -1, 0, 0, 0);
		break;
	case 3:
		call(n, SYS_openat, AT_FDCWD, (long)"/nowhere", 0, 0);
		break;
	case 4:
		call(n, SYS_read, -1, (long)buf, 1, 0);
		break;
	case 5:
		call(n, SYS_kill, getpid(), 0, 0, 0);
		break;
	case 8:
		fd = call(n, SYS_dup, 2, 0, 0, 0);
		close((int)fd);
		break;
	case 14:
		call(n, SYS_ppoll, 0, 0, (long)&soon, 0);
		break;
	case 16:
		/* Its timeout makes restart_syscall of it. */
		call(n, SYS_nanosleep, (long)&soon, (long)&soon, 0, 0);
		break;
	case 19:
		if (n / 23 % 16 == 0)
			fork_one(n);
		else
			call(n, SYS_getuid, 0, 0, 0, 0);
		break;
	case 20:
		/* What the pseudo-step's signal would have been. */
		call(n, SYS_tgkill, getpid(), (long)syscall(SYS_gettid), SIGUSR1, 0);
		break;
	default:
		quick_or_wrong(n);
		break;
	}
}

static volatile int alarms;

static void tick(int sig)
{
	alarms += sig == SIGALRM;
	ticks++;
}

/* One at a time: on a slow machine there would be nothing but signals. */
static void soon_again(int *seen)
{
	struct itimerval soon = { { 0, 0 }, { 0, 40000 } };

	if (*seen == alarms)
		return;
	*seen = alarms;
	setitimer(ITIMER_REAL, &soon, NULL);
}

/* A tracer that gets at the register by steps must not use up a SIGTRAP of the program's own. */
static void prepare_trap(int ignore)
{
	struct sigaction sa = { .sa_handler = ignore ? SIG_IGN : tick };
	sigset_t trap;

	sigaction(SIGTRAP, &sa, NULL);
	sigemptyset(&trap);
	sigaddset(&trap, SIGTRAP);
	if (!ignore)
		pthread_sigmask(SIG_BLOCK, &trap, NULL);
	raise(SIGTRAP);
}

static int trap_is_as_it_was(int ignore)
{
	struct sigaction sa;
	sigset_t pending, blocked;

	sigaction(SIGTRAP, NULL, &sa);
	if (ignore)
		return sa.sa_handler == SIG_IGN;
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, NULL, &blocked);
	return sa.sa_handler == tick && sigismember(&pending, SIGTRAP) &&
	       sigismember(&blocked, SIGTRAP);
}

static unsigned long count;

static void *some(void *arg)
{
	unsigned long first = (unsigned long)(size_t)arg;
	int seen = -1;

	for (unsigned long i = 0; i < count / 2; i++) {
		if (!first)
			soon_again(&seen);
		one(first + i);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = tick };
	int ignore = argc > 3;
	pthread_t thread;

	count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
	writes = argc > 2 && !strcmp(argv[2], "write");
	/* Inside a handler the mark stands for nothing: no signal there. */
	sigfillset(&sa.sa_mask);
	sigaction(SIGALRM, &sa, NULL);
	sa.sa_flags = SA_RESTART;
	sigaction(SIGUSR1, &sa, NULL);
	/* A tracer that waits to attach. */
	if (getenv("WAIT_FOR"))
		while (access(getenv("WAIT_FOR"), F_OK) < 0)
			usleep(1000);
	prepare_trap(ignore);
	pthread_create(&thread, NULL, some, (void *)(size_t)0x800000);
	some(0);
	pthread_join(thread, NULL);
	fprintf(stderr, "%lu calls, %d signals\n", count, ticks);
	if (trap_is_as_it_was(ignore))
		return 0;
	fprintf(stderr, "SIGTRAP has changed\n");
	return 1;
}
