/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests for registers and what else the kernel answers in one structure: handed through, for a
 * tool of 32 bits in its layouts, and raw for who has asked for that.
 */
#include "asked.h"
#include "narrow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <trapline/raw_regs.h>

enum { NOTE_GENERAL = 1, RAW_MOST = 512 };

/* The registers as the program has them, for a tracer that has asked for that (x7 at a call). */
static int64_t raw_get(struct tl_task *task, uint32_t note, uint8_t *buf, size_t len)
{
	uint8_t whole[RAW_MOST];
	int64_t r = tl_task_read_regset(task, note, whole, sizeof(whole));

	if (r < 0)
		return r;
	len = len < (size_t)r ? len : (size_t)r;
	memcpy(buf, whole, len);
	return (int64_t)len;
}

static int64_t raw_put(struct tl_task *task, uint32_t note, const uint8_t *buf, size_t len)
{
	uint8_t whole[RAW_MOST];
	int64_t size = tl_task_read_regset(task, note, whole, sizeof(whole)), r;

	if (size < 0)
		return size;
	len = len < (size_t)size ? len : (size_t)size;
	memcpy(whole, buf, len);
	r = tl_task_write_regset(task, note, whole, (size_t)size);
	return r < 0 ? r : (int64_t)len;
}

static int64_t of_kernel_or_raw(struct tl__asked *q, uint8_t *buf, size_t len)
{
	struct tl_task *task = q->link->tracee->task;
	uint32_t note = (uint32_t)q->addr;

	if (!(q->link->v.options & TL__OPT_RAW_REGS) || (note != NOTE_GENERAL && note != TL_NT_RAW))
		return tl_task_request(task, q->request, q->addr, 0, buf, len);
	if (len % 4)
		return -EINVAL;
	return q->request == TL__REQ_SETREGSET ? raw_put(task, note, buf, len)
					       : raw_get(task, note, buf, len);
}

int64_t tl__registers_set(struct tl__asked *q)
{
	enum { MOST = 1 << 16 };
	uint64_t iov[2] = { 0 };
	uint32_t iov32[2];
	uint8_t *buf;
	size_t len;
	int64_t r;

	if (q->word == 8) {
		r = tl__asker_read(q, q->data, iov, sizeof(iov));
	} else {
		r = tl__asker_read(q, q->data, iov32, sizeof(iov32));
		iov[0] = iov32[0];
		iov[1] = iov32[1];
	}
	if (r < 0)
		return r;
	len = iov[1] < MOST ? (size_t)iov[1] : MOST;
	buf = calloc(1, len + 1);
	if (!buf)
		return -ENOMEM;
	r = q->request == TL__REQ_SETREGSET ? tl__asker_read(q, iov[0], buf, len) : 0;
	if (r == 0)
		r = of_kernel_or_raw(q, buf, len);
	if (r >= 0 && q->request == TL__REQ_GETREGSET)
		r = tl__asker_write(q, iov[0], buf, (size_t)r) < 0 ? -EFAULT : r;
	free(buf);
	if (r < 0)
		return r;
	iov[1] = (uint64_t)r;
	iov32[1] = (uint32_t)r;
	return q->word == 8 ? tl__asker_write(q, q->data + 8, &iov[1], 8)
			    : tl__asker_write(q, q->data + 4, &iov32[1], 4);
}

/* Requests that carry a structure of one size either way, or one that addr tells. */
static const struct {
	uint32_t request;
	uint16_t size;
	enum { READS, WRITES, BY_ADDR, BY_ADDR_IN } how;
} plain[] = {
	{ 3 /* PEEKUSER */, 8, READS },
	{ 12 /* GETREGS */, 216, READS },
	{ 13 /* SETREGS */, 216, WRITES },
	{ 14 /* GETFPREGS */, 512, READS },
	{ 15 /* SETFPREGS */, 512, WRITES },
	{ 25 /* GET_THREAD_AREA */, 16, READS },
	{ 26 /* SET_THREAD_AREA */, 16, WRITES },
	{ 0x420a /* GETSIGMASK */, 8, READS },
	{ 0x420b /* SETSIGMASK */, 8, WRITES },
	{ 0x420f /* GET_RSEQ_CONFIGURATION */, 64, BY_ADDR },
	{ 0x4211 /* GET_SYSCALL_USER_DISPATCH_CONFIG */, 64, BY_ADDR },
	{ 0x4210 /* SET_SYSCALL_USER_DISPATCH_CONFIG */, 64, BY_ADDR_IN },
	{ 0x4212 /* SET_SYSCALL_INFO */, 128, BY_ADDR_IN },
};

