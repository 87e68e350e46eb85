/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /proc/PID/mem of tracees. Debuggers write their breakpoints through it; so a tool that opens that
 * of a tracee of its gets a descriptor with a number that the filter knows, and what it reads and
 * writes there passes by here (shadow.c). Other calls on it, and all on descriptors that were
 * opened before the process was its tracee, go to the memory as it is.
 */
#define _GNU_SOURCE
#include "memory.h"

#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CHUNK = 1 << 15, MOST = 1 << 20 };

struct tl__memory *tl__memory_find(struct tl__broker *b, const struct tl__tool *tool, int theirs)
{
	struct tl__memory *m;

	TAILQ_FOREACH (m, &b->memories, link)
		if (m->tool == tool && m->theirs == theirs)
			return m;
	return NULL;
}

struct tl__memory *tl__memory_add(struct tl__tool *tool, pid_t tgid, int theirs, int fd)
{
	struct tl__memory *m = calloc(1, sizeof(*m));

	if (!m) {
		close(fd);
		return NULL;
	}
	m->tool = tool;
	m->tgid = tgid;
	m->theirs = theirs;
	m->fd = fd;
	TAILQ_INSERT_TAIL(&tool->broker->memories, m, link);
	tl__shortcuts_read_no_more(tool->broker);
	return m;
}

void tl__memory_drop(struct tl__memory *m)
{
	TAILQ_REMOVE(&m->tool->broker->memories, m, link);
	if (m->peer)
		tl__peer_memory_closed(m);
	close(m->fd);
	free(m);
}

void tl__memories_forget(struct tl__broker *b, const struct tl__tool *tool)
{
	struct tl__memory *m, *next;

	for (m = TAILQ_FIRST(&b->memories); m; m = next) {
		next = TAILQ_NEXT(m, link);
		if (m->tool == tool)
			tl__memory_drop(m);
	}
}

void tl__memories_leave(struct tl__broker *b, const struct tl__peer *peer)
{
	struct tl__memory *m;

	TAILQ_FOREACH (m, &b->memories, link)
		if (m->peer == peer)
			m->peer = NULL;
}

/* Nobody tells of what a tool closes. */
static bool is_open(const struct tl__memory *m)
{
	return tl__person_shares_fd(m->tool->tgid, m->theirs, m->fd);
}

/* A number that the tool does not use; -EMFILE: none. */
static int free_number(struct tl__tool *tool)
{
	for (int i = TL__FD_FIRST; i < TL__FD_FIRST + TL__FDS; i++) {
		struct tl__memory *m = tl__memory_find(tool->broker, tool, i);

		if (m && is_open(m))
			continue;
		if (m)
			tl__memory_drop(m);
		if (!tl__person_has_fd(tool->tgid, i))
			return i;
	}
	return -EMFILE;
}

/* "/proc/PID/mem", "/proc/PID/task/TID/mem": the last of the ids, or 0. */
static pid_t parse_path(const char *path)
{
	int pid = 0, tid = 0, end = 0;

	if (sscanf(path, "/proc/%d/mem%n", &pid, &end) == 1 && end && !path[end])
		return pid;
	end = 0;
	if (sscanf(path, "/proc/%d/task/%d/mem%n", &pid, &tid, &end) == 2 && end && !path[end])
		return tid;
	return 0;
}

pid_t tl__memory_whose(int fd)
{
	char link[32], path[64];
	struct tl__person p;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return 0;
	path[n] = '\0';
	return tl__person_read(parse_path(path), &p) == 0 ? p.tgid : 0;
}

struct tl__link *tl__memory_link(struct tl__tool *tool, pid_t pid)
{
	struct tl__person p;
	struct tl__link *l;

	TAILQ_FOREACH (l, &tool->links, of_tool)
		if (l->tracee->tid == pid && l->v.state != TL__LINK_DEAD)
			return l;
	if (pid <= 0 || tl__person_read(pid, &p) < 0)
		return NULL;
	TAILQ_FOREACH (l, &tool->links, of_tool)
		if (l->tracee->tgid == p.tgid && l->v.state != TL__LINK_DEAD)
			return l;
	return NULL;
}

