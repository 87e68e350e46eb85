/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * x86 instructions out of line, in 64 and 32 bits. Pure.
 *
 * Nothing here needs a register or changes a flag: a call is a push of a constant and a jump, and
 * what is relative to the pc has its displacement corrected.
 */
#include "regs.h"

#include <Zydis/Zydis.h>
#include <string.h>

/* Where constants stand in a slot. */
enum { CONSTANT = TL__SLOT_SIZE - 8 };

struct out {
	const struct tl__original *o;
	struct tl__displaced *d;
	uint64_t slot;
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	bool wide, reaches;
};

static void refuse(struct out *out, const char *why)
{
	if (out->d->kind != TL__DISPLACE_REFUSE || !out->d->why)
		out->d->why = why;
	out->d->kind = TL__DISPLACE_REFUSE;
}

static void put(struct out *out, const void *bytes, size_t n)
{
	memcpy(out->d->code + out->d->len, bytes, n);
	out->d->len = (uint8_t)(out->d->len + n);
}

static void put_byte(struct out *out, uint8_t byte)
{
	put(out, &byte, 1);
}

static struct tl__mark *mark(struct out *out, bool done, uint64_t ip)
{
	struct tl__mark *m = &out->d->marks[out->d->nmarks++];

	*m = (struct tl__mark){ .at = out->d->len, .done = done, .ip = ip };
	return m;
}

/* The distance from the end of a field of 4 bytes at this place in the slot. */
static int32_t distance(struct out *out, uint64_t to, unsigned field, unsigned behind)
{
	int64_t by = (int64_t)(to - (out->slot + field + 4 + behind));

	/* In 32 bits addresses wrap. */
	if (out->wide && by != (int32_t)by)
		out->reaches = false;
	return (int32_t)(uint32_t)(uint64_t)by;
}

static void put_distance(struct out *out, uint64_t to)
{
	int32_t by = distance(out, to, out->d->len, 0);

	put(out, &by, sizeof(by));
}

static void jump_to(struct out *out, uint64_t to)
{
	mark(out, true, to);
	put_byte(out, 0xe9);
	put_distance(out, to);
}

static uint64_t next_ip(const struct out *out)
{
	return out->o->ip + out->insn.length;
}

/* The target of a relative branch; as the program's addresses are wide. */
static uint64_t target(const struct out *out)
{
	uint64_t to = next_ip(out) + (uint64_t)out->insn.raw.imm[0].value.s;

	return out->wide ? to : (uint32_t)to;
}

/* A constant beside the code, by its own address. */
static void constant(struct out *out, uint64_t value)
{
	memcpy(out->d->code + CONSTANT, &value, sizeof(value));
}

static void push_return(struct out *out)
{
	uint32_t narrow = (uint32_t)next_ip(out);

	if (out->wide) {
		put(out, "\xff\x35", 2); /* push [rip + by] */
		put_distance(out, out->slot + CONSTANT);
		constant(out, next_ip(out));
	} else {
		put_byte(out, 0x68);
		put(out, &narrow, sizeof(narrow));
	}
}

/* The instruction itself, with what is relative to the pc corrected. */
static void copy(struct out *out)
{
	const ZydisDecodedInstruction *insn = &out->insn;
	unsigned at = out->d->len;
	int32_t by;

	put(out, out->o->insn, insn->length);
	for (unsigned i = 0; i < insn->operand_count; i++) {
		if (out->ops[i].type != ZYDIS_OPERAND_TYPE_MEMORY ||
		    (out->ops[i].mem.base != ZYDIS_REGISTER_RIP &&
		     out->ops[i].mem.base != ZYDIS_REGISTER_EIP))
			continue;
		if (out->ops[i].mem.base == ZYDIS_REGISTER_EIP)
			refuse(out, "an address of 32 bits, relative to the pc");
		by = distance(out, next_ip(out) + (uint64_t)insn->raw.disp.value,
			      at + insn->raw.disp.offset,
			      insn->length - insn->raw.disp.offset - 4u);
		memcpy(out->d->code + at + insn->raw.disp.offset, &by, sizeof(by));
	}
}

