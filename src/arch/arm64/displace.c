/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * arm64 instructions out of line. Pure.
 *
 * Arm ARM, C4.1. Whatever reads the pc gets it from a literal of the slot. A slot's page is not
 * guarded (no PROT_BTI), so that what a br leaves in PSTATE.BTYPE there is accepted by every
 * landing pad, and what stands in it when a landing pad itself is run in the slot is not looked at
 * (D24.2.1, BTYPE).
 */
#include "regs.h"

#include <string.h>

enum { LINK = 30, LOOK_BACK = 32, NOP = 0xd503201fu };

struct out {
	struct tl__displaced *d;
	uint64_t slot;
	uint32_t words[TL__SLOT_SIZE / 4];
	unsigned n;
	bool reaches;
};

struct class
{
	uint32_t mask, value;
	void (*make)(const struct tl__original *, uint32_t insn, struct out *);
	const char *refused;
};

static void word(struct out *out, uint32_t insn)
{
	out->words[out->n++] = insn;
}

static void mark(struct out *out, bool done, uint64_t ip)
{
	struct tl__mark m = { .at = (uint8_t)(out->n * 4), .done = done, .ip = ip };

	out->d->marks[out->d->nmarks++] = m;
}

/* A branch to where the program goes on. */
static void leave(struct out *out, uint64_t to)
{
	int64_t by = (int64_t)(to - (out->slot + out->n * 4));

	mark(out, true, to);
	if (by < -(int64_t)TL__ARM64_REACH || by >= (int64_t)TL__ARM64_REACH)
		out->reaches = false;
	word(out, 0x14000000 | ((uint32_t)(by >> 2) & 0x3ffffff));
}

/* ldr xN, from a literal that stands in the slot's last words. */
static void load(struct out *out, unsigned reg, uint64_t value)
{
	unsigned at = TL__SLOT_SIZE / 4 - 2;

	memcpy(&out->words[at], &value, sizeof(value));
	word(out, 0x58000000 | (at - out->n) << 5 | reg);
	out->d->kind = TL__DISPLACE_EMULATE;
	out->d->len = TL__SLOT_SIZE;
}

static void as_it_is(const struct tl__original *o, uint32_t insn, struct out *out)
{
	word(out, insn);
	leave(out, o->ip + 4);
}

static void branch(const struct tl__original *o, uint32_t insn, struct out *out)
{
	out->d->kind = TL__DISPLACE_EMULATE;
	/* Before it is left the branch has not been made. */
	leave(out, o->ip + (uint64_t)(tl__sign_extend(insn & 0x3ffffff, 26) * 4));
	out->d->nmarks = 1;
}

static void branch_and_link(const struct tl__original *o, uint32_t insn, struct out *out)
{
	load(out, LINK, o->ip + 4);
	leave(out, o->ip + (uint64_t)(tl__sign_extend(insn & 0x3ffffff, 26) * 4));
}

/* Over a branch to the next instruction, to one that goes where it goes. */
static void conditional(const struct tl__original *o, uint32_t insn, struct out *out)
{
	uint32_t field = (insn & 0x7e000000) == 0x36000000 ? 0x3fffu << 5 : 0x7ffffu << 5;
	int64_t by = 0;

	tl__arm64_is_conditional(insn, &by);
	out->d->kind = TL__DISPLACE_EMULATE;
	word(out, (insn & ~field) | 2 << 5);
	leave(out, o->ip + 4);
	leave(out, o->ip + (uint64_t)(by * 4));
}

/* br, ret and their kin. */
static void jump(const struct tl__original *o, uint32_t insn, struct out *out)
{
	(void)o;
	word(out, insn);
}

/* blr and its kin, as a br behind a load of the link register. Halfway it can be made anew: what it
 * writes is there already. */
static void jump_and_link(const struct tl__original *o, uint32_t insn, struct out *out)
{
	if ((insn >> 5 & 31) == LINK ||
	    ((insn & 0xff000000) == 0xd7000000 && (insn & 31) == LINK)) {
		out->d->why = "a call through the link register";
		return;
	}
	load(out, LINK, o->ip + 4);
	mark(out, false, o->ip);
	word(out, insn & ~0x00200000u);
}

