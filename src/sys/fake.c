/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The scripted kernel: matching questions to recorded answers. The parser is in fake_parse.c. */
#include "fake_script.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct fake *of(struct tl__sys *sys)
{
	return (struct fake *)sys;
}

static struct fake_task *task_of(struct fake *f, pid_t tid)
{
	struct fake_task *t;

	for (t = f->tasks; t; t = t->next)
		if (t->tid == tid)
			return t;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->tid = tid;
	t->at = f->spawn_at;
	t->next = f->tasks;
	f->tasks = t;
	return t;
}

static bool lists(const struct record *rec, pid_t tid)
{
	pid_t one;

	for (size_t at = 0; at + sizeof(one) <= rec->len; at += sizeof(one)) {
		memcpy(&one, rec->bytes + at, sizeof(one));
		if (one == tid)
			return true;
	}
	return false;
}

static pid_t process_of(const struct fake *f, pid_t tid)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->records[i].op == 'T' && lists(&f->records[i], tid))
			return f->records[i].tid;
	for (size_t i = 0; i < f->n; i++)
		if (f->records[i].op == 'G' && f->records[i].tid == tid && f->records[i].ret)
			return (pid_t)f->records[i].k1;
	return tid;
}

/* SIGKILL takes all threads of a process. */
static void kill_process(struct fake *f, pid_t tid)
{
	pid_t tgid = process_of(f, tid);

	for (struct fake_task *t = f->tasks; t; t = t->next) {
		if (t->killed || t->over || process_of(f, t->tid) != tgid)
			continue;
		t->killed = true;
		t->death_owed = true;
	}
}

/* One answer about a task: the moment at which it may be killed. */
static bool dead(struct fake *f, struct fake_task *t)
{
	if (!t)
		return true;
	f->steps++;
	if (f->kill_at && f->steps == f->kill_at && !t->killed)
		kill_process(f, t->tid);
	return t->killed || t->over;
}

/* The recorded answer to this question between the task's last stop and its next. */
static const struct record *answer(struct fake *f, struct fake_task *t, char op, int64_t k1,
				   uint64_t k2, uint64_t k3)
{
	const struct record *found = NULL;
	size_t i;

	for (i = t->at; i < f->n; i++) {
		struct record *rec = &f->records[i];

		if (rec->op == 'W' && rec->tid == t->tid && i > t->at)
			break;
		if (rec->op != op || rec->tid != t->tid || rec->k1 != k1 || rec->k2 != k2 ||
		    rec->k3 != k3)
			continue;
		found = rec;
		if (rec->used < f->round)
			break;
	}
	if (found) {
		((struct record *)(uintptr_t)found)->used = f->round;
		/* Killed in its stop, by others than us: its death needs nobody's leave. */
		if (found->ret == -ESRCH)
			t->running = true;
		return found;
	}
	f->missing++;
	return NULL;
}

static ssize_t give(const struct record *rec, void *buf, size_t len)
{
	size_t n = rec->len < len ? rec->len : len;

	if (n)
		memcpy(buf, rec->bytes, n);
	return rec->ret;
}

static bool is_resume(enum tl__pt_request req)
{
	switch (req) {
	case TL__PT_CONT:
	case TL__PT_SYSCALL:
	case TL__PT_SINGLESTEP:
	case TL__PT_SINGLEBLOCK:
	case TL__PT_SYSEMU:
	case TL__PT_SYSEMU_SINGLESTEP:
	case TL__PT_LISTEN:
		return true;
	default:
		return false;
	}
}

