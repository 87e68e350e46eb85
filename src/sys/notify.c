/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Seccomp's notifications, and what is to be known of those who make the calls. */
#define _GNU_SOURCE
#include "notify.h"

#include "compat.h"
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(struct tl__notice) == sizeof(struct seccomp_notif), "seccomp_notif");

int tl__notify_listen(const struct tl__bpf_insn *code, uint16_t len, bool *no_new_privs)
{
	struct sock_fprog prog = { .len = len, .filter = (struct sock_filter *)(uintptr_t)code };
	long fd;

	*no_new_privs = false;
	fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog);
	if (fd < 0 && errno == EACCES) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			return -errno;
		*no_new_privs = true;
		fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			     &prog);
	}
	return fd < 0 ? -errno : (int)fd;
}

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS      SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

void tl__notify_take_turns(int listener)
{
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
}

int tl__notify_receive(int listener, struct tl__notice *n)
{
	memset(n, 0, sizeof(*n));
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, n) == 0)
		return 1;
	return errno == ENOENT || errno == EINTR ? 0 : -errno;
}

static int answer(int listener, const struct seccomp_notif_resp *resp)
{
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, resp) < 0 ? -errno : 0;
}

int tl__notify_answer(int listener, uint64_t id, int64_t result)
{
	struct seccomp_notif_resp resp = { .id = id };

	if (result < 0 && result > -4096)
		resp.error = (int)result;
	else
		resp.val = result;
	return answer(listener, &resp);
}

int tl__notify_continue(int listener, uint64_t id)
{
	struct seccomp_notif_resp resp = { .id = id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };

	return answer(listener, &resp);
}

bool tl__notify_valid(int listener, uint64_t id)
{
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

static int add_fd(int listener, struct seccomp_notif_addfd *add)
{
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, add) < 0 ? -errno : 0;
}

static bool is_limit(pid_t tgid, const struct rlimit *want)
{
	struct rlimit is;

	return prlimit(tgid, RLIMIT_NOFILE, NULL, &is) == 0 && is.rlim_cur == want->rlim_cur &&
	       is.rlim_max == want->rlim_max;
}

int tl__notify_give(int listener, uint64_t id, pid_t tgid, int fd, int number, bool close_on_exec)
{
	struct seccomp_notif_addfd add = { .id = id,
					   .flags = SECCOMP_ADDFD_FLAG_SETFD,
					   .srcfd = (uint32_t)fd,
					   .newfd = (uint32_t)number,
					   .newfd_flags = close_on_exec ? O_CLOEXEC : 0 };
	struct rlimit is, wide;
	int r;

	if (prlimit(tgid, RLIMIT_NOFILE, NULL, &is) < 0)
		return -errno;
	if (is.rlim_cur > (rlim_t)number)
		return add_fd(listener, &add);
	/* replace_fd() asks for the caller's limit; what is open above it stays so. */
	wide = is;
	wide.rlim_cur = (rlim_t)number + 1;
	if (wide.rlim_cur > wide.rlim_max || prlimit(tgid, RLIMIT_NOFILE, &wide, NULL) < 0)
		return -EMFILE;
	r = add_fd(listener, &add);
	/* The caller still waits; another of its threads may have set one of its own. */
	if (is_limit(tgid, &wide))
		prlimit(tgid, RLIMIT_NOFILE, &is, NULL);
	return r;
}

int64_t tl__process_vm(pid_t tid, bool writes, uint64_t addr, void *buf, size_t len)
{
	struct iovec local = { buf, len };
	struct iovec remote = { (void *)(uintptr_t)addr, len };
	long r = syscall(writes ? SYS_process_vm_writev : SYS_process_vm_readv, (long)tid, &local,
			 1ul, &remote, 1ul, 0ul);

	return r < 0 ? -errno : r;
}

static int copy(pid_t tid, bool writes, uint64_t addr, void *buf, size_t len)
{
	int64_t r = tl__process_vm(tid, writes, addr, buf, len);

	return r == (int64_t)len ? 0 : r == -ESRCH ? -ESRCH : -EFAULT;
}

int tl__caller_read(pid_t tid, uint64_t addr, void *buf, size_t len)
{
	return copy(tid, false, addr, buf, len);
}

int tl__caller_string(pid_t tid, uint64_t addr, char *buf, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), have = 0;

	while (have < size) {
		size_t n = page - (size_t)((addr + have) % page);
		const char *end;

		if (n > size - have)
			n = size - have;
		if (tl__caller_read(tid, addr + have, buf + have, n) < 0)
			return -EFAULT;
		end = memchr(buf + have, '\0', n);
		if (end)
			return (int)(end - buf);
		have += n;
	}
	return -ENAMETOOLONG;
}