static void address(const struct tl__original *o, uint32_t insn, struct out *out)
{
	int64_t by = tl__sign_extend((insn >> 5 & 0x7ffff) << 2 | (insn >> 29 & 3), 21);

	load(out, insn & 31,
	     insn >> 31 ? (o->ip & ~UINT64_C(0xfff)) + (uint64_t)(by * 4096)
			: o->ip + (uint64_t)by);
	leave(out, o->ip + 4);
}

/* A literal of vector registers: from its own place if that is near, else from a copy. */
static void vector_literal(const struct tl__original *o, uint32_t insn, uint64_t from,
			   struct out *out)
{
	int64_t by = (int64_t)(from - out->slot), off = (int64_t)(from - o->ip);
	unsigned size = 4u << (insn >> 30), at = TL__SLOT_SIZE / 4 - 4;

	if (by >= -(1 << 20) && by < 1 << 20) {
		word(out, (insn & ~(0x7ffffu << 5)) | ((uint32_t)(by >> 2) & 0x7ffff) << 5);
	} else if (o->constant && off >= -(int64_t)o->before && off + size <= (int64_t)o->after) {
		memcpy(&out->words[at], o->insn + off, size);
		word(out, (insn & ~(0x7ffffu << 5)) | at << 5);
		out->d->len = TL__SLOT_SIZE;
	} else {
		out->d->why = "a vector's literal that is too far from any slot";
		return;
	}
	out->d->kind = TL__DISPLACE_EMULATE;
	leave(out, o->ip + 4);
}

static void literal(const struct tl__original *o, uint32_t insn, struct out *out)
{
	static const uint32_t loads[] = { 0xb9400000, 0xf9400000, 0xb9800000 }; /* w, x, sw */
	uint64_t from = o->ip + (uint64_t)(tl__sign_extend(insn >> 5 & 0x7ffff, 19) * 4);
	unsigned opc = insn >> 30, to = insn & 31;

	if (insn & 0x04000000) {
		if (opc == 3)
			as_it_is(o, insn, out); /* not allocated */
		else
			vector_literal(o, insn, from, out);
		return;
	}
	if (opc == 3 || to == 31) { /* prfm, or to xzr: no register's worth */
		out->d->kind = TL__DISPLACE_EMULATE;
		word(out, NOP);
	} else {
		load(out, to, from);
		mark(out, false, o->ip);
		word(out, loads[opc] | to << 5 | to);
	}
	leave(out, o->ip + 4);
}

static const struct class classes[] = {
	{ 0xfc000000, 0x14000000, branch, NULL },
	{ 0xfc000000, 0x94000000, branch_and_link, NULL },
	{ 0xff000000, 0x54000000, conditional, NULL }, /* b.cond, bc.cond */
	{ 0x7e000000, 0x34000000, conditional, NULL }, /* cbz, cbnz */
	{ 0x7e000000, 0x36000000, conditional, NULL }, /* tbz, tbnz */
	{ 0x1f000000, 0x10000000, address, NULL },
	{ 0x3b000000, 0x18000000, literal, NULL },
	{ 0xfffffc1f, 0xd61f0000, jump, NULL },          /* br */
	{ 0xfffffc1f, 0xd65f0000, jump, NULL },          /* ret */
	{ 0xfffff81f, 0xd61f081f, jump, NULL },          /* braaz, brabz */
	{ 0xfffffbff, 0xd65f0bff, jump, NULL },          /* retaa, retab */
	{ 0xfffff800, 0xd71f0800, jump, NULL },          /* braa, brab */
	{ 0xfffffc1f, 0xd63f0000, jump_and_link, NULL }, /* blr */
	{ 0xfffff81f, 0xd63f081f, jump_and_link, NULL }, /* blraaz, blrabz */
	{ 0xfffff800, 0xd73f0800, jump_and_link, NULL }, /* blraa, blrab */
	{ 0xffe0001f, 0xd4200000, NULL, "the program's own breakpoint (brk)" },
	{ 0xffe0001f, 0xd4400000, NULL, "the program's own breakpoint (hlt)" },
	{ 0xff000000, 0xd4000000, as_it_is, NULL }, /* svc; others fault there as here */
	{ 0xff000000, 0xd5000000, as_it_is, NULL }, /* hints, barriers, system registers */
	{ 0x1c000000, 0x14000000, NULL, "a branch of a kind that is not known" },
	/* Three that stand together: the kernel goes back to the first by its distance when another
	 * core wants them done otherwise (do_el0_mops). */
	{ 0x3b200c00, 0x19000400, NULL, "one of the instructions of a memory copy" },
	/* FEAT_PAuth_LR */
	{ 0xffff83ff, 0xdac183fe, NULL, "signs with the pc" },
	{ 0xffc0001f, 0xf380001f, NULL, "authenticates with the pc" },
	{ 0xfffff81f, 0xdac1901e, NULL, "authenticates with the pc" },
};

