/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests for registers and what else the kernel answers in one structure: handed through, and raw
 * for who has asked for that. registers_32.c: of a tool of 32 bits.
 */
#include "asked.h"
#include "windows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <trapline/raw_regs.h>

enum { NOTE_GENERAL = 1, RAW_MOST = 512, PEEKUSER = 3, POKEUSER = 6 };

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

	if (tl__hwdebug_has(note))
		return q->request == TL__REQ_SETREGSET ? tl__hwdebug_write(q->link, note, buf, len)
						       : tl__hwdebug_read(q->link, note, buf, len);
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
	{ PEEKUSER, 8, READS },
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
};

int64_t tl__user_read(struct tl__asked *q, uint64_t offset, uint64_t *ret)
{
	if (tl__debugregs_has(offset))
		return tl__debugregs_read(q->link, offset, ret);
	return tl_task_request(q->link->tracee->task, PEEKUSER, offset, 0, ret, sizeof(*ret));
}

int64_t tl__user_write(struct tl__asked *q, uint64_t offset, uint64_t value)
{
	if (tl__debugregs_has(offset))
		return tl__debugregs_write(q->link, offset, value);
	return tl_task_request(q->link->tracee->task, POKEUSER, offset, value, NULL, 0);
}

enum { PEEKMTETAGS = 33, POKEMTETAGS = 34 };

/* arm64's memory tags, a byte each (mte_ptrace_copy_tags). */
static int64_t tags(struct tl__asked *q)
{
	enum { MOST = 1 << 16 };
	uint64_t iov[2], local[2];
	uint8_t *buf;
	int64_t r = tl__asker_read(q, q->data, iov, sizeof(iov));

	/* The kernel looks at it after the machine, which may have no tags. */
	if (r < 0)
		return tl_task_request(q->link->tracee->task, q->request, q->addr, 0, NULL, 0);
	if (iov[1] > MOST)
		iov[1] = MOST;
	buf = malloc((size_t)iov[1] + 1);
	if (!buf)
		return -ENOMEM;
	local[0] = (uintptr_t)buf;
	local[1] = iov[1];
	if (q->request == POKEMTETAGS)
		r = tl__asker_read(q, iov[0], buf, (size_t)iov[1]);
	if (r == 0)
		r = tl_task_request(q->link->tracee->task, q->request, q->addr, (uintptr_t)local,
				    NULL, 0);
	if (r == 0 && q->request == PEEKMTETAGS)
		r = tl__asker_write(q, iov[0], buf, (size_t)local[1]);
	if (r == 0)
		r = tl__asker_write(q, q->data + 8, &local[1], 8);
	free(buf);
	return r;
}

enum { ARCH_PRCTL = 30 };

/* x86-64's arch_prctl(2) made for another: data is its option; what it gets is written to addr. */
static int64_t arch_prctl(struct tl__asked *q)
{
	struct tl_task *task = q->link->tracee->task;
	uint64_t value = 0;
	int64_t r;

	switch (tl__arch_prctl_kind(q->data)) {
	case TL__ARCH_PRCTL_GETS:
		r = tl_task_request(task, ARCH_PRCTL, (uintptr_t)&value, q->data, NULL, 0);
		return r < 0 ? r : tl__asker_write(q, q->addr, &value, sizeof(value));
	case TL__ARCH_PRCTL_TAKES:
		return tl_task_request(task, ARCH_PRCTL, q->addr, q->data, NULL, 0);
	default:
		/* It might write to our own memory, where its caller says. */
		return -EINVAL;
	}
}

int64_t tl__registers_plain(struct tl__asked *q)
{
	struct tl_task *task = q->link->tracee->task;
	_Alignas(8) uint8_t buf[512] = { 0 };
	bool in, by_addr;
	size_t size, i;
	int64_t r = 0;

	for (i = 0; i < tl__array_len(plain) && plain[i].request != q->request; i++)
		;
	if (q->word == 4) {
		r = tl__registers_narrow(q);
		if (r != -EOPNOTSUPP)
			return r;
		r = 0;
	}
	if (TL__BY_HOST(false, true) && q->word == 8 &&
	    (q->request == PEEKMTETAGS || q->request == POKEMTETAGS))
		return tags(q);
	if (TL__BY_HOST(true, false) && q->word == 8 && q->request == ARCH_PRCTL)
		return arch_prctl(q);
	if (i == tl__array_len(plain))
		return -EIO;
	in = plain[i].how == WRITES || plain[i].how == BY_ADDR_IN;
	by_addr = plain[i].how == BY_ADDR || plain[i].how == BY_ADDR_IN;
	size = by_addr && q->addr < plain[i].size ? (size_t)q->addr : plain[i].size;
	if (in)
		r = tl__asker_read(q, q->data, buf, size);
	if (r == 0 && q->request == PEEKUSER)
		r = tl__user_read(q, q->addr, (uint64_t *)(void *)buf);
	else if (r == 0)
		r = tl_task_request(task, q->request, q->addr, 0, buf, size);
	if (r < 0 || in)
		return r;
	return tl__asker_write(q, q->data, buf, size) < 0 ? -EFAULT : r;
}

int64_t tl__registers_poke_user(struct tl__asked *q)
{
	if (q->word == 4)
		return tl__registers_narrow(q);
	return tl__user_write(q, q->addr, q->data);
}
