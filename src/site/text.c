/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text: breakpoints written and taken away, and hidden from who reads it. */
#include "site.h"

#include "compat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BEFORE = 128, AFTER = 1 << 12 };

/* The instruction and its surroundings as the program has them. */
static bool displace(struct tl__patch *p, struct tl_task *task, uint64_t slot)
{
	uint8_t code[BEFORE + AFTER];
	struct tl__original o = { .insn = code + BEFORE, .ip = p->addr };
	uint64_t before = p->addr & 4095 ? p->addr & 4095 : 4096;
	int64_t n = tl__mem_read(task, p->addr, code + BEFORE, AFTER);

	if (before > BEFORE)
		before = BEFORE;
	if (n > 0)
		o.after = (size_t)n;
	if (n > 0 &&
	    tl__mem_read(task, p->addr - before, code + BEFORE - before, before) == (int64_t)before)
		o.before = before;
	return p->space->arch->displace(&o, slot, &p->d);
}

static bool refuse(struct tl__patch *p, int error, const char *why)
{
	tl__area_release(p->space, p);
	tl__space_tell(p, TL_SITE_REFUSED, error, why);
	return true;
}

static bool write_slot(struct tl__patch *p, struct tl_task *task)
{
	return tl__mem_write_raw(task, p->slot, p->d.code, p->d.len) == p->d.len;
}

/* False when there is no room for it yet. */
bool tl__text_arm(struct tl__patch *p)
{
	struct tl__space *sp = p->space;
	const struct tl__arch *arch = sp->arch;
	struct tl_task *task = tl__space_task(sp);

	if (tl__mem_read(task, p->addr, p->original, arch->breakpoint_len) != arch->breakpoint_len)
		return refuse(p, -EFAULT, "no memory there that can be read");
	displace(p, task, p->addr);
	if (p->d.kind == TL__DISPLACE_REFUSE)
		return refuse(p, -EILSEQ, p->d.why);
	if (tl__area_slot(sp, p) < 0)
		return false;
	if (!displace(p, task, p->slot))
		return refuse(p, -ERANGE, "what it leads to is too far from any free memory");
	if (!write_slot(p, task))
		return refuse(p, -EFAULT, "its slot cannot be written");
	if (tl__mem_write_raw(task, p->addr, arch->breakpoint, arch->breakpoint_len) !=
	    arch->breakpoint_len)
		return refuse(p, -EFAULT, "memory that cannot be written");
	p->armed = true;
	sp->session->sites->armed++;
	tl__space_tell(p, TL_SITE_ARMED, 0, NULL);
	return true;
}

/* It has been overwritten. */
static void forget(struct tl__patch *p)
{
	p->armed = false;
	p->space->session->sites->armed--;
}

/* Only what is still ours: it may have been unmapped, and something else mapped there. */
void tl__text_disarm(struct tl__patch *p)
{
	const struct tl__arch *arch = p->space->arch;
	struct tl_task *task = tl__space_task(p->space);
	uint8_t now[4];

	if (!p->armed)
		return;
	forget(p);
	if (task &&
	    tl__mem_read_raw(task, p->addr, now, arch->breakpoint_len) == arch->breakpoint_len &&
	    !memcmp(now, arch->breakpoint, arch->breakpoint_len))
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

	if (!sp)
		return;
	if (n > 64) {
		TAILQ_FOREACH (p, &sp->patches, link)
			hide(p, addr, buf, n);
		return;
	}
	for (uint64_t at = addr - 3; at != addr + n; at++) {
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