/* An exception in between clears the monitor, and the store would fail for ever. */
static bool in_exclusive_sequence(const struct tl__original *o)
{
	uint32_t insn;

	for (unsigned i = 1; i <= LOOK_BACK && i * 4 <= o->before; i++) {
		memcpy(&insn, o->insn - i * 4, sizeof(insn));
		if (tl__arm64_is_exclusive(insn, false))
			return false;
		if (tl__arm64_is_exclusive(insn, true))
			return true;
		if (tl__arm64_is_branch(insn) && !tl__arm64_is_conditional(insn, &(int64_t){ 0 }))
			return false;
	}
	return false;
}

/* A store ends a sequence, and a load with no store behind it is none: which is looked for in what
 * follows. */
static bool sequence_goes_on(const struct tl__original *o)
{
	uint32_t insn;

	for (size_t at = 0; at + 4 <= o->after && at < LOOK_BACK * 4; at += 4) {
		memcpy(&insn, o->insn + at, sizeof(insn));
		if (tl__arm64_is_exclusive(insn, false))
			return true;
		if (tl__arm64_is_exclusive(insn, true) ||
		    (tl__arm64_is_branch(insn) && !tl__arm64_is_conditional(insn, &(int64_t){ 0 })))
			return false;
	}
	return false;
}

static const struct class *find(uint32_t insn)
{
	static const struct class other = { 0, 0, as_it_is, NULL };

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if ((insn & classes[i].mask) == classes[i].value)
			return &classes[i];
	return &other;
}

static bool is_linking(const struct class *c)
{
	return c->make == branch_and_link || c->make == jump_and_link;
}

bool tl__arm64_displace(const struct tl__original *o, uint64_t slot, struct tl__displaced *ret)
{
	struct out out = { .d = ret, .slot = slot, .reaches = true };
	const struct class *class;
	uint32_t insn;

	memset(ret, 0, sizeof(*ret));
	if (o->ip & 3 || o->after < 4) {
		ret->why = o->ip & 3 ? "instructions stand at multiples of 4" : "no code there";
		return true;
	}
	memcpy(&insn, o->insn, sizeof(insn));
	ret->insn_len = 4;
	class = find(insn);
	ret->why = class->refused;
	if (in_exclusive_sequence(o) && sequence_goes_on(o))
		ret->why = "between a load-exclusive and its store";
	else if (o->shadow_stack && is_linking(class))
		ret->why = "a call where returns are guarded (GCS)";
	if (ret->why)
		return true;
	ret->kind = TL__DISPLACE_SLOT;
	mark(&out, false, o->ip);
	class->make(o, insn, &out);
	if (ret->why) {
		ret->kind = TL__DISPLACE_REFUSE;
		return true;
	}
	if (!ret->len)
		ret->len = (uint8_t)(out.n * 4);
	memcpy(ret->code, out.words, ret->len);
	return out.reaches;
}
