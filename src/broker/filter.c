/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which calls of a tool, and of all that it starts, are told of, in every ABI. Pure. */
#include "broker.h"
#include "bypass.h"
#include "compat.h"

enum {
	BPF_LD_W_ABS = 0x20,
	BPF_JA = 0x05,
	BPF_JEQ = 0x15,
	BPF_AND_K = 0x54,
	BPF_RET_K = 0x06,
	DATA_NR = 0,
	DATA_ARCH = 4,
	DATA_IP = 8,
	DATA_ARG0 = 16,
	DATA_ARG1 = 24,
	DATA_ARG2 = 32,
	SIGCHLD_ = 17,
	SIGCONT_ = 18, /* and SIGSTOP is 19 */
};
#define RET_NOTIFY 0x7fc00000u
#define RET_ALLOW  0x7fff0000u

/* O_ACCMODE and O_CREAT, O_WRONLY, O_RDWR: the same everywhere here. */
enum { HOW_OPENED = 0103, TO_WRITE = 01, TO_READ_AND_WRITE = 02 };

enum { X86_64 = 0xc000003eu, I386 = 0x40000003u, ARM64 = 0xc00000b7u, ARM = 0x40000028u };

static const struct {
	uint32_t arch;
	unsigned word;
	int32_t nr;
	enum tl__served served;
} calls[] = {
	{ X86_64, 8, 101, TL__SERVE_PTRACE },   { X86_64, 8, 61, TL__SERVE_WAIT4 },
	{ X86_64, 8, 247, TL__SERVE_WAITID },   { X86_64, 8, 13, TL__SERVE_SIGACTION },
	{ X86_64, 8, 2, TL__SERVE_OPEN },       { X86_64, 8, 257, TL__SERVE_OPENAT },
	{ X86_64, 8, 0, TL__SERVE_READ },       { X86_64, 8, 1, TL__SERVE_WRITE },
	{ X86_64, 8, 17, TL__SERVE_PREAD },     { X86_64, 8, 18, TL__SERVE_PWRITE },
	{ X86_64, 8, 200, TL__SERVE_TKILL },    { X86_64, 8, 234, TL__SERVE_TGKILL },
	{ X86_64, 8, 310, TL__SERVE_VM_READ },  { X86_64, 8, 311, TL__SERVE_VM_WRITE },
	{ I386, 4, 26, TL__SERVE_PTRACE },      { I386, 4, 114, TL__SERVE_WAIT4 },
	{ I386, 4, 284, TL__SERVE_WAITID },     { I386, 4, 7, TL__SERVE_WAITPID },
	{ I386, 4, 174, TL__SERVE_SIGACTION },  { I386, 4, 5, TL__SERVE_OPEN },
	{ I386, 4, 295, TL__SERVE_OPENAT },     { I386, 4, 3, TL__SERVE_READ },
	{ I386, 4, 4, TL__SERVE_WRITE },        { I386, 4, 180, TL__SERVE_PREAD },
	{ I386, 4, 181, TL__SERVE_PWRITE },     { I386, 4, 238, TL__SERVE_TKILL },
	{ I386, 4, 270, TL__SERVE_TGKILL },     { I386, 4, 347, TL__SERVE_VM_READ },
	{ I386, 4, 348, TL__SERVE_VM_WRITE },   { ARM64, 8, 117, TL__SERVE_PTRACE },
	{ ARM64, 8, 260, TL__SERVE_WAIT4 },     { ARM64, 8, 95, TL__SERVE_WAITID },
	{ ARM64, 8, 134, TL__SERVE_SIGACTION }, { ARM64, 8, 56, TL__SERVE_OPENAT },
	{ ARM64, 8, 63, TL__SERVE_READ },       { ARM64, 8, 64, TL__SERVE_WRITE },
	{ ARM64, 8, 67, TL__SERVE_PREAD },      { ARM64, 8, 68, TL__SERVE_PWRITE },
	{ ARM64, 8, 130, TL__SERVE_TKILL },     { ARM64, 8, 131, TL__SERVE_TGKILL },
	{ ARM64, 8, 270, TL__SERVE_VM_READ },   { ARM64, 8, 271, TL__SERVE_VM_WRITE },
	{ ARM, 4, 26, TL__SERVE_PTRACE },       { ARM, 4, 114, TL__SERVE_WAIT4 },
	{ ARM, 4, 280, TL__SERVE_WAITID },      { ARM, 4, 174, TL__SERVE_SIGACTION },
	{ ARM, 4, 5, TL__SERVE_OPEN },          { ARM, 4, 322, TL__SERVE_OPENAT },
	{ ARM, 4, 3, TL__SERVE_READ },          { ARM, 4, 4, TL__SERVE_WRITE },
	{ ARM, 4, 180, TL__SERVE_PREAD },       { ARM, 4, 181, TL__SERVE_PWRITE },
	{ ARM, 4, 238, TL__SERVE_TKILL },       { ARM, 4, 268, TL__SERVE_TGKILL },
	{ ARM, 4, 376, TL__SERVE_VM_READ },     { ARM, 4, 377, TL__SERVE_VM_WRITE },
};

_Static_assert(TL__FD_FIRST % TL__FDS == 0, "told by a mask");

static uint16_t emit(struct tl__bpf_insn *code, uint16_t n, uint16_t op, uint8_t jt, uint8_t jf,
		     uint32_t k)
{
	code[n] = (struct tl__bpf_insn){ op, jt, jf, k };
	return (uint16_t)(n + 1);
}

static unsigned section_end(unsigned i)
{
	uint32_t arch = calls[i].arch;

	while (i < tl__array_len(calls) && calls[i].arch == arch)
		i++;
	return i;
}

