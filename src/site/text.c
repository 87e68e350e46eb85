/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text: breakpoints written and taken away, and hidden from who reads it. */
#include "site.h"

#include "compat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BEFORE = 128, AFTER = 1 << 12 };

/* An instruction and its surroundings, as the program has them. */
struct code {
	struct tl__original o;
	uint8_t bytes[BEFORE + AFTER];
};

static size_t read_code(struct tl_task *task, uint64_t addr, uint8_t *to, size_t n)
{
	int64_t r = tl__mem_read(task, addr, to, n);

	return r < 0 ? 0 : (size_t)r;
}

/* Only where instructions stand at multiples is it known what lies in front of one. */
static void look(struct tl__patch *p, struct tl_task *task, struct code *code)
{
	bool fixed = p->space->arch->breakpoint_len == TL__INSN_FIXED;
	uint64_t before = p->addr & 4095;

	code->o = (struct tl__original){ .insn = code->bytes + BEFORE,
					 .ip = p->addr,
					 .constant = !p->space->look.map.write,
					 .shadow_stack = p->space->look.shadow_stack };
	code->o.after =
		read_code(task, p->addr, code->bytes + BEFORE, fixed ? AFTER : TL__INSN_MAX);
	if (before > BEFORE)
		before = BEFORE;
	if (fixed && before &&
	    read_code(task, p->addr - before, code->bytes + BEFORE - before, before) == before)
		code->o.before = before;
}

/* What is asked of all that is armed at once. */
void tl__text_look(struct tl__space *sp)
{
	struct tl_task *task = tl__space_task(sp);
	char status[4096];

	sp->look.map.end = 0;
	sp->look.shadow_stack = false;
	if (!task || tl__maps_read(sp->session->sys, task->tid, &sp->look.maps) < 0)
		sp->look.maps = NULL;
	if (task && sp->session->sys->ops->proc_read(sp->session->sys, task->tid, TL__PROC_STATUS,
						     status, sizeof(status)) > 0)
		sp->look.shadow_stack = strstr(status, "shstk");
}

void tl__text_looked(struct tl__space *sp)
{
	free(sp->look.maps);
	sp->look.maps = NULL;
}

static bool find_map(struct tl__space *sp, uint64_t addr)
{
	const char *at = sp->look.maps;

	if (addr >= sp->look.map.start && addr < sp->look.map.end)
		return true;
	while (at && tl__maps_next(&at, &sp->look.map))
		if (addr >= sp->look.map.start && addr < sp->look.map.end)
			return true;
	sp->look.map.end = 0;
	return false;
}

/* NULL: a site can be there. */
static const char *why_not(struct tl__patch *p)
{
	struct tl__space *sp = p->space;

	if (!find_map(sp, p->addr))
		return "nothing is mapped there";
	if (!sp->look.map.exec)
		return "data, no code: its memory is not executable";
	if (sp->look.map.shared)
		return "a shared mapping: a breakpoint would be written to the file";
	return NULL;
}

static bool refuse(struct tl__patch *p, int error, const char *why)
{
	tl__area_release(p->space, p);
	tl__space_tell(p, TL_SITE_REFUSED, error, why);
	return true;
}

/* What another tracer has made of it: the same, or false. */
bool tl__text_displace(struct tl__patch *p, struct tl_task *task)
{
	const struct tl__arch *arch = p->space->arch;
	uint8_t there[TL__SLOT_SIZE];
	struct code code;

	if (why_not(p))
		return false;
	look(p, task, &code);
	return code.o.after >= arch->breakpoint_len && arch->displace(&code.o, p->slot, &p->d) &&
	       p->d.kind != TL__DISPLACE_REFUSE &&
	       tl__mem_read_raw(task, p->slot, there, p->d.len) == p->d.len &&
	       !memcmp(there, p->d.code, p->d.len);
}

/* It has been overwritten. */
static void forget(struct tl__patch *p)
{
	p->armed = false;
	p->space->session->sites->armed--;
}

static bool is_breakpoint_at(struct tl__space *sp, uint64_t addr)
{
	const struct tl__arch *arch = sp->arch;
	struct tl_task *task = tl__space_task(sp);
	uint8_t now[4];

	return task &&
	       tl__mem_read_raw(task, addr, now, arch->breakpoint_len) == arch->breakpoint_len &&
	       !memcmp(now, arch->breakpoint, arch->breakpoint_len);
}

/* The program may have written over it, or mapped something else there, unseen by us. Who asks for
 * a site there now means what is there now. */
void tl__text_check(struct tl__patch *p)
{
	struct tl__space *sp = p->space;
	struct tl__lost *l = &sp->lost[sp->nlost % TL__LOST_MAX];

	if (!p->armed || is_breakpoint_at(sp, p->addr))
		return;
	l->addr = p->addr;
	memcpy(l->original, p->original, sizeof(l->original));
	sp->nlost++;
	forget(p);
}

static bool is_page_offset(uint64_t a, uint64_t b)
{
	return a != b && !((a ^ b) & 4095);
}

/* A page that was moved (mremap) took our breakpoint along, which nobody knows where it is now:
 * that of a patch whose own is not there any more. The program's bytes come back. */
