/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the kernel backend share. Private to this folder. */
#ifndef TL_SYS_KERNEL_H
#define TL_SYS_KERNEL_H

#include "sys.h"

struct tl__spawn_page; /* shared with the child between fork and exec */

struct tl__kernel {
	struct tl__sys sys;
	struct tl__spawn_page *page;
	struct tl__waited *kept; /* wait.c's */
	size_t kept_n;
};

/* ptrace(2), or -errno. Made again where a signal breaks it off: no kernel does that, but a broker,
 * whose answer may come late, to where the results were to go. */
long tl__kernel_request(long req, pid_t tid, uint64_t addr, uintptr_t data);
int tl__kernel_wait(struct tl__sys *sys, unsigned flags, struct tl__waited *out);
int tl__kernel_consume(struct tl__sys *sys, const struct tl__waited *peeked);
ssize_t tl__kernel_mem_read(struct tl__sys *sys, pid_t tid, uint64_t addr, void *buf, size_t len);
ssize_t tl__kernel_mem_write(struct tl__sys *sys, pid_t tid, uint64_t addr, const void *buf,
			     size_t len);
ssize_t tl__kernel_proc_read(struct tl__sys *sys, pid_t tid, enum tl__proc_file file, char *buf,
			     size_t size);
ssize_t tl__kernel_proc_link(struct tl__sys *sys, pid_t tid, const char *name, char *buf,
			     size_t size);
ssize_t tl__kernel_mapped_read(struct tl__sys *sys, pid_t tid, uint64_t addr, void *buf,
			       size_t len);
int tl__kernel_fd_info(struct tl__sys *sys, pid_t tid, int fd, struct tl__fd_info *info);
int tl__kernel_threads(struct tl__sys *sys, pid_t pid, pid_t *tids, size_t max);
int tl__kernel_open_mem(struct tl__sys *sys, pid_t tid);
int tl__kernel_same_memory(struct tl__sys *sys, pid_t a, pid_t b);
bool tl__kernel_same_process(struct tl__sys *sys, pid_t tgid, pid_t tid);
int tl__kernel_spawn(struct tl__sys *sys, struct tl__spawn *spec, uint64_t options, pid_t *ret_pid);
int tl__kernel_spawn_error(struct tl__sys *sys);
bool tl__kernel_spawn_no_new_privs(struct tl__sys *sys);
void tl__kernel_spawn_done(struct tl__kernel *k);

#endif
