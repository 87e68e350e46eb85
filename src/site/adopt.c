/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a tracer that was killed has left in a process, and what a fork has inherited: its areas are
 * taken over with all that is in them. Patches that nobody wants any more then go the way of all
 * others, which also moves threads out of their slots.
 *
 * A thread may have left a slot by the frame of a signal, and be about to come back. Wherever a
 * stack has an address of a slot on it the areas stay.
 */
#include "agent.h"
#include "compat.h"
#include "site.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { EVERY = 1 << 16, STACK_MAX = 1 << 20, STEPS_MAX = 1000 };

static bool may_have(const struct tl__mapping *m)
{
	return m->exec && m->read && !m->write && !m->shared && m->inode == 0 &&
	       m->end - m->start >= TL__AREA_SIZE;
}

static bool head_at(struct tl_task *task, const struct tl__arch *arch, uint64_t at,
		    struct tl__area_head *head)
{
	return tl__mem_read_raw(task, at, head, sizeof(*head)) == sizeof(*head) &&
	       tl__agent_is(arch, at, head);
}

/* Calls on_area for each; areas lie side by side, perhaps in a larger mapping. */
static int each_area(struct tl_task *task, const struct tl__arch *arch,
		     void (*on_area)(void *data, uint64_t at, const struct tl__area_head *head),
		     void *data)
{
	struct tl__area_head head;
	struct tl__mapping m;
	const char *at;
	char *text;
	int n = 0;

	if (tl__maps_read(task->session->sys, task->tid, &text) < 0)
		return 0;
	for (at = text; tl__maps_next(&at, &m);)
		for (uint64_t a = m.start; may_have(&m) && a + TL__AREA_SIZE <= m.end; a += EVERY)
			if (head_at(task, arch, a, &head)) {
				on_area(data, a, &head);
				n++;
			}
	free(text);
	return n;
}

static const struct tl__area_entry *entry(const char *bytes, uint32_t i)
{
	return (const void *)(bytes + TL__AREA_FIRST + (size_t)i * TL__AREA_STRIDE);
}

static void take_patch(struct tl__space *sp, struct tl__area *a, uint16_t i,
		       const struct tl__area_entry *e)
{
	const struct tl__arch *arch = sp->arch;
	struct tl__patch *p = tl__patch_find(sp, e->addr);
	uint8_t now[4];

	if (p && p->slot)
		return;
	if (!p)
		p = tl__patch_new(sp, e->addr);
	if (!p)
		return;
	p->slot = a->start + TL__AREA_FIRST + (uint64_t)i * TL__AREA_STRIDE + TL__ENTRY_SIZE;
	memcpy(p->original, e->original, sizeof(p->original));
	a->slots[i] = p;
	p->armed = tl__mem_read_raw(tl__space_task(sp), p->addr, now, arch->breakpoint_len) ==
			   arch->breakpoint_len &&
		   !memcmp(now, arch->breakpoint, arch->breakpoint_len);
	sp->session->sites->armed += p->armed;
}

static void take_chain(struct tl__space *sp, struct tl__area *a, uint32_t bucket, const char *bytes)
{
	uint16_t *link = &a->buckets[bucket];
	unsigned left = TL__AREA_SLOTS;

	for (uint16_t i = *link; i && i < TL__AREA_SLOTS && left--; i = *link) {
		take_patch(sp, a, i, entry(bytes, i));
		link = &a->next[i];
		*link = entry(bytes, i)->next;
	}
	*link = 0;
}

/* Behind the last slot that was ever written; what is unlinked keeps its bytes. */
static uint32_t used_slots(const char *bytes)
{
	uint32_t i = TL__AREA_SLOTS;
	const char *p;

	while (--i) {
		p = (const char *)entry(bytes, i);
		if (*p || memcmp(p, p + 1, TL__AREA_STRIDE - 1) != 0)
			break;
	}
	return i + 1;
}

