/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Breakpoints that tools have written with POKE: the SIGTRAP of one is for the tool alone that
 * wrote it, as if the others were not there. What a debugger writes through /proc/PID/mem is not
 * seen here: such a SIGTRAP is for all debuggers that do not use POKE. (So is one of the program's
 * own; strace misses that while a debugger is there.)
 */
#include "broker.h"

#include "compat.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { INT3 = 0xcc, TRAP_BRKPT_ = 1, SI_KERNEL_ = 0x80 };

struct tl__break {
	TAILQ_ENTRY(tl__break) link;
	pid_t tgid;
	uint64_t addr;
	struct tl__tool *tool;
};

enum { LENGTH = TL__BY_HOST(1, 4) };

static bool is_breakpoint(const uint8_t *at)
{
	uint32_t insn;

	if (LENGTH == 1)
		return *at == INT3;
	memcpy(&insn, at, sizeof(insn));
	return (insn & 0xffe0001f) == 0xd4200000; /* brk */
}

static struct tl__break *find(struct tl__broker *b, pid_t tgid, uint64_t addr,
			      const struct tl__tool *tool)
{
	struct tl__break *k;

	TAILQ_FOREACH (k, &b->breaks, link)
		if (k->tgid == tgid && k->addr == addr && (!tool || k->tool == tool))
			return k;
	return NULL;
}

static void add(struct tl__broker *b, pid_t tgid, uint64_t addr, struct tl__tool *tool)
{
	struct tl__break *k = find(b, tgid, addr, tool);

	if (k)
		return;
	k = calloc(1, sizeof(*k));
	if (!k)
		return;
	k->tgid = tgid;
	k->addr = addr;
	k->tool = tool;
	TAILQ_INSERT_TAIL(&b->breaks, k, link);
}

static void drop(struct tl__broker *b, struct tl__break *k)
{
	TAILQ_REMOVE(&b->breaks, k, link);
	free(k);
}

void tl__breaks_written(struct tl__link *l, uint64_t addr, const void *before, const void *after,
			size_t len)
{
	struct tl__broker *b = l->tracee->broker;
	const uint8_t *was = before, *is = after;

	for (size_t i = 0; i + LENGTH <= len; i += LENGTH) {
		struct tl__break *k;

		if (memcmp(was + i, is + i, LENGTH) == 0)
			continue;
		k = find(b, l->tracee->tgid, addr + i, NULL);
		if (is_breakpoint(is + i)) {
			add(b, l->tracee->tgid, addr + i, l->tool);
			l->tool->pokes = true;
		} else if (k) {
			drop(b, k);
		}
	}
}

static const char *const pc_names[] = { "rip", "eip", "pc" };

bool tl__breaks_pc(struct tl_task *task, uint64_t *pc)
{
	for (size_t i = 0; i < tl__array_len(pc_names); i++)
		if (tl_task_read_reg(task, pc_names[i], pc) == 0)
			return true;
	return false;
}

bool tl__breaks_set_pc(struct tl_task *task, uint64_t pc)
{
	for (size_t i = 0; i < tl__array_len(pc_names); i++)
		if (tl_task_write_reg(task, pc_names[i], pc) == 0)
			return true;
	return false;
}

bool tl__breaks_is_at(struct tl_task *task, uint64_t addr)
{
	uint8_t insn[LENGTH];

	return tl_task_read_mem(task, addr, insn, LENGTH) == LENGTH && is_breakpoint(insn);
}

void tl__breaks_note(struct tl__tracee *t, int sig, const void *info)
{
	siginfo_t si;

	memcpy(&si, info, sizeof(si));
	if (sig != SIGTRAP || (si.si_code != SI_KERNEL_ && si.si_code != TRAP_BRKPT_) ||
	    !tl__breaks_pc(t->task, &t->trap_pc))
		t->trap_pc = 0;
}

/* One that writes them otherwise. */
static bool has_debugger(const struct tl__tracee *t)
{
	const struct tl__link *l;

	TAILQ_FOREACH (l, &t->links, of_tracee)
		if (l->tool->debugs && !l->tool->pokes)
			return true;
	return false;
}

bool tl__breaks_hide(const struct tl__link *l, const struct tl__happening *h)
{
	struct tl__tracee *t = l->tracee;
	struct tl__break *k;
	siginfo_t si;
	uint64_t pc;

	if (TAILQ_EMPTY(&t->broker->breaks) || h->what != TL__WHAT_SIGNAL || h->sig != SIGTRAP ||
	    !h->info)
		return false;
	memcpy(&si, h->info, sizeof(si));
	if ((si.si_code != SI_KERNEL_ && si.si_code != TRAP_BRKPT_) || !tl__breaks_pc(t->task, &pc))
		return false;
	k = find(t->broker, t->tgid, pc - TL__BREAK_BEHIND, NULL);
	if (!k)
		return (l->tool->pokes || !l->tool->debugs) && has_debugger(t);
	return !find(t->broker, t->tgid, pc - TL__BREAK_BEHIND, l->tool);
}

void tl__breaks_forked(struct tl__broker *b, pid_t from, pid_t to)
{
	struct tl__break *k;

	TAILQ_FOREACH (k, &b->breaks, link)
		if (k->tgid == from && from != to)
			add(b, to, k->addr, k->tool);
}

void tl__breaks_forget(struct tl__broker *b, pid_t tgid, const struct tl__tool *tool)
{
	struct tl__break *k, *next;

	for (k = TAILQ_FIRST(&b->breaks); k; k = next) {
		next = TAILQ_NEXT(k, link);
		if ((tgid && k->tgid == tgid) || (tool && k->tool == tool))
			drop(b, k);
	}
}
