/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The recorder: hands every question on, and writes down the answer. */
#include "record.h"

#include "sys.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct recorder {
	struct tl__sys sys;
	struct tl__sys *inner;
	FILE *out;
};

static struct recorder *of(struct tl__sys *sys)
{
	return (struct recorder *)sys;
}

static void hex(FILE *out, const void *data, ssize_t len)
{
	const unsigned char *bytes = data;

	fputc(' ', out);
	if (len <= 0)
		fputc('-', out);
	for (ssize_t i = 0; i < len; i++)
		fprintf(out, "%02x", bytes[i]);
	fputc('\n', out);
}

/* How many bytes a request brought back. */
static ssize_t answer_size(enum tl__pt_request req, int r, size_t len)
{
	if (r < 0)
		return 0;
	switch (req) {
	case TL__PT_GETREGSET:
	case TL__PT_GET_SYSCALL_INFO:
		return (size_t)r < len ? r : (ssize_t)len;
	case TL__PT_PEEKSIGINFO:
		return (ssize_t)r * TL__SIGINFO_SIZE;
	case TL__PT_GETEVENTMSG:
	case TL__PT_GETSIGINFO:
	case TL__PT_GETSIGMASK:
		return (ssize_t)len;
	default:
		return 0;
	}
}

static int record_ptrace(struct tl__sys *sys, enum tl__pt_request req, pid_t tid, uint64_t addr,
			 uint64_t data, void *buf, size_t len)
{
	struct recorder *rec = of(sys);
	int r = rec->inner->ops->ptrace(rec->inner, req, tid, addr, data, buf, len);

	fprintf(rec->out, "P %d %d %" PRIx64 " %" PRIx64 " %zu %d", (int)req, (int)tid, addr, data,
		len, r);
	hex(rec->out, buf, answer_size(req, r, len));
	return r;
}

static int record_wait(struct tl__sys *sys, unsigned flags, struct tl__waited *w)
{
	struct recorder *rec = of(sys);
	int r = rec->inner->ops->wait(rec->inner, flags, w);

	if (r > 0)
		fprintf(rec->out, "W %d %d %d %d\n", (int)w->kind, (int)w->tid, w->code,
			w->core_dumped);
	else if (r == -EINTR)
		fputs("I\n", rec->out);
	return r;
}

static int record_consume(struct tl__sys *sys, const struct tl__waited *peeked)
{
	return of(sys)->inner->ops->consume(of(sys)->inner, peeked);
}

static ssize_t record_mem_read(struct tl__sys *sys, pid_t tid, uint64_t addr, void *buf, size_t len)
{
	struct recorder *rec = of(sys);
	ssize_t r = rec->inner->ops->mem_read(rec->inner, tid, addr, buf, len);

	fprintf(rec->out, "M %d %" PRIx64 " %zu %zd", (int)tid, addr, len, r);
	hex(rec->out, buf, r);
	return r;
}

static ssize_t record_mem_write(struct tl__sys *sys, pid_t tid, uint64_t addr, const void *buf,
				size_t len)
{
	struct recorder *rec = of(sys);
	ssize_t r = rec->inner->ops->mem_write(rec->inner, tid, addr, buf, len);

	fprintf(rec->out, "N %d %" PRIx64 " %zu %zd\n", (int)tid, addr, len, r);
	return r;
}

static ssize_t record_proc_read(struct tl__sys *sys, pid_t tid, enum tl__proc_file file, char *buf,
				size_t size)
{
	struct recorder *rec = of(sys);
	ssize_t r = rec->inner->ops->proc_read(rec->inner, tid, file, buf, size);

	fprintf(rec->out, "R %d %d %zd", (int)tid, (int)file, r);
	hex(rec->out, buf, r);
	return r;
}

static ssize_t record_proc_link(struct tl__sys *sys, pid_t tid, const char *name, char *buf,
				size_t size)
{
	struct recorder *rec = of(sys);
	ssize_t r = rec->inner->ops->proc_link(rec->inner, tid, name, buf, size);

	fprintf(rec->out, "L %d %s %zd", (int)tid, name, r);
	hex(rec->out, buf, r);
	return r;
}

