/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Breakpoints of tools, a process's at a time: whose they are (shadow.c), and who sees the SIGTRAP
 * of one. It is for those alone whose breakpoint it is, as if the others were not there. Where
 * several have one in one place the first that sees it takes its own away to step over it, and the
 * thread meets the next one's. A program's own is everybody's.
 */
#define _GNU_SOURCE
#include "memory.h"

#include "compat.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <trapline/maps.h>

/* How far behind a breakpoint the pc stands in its stop. */
enum { BEHIND = TL__BY_HOST(1, 0) };

/* An instruction's copy, to be stepped, and what was there. */
struct aside {
	const struct tl__tool *tool; /* NULL: none */
	uint64_t addr;
	size_t len;
	uint8_t saved[32];
};

enum { ASIDES = 8, AROUND_ENTRY = 256, RANGES = 8 };

struct breaks {
	struct tl__shadow *shadow;
	struct range {
		uint64_t from, to;
	} text[RANGES]; /* where it was looked for, in turn */
	unsigned looked;
	uint64_t entry; /* 0: not looked for */
	struct aside asides[ASIDES];
};

static struct breaks *breaks_of(const struct tl__broker *b, pid_t tgid)
{
	return b->breaks.used ? tl__hash_get(&b->breaks, (uint64_t)tgid) : NULL;
}

static void breaks_free(struct breaks *k)
{
	if (k)
		tl__shadow_free(k->shadow);
	free(k);
}

static struct breaks *breaks_add(struct tl__broker *b, pid_t tgid, struct tl__shadow *shadow)
{
	struct breaks *k = calloc(1, sizeof(*k));

	if (k)
		k->shadow = shadow;
	if (!k || !shadow || tl__hash_put(&b->breaks, (uint64_t)tgid, k) < 0) {
		tl__shadow_free(shadow);
		free(k);
		return NULL;
	}
	return k;
}

struct tl__shadow *tl__breaks_of(const struct tl__broker *b, pid_t tgid)
{
	const struct breaks *k = breaks_of(b, tgid);

	return k ? k->shadow : NULL;
}

static enum tl__code code_of(pid_t tgid)
{
	static const enum tl__code of_words[2] = { TL__BY_HOST(TL__CODE_X86, TL__CODE_A64),
						   TL__BY_HOST(TL__CODE_X86, TL__CODE_A32) };

	return of_words[tl__person_is_narrow(tgid)];
}

struct tl__shadow *tl__breaks_get(struct tl__broker *b, pid_t tgid)
{
	struct breaks *k = breaks_of(b, tgid);

	if (!k)
		k = breaks_add(b, tgid, tl__shadow_new(code_of(tgid)));
	return k ? k->shadow : NULL;
}

static struct tl__tracee *any_of(const struct tl__broker *b, pid_t tgid)
{
	struct tl__tracee *t;

	TAILQ_FOREACH (t, &b->tracees, link)
		if (t->tgid == tgid && t->task && t->engine)
			return t;
	return NULL;
}

/* Data may hold a breakpoint's bytes. */
bool tl__breaks_is_text(struct tl__broker *b, pid_t tgid, uint64_t addr)
{
	struct tl_mapping map = { .size = sizeof(map) };
	struct tl__tracee *t = any_of(b, tgid);
	struct breaks *k = breaks_of(b, tgid);
	struct tl_maps *maps;
	bool found = false;

	for (size_t i = 0; k && i < RANGES; i++)
		if (addr >= k->text[i].from && addr < k->text[i].to)
			return true;
	if (!k || !t || tl_maps_new(t->task, &maps) < 0)
		return false;
	while (!found && tl_maps_next(maps, &map))
		found = map.exec && addr >= map.start && addr < map.end;
	tl_maps_free(maps);
	if (found)
		k->text[k->looked++ % RANGES] = (struct range){ map.start, map.end };
	return found;
}

static bool debugged_by_another(const struct tl__broker *b, const struct tl__tool *tool, pid_t tgid)
{
	const struct tl__tool *other;
	const struct tl__link *l;

	TAILQ_FOREACH (other, &b->tools, link) {
		if (other == tool || !other->debugs)
			continue;
		TAILQ_FOREACH (l, &other->links, of_tool)
			if (l->tracee->tgid == tgid)
				return true;
	}
	return false;
}

bool tl__breaks_are_shared(const struct tl__broker *b, const struct tl__tool *tool, pid_t tgid)
{
	const struct breaks *k = breaks_of(b, tgid);

	return (k && tl__shadow_has_others(k->shadow, tool)) || debugged_by_another(b, tool, tgid);
}

/*
 * gdb executes an instruction that it has a breakpoint on from a copy, for which it takes the
 * program's entry. Two at once would write over each other's, and could not both have executed what
 * they both step over. Where a copy cannot be written gdb steps in place, with its other threads
 * stopped: that two can do.
 */
