/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting a program under trace.
 *
 * The child sleeps on a futex in a shared page until it is seized, becomes what the caller asked
 * for, and stops itself with SIGSTOP right before execve, so that the first syscall stop that
 * anybody sees is the entry of that execve. It makes only async-signal-safe calls: the host program
 * may have threads. What went wrong comes back through the page, without a syscall of its own that
 * a filter could meet.
 */
#define _GNU_SOURCE
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct tl__spawn_page {
	uint32_t seized; /* the futex */
	int error;       /* of the last step that failed */
	int no_new_privs;
};

static int page_new(struct tl__kernel *k)
{
	if (!k->page) {
		k->page = mmap(NULL, sizeof(*k->page), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (k->page == MAP_FAILED) {
			k->page = NULL;
			return -errno;
		}
	}
	k->page->seized = 0;
	k->page->error = 0;
	k->page->no_new_privs = 0;
	return 0;
}

void tl__kernel_spawn_done(struct tl__kernel *k)
{
	if (k->page)
		munmap(k->page, sizeof(*k->page));
	k->page = NULL;
}

static int child_filter(const struct tl__spawn *spec, struct tl__spawn_page *page)
{
	struct sock_fprog prog = { .len = spec->filter_len,
				   .filter = (struct sock_filter *)(uintptr_t)spec->filter };

	if (!spec->filter)
		return 0;
	/* With CAP_SYS_ADMIN no_new_privs is not needed, and setuid programs keep working. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0)
		return 0;
	if (errno != EACCES || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	page->no_new_privs = 1;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0 ? -errno : 0;
}

static int child_user(const struct tl__spawn *spec)
{
	if (!spec->set_user)
		return 0;
	if (initgroups(spec->user, spec->gid) < 0 || setregid(spec->gid, spec->gid) < 0 ||
	    setreuid(spec->uid, spec->uid) < 0)
		return -errno;
	return 0;
}

static _Noreturn void child(const struct tl__spawn *spec, struct tl__spawn_page *page)
{
	int r;

	while (!__atomic_load_n(&page->seized, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, &page->seized, FUTEX_WAIT, 0, NULL, NULL, 0);
	r = child_user(spec);
	if (r == 0)
		r = child_filter(spec, page);
	if (r == 0) {
		kill(getpid(), SIGSTOP);
		execve(spec->path, spec->argv, spec->envp);
		r = -errno;
	}
	page->error = -r;
	_exit(127);
}

int tl__kernel_spawn(struct tl__sys *sys, struct tl__spawn *spec, uint64_t options, pid_t *ret_pid)
{
	struct tl__kernel *k = (struct tl__kernel *)sys;
	int r;
	pid_t pid;

	r = page_new(k);
	if (r < 0)
		return r;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid)
		child(spec, k->page);
	r = tl__pt(sys, TL__PT_SEIZE, pid, 0, options);
	if (r < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, __WALL);
		return r;
	}
	__atomic_store_n(&k->page->seized, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &k->page->seized, FUTEX_WAKE, 1, NULL, NULL, 0);
	*ret_pid = pid;
	return 0;
}

int tl__kernel_spawn_error(struct tl__sys *sys)
{
	struct tl__kernel *k = (struct tl__kernel *)sys;

	return k->page ? k->page->error : 0;
}

bool tl__kernel_spawn_no_new_privs(struct tl__sys *sys)
{
	struct tl__kernel *k = (struct tl__kernel *)sys;

	return k->page && k->page->no_new_privs;
}
