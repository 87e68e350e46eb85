/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a tracer may find a program in: taken_over WHAT MS [USEC]. Each ends in a line that tells
 * whether all that it did has been done, once. USEC, 2000 without it, is the time from one ring to
 * the next: in less than three stops take, a program comes to nothing else.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 4 };

static long duration, ring_usec = 2000;

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int nap(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	return nanosleep(&t, NULL);
}

/* In one call: what is left of it is slept, too. */
static int sleeps(void)
{
	long begun = now();
	int r = nap(duration);

	return r == 0 && now() - begun >= duration;
}

static int spins(void)
{
	long until = now() + duration;
	volatile unsigned long n = 0, twice = 0;

	do
		for (int i = 0; i < 1000000; i++) {
			n++;
			twice += 2;
		}
	while (now() < until);
	return twice == 2 * n;
}

/* Every call is made, and once: the kernel counts them along. */
static int calls(void)
{
	int pipes[2], wrong = 0;
	long until = now() + duration;
	unsigned made = 0, there;

	if (pipe(pipes) < 0)
		return 0;
	while (now() < until) {
		for (int i = 0; i < 50; i++, made++)
			if (write(pipes[1], &made, sizeof(made)) != sizeof(made) ||
			    read(pipes[0], &there, sizeof(there)) != sizeof(there) || there != made)
				wrong++;
		if (getpid() != syscall(SYS_getpid))
			wrong++;
	}
	return !wrong;
}

static volatile sig_atomic_t rings;

static void on_alarm(int sig)
{
	(void)sig;
	rings++;
}

static int rings_and_calls(void)
{
	struct itimerval often = { { 0, ring_usec }, { 0, ring_usec } },
			 off = { { 0, 0 }, { 0, 0 } };
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	int right;

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	right = calls();
	setitimer(ITIMER_REAL, &off, NULL);
	return right && rings > 0;
}

static void allow_all(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { 1, &allow };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int filtered(void)
{
	allow_all();
	return calls();
}

static int filtered_sleeps(void)
{
	allow_all();
	return sleeps();
}

static void *thread(void *arg)
{
	int *right = arg;

	*right = right[1] % 2 ? sleeps() : calls();
	return NULL;
}

static int threads(void)
{
	pthread_t t[THREADS];
	int right[THREADS][2], all = 1;

	for (int i = 0; i < THREADS; i++) {
		right[i][0] = 0;
		right[i][1] = i;
		if (pthread_create(&t[i], NULL, thread, right[i]))
			return 0;
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		all &= right[i][0];
	}
	return all;
}

static void *outlives(void *arg)
{
	int right;

	(void)arg;
	right = calls();
	printf("%s\n", right ? "right" : "WRONG");
	fflush(stdout);
	_exit(!right);
}

static int leader(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, outlives, NULL))
		return 0;
	pthread_exit(NULL);
}

/* No fork handlers, no exec: its parent waits for as long as it lives. */
static int vforks(void)
{
	struct timespec t = { duration / 1000, duration % 1000 * 1000000 };
	long begun = now();
	int status = 0;
	pid_t pid = vfork();

	if (pid == 0) {
		syscall(SYS_nanosleep, &t, NULL);
		_exit(7);
	}
	return pid > 0 && now() - begun >= duration && waitpid(pid, &status, 0) == pid &&
	       WIFEXITED(status) && WEXITSTATUS(status) == 7;
}

static int forks(void)
{
	long until = now() + duration;
	int right = 1;

	while (now() < until) {
		int status = 0;
		pid_t pid = fork();

		if (pid == 0) {
			execl("/bin/true", "true", (char *)NULL);
			_exit(1);
		}
		right &= pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
	}
	return right;
}

static int reads(void)
{
	char line[16] = "";

	return read(0, line, sizeof(line)) == 5 && !memcmp(line, "word\n", 5);
}

static int stops(void)
{
	return raise(SIGSTOP) == 0 && calls();
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*does)(void);
	} all[] = { { "sleeps", sleeps },     { "spins", spins },
		    { "calls", calls },       { "rings", rings_and_calls },
		    { "filtered", filtered }, { "filtered-sleeps", filtered_sleeps },
		    { "threads", threads },   { "leader", leader },
		    { "vforks", vforks },     { "forks", forks },
		    { "reads", reads },       { "stops", stops } };

	if (argc < 3)
		return 2;
	duration = atol(argv[2]);
	if (argc > 3)
		ring_usec = atol(argv[3]);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!strcmp(all[i].name, argv[1])) {
			int right = all[i].does();

			printf("%s\n", right ? "right" : "WRONG");
			return !right;
		}
	return 2;
}