static void call_relative(struct out *out)
{
	out->d->kind = TL__DISPLACE_EMULATE;
	push_return(out);
	jump_to(out, target(out));
}

/* What a push has done to an operand that is relative to the stack pointer. */
static void correct_stack_operand(struct out *out, uint8_t *bytes, unsigned *n)
{
	const ZydisDecodedInstruction *insn = &out->insn;
	unsigned modrm = insn->raw.modrm.offset;
	int64_t disp = out->ops[0].mem.disp.value + (out->wide ? 8 : 4);
	int32_t wide_disp = (int32_t)disp;

	if (out->ops[0].mem.disp.value < 0)
		refuse(out, "a call by a word below the stack pointer");
	bytes[modrm] =
		(bytes[modrm] & 0x3f) | 0x80; /* with 4 bytes of displacement, behind the SIB */
	memcpy(bytes + modrm + 2, &wide_disp, sizeof(wide_disp));
	*n = modrm + 6;
}

/* call r/m: a push, and jmp r/m. */
static void call_indirect(struct out *out)
{
	const ZydisDecodedInstruction *insn = &out->insn;
	const ZydisDecodedOperand *op = &out->ops[0];
	uint8_t bytes[TL__INSN_MAX + 4];
	unsigned at, n = insn->length;
	int32_t by;

	if (op->type == ZYDIS_OPERAND_TYPE_REGISTER &&
	    ZydisRegisterGetId(op->reg.value) == ZydisRegisterGetId(ZYDIS_REGISTER_RSP)) {
		refuse(out, "a call to the stack pointer");
		return;
	}
	out->d->kind = TL__DISPLACE_EMULATE;
	push_return(out);
	mark(out, false, out->o->ip)->sp = out->wide ? 8 : 4;
	memcpy(bytes, out->o->insn, n);
	bytes[insn->raw.modrm.offset] = (bytes[insn->raw.modrm.offset] & 0xc7) | 4 << 3;
	if (op->type == ZYDIS_OPERAND_TYPE_MEMORY &&
	    (op->mem.base == ZYDIS_REGISTER_RSP || op->mem.base == ZYDIS_REGISTER_ESP))
		correct_stack_operand(out, bytes, &n);
	at = out->d->len;
	put(out, bytes, n);
	if (op->type != ZYDIS_OPERAND_TYPE_MEMORY || op->mem.base != ZYDIS_REGISTER_RIP)
		return;
	by = distance(out, next_ip(out) + (uint64_t)insn->raw.disp.value,
		      at + insn->raw.disp.offset, n - insn->raw.disp.offset - 4u);
	memcpy(out->d->code + at + insn->raw.disp.offset, &by, sizeof(by));
}

static void jump_relative(struct out *out)
{
	out->d->kind = TL__DISPLACE_EMULATE;
	jump_to(out, target(out));
	out->d->nmarks = 1;
}

/* Over a jump to the next instruction, to one that goes where it goes. */
static void conditional(struct out *out)
{
	uint8_t op = out->insn.opcode;

	out->d->kind = TL__DISPLACE_EMULATE;
	/* jcxz and loop count in what this says. */
	if (op >= 0xe0 && out->insn.attributes & ZYDIS_ATTRIB_HAS_ADDRESSSIZE)
		put_byte(out, 0x67);
	put_byte(out, op >= 0xe0 ? op : (uint8_t)(0x70 | (op & 15)));
	put_byte(out, 5);
	jump_to(out, next_ip(out));
	jump_to(out, target(out));
}

static void begin_transaction(struct out *out)
{
	put(out, "\xc7\xf8", 2);
	put_distance(out, target(out));
	jump_to(out, next_ip(out));
}

/* It leaves the pc in rcx. */
static void system_call(struct out *out)
{
	copy(out);
	mark(out, true, next_ip(out))->fix_rcx = true;
	put(out, "\x48\x8b\x0d", 3); /* mov rcx, [rip + by] */
	put_distance(out, out->slot + CONSTANT);
	constant(out, next_ip(out));
	jump_to(out, next_ip(out));
}