/* What follows a section's numbers: where each kind of call jumps to. */
enum {
	ALLOW,
	SIGNAL,                  /* two: of SIGCHLD alone */
	DESCRIPTOR = SIGNAL + 2, /* three: of ours alone */
	OPEN = DESCRIPTOR + 3,   /* two, and on */
	OPENAT = OPEN + 2,
	HOW = OPENAT + 1, /* three: for writing, of what is there */
	TKILL = HOW + 3,  /* two, and on */
	TGKILL = TKILL + 2,
	STOP = TGKILL + 1, /* two: of SIGSTOP and SIGCONT alone */
	NOT = STOP + 2,
	NOTIFY, /* five, which look whence it comes: bypass.h */
	ANSWERS = NOTIFY + 6
};

static uint8_t answer_to(enum tl__served served)
{
	switch (served) {
	case TL__SERVE_SIGACTION:
		return SIGNAL;
	case TL__SERVE_OPEN:
		return OPEN;
	case TL__SERVE_OPENAT:
		return OPENAT;
	case TL__SERVE_READ:
	case TL__SERVE_WRITE:
	case TL__SERVE_PREAD:
	case TL__SERVE_PWRITE:
		return DESCRIPTOR;
	case TL__SERVE_TKILL:
		return TKILL;
	case TL__SERVE_TGKILL:
		return TGKILL;
	default:
		return NOTIFY;
	}
}

/* Notify if it is k, behind the first at instructions of the answers. */
static uint16_t emit_if(struct tl__bpf_insn *code, uint16_t n, uint8_t at, uint32_t k)
{
	return emit(code, n, BPF_JEQ, (uint8_t)(NOTIFY - at - 1), (uint8_t)(NOT - at - 1), k);
}

static uint16_t emit_answers(struct tl__bpf_insn *code, uint16_t n)
{
	n = emit(code, n, BPF_RET_K, 0, 0, RET_ALLOW);
	n = emit(code, n, BPF_LD_W_ABS, 0, 0, DATA_ARG0);
	n = emit_if(code, n, SIGNAL + 1, SIGCHLD_);
	n = emit(code, n, BPF_LD_W_ABS, 0, 0, DATA_ARG0);
	n = emit(code, n, BPF_AND_K, 0, 0, ~(uint32_t)(TL__FDS - 1));
	n = emit_if(code, n, DESCRIPTOR + 2, TL__FD_FIRST);
	n = emit(code, n, BPF_LD_W_ABS, 0, 0, DATA_ARG1);
	n = emit(code, n, BPF_JA, 0, 0, HOW - OPEN - 2);
	n = emit(code, n, BPF_LD_W_ABS, 0, 0, DATA_ARG2);
	n = emit(code, n, BPF_AND_K, 0, 0, HOW_OPENED);
	n = emit(code, n, BPF_JEQ, NOTIFY - HOW - 2, 0, TO_WRITE);
	n = emit_if(code, n, HOW + 2, TO_READ_AND_WRITE);
	n = emit(code, n, BPF_LD_W_ABS, 0, 0, DATA_ARG1);
	n = emit(code, n, BPF_JA, 0, 0, STOP - TKILL - 2);
	n = emit(code, n, BPF_LD_W_ABS, 0, 0, DATA_ARG2);
	n = emit(code, n, BPF_AND_K, 0, 0, ~(uint32_t)1);
	n = emit_if(code, n, STOP + 1, SIGCONT_);
	n = emit(code, n, BPF_RET_K, 0, 0, RET_ALLOW);
	n = emit(code, n, BPF_LD_W_ABS, 0, 0, DATA_IP + 4);
	n = emit(code, n, BPF_JEQ, 0, 3, TL__BYPASS_AT >> 32);
	n = emit(code, n, BPF_LD_W_ABS, 0, 0, DATA_IP);
	n = emit(code, n, BPF_AND_K, 0, 0, ~(uint32_t)(TL__BYPASS_PAGE - 1));
	n = emit(code, n, BPF_JEQ, TL__BY_HOST(1, 0), 0, (uint32_t)TL__BYPASS_AT);
	n = emit(code, n, BPF_RET_K, 0, 0, RET_NOTIFY);
	return n;
}

/* A section an ABI: its numbers, then how they are answered. */
uint16_t tl__filter_build(struct tl__bpf_insn code[TL__FILTER_MAX])
{
	uint16_t n = 0;

	for (unsigned i = 0; i < tl__array_len(calls);) {
		unsigned end = section_end(i), length = end - i;

		n = emit(code, n, BPF_LD_W_ABS, 0, 0, DATA_ARCH);
		n = emit(code, n, BPF_JEQ, 0, (uint8_t)(1 + length + ANSWERS), calls[i].arch);
		n = emit(code, n, BPF_LD_W_ABS, 0, 0, DATA_NR);
		for (; i < end; i++)
			n = emit(code, n, BPF_JEQ,
				 (uint8_t)(end - 1 - i + answer_to(calls[i].served)), 0,
				 (uint32_t)calls[i].nr);
		n = emit_answers(code, n);
	}
	return emit(code, n, BPF_RET_K, 0, 0, RET_ALLOW);
}

enum tl__served tl__filter_served(const struct tl__notice *n, unsigned *ret_word)
{
	for (size_t i = 0; i < tl__array_len(calls); i++)
		if (calls[i].arch == n->arch && calls[i].nr == n->nr) {
			*ret_word = calls[i].word;
			return calls[i].served;
		}
	return TL__SERVE_NONE;
}
