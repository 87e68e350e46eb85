/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes calls and writes down what it made, as an oracle where the kernel has none.
 * Usage: own_log calls|threads|processes|signals FILE
 *
 * The log, in FILE: a line a call, in the order in which they began, "TID NR ARG*6 RESULT".
 * Only what stands between two calls of number write, of descriptors BEGIN and END, is in it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BEGIN = -7001, END = -7002, MAX = 100000, ROUNDS = 15, THREADS = 4 };

struct entry {
	long tid, nr, args[6], ret;
};

/* Shared between all threads and processes, and through exec by the file. */
static struct {
	long n;
	struct entry entries[MAX];
} * record;

static __thread long own_tid;

static long made(long nr, const long args[6])
{
	long i = __atomic_fetch_add(&record->n, 1, __ATOMIC_SEQ_CST) % MAX, r;
	struct entry *e = &record->entries[i];

	e->tid = own_tid;
	e->nr = nr;
	memcpy(e->args, args, sizeof(e->args));
	r = syscall(nr, args[0], args[1], args[2], args[3], args[4], args[5]);
	e->ret = r == -1 ? -errno : r;
	return e->ret;
}

/* Arguments that are not given are marks of their own: they must be told as they are. */
#define PICK(nr, a, b, c, d, e, f, ...)                                                            \
	made(nr,                                                                                   \
	     (const long[6]){ (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f) })
#define CALL(...) PICK(__VA_ARGS__, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0)

static void begin(void)
{
	own_tid = syscall(SYS_gettid);
	syscall(SYS_write, BEGIN, NULL, 0);
}

static void end(void)
{
	syscall(SYS_write, END, NULL, 0);
}

static void many_kinds(void)
{
	static char text[256];
	struct iovec v = { text, 8 };
	struct timespec ts = { .tv_nsec = 1000 };
	struct utsname name;
	struct timeval tv;
	struct stat st;
	long fd, pipes;
	int fds[2];
	void *p;

	for (int i = 0; i < ROUNDS; i++) {
		CALL(SYS_getpid);
		CALL(SYS_getppid, i);
		CALL(SYS_uname, &name);
		CALL(SYS_getcwd, text, sizeof(text));
		CALL(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
		CALL(SYS_gettimeofday, &tv, NULL);
		fd = CALL(SYS_openat, AT_FDCWD, "/proc/self/status", O_RDONLY);
		CALL(SYS_fstat, fd, &st);
		CALL(SYS_read, fd, text, 64);
		CALL(SYS_readv, fd, &v, 1);
		CALL(SYS_lseek, fd, 10, SEEK_SET);
		CALL(SYS_fcntl, fd, F_GETFD);
		CALL(SYS_close, fd);
		CALL(SYS_close, -5);
		CALL(SYS_openat, AT_FDCWD, "/not there", O_RDONLY);
		pipes = CALL(SYS_pipe2, fds, O_NONBLOCK);
		CALL(SYS_read, fds[0], text, 1);
		CALL(SYS_write, fds[1], "x", 1);
		CALL(SYS_read, fds[0], text, 1);
		CALL(SYS_close, CALL(SYS_dup, fds[0]));
		CALL(SYS_close, fds[0]);
		CALL(SYS_close, fds[1]);
		p = (void *)CALL(SYS_mmap, 0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CALL(SYS_mprotect, p, 4096, PROT_NONE);
		CALL(SYS_munmap, p, 4096);
		CALL(SYS_madvise, 1, 1, 1);
		CALL(SYS_sched_yield);
		ts.tv_sec = 0;
		ts.tv_nsec = 1000;
		CALL(SYS_nanosleep, &ts, NULL);
		CALL(SYS_kill, 0x7ffffff, 0);
		CALL(SYS_umask, 022);
		CALL(SYS_ioctl, 0, -1, -1);
		/* Numbers that no kernel has. */
		CALL(1000 + i, i, -i);
		CALL(-1, i);
		if (pipes < 0)
			break;
	}
}

static void *one_thread(void *arg)
{
	(void)arg;
	begin();
	many_kinds();
	end();
	return NULL;
}

static void threads(void)
{
	pthread_t t[THREADS];

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, one_thread, NULL))
			exit(2);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
}

static void on_signal(int sig)
{
	CALL(SYS_getuid, sig);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct timespec ts = { .tv_nsec = 200000000 }, rest;
	struct itimerval often = { { 0, 20000 }, { 0, 20000 } }, never = { 0 };
	int fds[2];
	long child;
	char c;

	sigaction(SIGUSR1, &sa, NULL);
	sa = (struct sigaction){ .sa_handler = on_alarm };
	sigaction(SIGALRM, &sa, NULL);
	if (pipe(fds) < 0)
		exit(2);
	begin();
	for (int i = 0; i < 10; i++) {
		CALL(SYS_kill, own_tid, SIGUSR1);
		CALL(SYS_kill, own_tid, SIGWINCH);
		/* More than once: the first may come before the call. */
		CALL(SYS_setitimer, ITIMER_REAL, &often, NULL);
		CALL(SYS_nanosleep, &ts, &rest);
		CALL(SYS_read, fds[0], &c, 1);
		CALL(SYS_setitimer, ITIMER_REAL, &never, NULL);
	}
	end();
	/* A child whose death and signals restart a read. */
	child = fork();
	if (child == 0) {
		nanosleep(&ts, NULL);
		kill(getppid(), SIGUSR1);
		nanosleep(&ts, NULL);
		_exit(write(fds[1], "x", 1) != 1);
	}
	begin();
	CALL(SYS_read, fds[0], &c, 1);
	CALL(SYS_wait4, child, NULL, 0, NULL);
	CALL(SYS_wait4, child, NULL, 0, NULL);
	end();
}

static void processes(const char *self, const char *file)
{
	for (int i = 0; i < 4; i++) {
		pid_t pid = i % 2 ? vfork() : fork();

		if (pid == 0) {
			execl(self, self, i ? "calls" : "threads", file, "again", NULL);
			_exit(127);
		}
		begin();
		CALL(SYS_wait4, pid, NULL, 0, NULL);
		CALL(SYS_getpgid, pid);
		end();
	}
}

static void print(const char *file)
{
	long n = record->n < MAX ? record->n : MAX;
	FILE *f;

	/* It is mapped: another takes its place. */
	unlink(file);
	f = fopen(file, "w");
	if (!f)
		exit(2);
	for (struct entry *e = record->entries; n--; e++)
		fprintf(f, "%ld %ld %#lx %#lx %#lx %#lx %#lx %#lx %ld\n", e->tid, e->nr, e->args[0],
			e->args[1], e->args[2], e->args[3], e->args[4], e->args[5], e->ret);
	fclose(f);
}

int main(int argc, char **argv)
{
	const char *scene = argc > 2 ? argv[1] : "";
	int fd = argc > 2 ? open(argv[2], O_RDWR | O_CREAT | O_CLOEXEC | (argc > 3 ? 0 : O_TRUNC),
				 0600)
			  : -1;

	if (fd < 0 || ftruncate(fd, sizeof(*record)) < 0)
		return 2;
	record = mmap(NULL, sizeof(*record), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (record == MAP_FAILED)
		return 2;
	if (!strcmp(scene, "calls"))
		one_thread(NULL);
	else if (!strcmp(scene, "threads"))
		threads();
	else if (!strcmp(scene, "signals"))
		signals();
	else if (!strcmp(scene, "processes"))
		processes("/proc/self/exe", argv[2]);
	else
		return 2;
	if (argc == 3)
		print(argv[2]);
	return 0;
}