static bool give(struct tl__link *l, const struct tl__notice *n, int fd, int flags)
{
	struct tl__broker *b = l->tool->broker;
	int number = free_number(l->tool);
	struct tl__memory *m;

	if (number < 0) {
		close(fd);
		return false;
	}
	m = tl__memory_add(l->tool, l->tracee->tgid, number, fd);
	if (!m)
		return false;
	m->for_writing = (flags & O_ACCMODE) == O_WRONLY;
	m->peer = l->tracee->peer;
	if (m->peer && tl__peer_memory_opened(m) < 0)
		m->peer = NULL;
	else if (tl__notify_give(b->listener, n->id, l->tool->tgid, fd, number,
				 flags & O_CLOEXEC) == 0) {
		tl__answer(b, n, number);
		return true;
	}
	tl__memory_drop(m);
	return false;
}

bool tl__opens_memory(const struct tl__notice *n, enum tl__served what)
{
	char path[48];

	return tl__caller_string(n->tid, n->args[what == TL__SERVE_OPENAT], path, sizeof(path)) >
		       0 &&
	       parse_path(path) > 0;
}

void tl__serve_open(struct tl__broker *b, const struct tl__notice *n, enum tl__served what)
{
	bool at = what == TL__SERVE_OPENAT;
	struct tl__tool *tool = tl__tool_of(b, n->tid);
	struct tl__link *l = NULL;
	char path[48];
	int fd = -1;

	if (tool && !TAILQ_EMPTY(&tool->links) &&
	    tl__caller_string(n->tid, n->args[at], path, sizeof(path)) > 0)
		l = tl__memory_link(tool, parse_path(path));
	if (l)
		fd = open(path, O_RDWR | O_CLOEXEC);
	/* What is wrong with it the kernel says. */
	if (fd < 0 || !give(l, n, fd, (int)n->args[at + 1]))
		tl__pass(b, n->id);
}

static int64_t real_read(const struct tl__view *v, uint64_t addr, void *buf, size_t len)
{
	ssize_t r;

	if (v->vm)
		return tl__process_vm(v->vm, false, addr, buf, len);
	if (v->fd < 0)
		return tl_task_read_mem(v->task, addr, buf, len);
	r = pread(v->fd, buf, len, (off_t)addr);
	return r < 0 ? -errno : r;
}

static int64_t real_write(const struct tl__view *v, uint64_t addr, const void *buf, size_t len)
{
	ssize_t r;

	if (v->vm)
		return tl__process_vm(v->vm, true, addr, (void *)(uintptr_t)buf, len);
	if (v->fd < 0)
		return tl_task_write_mem(v->task, addr, buf, len);
	r = pwrite(v->fd, buf, len, (off_t)addr);
	return r < 0 ? -errno : r;
}

int64_t tl__view_read(const struct tl__view *v, uint64_t addr, void *buf, size_t len)
{
	int64_t r = real_read(v, addr, buf, len);
	const struct tl__shadow *s = tl__breaks_of(v->b, v->tgid);

	if (r > 0 && s)
		tl__shadow_view(s, v->tool, addr, buf, (size_t)r);
	return r;
}

/* At most so many at once, that a page's end is where a write may stop. */
enum { PIECE = 4096 };

