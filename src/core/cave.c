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

#define MARK "traplin1"

enum { MARK_LEN = 8, CODE = TL__GO_ON_MAX + 8, CAVE = CODE + 24, NEAR = 1 << 26 };

struct cave {
	uint8_t code[CODE];
	int64_t nr;
	uint64_t arg0;
	char mark[MARK_LEN];
};

_Static_assert(sizeof(struct cave) == CAVE, "no padding");

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

/* Empty, and near enough for a branch back on any machine; 0: none. */
static uint64_t find(struct tl_task *task, uint64_t ip)
{
	static const struct cave empty;
	uint64_t found = 0;
	struct tl__mapping m;
	const char *at;
	struct cave c;
	char *text;

	if (tl__maps_read(task->session->sys, task->tid, &text) < 0)
		return 0;
	for (at = text; !found && tl__maps_next(&at, &m);)
		if (may_have(&m) && is_near(m.end, ip) && reads(task, m.end - CAVE, &c) &&
		    !memcmp(&c, &empty, sizeof(c)))
			found = m.end - CAVE;
	for (at = text; !found && tl__maps_next(&at, &m);)
		if (may_have(&m) && reads(task, m.end - CAVE, &c) && !memcmp(&c, &empty, sizeof(c)))
			found = m.end - CAVE;
	free(text);
	return found;
}

/* For a thread with these registers. Where the call's instruction is; 0: it cannot be had. */
uint64_t tl__cave_new(struct tl_task *task, const struct tl__arch *arch, uint64_t mask, int64_t nr,
		      uint64_t arg0)
{
	uint64_t at = arch->go_on ? find(task, arch->get_ip(task->regs, task->regs_len)) : 0;
	struct cave c = { .nr = nr, .arg0 = arg0, .mark = MARK };
	size_t n;

	if (!at)
		return 0;
	memcpy(c.code, arch->call_insn, arch->call_insn_len);
	n = arch->go_on(task->regs, task->regs_len, at + arch->call_insn_len, mask,
			c.code + arch->call_insn_len);
	if (!n || tl__mem_write_raw(task, at, &c, sizeof(c)) != sizeof(c))
		return 0;
	return at;
}

void tl__cave_done(struct tl_task *task, uint64_t cave)
{
	static const struct cave empty;

	if (cave)
		tl__ignore(tl__mem_write_raw(task, cave, &empty, sizeof(empty)) < 0);
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
		    memcmp(c.mark, MARK, MARK_LEN) != 0)
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
