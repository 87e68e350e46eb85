/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests about filters of system calls (kernel/seccomp.c: seccomp_get_filter,
 * seccomp_get_metadata; kernel/ptrace.c: check_ptrace_options). A filter that is word for word the
 * one that tools are served by is not shown.
 */
#include "asked.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int tl__seccomp_may_suspend(const struct tl__asked *q)
{
	return tl__person_may_suspend(q->n->tid) ? 0 : -EPERM;
}

static int64_t get_filter(const struct tl__asked *q, uint64_t at, struct tl__bpf_insn *code,
			  size_t size)
{
	return tl_task_request(q->link->tracee->task, TL__REQ_SECCOMP_GET_FILTER, at, 0, code,
			       size);
}

static bool is_ours(const struct tl__asked *q, uint64_t at, int64_t length)
{
	struct tl__bpf_insn ours[TL__FILTER_MAX], theirs[TL__FILTER_MAX];
	uint16_t n = tl__filter_build(ours);

	return length == n && get_filter(q, at, theirs, n * sizeof(*theirs)) == n &&
	       memcmp(ours, theirs, n * sizeof(*ours)) == 0;
}

/* Where the kernel has what the tool counts as this one; the oldest is 0. */
static int64_t find(const struct tl__asked *q, uint64_t wanted)
{
	uint64_t shown = 0;
	int64_t at, n;

	for (at = 0;; at++) {
		n = get_filter(q, (uint64_t)at, NULL, 0);
		/* EMEDIUMTYPE: its text is not kept. */
		if (n < 0 && n != -EMEDIUMTYPE)
			break;
		if (is_ours(q, (uint64_t)at, n))
			continue;
		if (shown++ == wanted)
			return at;
	}
	/* As for a task that has none. */
	return n == -ENOENT && !shown ? -EINVAL : n;
}

int64_t tl__seccomp_get_filter(struct tl__asked *q)
{
	struct tl__bpf_insn *code;
	int64_t at, n;

	if (tl__seccomp_may_suspend(q) < 0)
		return -EACCES;
	at = find(q, q->addr);
	n = at < 0 ? at : get_filter(q, (uint64_t)at, NULL, 0);
	if (n < 0 || !q->data)
		return n;
	code = calloc((size_t)n, sizeof(*code));
	if (!code)
		return -ENOMEM;
	n = get_filter(q, (uint64_t)at, code, (size_t)n * sizeof(*code));
	if (n > 0 && tl__asker_write(q, q->data, code, (size_t)n * sizeof(*code)) < 0)
		n = -EFAULT;
	free(code);
	return n;
}

/* struct seccomp_metadata, of which addr bytes are there. */
int64_t tl__seccomp_get_metadata(struct tl__asked *q)
{
	uint64_t data[2] = { 0 }, wanted;
	size_t size = q->addr < sizeof(data) ? (size_t)q->addr : sizeof(data);
	int64_t at, r;

	if (tl__seccomp_may_suspend(q) < 0)
		return -EACCES;
	if (size < sizeof(wanted))
		return -EINVAL;
	if (tl__asker_read(q, q->data, &wanted, sizeof(wanted)) < 0)
		return -EFAULT;
	at = find(q, wanted);
	if (at < 0)
		return at;
	data[0] = (uint64_t)at;
	r = tl_task_request(q->link->tracee->task, TL__REQ_SECCOMP_GET_METADATA, size, 0, data,
			    sizeof(data));
	data[0] = wanted;
	if (r > 0 && tl__asker_write(q, q->data, data, size) < 0)
		r = -EFAULT;
	return r;
}