static int64_t write_piece(const struct tl__view *v, uint64_t addr, const uint8_t *wanted,
			   size_t len)
{
	struct tl__shadow *s = tl__breaks_get(v->b, v->tgid);
	uint8_t before[PIECE], bytes[PIECE];
	int64_t r = s ? real_read(v, addr, before, len) : -ENOMEM;
	enum tl__write_kind kind;

	/* Not to be read: the kernel says what of the write. */
	if (r <= 0)
		return real_write(v, addr, wanted, len);
	len = (size_t)r;
	memcpy(bytes, before, len);
	tl__shadow_view(s, v->tool, addr, bytes, len);
	kind = tl__shadow_kind(s, v->tool, addr, bytes, wanted, len);
	if (kind == TL__WRITE_SETS && !tl__breaks_is_text(v->b, v->tgid, addr))
		kind = TL__WRITE_CHANGES;
	if (kind == TL__WRITE_CHANGES &&
	    tl__breaks_refuse(v->b, v->tool, v->tgid, addr, before, wanted, len))
		return -EIO;
	memcpy(bytes, wanted, len);
	tl__shadow_merge(s, v->tool, addr, before, bytes, len);
	r = real_write(v, addr, bytes, len);
	if (r <= 0)
		return r;
	if (kind == TL__WRITE_LIFTS || kind == TL__WRITE_SETS)
		tl__step_over_lifted(v->tool, v->tgid, kind == TL__WRITE_LIFTS);
	/* Threads that have met it until now are this tool's to know of. */
	if (kind == TL__WRITE_LIFTS) {
		tl__ignore(tl_session_turn(v->b->session));
		s = tl__breaks_get(v->b, v->tgid);
	}
	if (s)
		tl__shadow_written(s, v->tool, addr, before, wanted, (size_t)r, kind);
	return r;
}

int64_t tl__view_write(const struct tl__view *v, uint64_t addr, const void *buf, size_t len)
{
	int64_t done = 0;

	v->tool->debugs = true;
	while ((size_t)done < len) {
		size_t n = len - (size_t)done < PIECE ? len - (size_t)done : PIECE;
		int64_t r = write_piece(v, addr + (uint64_t)done, (const uint8_t *)buf + done, n);

		if (r <= 0)
			return done ? done : r;
		done += r;
	}
	return done;
}

struct io {
	const struct tl__notice *n;
	struct tl__memory *m;
	bool writes;
	uint64_t addr, at; /* in the tracee, in the tool */
	size_t len;
};

/* Of the same length as the kernel's: what is too much for one call comes back short. */
static bool parse(struct tl__broker *b, const struct tl__notice *n, enum tl__served what,
		  unsigned word, struct io *io)
{
	struct tl__tool *tool = tl__tool_of(b, n->tid);
	unsigned low = TL__BY_HOST(3, 4); /* where two registers hold an offset */

	io->m = tool ? tl__memory_find(b, tool, (int)n->args[0]) : NULL;
	if (!io->m || !is_open(io->m))
		return false;
	io->n = n;
	io->writes = what == TL__SERVE_WRITE || what == TL__SERVE_PWRITE;
	io->at = word == 4 ? (uint32_t)n->args[1] : n->args[1];
	io->len = word == 4 ? (uint32_t)n->args[2] : n->args[2];
	if (io->len > MOST)
		io->len = MOST;
	if (what == TL__SERVE_READ || what == TL__SERVE_WRITE)
		io->addr = (uint64_t)lseek(io->m->fd, 0, SEEK_CUR);
	else if (word == 4)
		io->addr = (uint32_t)n->args[low] | n->args[low + 1] << 32;
	else
		io->addr = n->args[3];
	return true;
}

static int64_t through(struct io *io, uint64_t addr, uint8_t *buf, size_t len)
{
	struct tl__memory *m = io->m;
	struct tl__view v = { .b = m->tool->broker, .tool = m->tool, .tgid = m->tgid, .fd = m->fd };

	if (m->peer)
		return tl__peer_memory(m, io->writes, addr, buf, len);
	return io->writes ? tl__view_write(&v, addr, buf, len) : tl__view_read(&v, addr, buf, len);
}

static int64_t transfer(struct io *io, uint8_t *buf)
{
	size_t done = 0;
	int64_t r = 0;

	do {
		size_t n = io->len - done < CHUNK ? io->len - done : CHUNK;
		uint64_t at = io->at + done;

		r = io->writes ? tl__caller_read(io->n->tid, at, buf, n) : 0;
		if (r == 0)
			r = through(io, io->addr + done, buf, n);
		if (r > 0 && !io->writes &&
		    tl__give(io->m->tool->broker, io->n, at, buf, (size_t)r) < 0)
			r = -EFAULT;
		if (r > 0)
			done += (size_t)r;
		if (r < (int64_t)n)
			break;
	} while (done < io->len);
	return done ? (int64_t)done : r;
}