int tl__caller_write(pid_t tid, uint64_t addr, const void *buf, size_t len)
{
	return copy(tid, true, addr, (void *)(uintptr_t)buf, len);
}

int tl__person_read(pid_t tid, struct tl__person *p)
{
	char text[4096], state[32];
	const char *at;
	int pgrp;

	if (tl__kernel_proc_read(NULL, tid, TL__PROC_STATUS, text, sizeof(text)) <= 0)
		return -ESRCH;
	p->tgid = (pid_t)tl__proc_field_dec(text, "Tgid");
	p->ppid = (pid_t)tl__proc_field_dec(text, "PPid");
	p->tracer = (pid_t)tl__proc_field_dec(text, "TracerPid");
	p->uid = (uid_t)tl__proc_field_dec(text, "Uid");
	p->threads = (unsigned)tl__proc_field_dec(text, "Threads");
	p->catches_sigchld = tl__proc_field_hex(text, "SigCgt") >> (SIGCHLD - 1) & 1;
	p->state = tl__proc_field(text, "State", state, sizeof(state)) ? state[0] : '?';
	if (tl__kernel_proc_read(NULL, tid, TL__PROC_STAT, text, sizeof(text)) <= 0)
		return -ESRCH;
	/* Behind the name, which may hold anything: state, parent, group. */
	at = strrchr(text, ')');
	if (!at || sscanf(at + 1, " %*c %*d %d", &pgrp) != 1)
		return -ESRCH;
	p->pgrp = pgrp;
	return 0;
}

pid_t tl__person_process(pid_t tid)
{
	struct tl__person p;

	return tl__person_read(tid, &p) == 0 ? p.tgid : -1;
}

static int64_t ms_of(clockid_t clock)
{
	struct timespec now = { 0 };

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A number of /proc/TID/stat (proc(5)) behind the name, the second, which may hold blanks. */
static bool stat_field(pid_t tid, unsigned which, long long *ret)
{
	char text[4096];
	const char *at;

	if (tl__kernel_proc_read(NULL, tid, TL__PROC_STAT, text, sizeof(text)) <= 0)
		return false;
	at = strrchr(text, ')');
	for (unsigned i = 2; at && i < which; i++)
		at = strchr(at + 1, ' ');
	return at && sscanf(at, "%lld", ret) == 1;
}

uint64_t tl__person_since(pid_t tid)
{
	enum { STARTTIME = 22 };
	int64_t now = ms_of(CLOCK_MONOTONIC), asleep = ms_of(CLOCK_BOOTTIME) - now, since;
	long long ticks;

	if (!stat_field(tid, STARTTIME, &ticks))
		return 0;
	since = (int64_t)(ticks * 1000 / sysconf(_SC_CLK_TCK)) - asleep;
	return since > 0 ? (uint64_t)since : 0;
}

int tl__person_exit_signal(pid_t pid)
{
	enum { EXIT_SIGNAL = 38 };
	long long sig;

	return stat_field(pid, EXIT_SIGNAL, &sig) ? (int)sig : SIGCHLD;
}

bool tl__person_has_pending(pid_t tid, int sig)
{
	char text[4096];

	return tl__kernel_proc_read(NULL, tid, TL__PROC_STATUS, text, sizeof(text)) > 0 &&
	       tl__proc_field_hex(text, "SigPnd") >> (sig - 1) & 1;
}

bool tl__person_is_to_take(pid_t tid, int sig)
{
	char text[4096];
	uint64_t is;

	if (tl__kernel_proc_read(NULL, tid, TL__PROC_STATUS, text, sizeof(text)) <= 0)
		return false;
	is = tl__proc_field_hex(text, "SigPnd") | tl__proc_field_hex(text, "ShdPnd");
	return (is & ~tl__proc_field_hex(text, "SigBlk")) >> (sig - 1) & 1;
}

bool tl__person_catches_signals(pid_t tid)
{
	/* Faults, and the two that libc has for its own threads. */
	static const int apart[] = { SIGILL,  SIGTRAP, SIGBUS, SIGFPE, SIGSEGV,
				     SIGCHLD, SIGSYS,  32,     33 };
	char text[4096];
	uint64_t caught;

	if (tl__kernel_proc_read(NULL, tid, TL__PROC_STATUS, text, sizeof(text)) <= 0)
		return false;
	caught = tl__proc_field_hex(text, "SigCgt");
	for (size_t i = 0; i < tl__array_len(apart); i++)
		caught &= ~(1ull << (apart[i] - 1));
	return caught != 0;
}

static bool look_at(struct tl__sleeper *s, pid_t tid)
{
	char path[40];

	if (s->tid)
		close(s->fd);
	s->tid = 0;
	snprintf(path, sizeof(path), "/proc/%d/wchan", (int)tid);
	s->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s->fd >= 0)
		s->tid = tid;
	return s->fd >= 0;
}