static int fake_ptrace(struct tl__sys *sys, enum tl__pt_request req, pid_t tid, uint64_t addr,
		       uint64_t data, void *buf, size_t len)
{
	struct fake *f = of(sys);
	struct fake_task *t = task_of(f, tid);
	const struct record *rec;

	if (dead(f, t))
		return -ESRCH;
	if (req == TL__PT_SEIZE) {
		rec = answer(f, t, 'P', (int64_t)req, addr, data);
		if (rec && rec->ret < 0)
			return (int)rec->ret;
	}
	if (req == TL__PT_INTERRUPT || req == TL__PT_SEIZE) {
		t->running = true;
		return 0;
	}
	if (t->running)
		return -ESRCH; /* as the kernel says of a task that is not stopped */
	if (is_resume(req)) {
		t->running = true;
		return 0;
	}
	if (req == TL__PT_DETACH) {
		t->over = true;
		return 0;
	}
	if (!buf || req == TL__PT_SETREGSET || req == TL__PT_SETSIGINFO ||
	    req == TL__PT_SETSIGMASK || req == TL__PT_SET_SYSCALL_INFO)
		return 0;
	rec = answer(f, t, 'P', (int64_t)req, addr, data);
	return rec ? (int)give(rec, buf, len) : -EIO;
}

/* A child of a task that was killed before it forked is never born. */
static bool unborn(struct fake *f, const struct record *rec)
{
	struct fake_task *parent;

	if (!rec->parent)
		return false;
	parent = task_of(f, rec->parent);
	if (!parent)
		return true;
	return parent->at < (parent->killed ? rec->birth : rec->eve);
}

static int deliver(struct fake *f, struct fake_task *t, size_t i, struct tl__waited *w)
{
	const struct record *rec = &f->records[i];

	f->records[i].used = f->round;
	t->at = i;
	t->running = false;
	t->seen = true;
	w->kind = (enum tl__wait_kind)rec->k1;
	w->tid = rec->tid;
	w->code = (int)rec->k2;
	w->core_dumped = rec->k3;
	if (w->kind != TL__WAIT_STOPPED)
		t->over = true;
	return 1;
}

static int deliver_kill(struct fake *f, struct tl__waited *w)
{
	for (struct fake_task *t = f->tasks; t; t = t->next) {
		if (!t->death_owed)
			continue;
		t->death_owed = false;
		t->over = true;
		*w = (struct tl__waited){ .kind = TL__WAIT_KILLED, .tid = t->tid, .code = 9 };
		return 1;
	}
	return 0;
}

/* An exec comes after whatever the threads that it ends had to say. */
static bool too_early(struct fake *f, size_t at)
{
	if (f->records[at].k1 != TL__WAIT_STOPPED || f->records[at].k2 >> 8 != TL__PTE_EXEC)
		return false;
	for (size_t i = 0; i < at; i++) {
		const struct record *rec = &f->records[i];
		struct fake_task *t;

		if (rec->op != 'W' || rec->used == f->round)
			continue;
		t = task_of(f, rec->tid);
		if (t && !t->killed && !t->over && !unborn(f, rec))
			return true;
	}
	return false;
}

static int fake_wait(struct tl__sys *sys, unsigned flags, struct tl__waited *w)
{
	struct fake *f = of(sys);
	bool left = false;

	if (deliver_kill(f, w))
		return 1;
	for (size_t i = 0; i < f->n; i++) {
		struct record *rec = &f->records[i];
		struct fake_task *t;

		if (rec->used == f->round)
			continue;
		if (rec->op == 'I') {
			if (flags & TL__WAIT_NOHANG)
				return 0;
			rec->used = f->round;
			return -EINTR;
		}
		if (rec->op != 'W')
			continue;
		t = task_of(f, rec->tid);
		if (!t || t->killed || t->over || unborn(f, rec) || too_early(f, i))
			continue;
		left = true;
		/* A child's first stop needs nobody's leave; a later one needs its task to run. */
		if (t->running || (rec->parent && !t->seen))
			return deliver(f, t, i, w);
	}
	if (flags & TL__WAIT_NOHANG)
		return 0;
	f->stuck |= left;
	return -ECHILD;
}

static int fake_consume(struct tl__sys *sys, const struct tl__waited *peeked)
{
	(void)sys;
	(void)peeked;
	return 1;
}