/* Some kernels let nobody but the tracer itself read what the process cannot (6.12's
 * proc_mem.force_override): then we, whom nobody traces, cannot read such memory of our own. */
static bool may_read_all(struct tl__broker *b)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *hidden;
	uint8_t byte;
	int fd;

	if (b->reads_known)
		return b->reads_all;
	b->reads_known = true;
	hidden = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	b->reads_all = hidden != MAP_FAILED && fd >= 0 &&
		       pread(fd, &byte, 1, (off_t)(uintptr_t)hidden) == 1;
	if (hidden != MAP_FAILED)
		munmap(hidden, page);
	if (fd >= 0)
		close(fd);
	return b->reads_all;
}

/*
 * What a tool reads of a process that no other traces is what memory has, and the kernel reads it
 * faster. (Who comes to trace it meanwhile asks many times before it can write a breakpoint.)
 */
static bool is_all_its_own(const struct tl__memory *m)
{
	const struct tl__shadow *s = tl__breaks_of(m->tool->broker, m->tgid);
	const struct tl__tool *other;
	const struct tl__link *l;

	TAILQ_FOREACH (other, &m->tool->broker->tools, link)
		TAILQ_FOREACH (l, &other->links, of_tool)
			if (other != m->tool && l->tracee->tgid == m->tgid)
				return false;
	return !m->peer && !(s && tl__shadow_has_others(s, m->tool));
}

/* And no other has a descriptor of it. */
static bool is_nobody_elses(const struct tl__memory *m)
{
	const struct tl__memory *other;

	TAILQ_FOREACH (other, &m->tool->broker->memories, link)
		if (other->tool != m->tool && other->tgid == m->tgid)
			return false;
	return !m->for_writing && is_all_its_own(m);
}

/* So that of what it reads no call has to be told. */
static void go_past(struct tl__broker *b, const struct tl__notice *n)
{
	struct tl__tool *tool = tl__tool_of(b, n->tid);
	const struct tl__memory *m;

	TAILQ_FOREACH (m, &b->memories, link)
		if (m->tool == tool && !is_nobody_elses(m))
			return;
	tl__shortcut_met(b, tool, n, TL__BYPASS_READS);
	tl__shortcut_reads(tool, true);
}

static bool is_kernels(struct tl__broker *b, const struct tl__notice *n, enum tl__served what)
{
	const struct tl__tool *tool =
		what == TL__SERVE_READ || what == TL__SERVE_PREAD ? tl__tool_of(b, n->tid) : NULL;
	const struct tl__memory *m = tool ? tl__memory_find(b, tool, (int)n->args[0]) : NULL;

	return m && !m->for_writing && is_all_its_own(m) && may_read_all(b);
}

void tl__serve_io(struct tl__broker *b, const struct tl__notice *n, enum tl__served what,
		  unsigned word)
{
	bool moves = what == TL__SERVE_READ || what == TL__SERVE_WRITE;
	struct io io;
	uint8_t *buf;
	int64_t r;

	if (is_kernels(b, n, what)) {
		if (what == TL__SERVE_PREAD)
			go_past(b, n);
		tl__pass(b, n->id);
		return;
	}
	if (!parse(b, n, what, word, &io)) {
		tl__pass(b, n->id);
		return;
	}
	if (io.m->for_writing && !io.writes) {
		tl__reply(b, n->id, -EBADF);
		return;
	}
	buf = malloc(io.len < CHUNK ? io.len + 1 : CHUNK);
	r = buf ? transfer(&io, buf) : -ENOMEM;
	free(buf);
	if (moves && r > 0 && b->ungiven != n->id)
		lseek(io.m->fd, (off_t)(io.addr + (uint64_t)r), SEEK_SET);
	tl__answer(b, n, r);
}