void tl__text_moved(struct tl__space *sp, uint64_t addr)
{
	const uint8_t *original = NULL;
	struct tl__patch *p;

	if (!is_breakpoint_at(sp, addr))
		return;
	TAILQ_FOREACH (p, &sp->patches, link)
		if (p->armed && is_page_offset(p->addr, addr) && !is_breakpoint_at(sp, p->addr))
			original = p->original;
	/* Or of one that was lost earlier, the last first. */
	for (size_t i = sp->nlost; !original && i-- > 0 && i + TL__LOST_MAX >= sp->nlost;)
		if (is_page_offset(sp->lost[i % TL__LOST_MAX].addr, addr))
			original = sp->lost[i % TL__LOST_MAX].original;
	if (original)
		tl__ignore(tl__mem_write_raw(tl__space_task(sp), addr, original,
					     sp->arch->breakpoint_len) < 0);
}

/* False when there is no room for it yet. */
bool tl__text_arm(struct tl__patch *p)
{
	struct tl__space *sp = p->space;
	const struct tl__arch *arch = sp->arch;
	struct tl_task *task = tl__space_task(sp);
	const char *why = why_not(p);
	struct code code;

	if (why)
		return refuse(p, -EFAULT, why);
	tl__text_moved(sp, p->addr);
	look(p, task, &code);
	if (code.o.after < arch->breakpoint_len)
		return refuse(p, -EFAULT, "memory that cannot be read");
	if (tl__area_slot(sp, p) < 0)
		return false;
	memcpy(p->original, code.o.insn, arch->breakpoint_len);
	if (!arch->displace(&code.o, p->slot, &p->d))
		return refuse(p, -ERANGE, "what it leads to is too far from any free memory");
	if (p->d.kind == TL__DISPLACE_REFUSE)
		return refuse(p, -EILSEQ, p->d.why);
	if (!tl__area_write(sp, p))
		return refuse(p, -EFAULT, "its slot cannot be written");
	if (tl__mem_write_raw(task, p->addr, arch->breakpoint, arch->breakpoint_len) !=
	    arch->breakpoint_len)
		return refuse(p, -EFAULT, "memory that cannot be written");
	p->armed = true;
	sp->session->sites->armed++;
	tl__space_tell(p, TL_SITE_ARMED, 0, NULL);
	return true;
}

/* Only what is still ours: it may have been unmapped, and something else mapped there. */
void tl__text_disarm(struct tl__patch *p)
{
	const struct tl__arch *arch = p->space->arch;
	struct tl_task *task = tl__space_task(p->space);

	if (!p->armed)
		return;
	forget(p);
	if (is_breakpoint_at(p->space, p->addr))
		tl__ignore(tl__mem_write_raw(task, p->addr, p->original, arch->breakpoint_len) < 0);
}

static void hide(const struct tl__patch *p, uint64_t addr, uint8_t *buf, size_t n)
{
	for (size_t i = 0; p->armed && i < p->space->arch->breakpoint_len; i++)
		if (p->addr + i - addr < n)
			buf[p->addr + i - addr] = p->original[i];
}

/* The program's own bytes, in what was read of a task's memory. */
void tl__text_hide(struct tl_task *task, uint64_t addr, void *buf, size_t n)
{
	struct tl__space *sp = task->sited ? task->sited->space : NULL;
	struct tl__patch *p;
	uint64_t step;

	if (!sp || !sp->arch)
		return;
	step = sp->arch->breakpoint_len;
	if (n / step > sp->session->sites->armed) {
		TAILQ_FOREACH (p, &sp->patches, link)
			hide(p, addr, buf, n);
		return;
	}
	/* Breakpoints stand at multiples of their length. */
	for (uint64_t at = addr - addr % step; at < addr + n; at += step) {
		p = tl__patch_find(sp, at);
		if (p)
			hide(p, addr, buf, n);
	}
}

/* Somebody has written over it: what stands there now is the program's. It is armed anew. */
void tl__text_written(struct tl_task *task, uint64_t addr, size_t n)
{
	struct tl__space *sp = task->sited->space;
	struct tl__patch *p;

	if (!sp)
		return;
	TAILQ_FOREACH (p, &sp->patches, link) {
		uint64_t len = p->d.insn_len ? p->d.insn_len : 1;

		if (!p->armed || p->addr >= addr + n || p->addr + len <= addr)
			continue;
		if (p->addr < addr || addr + n - p->addr < sp->arch->breakpoint_len)
			tl__text_disarm(p);
		else
			forget(p);
		sp->work = true;
	}
}

int tl__insn_walk(struct tl_task *task, uint64_t addr, size_t len, tl__on_insn *on_insn, void *data)
{
	const struct tl__arch *arch = tl__regs_arch(task);
	struct tl_insn insn = { .size = sizeof(insn) };
	struct tl__displaced d;
	uint8_t *code;
	size_t at = 0;
	int64_t n;
	int r = 0;

	if (!arch || !arch->displace)
		return arch ? -EOPNOTSUPP : -ESRCH;
	code = malloc(len + TL__INSN_MAX);
	if (!code)
		return -ENOMEM;
	n = tl__mem_read(task, addr, code, len + TL__INSN_MAX);
	while (r == 0 && n > 0 && at < len && at < (size_t)n) {
		struct tl__original o = { .insn = code + at,
					  .before = at,
					  .after = (size_t)n - at,
					  .ip = addr + at,
					  .constant = true };

		arch->displace(&o, o.ip, &d);
		insn.length = d.insn_len;
		insn.why = d.why;
		r = on_insn(o.ip, &insn, data);
		at += d.insn_len ? d.insn_len : arch->breakpoint_len;
	}
	free(code);
	return n < 0 ? (int)n : r;
}
