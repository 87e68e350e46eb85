/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * 200 threads: half busy with calls, signals and births, half asleep in what an interrupt breaks.
 * A sleeper that sees EINTR without a signal of ours, or a wrong result, is counted; SIGTERM ends
 * it all and the exit status tells.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 200 };
static volatile int stop, broken;
static int sem_id;
static unsigned long work;

static void complain(const char *what, int err)
{
	fprintf(stderr, "%s: %s\n", what, strerror(err));
	__atomic_add_fetch(&broken, 1, __ATOMIC_RELAXED);
}

static void *in_epoll(void *arg)
{
	int ep = epoll_create1(0);
	struct epoll_event ev;

	(void)arg;
	while (!stop)
		if (epoll_wait(ep, &ev, 1, 60000) < 0)
			complain("epoll_wait", errno);
	return NULL;
}

static void *in_futex(void *arg)
{
	struct timespec ts = { 60, 0 };
	int word = 0;

	(void)arg;
	while (!stop)
		if (syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &ts, NULL, 0) < 0 &&
		    errno != ETIMEDOUT)
			complain("futex", errno);
	return NULL;
}

static void *in_semop(void *arg)
{
	struct sembuf op = { .sem_num = 0, .sem_op = -1 };
	struct timespec ts = { 60, 0 };

	(void)arg;
	while (!stop)
		if (semtimedop(sem_id, &op, 1, &ts) < 0 && errno != EAGAIN && !stop)
			complain("semtimedop", errno);
	return NULL;
}

static void *in_recv(void *arg)
{
	struct timeval tv = { 60, 0 };
	int fds[2];
	char c;

	(void)arg;
	socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
	setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	while (!stop)
		if (recv(fds[0], &c, 1, 0) < 0 && errno != EAGAIN)
			complain("recv", errno);
	return NULL;
}

static void *in_nanosleep(void *arg)
{
	struct timespec ts = { 60, 0 };

	(void)arg;
	while (!stop)
		if (nanosleep(&ts, NULL) < 0)
			complain("nanosleep", errno);
	return NULL;
}

static void *in_sigtimedwait(void *arg)
{
	struct timespec ts = { 60, 0 };
	sigset_t set;

	(void)arg;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	while (!stop)
		if (sigtimedwait(&set, NULL, &ts) < 0 && errno != EAGAIN)
			complain("sigtimedwait", errno);
	return NULL;
}

static void *in_vfork(void *arg)
{
	(void)arg;
	while (!stop) {
		pid_t pid = vfork();
		int status;

		if (pid == 0) {
			execl("/bin/sleep", "sleep", "0.05", (char *)NULL);
			_exit(127);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			complain("vfork", errno);
	}
	return NULL;
}

static void *in_calls(void *arg)
{
	(void)arg;
	while (!stop) {
		if (syscall(SYS_getppid) != getppid())
			complain("getppid", errno);
		__atomic_add_fetch(&work, 1, __ATOMIC_RELAXED);
		if (work % 64 == 0)
			usleep(500);
	}
	return NULL;
}

static volatile int hits;

static void on_usr1(int sig)
{
	(void)sig;
	__atomic_add_fetch(&hits, 1, __ATOMIC_RELAXED);
}

static void *in_signals(void *arg)
{
	(void)arg;
	while (!stop) {
		int before = hits;

		pthread_kill(pthread_self(), SIGUSR1);
		if (hits == before)
			complain("signal lost", 0);
		usleep(2000);
	}
	return NULL;
}

static void *nothing(void *arg)
{
	return arg;
}

static void *in_births(void *arg)
{
	(void)arg;
	while (!stop) {
		pthread_t t;

		if (pthread_create(&t, NULL, nothing, NULL) == 0)
			pthread_join(t, NULL);
		usleep(3000);
	}
	return NULL;
}

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

int main(void)
{
	static void *(*const kinds[])(void *) = {
		in_epoll, in_calls,  in_futex,     in_signals, in_semop,        in_calls,
		in_recv,  in_births, in_nanosleep, in_calls,   in_sigtimedwait, in_signals,
	};
	struct sigaction sa = { .sa_handler = on_usr1, .sa_flags = SA_RESTART };
	pthread_attr_t attr;
	sigset_t block;
	pthread_t t;

	sigaction(SIGUSR1, &sa, NULL);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR2);
	sigaddset(&block, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &block, NULL);
	sem_id = semget(IPC_PRIVATE, 1, 0600);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (int i = 0; i < THREADS - 2; i++)
		if (pthread_create(&t, &attr, kinds[i % 12], NULL))
			return 2;
	pthread_create(&t, &attr, in_vfork, NULL);
	puts("ready");
	fflush(stdout);
	sa.sa_handler = on_term;
	sigaction(SIGTERM, &sa, NULL);
	pthread_sigmask(SIG_UNBLOCK, &block, NULL);
	while (!stop)
		pause();
	semctl(sem_id, 0, IPC_RMID);
	fprintf(stderr, "%lu calls, %d broken\n", work, broken);
	_exit(broken ? 1 : 0);
}
