/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PTRACE_GET_SYSCALL_INFO and PTRACE_SET_SYSCALL_INFO, of the stop that this tracer is in. The
 * second is there on kernels before 6.16, too (but for the stops of a program's own filter).
 */
#include "asked.h"

#include <errno.h>
#include <string.h>

enum { NONE = 0, ENTRY, EXIT, SECCOMP, NONE_SIZE = 24 };

/* struct ptrace_syscall_info. */
struct info {
	uint8_t op, reserved;
	uint16_t flags;
	uint32_t arch;
	uint64_t ip, sp;
	uint64_t words[8];
};
_Static_assert(sizeof(struct info) == 88, "layout of ptrace_syscall_info");

/* A call's stop is one by what TRACESYSGOOD has made of it (ptrace_get_syscall_info). */
static unsigned op_of(const struct tl__link *l)
{
	bool told = l->v.stop.code & 0x80;

	switch (l->v.stop.what) {
	case TL__WHAT_ENTRY:
		return told ? ENTRY : NONE;
	case TL__WHAT_EXIT:
		return told ? EXIT : NONE;
	case TL__WHAT_SECCOMP:
		return SECCOMP;
	default:
		return NONE;
	}
}

/* Of a stop that stands for that (takeover.c). */
static int64_t exit_from_registers(struct tl_task *task, struct info *info)
{
	enum { SIZE = 33, MOST_ERRORS = 4095 };
	uint64_t ret;

	if (tl_task_read_reg(task, "rax", &ret) < 0) {
		if (tl_task_read_reg(task, "eax", &ret) < 0)
			return -ESRCH;
		ret = (uint64_t)(int32_t)ret;
	}
	info->op = EXIT;
	info->words[0] = ret;
	info->words[1] = ret >= (uint64_t)-MOST_ERRORS;
	return SIZE;
}

/* The kernel's own answer where its stop is this tracer's; else there is no call. */
int64_t tl__callinfo_get(struct tl__asked *q)
{
	struct info info = { 0 };
	int64_t r = tl_task_request(q->link->tracee->task, TL__REQ_GET_SYSCALL_INFO, sizeof(info),
				    0, &info, sizeof(info));
	size_t n = q->addr < sizeof(info) ? (size_t)q->addr : sizeof(info);

	if (r < 0)
		return r;
	if (op_of(q->link) == EXIT && info.op == NONE)
		r = exit_from_registers(q->link->tracee->task, &info);
	if (op_of(q->link) == NONE) {
		info.op = NONE;
		memset(info.words, 0, sizeof(info.words));
		r = NONE_SIZE;
	}
	if ((size_t)r < n)
		n = (size_t)r;
	return tl__asker_write(q, q->data, &info, n) < 0 ? -EFAULT : r;
}

static int64_t set_entry(struct tl_task *task, const struct info *info)
{
	struct tl_syscall call;
	int64_t nr = (int32_t)info->words[0];
	int r = 0;

	if ((uint64_t)nr != info->words[0])
		return -ERANGE;
	/* Of no call the kernel leaves the arguments alone: the first may be the result. */
	if (nr == -1)
		r = tl_syscall_get(task, &call);
	return r < 0 ? r : tl_syscall_set(task, nr, nr == -1 ? call.args : info->words + 1);
}

int64_t tl__callinfo_set(struct tl__asked *q)
{
	struct tl_task *task = q->link->tracee->task;
	unsigned op = op_of(q->link);
	struct info info;
	int64_t r;

	if (q->addr < sizeof(info))
		return -EINVAL;
	r = tl__asker_read(q, q->data, &info, sizeof(info));
	if (r < 0)
		return r;
	if (info.flags || info.reserved || op == NONE || info.op != op)
		return -EINVAL;
	r = -EAGAIN;
	if (op == ENTRY)
		r = set_entry(task, &info);
	else if (op == EXIT)
		r = tl_syscall_set_result(task, (int64_t)info.words[0]);
	/* Where the library says no more of the stop than the kernel. */
	if (r == -EAGAIN)
		r = tl_task_request(task, TL__REQ_SET_SYSCALL_INFO, sizeof(info), 0, &info,
				    sizeof(info));
	return r;
}