bool tl__person_sleeps(struct tl__sleeper *last, pid_t tid)
{
	char first = '0';

	/* An id may be somebody else's by now. */
	if (last->tid == tid && pread(last->fd, &first, 1, 0) == 1)
		return first != '0';
	return look_at(last, tid) && pread(last->fd, &first, 1, 0) == 1 && first != '0';
}

static bool same_namespace(pid_t tid, const char *which)
{
	char ours[40], theirs[40];
	struct stat us, them;

	snprintf(ours, sizeof(ours), "/proc/self/ns/%s", which);
	snprintf(theirs, sizeof(theirs), "/proc/%d/ns/%s", (int)tid, which);
	return stat(ours, &us) == 0 && stat(theirs, &them) == 0 && us.st_ino == them.st_ino;
}

bool tl__person_shares_pids(pid_t tid)
{
	return same_namespace(tid, "pid");
}

bool tl__person_may_suspend(pid_t tid)
{
	enum { CAP_SYS_ADMIN_ = 21 };
	char us[4096], them[4096];

	if (tl__kernel_proc_read(NULL, getpid(), TL__PROC_STATUS, us, sizeof(us)) <= 0 ||
	    tl__kernel_proc_read(NULL, tid, TL__PROC_STATUS, them, sizeof(them)) <= 0)
		return false;
	return tl__proc_field_hex(them, "CapEff") >> CAP_SYS_ADMIN_ & 1 &&
	       tl__proc_field_dec(them, "Seccomp_filters") <=
		       tl__proc_field_dec(us, "Seccomp_filters") + 1 &&
	       /* The first one is what the kernel asks for: theirs is seen to be ours. */
	       same_namespace(tid, "user");
}

static int64_t line_of(const char *text, const char *key, int base)
{
	const char *at = strstr(text, key);

	return at ? strtoll(at + strlen(key), NULL, base) : -1;
}

pid_t tl__person_of_pidfd(pid_t tid, int fd, bool *ret_nonblock)
{
	char path[64], text[1024];
	ssize_t n = -1;
	int64_t pid;
	int info;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)tid, fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	if (info >= 0) {
		n = read(info, text, sizeof(text) - 1);
		close(info);
	}
	if (n <= 0)
		return -EBADF;
	text[n] = '\0';
	pid = line_of(text, "\nPid:", 10);
	*ret_nonblock = line_of(text, "flags:", 8) & O_NONBLOCK;
	return pid > 0 ? (pid_t)pid : -EBADF;
}

/* getauxval(3)'s vector, in words of 64 or of 32 bits. */
static uint64_t auxv_value(const char *vector, size_t len, size_t word, uint64_t which)
{
	for (size_t at = 0; at + 2 * word <= len; at += 2 * word) {
		uint64_t key = 0, value = 0;

		memcpy(&key, vector + at, word);
		memcpy(&value, vector + at + word, word);
		if (key == which)
			return value;
	}
	return 0;
}

/* Its length; *ret_word: of how many bytes its words are. 0: not to be had. */
static size_t read_auxv(pid_t tgid, char *vector, size_t size, size_t *ret_word)
{
	char path[32];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/auxv", (int)tgid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, vector, size);
		close(fd);
	}
	if (n <= 0)
		return 0;
	*ret_word = auxv_value(vector, (size_t)n, 8, AT_CLKTCK) == 100 ? 8 : 4;
	return (size_t)n;
}

uint64_t tl__person_entry(pid_t tgid)
{
	char vector[1024];
	size_t word, n = read_auxv(tgid, vector, sizeof(vector), &word);

	return n ? auxv_value(vector, n, word, AT_ENTRY) : 0;
}

bool tl__person_is_narrow(pid_t tgid)
{
	char vector[1024];
	size_t word;

	return read_auxv(tgid, vector, sizeof(vector), &word) && word == 4;
}