static void take_area(void *data, uint64_t at, const struct tl__area_head *head)
{
	struct tl__space *sp = data;
	struct tl_task *task = tl__space_task(sp);
	char *bytes = malloc(TL__AREA_SIZE);
	struct tl__area *a = bytes ? tl__area_new(sp, at) : NULL;

	if (a && tl__mem_read_raw(task, at, bytes, TL__AREA_SIZE) == TL__AREA_SIZE) {
		memcpy(a->buckets, bytes + TL__AREA_BUCKETS, sizeof(a->buckets));
		for (uint32_t b = 0; b < TL__AREA_NBUCKET; b++)
			take_chain(sp, a, b, bytes);
		a->adopted = true;
		a->used = used_slots(bytes);
		tl__ignore(tl__mem_write_raw(task, at + offsetof(struct tl__area_head, owner),
					     &sp->owner, sizeof(sp->owner)) < 0);
	}
	if (a && head->flags & TL__AREA_HANDLES) {
		SLIST_REMOVE(&sp->areas, a, tl__area, link);
		SLIST_INSERT_HEAD(&sp->areas, a, link);
		tl__last_resort_adopt(sp, head->flags);
	}
	free(bytes);
}

/* Mapped, and nothing was written yet. */
static void take_blank(void *data, int64_t nr, uint64_t arg0)
{
	struct tl__space *sp = data;
	struct tl_task *task = tl__space_task(sp);
	struct tl__area_head head, blank = { .version = 0 };
	struct tl__mapping m;
	const char *at;
	char *text;

	if (nr != sp->arch->known.mmap || tl__maps_read(task->session->sys, task->tid, &text) < 0)
		return;
	for (at = text; tl__maps_next(&at, &m);)
		if (may_have(&m) && arg0 >= m.start && arg0 + TL__AREA_SIZE <= m.end &&
		    tl__mem_read_raw(task, arg0, &head, sizeof(head)) == sizeof(head) &&
		    !memcmp(&head, &blank, sizeof(head)))
			tl__ignore(tl__area_begin(sp, arg0) < 0);
	free(text);
}

/*
 * Not in the handler, which nothing interrupts; nor where no slot ever was: of i386's addresses an
 * area is one in 4,096, and a jmp_buf's mangled words are any number.
 */
static bool in_slots(const struct tl__space *sp, uint64_t addr)
{
	const struct tl__area *a;

	SLIST_FOREACH (a, &sp->areas, link)
		if (addr - a->start < TL__AREA_SIZE && tl__area_is_code(a, addr))
			return true;
	return false;
}

static uint64_t mapping_end(const char *maps, uint64_t addr)
{
	struct tl__mapping m;

	while (tl__maps_next(&maps, &m))
		if (addr >= m.start && addr < m.end)
			return m.end;
	return 0;
}

/* What this stack has from its top on; what is too much to be read may hold anything. */
static bool on_stack(struct tl__space *sp, struct tl_task *task, const char *maps, char *bytes)
{
	const struct tl__arch *arch = sp->arch;
	uint64_t from = arch->get_sp(task->regs, task->regs_len), value = 0;
	uint64_t end = mapping_end(maps, from);
	int64_t n;

	if (end <= from || end - from > STACK_MAX)
		return true;
	n = tl__mem_read_raw(task, from, bytes, end - from);
	for (int64_t i = 0; i + arch->word <= n; i += arch->word) {
		memcpy(&value, bytes + i, arch->word);
		if (in_slots(sp, value))
			return true;
	}
	return n != (int64_t)(end - from);
}

static bool in_code(const struct tl__space *sp, uint64_t ip)
{
	const struct tl__area *a;

	SLIST_FOREACH (a, &sp->areas, link)
		if (ip - a->start < TL__AREA_FIRST)
			return true;
	return false;
}

/* In the handler of last resort, which is short. */
static bool is_handling(struct tl__space *sp, struct tl_task *task)
{
	const struct tl__arch *arch = sp->arch;

	if (task->state == TL__TASK_STOPPED && !task->regs_dirty)
		task->regs_valid = false;
	return task->state == TL__TASK_STOPPED && tl__regs_arch(task) == arch &&
	       in_code(sp, arch->get_ip(task->regs, task->regs_len));
}

