/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A debugger that is killed: its breakpoints are lifted, and a thread that stands behind one goes
 * on in front of it, so that the program outlives its debugger. (Natively the next thread there is
 * killed by a SIGTRAP that nobody waits for.)
 *
 * Debuggers write through /proc/PID/mem, which is not seen here: what is lifted is what the text's
 * files do not have. Where another tool that debugs is there nothing is, for they may be its own.
 */
#include "broker.h"

#include "compat.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <trapline/maps.h>

enum { TRAP_BRKPT_ = 1, TRAP_TRACE_ = 2, TRAP_HWBKPT_ = 4, SI_KERNEL_ = 0x80, ROOM = 1024 };

struct tl__lifted {
	unsigned refs;
	size_t n;
	uint64_t at[ROOM];
};

static void note(tl_addr addr, void *data)
{
	struct tl__lifted *l = data;

	if (l->n < ROOM)
		l->at[l->n++] = addr;
}

static bool debugged_by_another(const struct tl__tool *tool, pid_t tgid)
{
	const struct tl__tracee *t;
	const struct tl__link *l;

	TAILQ_FOREACH (t, &tool->broker->tracees, link)
		TAILQ_FOREACH (l, &t->links, of_tracee)
			if (t->tgid == tgid && l->tool != tool && l->tool->debugs)
				return true;
	return false;
}

void tl__lifted_drop(struct tl__lifted *l)
{
	if (l && !--l->refs)
		free(l);
}

static void give(struct tl__broker *b, pid_t tgid, struct tl__lifted *l)
{
	struct tl__tracee *t;

	TAILQ_FOREACH (t, &b->tracees, link) {
		if (t->tgid != tgid || t->peer)
			continue;
		tl__lifted_drop(t->lifted);
		t->lifted = l;
		l->refs++;
	}
}

void tl__lift_breakpoints(struct tl__tool *tool)
{
	const struct tl__link *l;
	pid_t last = 0;

	if (!tool->debugs)
		return;
	TAILQ_FOREACH (l, &tool->links, of_tool) {
		pid_t tgid = l->tracee->tgid;
		struct tl__lifted *lifted;

		if (l->v.state == TL__LINK_DEAD || l->tracee->peer || tgid == last ||
		    debugged_by_another(tool, tgid))
			continue;
		last = tgid;
		lifted = calloc(1, sizeof(*lifted));
		if (!lifted)
			return;
		lifted->refs = 1;
		if (tl_leftover_breakpoints(tgid, true, note, lifted) > 0)
			give(tool->broker, tgid, lifted);
		tl__lifted_drop(lifted);
	}
}

static bool set_pc(struct tl_task *task, uint64_t pc)
{
	static const char *const names[] = { "rip", "eip", "pc" };

	for (size_t i = 0; i < tl__array_len(names); i++)
		if (tl_task_write_reg(task, names[i], pc) == 0)
			return true;
	return false;
}

static bool get_pc(struct tl_task *task, uint64_t *pc)
{
	static const char *const names[] = { "rip", "eip", "pc" };

	for (size_t i = 0; i < tl__array_len(names); i++)
		if (tl_task_read_reg(task, names[i], pc) == 0)
			return true;
	return false;
}

/* Where the instruction is that a breakpoint's stop is about; 0: it is of none that was lifted. */
static uint64_t place_of(const struct tl__tracee *t)
{
	const uint64_t behind = TL__BY_HOST(1, 0);
	uint64_t pc;

	if (!get_pc(t->task, &pc))
		return 0;
	for (size_t i = 0; i < t->lifted->n; i++)
		/* The debugger may have put the pc right before it was killed. */
		if (t->lifted->at[i] == pc - behind || t->lifted->at[i] == pc)
			return t->lifted->at[i];
	return 0;
}

/* By one that has come since: a trap may be its own. */
static bool is_debugged(const struct tl__tracee *t, const struct tl__tool *gone)
{
	const struct tl__link *l;

	TAILQ_FOREACH (l, &t->links, of_tracee)
		if (l->tool->debugs && l->tool != gone)
			return true;
	return false;
}

bool tl__lifted_owns(struct tl__tracee *t, int sig, const void *info, const struct tl__tool *gone)
{
	siginfo_t si;
	uint64_t at;

	if (!t->lifted || sig != SIGTRAP || is_debugged(t, gone))
		return false;
	memcpy(&si, info, sizeof(si));
	if (si.si_code != SI_KERNEL_ && si.si_code != TRAP_BRKPT_ && si.si_code != TRAP_TRACE_ &&
	    si.si_code != TRAP_HWBKPT_)
		return false;
	at = place_of(t);
	/* A step, or a watchpoint, was the debugger's as well. */
	if (!at)
		return si.si_code == TRAP_TRACE_ || si.si_code == TRAP_HWBKPT_;
	return set_pc(t->task, at);
}