bool tl__person_has_fd(pid_t tgid, int number)
{
	char path[48], to[8];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)tgid, number);
	return readlink(path, to, sizeof(to)) >= 0 || errno != ENOENT;
}

#ifndef KCMP_FILE
#define KCMP_FILE 0
#endif

/* Without CONFIG_KCMP (Debian's cloud kernel of arm64): the same memory, at least. */
bool tl__person_shares_fd(pid_t tgid, int number, int fd)
{
	long r = syscall(SYS_kcmp, (long)getpid(), (long)tgid, (long)KCMP_FILE, (long)fd,
			 (long)number);
	struct stat ours, theirs;
	char path[48];

	if (r >= 0 || errno != ENOSYS)
		return r == 0;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)tgid, number);
	return fstat(fd, &ours) == 0 && stat(path, &theirs) == 0 && ours.st_dev == theirs.st_dev &&
	       ours.st_ino == theirs.st_ino;
}

/* Hundredths of a second to the two words of a timeval. */
static void put_ticks(int64_t *to, unsigned long long ticks)
{
	unsigned long long hz = (unsigned long long)sysconf(_SC_CLK_TCK);

	to[0] = (int64_t)(ticks / hz);
	to[1] = (int64_t)(ticks % hz * (1000000 / hz));
}

static void usage_now(pid_t tid, int64_t usage[TL__USAGE_WORDS])
{
	enum { MAXRSS = 4, MINFLT = 8, MAJFLT = 9 };
	unsigned long long t[4], minor[2], major[2];
	char text[4096];
	const char *at;

	if (tl__kernel_proc_read(NULL, tid, TL__PROC_STAT, text, sizeof(text)) <= 0)
		return;
	at = strrchr(text, ')');
	if (!at ||
	    sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %llu %llu %llu %llu %llu %llu %llu %llu",
		   &minor[0], &minor[1], &major[0], &major[1], &t[0], &t[1], &t[2], &t[3]) != 8)
		return;
	put_ticks(usage, t[0] + t[2]);
	put_ticks(usage + 2, t[1] + t[3]);
	usage[MINFLT] = (int64_t)(minor[0] + minor[1]);
	usage[MAJFLT] = (int64_t)(major[0] + major[1]);
	if (tl__kernel_proc_read(NULL, tid, TL__PROC_STATUS, text, sizeof(text)) > 0)
		usage[MAXRSS] = tl__proc_field_dec(text, "VmHWM");
}

void tl__person_usage(pid_t tid, int64_t usage[TL__USAGE_WORDS])
{
	siginfo_t si = { 0 };

	memset(usage, 0, TL__USAGE_WORDS * sizeof(*usage));
	if (syscall(SYS_waitid, P_PID, tid, &si, WSTOPPED | WEXITED | WNOHANG | WNOWAIT | __WALL,
		    usage) < 0 ||
	    si.si_pid != tid)
		usage_now(tid, usage);
}

static bool has_child(pid_t tid, pid_t child)
{
	char text[4096], *at = text, *end;
	long pid;

	if (tl__kernel_proc_read(NULL, tid, TL__PROC_CHILDREN, text, sizeof(text)) <= 0)
		return false;
	for (; (pid = strtol(at, &end, 10)) > 0 && end != at; at = end)
		if (pid == child)
			return true;
	return false;
}

enum { THREADS = 512 };

bool tl__person_waits_in_exec(pid_t tgid)
{
	pid_t tids[THREADS];
	int n = tl__kernel_threads(NULL, tgid, tids, THREADS);
	char where[64];

	for (int i = 0; i < n && i < THREADS; i++)
		if (tl__kernel_proc_read(NULL, tids[i], TL__PROC_WCHAN, where, sizeof(where)) > 0 &&
		    (!strcmp(where, "begin_new_exec") || !strcmp(where, "de_thread")))
			return true;
	return false;
}

pid_t tl__person_maker(pid_t tgid, pid_t child)
{
	pid_t tids[THREADS];
	int n = tl__kernel_threads(NULL, tgid, tids, THREADS);

	for (int i = 0; i < n && i < THREADS; i++)
		if (has_child(tids[i], child))
			return tids[i];
	return 0;
}

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

int tl__person_watch_thread(pid_t tid)
{
	long fd = syscall(SYS_pidfd_open, (long)tid, (unsigned long)PIDFD_THREAD);

	return fd < 0 ? -errno : (int)fd;
}

int tl__person_watch(pid_t pid)
{
	long fd = syscall(SYS_pidfd_open, (long)pid, 0ul);

	return fd < 0 ? -errno : (int)fd;
}
