/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guardian of where tasks run.
 *
 * A held task keeps its narrowed mask when its tracer is killed, so a process of our own outlives
 * the tracer for a moment and gives the masks back. It learns of the death by the end of a pipe.
 * While more than one task is held on one core it also looks every few milliseconds for one that
 * computes without stopping (the tracer would not hear of that) and frees it.
 *
 * It is no child of the host program: forked twice, in a session of its own, with all descriptors
 * closed.
 */
#define _GNU_SOURCE
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 64, LOOK_MS = 4 };
#define COMPUTES_NS 2000000u

struct shared {
	uint32_t several;
	struct tl__held slots[SLOTS];
};

struct tl__guard {
	struct shared *shared;
	int pipe; /* the write end; closed, by whatever end we meet, it tells the guardian */
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void give_back(struct tl__held *slot)
{
	syscall(SYS_sched_setaffinity, slot->tid, slot->own.len, slot->own.bits);
}

static void free_the_computing(struct shared *sh)
{
	uint64_t now = now_ns();

	for (int i = 0; i < SLOTS; i++) {
		struct tl__held *slot = &sh->slots[i];
		uint64_t since = __atomic_load_n(&slot->running_since, __ATOMIC_ACQUIRE);

		if (!__atomic_load_n(&slot->tid, __ATOMIC_ACQUIRE) || slot->freed || !since)
			continue;
		if (now < since + COMPUTES_NS)
			continue;
		__atomic_store_n(&slot->freed, 1, __ATOMIC_RELEASE);
		give_back(slot);
	}
}

static _Noreturn void guardian(struct shared *sh, int fd)
{
	char bytes[64];

	setsid();
	prctl(PR_SET_NAME, "trapline-guard", 0, 0, 0);
	/* The pipe's read end becomes descriptor 0; nothing else of the host stays open. */
	dup2(fd, 0);
	syscall(SYS_close_range, 1u, ~0u, 0u);
	for (;;) {
		struct pollfd p = { .fd = 0, .events = POLLIN };
		int several = __atomic_load_n(&sh->several, __ATOMIC_ACQUIRE);
		int r = poll(&p, 1, several ? LOOK_MS : -1);

		if (r == 0)
			free_the_computing(sh);
		else if (r > 0 && read(0, bytes, sizeof(bytes)) <= 0)
			break;
	}
	for (int i = 0; i < SLOTS; i++)
		if (sh->slots[i].tid)
			give_back(&sh->slots[i]);
	_exit(0);
}

static bool start(struct shared *sh, int fds[2])
{
	sigset_t all, old;
	int status;
	pid_t pid;

	/* No signal handler of the host may run in the guardian. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	/* Without an exit signal it is no child that the host's own wait would find. */
	pid = (pid_t)syscall(SYS_clone, 0ul, NULL, NULL, NULL, 0ul);
	if (pid == 0) {
		close(fds[1]);
		if (syscall(SYS_clone, (unsigned long)SIGCHLD, NULL, NULL, NULL, 0ul) == 0)
			guardian(sh, fds[0]);
		_exit(0);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (pid < 0)
		return false;
	while (waitpid(pid, &status, __WCLONE) < 0 && errno == EINTR)
		;
	return true;
}

struct tl__guard *tl__guard_new(void)
{
	struct tl__guard *g = calloc(1, sizeof(*g));
	int fds[2];

	if (!g)
		return NULL;
	g->shared = mmap(NULL, sizeof(*g->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (g->shared == MAP_FAILED || pipe2(fds, O_CLOEXEC) < 0)
		goto fail;
	if (!start(g->shared, fds)) {
		close(fds[0]);
		close(fds[1]);
		goto fail;
	}
	close(fds[0]);
	g->pipe = fds[1];
	return g;
fail:
	if (g->shared != MAP_FAILED)
		munmap(g->shared, sizeof(*g->shared));
	free(g);
	return NULL;
}

struct tl__held *tl__guard_hold(struct tl__guard *g, pid_t tid, const struct tl__cpumask *own)
{
	for (int i = 0; i < SLOTS; i++) {
		struct tl__held *slot = &g->shared->slots[i];

		if (slot->tid)
			continue;
		slot->own = *own;
		slot->freed = 0;
		slot->running_since = 0;
		__atomic_store_n(&slot->tid, tid, __ATOMIC_RELEASE);
		return slot;
	}
	return NULL;
}

void tl__guard_drop(struct tl__guard *g, struct tl__held *slot)
{
	(void)g;
	__atomic_store_n(&slot->tid, 0, __ATOMIC_RELEASE);
}

void tl__guard_watch(struct tl__guard *g, bool several)
{
	ssize_t r = 0;

	if (g->shared->several == several)
		return;
	__atomic_store_n(&g->shared->several, several, __ATOMIC_RELEASE);
	if (several)
		r = write(g->pipe, "", 1);
	if (r < 0)
		g->shared->several = 0;
}

void tl__guard_free(struct tl__guard *g)
{
	if (!g)
		return;
	close(g->pipe);
	munmap(g->shared, sizeof(*g->shared));
	free(g);
}