static int64_t narrow_set(struct tl__asked *q, uint32_t note, size_t size, bool writes)
{
	struct tl_task *task = q->link->tracee->task;
	uint8_t buf[512];
	int64_t r = writes ? tl__asker_read(q, q->data, buf, size) : 0;

	if (r == 0)
		r = tl_task_request(task, writes ? TL__REQ_SETREGSET : TL__REQ_GETREGSET, note, 0,
				    buf, size);
	/* Of a task of 64 bits the set has another size: not seen from here. */
	if (r < 0 || (!writes && r != (int64_t)size))
		return r < 0 && r != -EINVAL ? r : -EIO;
	return writes ? 0 : tl__asker_write(q, q->data, buf, size);
}

static int64_t narrow_user(struct tl__asked *q, bool writes)
{
	struct tl_task *task = q->link->tracee->task;
	uint64_t in_user = 0, word = q->data;
	uint8_t set[18 * 4];
	size_t in_set, size = TL__BY_HOST(17, 18) * 4;
	int64_t r;

	if (!tl__narrow_user(q->addr, TL__BY_HOST(true, false), &in_set, &in_user))
		return -EIO;
	if (in_set == SIZE_MAX) {
		r = writes ? tl_task_request(task, 6, in_user, word, NULL, 0)
			   : tl_task_request(task, 3, in_user, 0, &word, sizeof(word));
	} else {
		r = tl_task_request(task, TL__REQ_GETREGSET, 1, 0, set, size);
		if (r != (int64_t)size)
			return r < 0 ? r : -EIO;
		memcpy(writes ? (void *)(set + in_set) : (void *)&word,
		       writes ? (void *)&q->data : (void *)(set + in_set), 4);
		r = writes ? tl_task_request(task, TL__REQ_SETREGSET, 1, 0, set, size) : 0;
	}
	if (r < 0 || writes)
		return r < 0 ? r : 0;
	return tl__asker_write(q, q->data, &word, 4);
}

/* For a tool of 32 bits. */
static int64_t by_kernel_narrow(struct tl__asked *q)
{
	uint32_t note;
	size_t size;
	bool writes;

	if (q->request == 3 || q->request == 6)
		return narrow_user(q, q->request == 6);
	if (tl__narrow_set(q->request, TL__BY_HOST(true, false), &note, &size, &writes))
		return narrow_set(q, note, size, writes);
	return -EOPNOTSUPP;
}

int64_t tl__registers_plain(struct tl__asked *q)
{
	struct tl_task *task = q->link->tracee->task;
	uint8_t buf[512] = { 0 };
	bool in, by_addr;
	size_t size, i;
	int64_t r = 0;

	for (i = 0; i < tl__array_len(plain) && plain[i].request != q->request; i++)
		;
	if (q->word == 4) {
		r = by_kernel_narrow(q);
		if (r != -EOPNOTSUPP)
			return r;
		r = 0;
	}
	if (i == tl__array_len(plain))
		return -EIO;
	in = plain[i].how == WRITES || plain[i].how == BY_ADDR_IN;
	by_addr = plain[i].how == BY_ADDR || plain[i].how == BY_ADDR_IN;
	size = by_addr && q->addr < plain[i].size ? (size_t)q->addr : plain[i].size;
	if (in)
		r = tl__asker_read(q, q->data, buf, size);
	if (r == 0)
		r = tl_task_request(task, q->request, q->addr, 0, buf, size);
	if (r < 0 || in)
		return r;
	return tl__asker_write(q, q->data, buf, size) < 0 ? -EFAULT : r;
}

int64_t tl__registers_poke_user(struct tl__asked *q)
{
	if (q->word == 4)
		return narrow_user(q, true);
	return tl_task_request(q->link->tracee->task, 6, q->addr, q->data, NULL, 0);
}
