/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The watching thread. It blocks every signal: the host's handlers never run in it. */
#define _GNU_SOURCE
#include "watch.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REST, LOOK, READY, QUIT };

struct tl__watcher {
	pthread_t thread;
	int fd;
	uint32_t phase; /* a futex */
};

static void sleep_while(struct tl__watcher *w, uint32_t phase)
{
	syscall(SYS_futex, &w->phase, FUTEX_WAIT_PRIVATE, phase, NULL, NULL, 0);
}

static void set_phase(struct tl__watcher *w, uint32_t phase)
{
	__atomic_store_n(&w->phase, phase, __ATOMIC_RELEASE);
	syscall(SYS_futex, &w->phase, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void look(struct tl__watcher *w)
{
	uint32_t expected = LOOK;
	uint64_t one = 1;
	siginfo_t si;

	if (waitid(P_ALL, 0, &si, WSTOPPED | WEXITED | __WCLONE | WNOWAIT) < 0 && errno == ECHILD)
		usleep(1000);
	if (__atomic_compare_exchange_n(&w->phase, &expected, READY, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE) &&
	    write(w->fd, &one, sizeof(one)) < 0)
		set_phase(w, LOOK);
}

static void *watch(void *arg)
{
	struct tl__watcher *w = arg;
	uint32_t phase;

	while ((phase = __atomic_load_n(&w->phase, __ATOMIC_ACQUIRE)) != QUIT) {
		if (phase == LOOK)
			look(w);
		else
			sleep_while(w, phase);
	}
	return NULL;
}

int tl__watcher_new(struct tl__watcher **ret)
{
	struct tl__watcher *w = calloc(1, sizeof(*w));
	sigset_t all, old;
	int r;

	if (!w)
		return -ENOMEM;
	w->phase = LOOK;
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->fd < 0) {
		r = -errno;
		free(w);
		return r;
	}
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	r = -pthread_create(&w->thread, NULL, watch, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r < 0) {
		close(w->fd);
		free(w);
		return r;
	}
	*ret = w;
	return 0;
}

int tl__watcher_fd(const struct tl__watcher *w)
{
	return w->fd;
}

void tl__watcher_rearm(struct tl__watcher *w, bool want)
{
	uint64_t count;

	if (__atomic_load_n(&w->phase, __ATOMIC_ACQUIRE) == LOOK && want)
		return;
	if (read(w->fd, &count, sizeof(count)) < 0)
		count = 0;
	set_phase(w, want ? LOOK : REST);
}

void tl__watcher_free(struct tl__watcher *w)
{
	if (!w)
		return;
	set_phase(w, QUIT);
	/* waitid is a cancellation point, and the thread holds nothing. */
	pthread_cancel(w->thread);
	pthread_join(w->thread, NULL);
	close(w->fd);
	free(w);
}