bool tl__breaks_refuse(struct tl__broker *b, struct tl__tool *tool, pid_t tgid, uint64_t addr,
		       const void *before, const void *wanted, size_t len)
{
	struct breaks *k = breaks_of(b, tgid);
	struct aside *a, *free_one = NULL;

	if (!k || len > sizeof(a->saved))
		return false;
	if (!k->entry)
		k->entry = tl__person_entry(tgid);
	if (addr < k->entry || addr >= k->entry + AROUND_ENTRY)
		return false;
	for (a = k->asides; a < k->asides + ASIDES; a++) {
		if (!a->tool)
			free_one = a;
		if (a->tool != tool || a->addr != addr || a->len != len)
			continue;
		if (memcmp(a->saved, wanted, len) != 0)
			return false;
		/* It puts back what was there. */
		a->tool = NULL;
		return false;
	}
	if (tl__breaks_are_shared(b, tool, tgid))
		return true;
	if (free_one) {
		*free_one = (struct aside){ .tool = tool, .addr = addr, .len = len };
		memcpy(free_one->saved, before, len);
	}
	return false;
}

bool tl__breaks_is_aside(const struct tl__broker *b, pid_t tgid, uint64_t pc, uint64_t *ret_begin)
{
	const struct breaks *k = breaks_of(b, tgid);

	for (size_t i = 0; k && i < ASIDES; i++) {
		const struct aside *a = &k->asides[i];

		if (a->tool && pc >= a->addr && pc < a->addr + a->len) {
			*ret_begin = a->addr;
			return true;
		}
	}
	return false;
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

bool tl__breaks_is_at(const struct tl__tracee *t, uint64_t addr)
{
	const struct breaks *k = breaks_of(t->broker, t->tgid);
	enum tl__code code = k ? tl__shadow_code(k->shadow) : code_of(t->tgid);
	uint8_t insn[TL__BREAK_MOST];
	int64_t n = tl_task_read_mem(t->task, addr, insn, sizeof(insn));

	return n > 0 && tl__shadow_breakpoint(code, insn, (size_t)n);
}

bool tl__breaks_is_trap(int sig, const void *info)
{
	siginfo_t si;

	if (sig != SIGTRAP || !info)
		return false;
	memcpy(&si, info, sizeof(si));
	return si.si_code == SI_KERNEL || si.si_code == TRAP_BRKPT;
}

void tl__breaks_met(struct tl__tracee *t, int sig, const void *info)
{
	const struct tl__shadow *s;
	struct tl__link *l;
	bool known;

	t->met = 0;
	TAILQ_FOREACH (l, &t->links, of_tracee)
		l->spared = l->owns = false;
	if (!tl__breaks_is_trap(sig, info) || !tl__breaks_pc(t->task, &t->trap_pc))
		return;
	t->met = t->trap_pc - BEHIND;
	s = tl__breaks_of(t->broker, t->tgid);
	known = s && tl__shadow_has(s, t->met);
	TAILQ_FOREACH (l, &t->links, of_tracee) {
		l->owns = known && tl__shadow_owns(s, t->met, l->tool);
		l->spared = known && !l->owns;
	}
}

void tl__breaks_forked(struct tl__broker *b, pid_t from, pid_t to)
{
	const struct breaks *k = breaks_of(b, from);

	if (k && from != to && !breaks_of(b, to))
		tl__ignore(breaks_add(b, to, tl__shadow_copy(k->shadow)) != NULL);
}

void tl__breaks_forget(struct tl__broker *b, pid_t tgid)
{
	breaks_free(b->breaks.used ? tl__hash_del(&b->breaks, (uint64_t)tgid) : NULL);
}

void tl__breaks_leave(struct tl__broker *b, const struct tl__tool *tool, pid_t tgid, bool asides,
		      void (*lift)(uint64_t addr, const void *bytes, size_t len, void *data),
		      void *data)
{
	struct breaks *k = breaks_of(b, tgid);

	if (!k)
		return;
	for (size_t i = 0; i < ASIDES; i++) {
		struct aside *a = &k->asides[i];

		if (a->tool != tool)
			continue;
		a->tool = NULL;
		if (asides)
			lift(a->addr, a->saved, a->len, data);
	}
	tl__shadow_leave(k->shadow, tool, lift, data);
}

void tl__breaks_disown(struct tl__broker *b, const struct tl__tool *tool)
{
	for (size_t i = 0; b->breaks.used && i < b->breaks.cap; i++) {
		struct breaks *k = b->breaks.slots[i].value;

		if (!k)
			continue;
		tl__shadow_leave(k->shadow, tool, NULL, NULL);
		for (size_t j = 0; j < ASIDES; j++)
			if (k->asides[j].tool == tool)
				k->asides[j].tool = NULL;
	}
}
