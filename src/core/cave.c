/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A call's instruction with what follows it, in the tracee, so that a thread finds back to its own
 * work if we are killed while it makes the call (go_on).
 *
 * It lies where nobody ever executes anything: behind the end of a file's code, in what fills its
 * last page. It is taken away when the call's effect is written down elsewhere; a mark at its end
 * tells of one that was not, and of the call.
 */
#include "core.h"

#include "compat.h"

#include <stdlib.h>
#include <string.h>

enum { MARK_LEN = 8, CODE = TL__GO_ON_MAX + 8, CAVE = CODE + 24, NEAR = 1 << 26 };

struct cave {
	uint8_t code[CODE];
	int64_t nr;
	uint64_t arg0;
	char mark[MARK_LEN];
};

#define MARK_NEAR "traplin1"
#define MARK_FAR  "traplin2"

/* Where no branch leads back its registers lie in front of that: a signal's frame. */
struct far_cave {
	uint8_t frame[TL__GO_ON_FRAME];
	uint8_t align[8];
	struct cave cave;
};

enum { FRAME = sizeof(struct far_cave) - CAVE };

_Static_assert(sizeof(struct cave) == CAVE, "no padding");
_Static_assert(sizeof(struct far_cave) % 16 == 0, "a frame is aligned");

static bool may_have(const struct tl__mapping *m)
{
	return m->exec && m->read && !m->write && !m->shared && m->inode &&
	       m->end - m->start > CAVE;
}

static bool reads(struct tl_task *task, uint64_t at, struct cave *c)
{
	return tl__mem_read_raw(task, at, c, sizeof(*c)) == sizeof(*c);
}

static bool is_near(uint64_t a, uint64_t b)
{
	return (a < b ? b - a : a - b) < NEAR;
}

static bool is_empty(struct tl_task *task, uint64_t end, size_t size)
{
	static const struct far_cave empty;
	struct far_cave is;

	return tl__mem_read_raw(task, end - size, &is, size) == (int64_t)size &&
	       !memcmp(&is, &empty, size);
}

/* Empty, of this size, and near the ip; 0: none. */
static uint64_t find(struct tl_task *task, const char *maps, size_t size, uint64_t ip, bool near)
{
	struct tl__mapping m;

	while (tl__maps_next(&maps, &m))
		if (may_have(&m) && (!near || is_near(m.end, ip)) && is_empty(task, m.end, size))
			return m.end - size;
	return 0;
}

/* Near enough for a branch back, on any machine; or where it may do without one. */
static uint64_t make_near(struct tl_task *task, const struct tl__arch *arch, const char *maps,
			  uint64_t mask, struct cave *c)
{
	uint64_t ip = arch->get_ip(task->regs, task->regs_len);
	uint64_t at = find(task, maps, CAVE, ip, true);

	if (!at)
		at = find(task, maps, CAVE, ip, false);
	memcpy(c->mark, MARK_NEAR, MARK_LEN);
	if (!at || !arch->go_on(task->regs, task->regs_len, at + arch->call_insn_len, mask,
				c->code + arch->call_insn_len))
		return 0;
	return tl__mem_write_raw(task, at, c, CAVE) == CAVE ? at : 0;
}

static uint64_t make_far(struct tl_task *task, const struct tl__arch *arch, const char *maps,
			 uint64_t mask, const struct cave *c)
{
	enum { NOTE_FLOATS = 2 /* NT_PRFPREG */, FLOATS_MAX = 1024 };
	uint64_t at = find(task, maps, sizeof(struct far_cave), 0, false);
	struct far_cave far = { .cave = *c };
	uint8_t floats[FLOATS_MAX];
	int64_t n = at ? tl__regset_read(task, NOTE_FLOATS, floats, sizeof(floats)) : 0;

	memcpy(far.cave.mark, MARK_FAR, MARK_LEN);
	if (n <= 0 || !arch->go_on_far(task->regs, task->regs_len, floats, (size_t)n, at, mask,
				       far.cave.code + arch->call_insn_len, far.frame))
		return 0;
	return tl__mem_write_raw(task, at, &far, sizeof(far)) == sizeof(far) ? at + FRAME : 0;
}

/* For a thread with these registers. Where the call's instruction is; 0: it cannot be had. */
uint64_t tl__cave_new(struct tl_task *task, const struct tl__arch *arch, uint64_t mask, int64_t nr,
		      uint64_t arg0)
{
	struct cave c = { .nr = nr, .arg0 = arg0 };
	uint64_t at;
	char *maps;

	if (!arch->go_on || tl__maps_read(task->session->sys, task->tid, &maps) < 0)
		return 0;
	memcpy(c.code, arch->call_insn, arch->call_insn_len);
	at = make_near(task, arch, maps, mask, &c);
	if (!at && arch->go_on_far)
		at = make_far(task, arch, maps, mask, &c);
	free(maps);
	return at;
}

void tl__cave_done(struct tl_task *task, uint64_t cave)
{
	static const struct far_cave empty;
	size_t frame = 0;
	struct cave c;

	if (!cave)
		return;
	if (reads(task, cave, &c) && !memcmp(c.mark, MARK_FAR, MARK_LEN))
		frame = FRAME;
	tl__ignore(tl__mem_write_raw(task, cave - frame, &empty, CAVE + frame) < 0);
}

static bool somebody_is_in(struct tl_task *task, uint64_t cave)
{
	const struct tl__arch *arch;
	struct tl_task *t;

	TAILQ_FOREACH (t, &task->session->tasks, link) {
		if (t->process != task->process)
			continue;
		arch = t->state == TL__TASK_STOPPED ? tl__regs_arch(t) : NULL;
		if (!arch || arch->get_ip(t->regs, t->regs_len) - cave < CAVE)
			return true;
	}
	return false;
}

unsigned tl__caves_left(struct tl_task *task, tl__on_cave *on_cave, void *data)
{
	struct tl__mapping m;
	const char *at;
	unsigned n = 0;
	struct cave c;
	char *text;

	if (tl__maps_read(task->session->sys, task->tid, &text) < 0)
		return 0;
	for (at = text; tl__maps_next(&at, &m);) {
		if (!may_have(&m) || !reads(task, m.end - CAVE, &c) ||
		    (memcmp(c.mark, MARK_NEAR, MARK_LEN) != 0 &&
		     memcmp(c.mark, MARK_FAR, MARK_LEN) != 0))
			continue;
		n++;
		if (!on_cave || somebody_is_in(task, m.end - CAVE))
			continue;
		on_cave(data, c.nr, c.arg0);
		tl__cave_done(task, m.end - CAVE);
	}
	free(text);
	return n;
}