static void any_other(struct out *out)
{
	copy(out);
	jump_to(out, next_ip(out));
}

static bool is_relative(const struct out *out)
{
	return out->insn.raw.imm[0].is_relative;
}

static const char *why_not(const struct out *out)
{
	const ZydisDecodedInstruction *insn = &out->insn;

	switch (insn->mnemonic) {
	case ZYDIS_MNEMONIC_INT3:
	case ZYDIS_MNEMONIC_INT1:
	case ZYDIS_MNEMONIC_HLT:
		return "the program's own breakpoint (int3, int1, hlt)";
	case ZYDIS_MNEMONIC_INT:
		return out->o->insn[insn->length - 1] == 3 ? "the program's own breakpoint (int 3)"
							   : NULL;
	case ZYDIS_MNEMONIC_CALL:
		if (insn->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
			return "a far call";
		return out->o->shadow_stack ? "a call where returns are guarded (CET)" : NULL;
	default:
		return NULL;
	}
}

static void displace(struct out *out)
{
	const ZydisDecodedInstruction *insn = &out->insn;
	bool near_branch = insn->meta.branch_type == ZYDIS_BRANCH_TYPE_NEAR ||
			   insn->meta.branch_type == ZYDIS_BRANCH_TYPE_SHORT;

	mark(out, false, out->o->ip);
	if (near_branch && insn->attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE &&
	    insn->meta.category != ZYDIS_CATEGORY_RET)
		refuse(out, "a branch with an operand size, which processors take differently");
	else if (insn->mnemonic == ZYDIS_MNEMONIC_CALL)
		(is_relative(out) ? call_relative : call_indirect)(out);
	else if (insn->mnemonic == ZYDIS_MNEMONIC_XBEGIN)
		begin_transaction(out);
	else if (insn->mnemonic == ZYDIS_MNEMONIC_SYSCALL && out->wide)
		system_call(out);
	else if (near_branch && is_relative(out))
		(insn->meta.category == ZYDIS_CATEGORY_COND_BR ? conditional : jump_relative)(out);
	else if (insn->meta.category == ZYDIS_CATEGORY_UNCOND_BR ||
		 insn->meta.category == ZYDIS_CATEGORY_RET)
		copy(out);
	else
		any_other(out);
}

static bool displace_in(bool wide, const struct tl__original *o, uint64_t slot,
			struct tl__displaced *ret)
{
	struct out out = { .o = o, .d = ret, .slot = slot, .wide = wide, .reaches = true };
	ZydisDecoder decoder;

	memset(ret, 0, sizeof(*ret));
	ZydisDecoderInit(&decoder, wide ? ZYDIS_MACHINE_MODE_LONG_64 : ZYDIS_MACHINE_MODE_LEGACY_32,
			 wide ? ZYDIS_STACK_WIDTH_64 : ZYDIS_STACK_WIDTH_32);
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, o->insn,
						 o->after < TL__INSN_MAX ? o->after : TL__INSN_MAX,
						 &out.insn, out.ops))) {
		ret->why = "no instruction that is known";
		return true;
	}
	ret->insn_len = out.insn.length;
	ret->why = why_not(&out);
	if (ret->why)
		return true;
	ret->kind = TL__DISPLACE_SLOT;
	displace(&out);
	if (ret->kind == TL__DISPLACE_REFUSE) {
		ret->len = ret->nmarks = 0;
		return true;
	}
	if (wide && ret->kind == TL__DISPLACE_EMULATE)
		ret->len = TL__SLOT_SIZE;
	if (out.insn.mnemonic == ZYDIS_MNEMONIC_SYSCALL)
		ret->len = TL__SLOT_SIZE;
	return out.reaches;
}

bool tl__x86_64_displace(const struct tl__original *o, uint64_t slot, struct tl__displaced *ret)
{
	return displace_in(true, o, slot, ret);
}

bool tl__i386_displace(const struct tl__original *o, uint64_t slot, struct tl__displaced *ret)
{
	return displace_in(false, o, slot, ret);
}
