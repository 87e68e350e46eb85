/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tracee memory with exact partial counts.
 *
 * process_vm_readv is the fast way, but what it counts when it meets a bad page differs by kernel,
 * and it cannot see what only FOLL_FORCE may (PROT_NONE and execute-only pages) nor write to text.
 * Whatever it leaves undone goes through /proc/TID/mem, which copies page by page and counts every
 * byte. Where policy refuses that (proc_mem.force_override, 6.12), PEEK and POKE do the rest a word
 * at a time.
 */
#define _GNU_SOURCE
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PT_PEEKDATA = 2, PT_POKEDATA = 5 };

static ssize_t vm_call(long nr, pid_t tid, uint64_t addr, void *buf, size_t len)
{
	struct iovec local = { .iov_base = buf, .iov_len = len };
	struct iovec remote = { .iov_base = (void *)(uintptr_t)addr, .iov_len = len };
	long r = syscall(nr, (long)tid, &local, 1ul, &remote, 1ul, 0ul);

	return r < 0 ? -errno : r;
}

static ssize_t proc_mem(pid_t tid, uint64_t addr, void *buf, size_t len, bool write)
{
	char path[40];
	ssize_t r;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)tid);
	fd = open(path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = write ? pwrite(fd, buf, len, (off_t)addr) : pread(fd, buf, len, (off_t)addr);
	if (r < 0)
		r = -errno;
	close(fd);
	/* 0 bytes: a zombie's mm is gone, or the address is beyond what a loff_t can say. */
	return r == 0 ? -EIO : r;
}

/* Words never straddle a page, so the count stays exact. */
static ssize_t peek_poke(pid_t tid, uint64_t addr, char *buf, size_t len, bool write)
{
	size_t done = 0;

	while (done < len) {
		uint64_t at = (addr + done) & ~(uint64_t)(sizeof(long) - 1);
		size_t skip = (size_t)(addr + done - at), n = sizeof(long) - skip;
		unsigned long word;
		long r = tl__kernel_request(PT_PEEKDATA, tid, at, (uintptr_t)&word);

		if (n > len - done)
			n = len - done;
		if (r == 0 && write) {
			memcpy((char *)&word + skip, buf + done, n);
			r = tl__kernel_request(PT_POKEDATA, tid, at, word);
		}
		if (r < 0)
			return done ? (ssize_t)done : r;
		if (!write)
			memcpy(buf + done, (char *)&word + skip, n);
		done += n;
	}
	return (ssize_t)done;
}

static ssize_t slow(pid_t tid, uint64_t addr, char *buf, size_t len, bool write)
{
	size_t done = 0;
	ssize_t r = 0;

	while (done < len) {
		r = proc_mem(tid, addr + done, buf + done, len - done, write);
		if (r < 0 && r != -EIO && r != -EFAULT)
			r = peek_poke(tid, addr + done, buf + done, len - done, write);
		if (r <= 0)
			break;
		done += (size_t)r;
	}
	if (done)
		return (ssize_t)done;
	/* One answer for every bad address, whichever of the three ways met it. */
	return r == -EIO || r == -EFAULT ? -EFAULT : r;
}

ssize_t tl__kernel_mem_read(struct tl__sys *sys, pid_t tid, uint64_t addr, void *buf, size_t len)
{
	ssize_t done, more;

	(void)sys;
	if (!len)
		return 0;
	done = vm_call(SYS_process_vm_readv, tid, addr, buf, len);
	if (done == (ssize_t)len || done == -ESRCH)
		return done;
	if (done < 0)
		done = 0;
	more = slow(tid, addr + (size_t)done, (char *)buf + done, len - (size_t)done, false);
	if (more < 0)
		return done ? done : more;
	return done + more;
}

ssize_t tl__kernel_mem_write(struct tl__sys *sys, pid_t tid, uint64_t addr, const void *buf,
			     size_t len)
{
	/* The calls below take void * because they serve both directions; none writes to it here.
	 */
	char *bytes = (char *)(uintptr_t)buf;
	ssize_t done, more;

	(void)sys;
	if (!len)
		return 0;
	done = vm_call(SYS_process_vm_writev, tid, addr, bytes, len);
	if (done == (ssize_t)len || done == -ESRCH)
		return done;
	if (done < 0)
		done = 0;
	more = slow(tid, addr + (size_t)done, bytes + done, len - (size_t)done, true);
	if (more < 0)
		return done ? done : more;
	return done + more;
}