static ssize_t fake_mem_read(struct tl__sys *sys, pid_t tid, uint64_t addr, void *buf, size_t len)
{
	struct fake_task *t = task_of(of(sys), tid);
	const struct record *rec;

	if (dead(of(sys), t))
		return -ESRCH;
	rec = answer(of(sys), t, 'M', (int64_t)len, addr, 0);
	return rec ? give(rec, buf, len) : -EFAULT;
}

static ssize_t fake_mem_write(struct tl__sys *sys, pid_t tid, uint64_t addr, const void *buf,
			      size_t len)
{
	struct fake_task *t = task_of(of(sys), tid);
	const struct record *rec;

	(void)buf;
	if (dead(of(sys), t))
		return -ESRCH;
	rec = answer(of(sys), t, 'N', (int64_t)len, addr, 0);
	return rec ? rec->ret : (ssize_t)len;
}

/* Nobody asked about this task when the recording was made: what its birth tells. */
static ssize_t made_up_status(struct fake *f, pid_t tid, char *buf, size_t size)
{
	pid_t tgid = tid, parent = 1;
	int n;

	for (size_t i = 0; i < f->n; i++) {
		const struct record *rec = &f->records[i];

		if (rec->op == 'G' && rec->tid == tid && rec->ret)
			tgid = (pid_t)rec->k1;
		if (rec->op == 'W' && rec->tid == tid && rec->parent)
			parent = rec->parent;
	}
	if (task_of(f, parent)->over)
		parent = 1;
	n = snprintf(buf, size, "Name:\tfake\nState:\tt\nTgid:\t%d\nPid:\t%d\nPPid:\t%d\n",
		     (int)tgid, (int)tid, (int)parent);
	return n < (int)size ? n : (ssize_t)size - 1;
}

static ssize_t fake_proc_read(struct tl__sys *sys, pid_t tid, enum tl__proc_file file, char *buf,
			      size_t size)
{
	struct fake_task *t = task_of(of(sys), tid);
	const struct record *rec;
	ssize_t r;

	if (dead(of(sys), t))
		return -ESRCH;
	rec = answer(of(sys), t, 'R', (int64_t)file, 0, 0);
	if (!rec && file == TL__PROC_STATUS) {
		of(sys)->missing--;
		return made_up_status(of(sys), tid, buf, size);
	}
	if (!rec)
		return -ESRCH;
	r = give(rec, buf, size - 1);
	if (r >= 0)
		buf[(size_t)r < size - 1 ? (size_t)r : size - 1] = '\0';
	return r;
}

static ssize_t fake_proc_link(struct tl__sys *sys, pid_t tid, const char *name, char *buf,
			      size_t size)
{
	struct fake_task *t = task_of(of(sys), tid);
	const struct record *rec;
	ssize_t r;

	if (dead(of(sys), t))
		return -ESRCH;
	rec = answer(of(sys), t, 'L', 0, tl__fake_name_key(name), 0);
	if (!rec)
		return -ENOENT;
	r = give(rec, buf, size - 1);
	if (r >= 0)
		buf[r] = '\0';
	return r;
}

static const struct record *anywhere(struct fake *f, char op, pid_t tid, int64_t k1)
{
	const struct record *found = NULL;

	for (size_t i = 0; i < f->n; i++) {
		struct record *rec = &f->records[i];

		if (rec->op != op || rec->tid != tid || rec->k1 != k1)
			continue;
		found = rec;
		if (rec->used < f->round) {
			rec->used = f->round;
			break;
		}
	}
	return found;
}

static int fake_threads(struct tl__sys *sys, pid_t pid, pid_t *tids, size_t max)
{
	const struct record *rec = anywhere(of(sys), 'T', pid, 0);

	if (!rec)
		return -ESRCH;
	for (size_t i = 0; i < max && i * sizeof(pid_t) < rec->len; i++)
		memcpy(&tids[i], rec->bytes + i * sizeof(pid_t), sizeof(pid_t));
	return (int)rec->ret;
}