/* Only for the look of a trace: a replay does without. */
static int record_fd_info(struct tl__sys *sys, pid_t tid, int fd, struct tl__fd_info *info)
{
	struct recorder *rec = of(sys);

	return rec->inner->ops->fd_info(rec->inner, tid, fd, info);
}

static int record_threads(struct tl__sys *sys, pid_t pid, pid_t *tids, size_t max)
{
	struct recorder *rec = of(sys);
	int n = rec->inner->ops->threads(rec->inner, pid, tids, max);

	fprintf(rec->out, "T %d %d", (int)pid, n);
	for (int i = 0; i < n && (size_t)i < max; i++)
		fprintf(rec->out, " %d", (int)tids[i]);
	fputc('\n', rec->out);
	return n;
}

static bool record_same_process(struct tl__sys *sys, pid_t tgid, pid_t tid)
{
	struct recorder *rec = of(sys);
	bool same = rec->inner->ops->same_process(rec->inner, tgid, tid);

	fprintf(rec->out, "G %d %d %d\n", (int)tgid, (int)tid, same);
	return same;
}

static int record_spawn(struct tl__sys *sys, struct tl__spawn *spec, uint64_t options, pid_t *pid)
{
	struct recorder *rec = of(sys);
	int r;

	fflush(rec->out); /* the fork must not carry buffered text along */
	r = rec->inner->ops->spawn(rec->inner, spec, options, pid);
	fprintf(rec->out, "S %d\n", r < 0 ? r : (int)*pid);
	return r;
}

static int record_spawn_error(struct tl__sys *sys)
{
	struct recorder *rec = of(sys);
	int r = rec->inner->ops->spawn_error(rec->inner);

	fprintf(rec->out, "E %d 0\n", r);
	return r;
}

static bool record_no_new_privs(struct tl__sys *sys)
{
	struct recorder *rec = of(sys);
	bool r = rec->inner->ops->spawn_no_new_privs(rec->inner);

	fprintf(rec->out, "E 0 %d\n", r);
	return r;
}

static int record_kill(struct tl__sys *sys, pid_t tgid, pid_t tid, int sig)
{
	return of(sys)->inner->ops->kill(of(sys)->inner, tgid, tid, sig);
}

static uint64_t record_clock(struct tl__sys *sys)
{
	return of(sys)->inner->ops->clock(of(sys)->inner);
}

static int record_feature(struct tl__sys *sys, enum tl__feature feature)
{
	struct recorder *rec = of(sys);
	int r;

	fflush(rec->out);
	r = tl__sys_has(rec->inner, feature);
	fprintf(rec->out, "F %s %d\n", tl__feature_name(feature), r);
	return r;
}

static void record_close(struct tl__sys *sys)
{
	of(sys)->inner->ops->close(of(sys)->inner);
	free(sys);
}

/* No affinity calls: where tasks run depends on the clock, and a recording must not. */
static const struct tl__sys_ops record_ops = {
	.ptrace = record_ptrace,
	.wait = record_wait,
	.consume = record_consume,
	.mem_read = record_mem_read,
	.mem_write = record_mem_write,
	.proc_read = record_proc_read,
	.proc_link = record_proc_link,
	.fd_info = record_fd_info,
	.threads = record_threads,
	.same_process = record_same_process,
	.spawn = record_spawn,
	.spawn_error = record_spawn_error,
	.spawn_no_new_privs = record_no_new_privs,
	.kill = record_kill,
	.clock = record_clock,
	.feature = record_feature,
	.close = record_close,
};

struct tl__sys *tl__sys_record_new(struct tl__sys *inner, FILE *out)
{
	struct recorder *rec = calloc(1, sizeof(*rec));

	if (!rec)
		return NULL;
	rec->sys.ops = &record_ops;
	rec->inner = inner;
	rec->out = out;
	fputs(TL__RECORDING_HEAD "\n", out);
	return &rec->sys;
}