/* May it come back to an area? */
static bool is_away(struct tl__space *sp, struct tl_task *task, const char *maps, char *bytes)
{
	const struct tl__arch *arch = sp->arch;

	if (task->state != TL__TASK_STOPPED || tl__regs_arch(task) != arch)
		return true;
	return (in_slots(sp, arch->get_ip(task->regs, task->regs_len)) && !task->moved.on) ||
	       on_stack(sp, task, maps, bytes);
}

/* True: a thread makes a step on its way out. */
static bool step_out(struct tl__space *sp)
{
	bool stepping = false;
	struct tl_task *task;

	TAILQ_FOREACH (task, &sp->session->tasks, link)
		if (task->sited && task->sited->space == sp && is_handling(sp, task)) {
			stepping = true;
			tl__ignore(tl__engine_control(task->sited->engine,
						      TL_RUN | TL_STEP_SINGLE) < 0);
		}
	return stepping;
}

/* The breakpoints are gone. False: it has to be gone on with later. */
bool tl__adopt_clear(struct tl__space *sp)
{
	struct tl_task *task = tl__space_task(sp);
	char *maps = NULL, *bytes;

	if (!sp->keep)
		return true;
	if (sp->steps++ < STEPS_MAX && step_out(sp))
		return false;
	if (!task || tl__maps_read(sp->session->sys, task->tid, &maps) < 0)
		return true;
	bytes = malloc(STACK_MAX);
	sp->keep = !bytes;
	TAILQ_FOREACH (task, &sp->session->tasks, link)
		if (bytes && task->sited && task->sited->space == sp)
			sp->keep |= is_handling(sp, task) || is_away(sp, task, maps, bytes);
	free(bytes);
	free(maps);
	return true;
}

/* Registers that were read before the areas were known do not show who is in a slot. */
static void look_anew(struct tl__space *sp)
{
	struct tl_task *task;

	TAILQ_FOREACH (task, &sp->session->tasks, link)
		if (task->sited && task->sited->space == sp && !task->regs_dirty)
			task->regs_valid = false;
}

/* All its threads stand still. */
void tl__adopt(struct tl__space *sp)
{
	struct tl_task *task = tl__space_task(sp);
	struct tl__patch *p;
	int n;

	if (!task)
		return;
	look_anew(sp);
	n = each_area(task, sp->arch, take_area, sp);
	tl__areas_chain(sp);
	tl__caves_left(task, take_blank, sp);
	if (!n)
		return;
	TAILQ_FOREACH (p, &sp->patches, link)
		if (p->slot && !tl__text_displace(p, task)) {
			p->d.nmarks = 0;
			p->d.marks[0] = (struct tl__mark){ .ip = p->addr };
		}
	look_anew(sp);
	TAILQ_FOREACH (task, &sp->session->tasks, link)
		if (task->sited && task->sited->space == sp)
			tl__hit_late(task);
	sp->keep = true; /* until it is looked at again, without the breakpoints */
	TAILQ_FOREACH (p, &sp->patches, link) {
		if (p->slot && !p->armed)
			tl__slot_empty(p);
		else if (p->armed)
			tl__space_tell(p, TL_SITE_ARMED, 0, NULL);
	}
}

static void count(void *data, uint64_t at, const struct tl__area_head *head)
{
	(void)data;
	(void)at;
	(void)head;
}

/* Begins to remove what was left, if there is anything: how many areas, and calls in the making. */
int tl__adopt_if_any(struct tl_task *task)
{
	struct tl__space *sp;
	int n;

	if (task->sited)
		return 0;
	n = each_area(task, tl__arch_native(64), count, NULL) +
	    (int)tl__caves_left(task, NULL, NULL);
	if (tl__arch_native(32))
		n += each_area(task, tl__arch_native(32), count, NULL);
	if (!n)
		return 0;
	sp = tl__space_of(task, true);
	if (!sp)
		return -ENOMEM;
	tl__sites_used(task->session);
	sp->leaving = sp->work = true;
	return n;
}