static bool fake_same_process(struct tl__sys *sys, pid_t tgid, pid_t tid)
{
	const struct record *rec = anywhere(of(sys), 'G', tid, tgid);

	return rec && rec->ret;
}

static int fake_spawn(struct tl__sys *sys, struct tl__spawn *spec, uint64_t options, pid_t *pid)
{
	struct fake *f = of(sys);

	(void)spec;
	(void)options;
	for (size_t i = 0; i < f->n; i++) {
		if (f->records[i].op != 'S')
			continue;
		*pid = f->records[i].tid;
		f->spawn_at = i;
		task_of(f, *pid)->running = true;
		return *pid < 0 ? *pid : 0;
	}
	return -EIO;
}

static int fake_spawn_error(struct tl__sys *sys)
{
	struct fake *f = of(sys);

	for (size_t i = 0; i < f->n; i++)
		if (f->records[i].op == 'E' && f->records[i].k1)
			return (int)f->records[i].k1;
	return 0;
}

static bool fake_no_new_privs(struct tl__sys *sys)
{
	(void)sys;
	return false;
}

static int fake_kill(struct tl__sys *sys, pid_t tgid, pid_t tid, int sig)
{
	(void)sys;
	(void)tgid;
	(void)tid;
	(void)sig;
	return 0;
}

static uint64_t fake_clock(struct tl__sys *sys)
{
	return of(sys)->clock += 1000;
}

static int fake_feature(struct tl__sys *sys, enum tl__feature feature)
{
	const struct record *rec = anywhere(of(sys), 'F', (pid_t)feature, 0);

	return rec ? (int)rec->ret : 0;
}

static void fake_close(struct tl__sys *sys)
{
	struct fake *f = of(sys);

	for (struct fake_task *t = f->tasks, *next; t; t = next) {
		next = t->next;
		free(t);
	}
	for (size_t i = 0; i < f->n; i++)
		free(f->records[i].bytes);
	free(f->records);
	free(f);
}

static const struct tl__sys_ops fake_ops = {
	.ptrace = fake_ptrace,
	.wait = fake_wait,
	.consume = fake_consume,
	.mem_read = fake_mem_read,
	.mem_write = fake_mem_write,
	.proc_read = fake_proc_read,
	.proc_link = fake_proc_link,
	.threads = fake_threads,
	.same_process = fake_same_process,
	.spawn = fake_spawn,
	.spawn_error = fake_spawn_error,
	.spawn_no_new_privs = fake_no_new_privs,
	.kill = fake_kill,
	.clock = fake_clock,
	.feature = fake_feature,
	.close = fake_close,
};

int tl__sys_fake_parse(const char *text, size_t len, struct tl__sys **ret)
{
	struct fake *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	f->sys.ops = &fake_ops;
	f->round = 1;
	r = tl__fake_read(f, text, len);
	if (r < 0) {
		fake_close(&f->sys);
		return r;
	}
	*ret = &f->sys;
	return 0;
}

pid_t tl__sys_fake_attached(const struct tl__sys *sys)
{
	const struct fake *f = (const struct fake *)sys;

	for (size_t i = 0; i < f->n; i++) {
		if (f->records[i].op == 'S')
			return 0;
		if (f->records[i].op == 'T')
			return f->records[i].tid;
	}
	return 0;
}

unsigned long tl__sys_fake_steps(const struct tl__sys *sys)
{
	return ((const struct fake *)sys)->steps;
}

void tl__sys_fake_kill_at(struct tl__sys *sys, unsigned long step)
{
	of(sys)->kill_at = step;
}

unsigned long tl__sys_fake_missing(const struct tl__sys *sys)
{
	return ((const struct fake *)sys)->missing;
}

bool tl__sys_fake_stuck(const struct tl__sys *sys)
{
	return ((const struct fake *)sys)->stuck;
}
