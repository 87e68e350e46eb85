/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guardian: what was changed for good is undone when its tracer is killed.
 *
 * A held task keeps its narrowed mask, and text its breakpoints; a process of our own outlives the
 * tracer for a moment and gives both back. It learns of the death by the end of a socket. While
 * more than one task is held on one core it also looks every few milliseconds for one that computes
 * without stopping (the tracer would not hear of that) and frees it.
 *
 * It is no child of the host program: forked twice, in a session of its own, with all descriptors
 * closed.
 */
#define _GNU_SOURCE
#include "compat.h"
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
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
	bool texts[TL__GUARDED_MAX];
	int tell; /* closed, by whatever end we meet, it tells the guardian */
};

enum { WATCH, TEXT, NO_TEXT };

struct message {
	int32_t what, id;
	struct tl__guarded text;
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

static void give_all_back(struct shared *sh)
{
	for (int i = 0; i < SLOTS; i++)
		if (sh->slots[i].tid)
			give_back(&sh->slots[i]);
}

/* Memory of the guardian's own; nothing may be allocated there. */
static struct {
	int mem; /* 0: none */
	struct tl__guarded text;
} guarded[TL__GUARDED_MAX];

/* False: nobody is there any more. */
static bool listen_to(int fd)
{
	struct message m = { 0 };
	struct iovec iov = { &m, sizeof(m) };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	int mem = 0;

	if (recvmsg(fd, &msg, 0) <= 0)
		return false;
	c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(&mem, CMSG_DATA(c), sizeof(mem));
	if (m.id < 0 || m.id >= TL__GUARDED_MAX || m.what == WATCH)
		return true;
	if (guarded[m.id].mem)
		close(guarded[m.id].mem);
	guarded[m.id].mem = m.what == TEXT ? mem : 0;
	guarded[m.id].text = m.text;
	return true;
}

static _Noreturn void guardian(struct shared *sh, int fd)
{
	setsid();
	prctl(PR_SET_NAME, "trapline-guard", 0, 0, 0);
	/* The socket becomes descriptor 0; nothing else of the host stays open. */
	dup2(fd, 0);
	syscall(SYS_close_range, 1u, ~0u, 0u);
	for (;;) {
		struct pollfd p = { .fd = 0, .events = POLLIN };
		int several = __atomic_load_n(&sh->several, __ATOMIC_ACQUIRE);
		int r = poll(&p, 1, several ? LOOK_MS : -1);

		if (r == 0)
			free_the_computing(sh);
		else if (r > 0 && !listen_to(0))
			break;
	}
	for (int i = 0; i < TL__GUARDED_MAX; i++)
		if (guarded[i].mem)
			tl__guard_restore(guarded[i].mem, &guarded[i].text);
	give_all_back(sh);
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
	if (g->shared == MAP_FAILED ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		goto fail;
	if (!start(g->shared, fds)) {
		close(fds[0]);
		close(fds[1]);
		goto fail;
	}
	close(fds[0]);
	g->tell = fds[1];
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

/* False: it is dead, or does not listen; we never wait for it. */
static bool tell(struct tl__guard *g, const struct message *m, int mem)
{
	struct iovec iov = { (void *)m, sizeof(*m) };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (mem >= 0) {
		control.align = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
						  .cmsg_level = SOL_SOCKET,
						  .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.align), &mem, sizeof(mem));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
	}
	return sendmsg(g->tell, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(*m);
}

void tl__guard_watch(struct tl__guard *g, bool several)
{
	struct message m = { .what = WATCH };

	if (g->shared->several == several)
		return;
	__atomic_store_n(&g->shared->several, several, __ATOMIC_RELEASE);
	if (several && !tell(g, &m, -1))
		g->shared->several = 0;
}

int tl__guard_text(struct tl__guard *g, int mem, const struct tl__guarded *text)
{
	struct message m = { .what = TEXT, .text = *text };

	while (m.id < TL__GUARDED_MAX && g->texts[m.id])
		m.id++;
	if (m.id == TL__GUARDED_MAX || !tell(g, &m, mem))
		return -ENOSPC;
	g->texts[m.id] = true;
	return m.id;
}

void tl__guard_drop_text(struct tl__guard *g, int id)
{
	struct message m = { .what = NO_TEXT, .id = id };

	g->texts[id] = false;
	tl__ignore(!tell(g, &m, -1));
}

void tl__guard_free(struct tl__guard *g)
{
	if (!g)
		return;
	close(g->tell);
	munmap(g->shared, sizeof(*g->shared));
	free(g);
}
