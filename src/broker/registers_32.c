/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests for registers by a tool of 32 bits: of a task like it, whose sets are in its layouts,
 * and on x86 of one of 64 bits.
 */
#include "asked.h"
#include "narrow.h"
#include "narrow_regs.h"

#include <errno.h>
#include <string.h>

enum { PEEKUSER = 3, POKEUSER = 6, GET_THREAD_AREA = 25 };
enum { NOTE_GENERAL = 1, NOTE_FLOATS = 2, NOTE_XFLOATS = 0x46e62b7f };

/* A set as the task has it. Of which size that is says what the task is. */
struct set {
	_Alignas(8) uint8_t bytes[TL__WIDE_FLOATS];
	size_t size;
};

static size_t general_size(void)
{
	return tl__narrow_general_size(TL__BY_HOST(true, false));
}

static int64_t get(const struct tl__asked *q, uint32_t note, struct set *ret)
{
	int64_t r = tl_task_request(q->link->tracee->task, TL__REQ_GETREGSET, note, 0, ret->bytes,
				    sizeof(ret->bytes));

	ret->size = r < 0 ? 0 : (size_t)r;
	return r < 0 ? r : 0;
}

static int64_t put(const struct tl__asked *q, uint32_t note, struct set *set)
{
	int64_t r = tl_task_request(q->link->tracee->task, TL__REQ_SETREGSET, note, 0, set->bytes,
				    set->size);

	return r < 0 ? r : 0;
}

static bool is_wide(const struct set *general)
{
	return TL__BY_HOST(true, false) && general->size == TL__WIDE_WORDS * sizeof(uint64_t);
}

/* As the kernel finds it (x86_fsgsbase_read_task); a local table's cannot be seen from here. */
static void find_base(const struct tl__asked *q, uint32_t selector, uint64_t *base)
{
	enum { FIRST = 12, LAST = 14, LOCAL = 4, INDEX = 3 };
	uint32_t area[4] = { 0 };

	if (selector & LOCAL)
		return;
	*base = 0;
	if (selector >> INDEX >= FIRST && selector >> INDEX <= LAST &&
	    tl_task_request(q->link->tracee->task, GET_THREAD_AREA, selector >> INDEX, 0, area,
			    sizeof(area)) >= 0)
		*base = area[1];
}

/* Words of the general set, n from the first on. */
static int64_t general_put(const struct tl__asked *q, const uint32_t *words, size_t first, size_t n,
			   struct set *set)
{
	uint64_t wide[TL__WIDE_WORDS];

	if (!is_wide(set)) {
		memcpy(set->bytes + first * 4, words, n * 4);
		return put(q, NOTE_GENERAL, set);
	}
	memcpy(wide, set->bytes, sizeof(wide));
	for (size_t i = 0; i < n; i++) {
		size_t base = tl__widen_general(first + i, words[i], wide);

		if (base)
			find_base(q, words[i], &wide[base]);
	}
	memcpy(set->bytes, wide, sizeof(wide));
	return put(q, NOTE_GENERAL, set);
}

static void general_narrowed(const struct set *set, uint32_t *words, size_t n)
{
	uint64_t wide[TL__WIDE_WORDS];

	if (is_wide(set)) {
		memcpy(wide, set->bytes, sizeof(wide));
		tl__narrow_general(wide, words);
	} else {
		memcpy(words, set->bytes, n * 4);
	}
}

static int64_t general(const struct tl__asked *q, size_t size, bool writes)
{
	uint32_t words[TL__NARROW_WORDS];
	struct set set;
	int64_t r = get(q, NOTE_GENERAL, &set);

	if (r < 0)
		return r;
	if (!is_wide(&set) && set.size != size)
		return -EIO;
	if (writes) {
		r = tl__asker_read(q, q->data, words, size);
		return r < 0 ? r : general_put(q, words, 0, size / 4, &set);
	}
	general_narrowed(&set, words, size / 4);
	return tl__asker_write(q, q->data, words, size);
}

/* Of a task of 64 bits, in FSAVE's layout. */
static int64_t floats_narrowed(const struct tl__asked *q, struct set *set, bool writes)
{
	uint8_t narrow[TL__I386_FLOATS];
	uint64_t wide[TL__WIDE_WORDS];
	struct set regs;
	int64_t r = writes ? tl__asker_read(q, q->data, narrow, sizeof(narrow))
			   : get(q, NOTE_GENERAL, &regs);

	if (r < 0)
		return r;
	if (writes) {
		tl__widen_floats(narrow, set->bytes);
		return put(q, NOTE_FLOATS, set);
	}
	memcpy(wide, regs.bytes, sizeof(wide));
	tl__narrow_floats(set->bytes, (uint32_t)wide[TL__WIDE_CS], (uint32_t)wide[TL__WIDE_DS],
			  narrow);
	return tl__asker_write(q, q->data, narrow, sizeof(narrow));
}

static int64_t floats(const struct tl__asked *q, uint32_t note, size_t size, bool writes)
{
	struct set set;
	int64_t r = get(q, note, &set);

	/* FXSAVE's are a task of 64 bits' only set of floats. */
	if (r == -EINVAL && note == NOTE_XFLOATS) {
		note = NOTE_FLOATS;
		r = get(q, note, &set);
	}
	if (r < 0)
		return r;
	if (note == NOTE_FLOATS && size == TL__I386_FLOATS && set.size == TL__WIDE_FLOATS)
		return floats_narrowed(q, &set, writes);
	if (set.size != size)
		return -EIO;
	if (!writes)
		return tl__asker_write(q, q->data, set.bytes, size);
	r = tl__asker_read(q, q->data, set.bytes, size);
	return r < 0 ? r : put(q, note, &set);
}

static int64_t user(struct tl__asked *q, bool writes)
{
	uint32_t words[TL__NARROW_WORDS], value = (uint32_t)q->data;
	uint64_t in_user = 0, word = q->data;
	struct set set;
	size_t in_set;
	int64_t r = 0;

	switch (tl__narrow_user(q->addr, TL__BY_HOST(true, false), &in_set, &in_user)) {
	case TL__USER_NOWHERE:
		return -EIO;
	case TL__USER_NOTHING:
		value = 0;
		break;
	case TL__USER_WIDE:
		r = writes ? tl__user_write(q, in_user, word) : tl__user_read(q, in_user, &word);
		value = (uint32_t)word;
		break;
	case TL__USER_GENERAL:
		r = get(q, NOTE_GENERAL, &set);
		if (r == 0 && !is_wide(&set) && set.size != general_size())
			r = -EIO;
		if (r == 0 && writes)
			r = general_put(q, &value, in_set / 4, 1, &set);
		if (r == 0 && !writes) {
			general_narrowed(&set, words, general_size() / 4);
			value = words[in_set / 4];
		}
		break;
	}
	if (r < 0 || writes)
		return r < 0 ? r : 0;
	return tl__asker_write(q, q->data, &value, 4);
}

int64_t tl__registers_narrow(struct tl__asked *q)
{
	uint32_t note;
	size_t size;
	bool writes;

	if (q->request == PEEKUSER || q->request == POKEUSER)
		return user(q, q->request == POKEUSER);
	if (!tl__narrow_set(q->request, TL__BY_HOST(true, false), &note, &size, &writes))
		return -EOPNOTSUPP;
	return note == NOTE_GENERAL ? general(q, size, writes) : floats(q, note, size, writes);
}
