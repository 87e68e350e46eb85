/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A debugger that is killed: its breakpoints are lifted, and a thread that stands behind one goes
 * on in front of it, one in a copy of an instruction behind the original, so that the program
 * outlives its debugger. (Natively the next thread there is killed by a SIGTRAP that nobody waits
 * for.)
 */
#define _GNU_SOURCE
#include "broker.h"

#include "compat.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Before the first write to its registers in a stop. */
void tl__lift_note_pc(struct tl__tracee *t)
{
	if (t->stood_in != t->events && tl__breaks_pc(t->task, &t->stood_at))
		t->stood_in = t->events;
}

/* Of a task that stands still, and may be put into the copy of an instruction: where the original
 * is. */
void tl__lift_note_step(struct tl__tracee *t)
{
	uint64_t pc, begin;

	t->aside = 0;
	if (t->stood_in != t->events || !tl__breaks_pc(t->task, &pc) ||
	    !tl__breaks_is_aside(t->broker, t->tgid, pc, &begin) || pc != begin)
		return;
	t->aside = begin;
	t->original = t->met && t->stood_at == t->trap_pc ? t->met : t->stood_at;
}

/* It has executed the copy, or not yet, or has gone elsewhere by it. */
void tl__lift_go_on(struct tl__tracee *t)
{
	enum { ROOM = 16 };
	uint64_t pc;

	if (!t->lifted || !t->aside || !tl__breaks_pc(t->task, &pc))
		return;
	if (pc >= t->aside && pc < t->aside + ROOM)
		tl__ignore(tl__breaks_set_pc(t->task, pc - t->aside + t->original));
	t->aside = 0;
}

static void put_back(uint64_t addr, const void *bytes, size_t len, void *data)
{
	tl__ignore(pwrite(*(const int *)data, bytes, len, (off_t)addr) > 0);
}

static void lift(struct tl__tool *tool, pid_t tgid)
{
	struct tl__tracee *t;
	bool busy = false;
	char path[32];
	int fd;

	TAILQ_FOREACH (t, &tool->broker->tracees, link) {
		if (t->tgid != tgid || t->peer)
			continue;
		t->lifted = true;
		if (t->engine && tl_task_is_stopped(t->task)) {
			if (!t->aside)
				tl__lift_note_step(t);
			tl__lift_go_on(t);
		}
		/* It may be executing a copy just now. */
		busy |= t->aside != 0;
	}
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)tgid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	tl__breaks_leave(tool->broker, tool, tgid, !busy, put_back, &fd);
	close(fd);
}

void tl__lift_breakpoints(struct tl__tool *tool)
{
	const struct tl__link *l;
	pid_t last = 0;

	TAILQ_FOREACH (l, &tool->links, of_tool) {
		pid_t tgid = l->tracee->tgid;

		if (l->v.state == TL__LINK_DEAD || l->tracee->peer || tgid == last)
			continue;
		last = tgid;
		if (tl__breaks_of(tool->broker, tgid))
			lift(tool, tgid);
	}
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

bool tl__lift_go_back(struct tl__tracee *t)
{
	uint64_t pc;

	if (!tl__breaks_pc(t->task, &pc))
		return false;
	/* Else the debugger has put it right before it was killed. */
	return pc != t->trap_pc || pc == t->met || tl__breaks_set_pc(t->task, t->met);
}

bool tl__lifted_owns(struct tl__tracee *t, int sig, const void *info, const struct tl__tool *gone)
{
	siginfo_t si;

	if (!t->lifted || sig != SIGTRAP || is_debugged(t, gone))
		return false;
	memcpy(&si, info, sizeof(si));
	switch (si.si_code) {
	case TRAP_TRACE:
	case TRAP_HWBKPT:
		return true;
	case SI_KERNEL:
	case TRAP_BRKPT:
		/* There is one of the program's own. */
		return !tl__breaks_is_at(t, t->met) && tl__lift_go_back(t);
	default:
		return false;
	}
}

bool tl__lift_leaves_fault(const struct tl__tracee *t, const struct tl__link *gone)
{
	bool shared = TAILQ_FIRST(&t->links) != gone || TAILQ_NEXT(gone, of_tracee);
	siginfo_t si;

	memcpy(&si, t->info, sizeof(si));
	return shared && si.si_code > 0 &&
	       (t->deliver == SIGSEGV || t->deliver == SIGBUS || t->deliver == SIGILL ||
		t->deliver == SIGFPE);
}
