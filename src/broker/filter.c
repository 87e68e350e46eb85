/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which calls of a tool, and of all that it starts, are told of, in every ABI. Pure. */
#include "broker.h"
#include "compat.h"

enum {
	BPF_LD_W_ABS = 0x20,
	BPF_JEQ = 0x15,
	BPF_RET_K = 0x06,
	DATA_NR = 0,
	DATA_ARCH = 4,
	DATA_ARG0 = 16,
	SIGCHLD_ = 17,
};
#define RET_NOTIFY 0x7fc00000u
#define RET_ALLOW  0x7fff0000u

enum { X86_64 = 0xc000003eu, I386 = 0x40000003u, ARM64 = 0xc00000b7u, ARM = 0x40000028u };

static const struct {
	uint32_t arch;
	unsigned word;
	int32_t nr;
	enum tl__served served;
} calls[] = {
	{ X86_64, 8, 101, TL__SERVE_PTRACE },   { X86_64, 8, 61, TL__SERVE_WAIT4 },
	{ X86_64, 8, 247, TL__SERVE_WAITID },   { X86_64, 8, 13, TL__SERVE_SIGACTION },
	{ I386, 4, 26, TL__SERVE_PTRACE },      { I386, 4, 114, TL__SERVE_WAIT4 },
	{ I386, 4, 284, TL__SERVE_WAITID },     { I386, 4, 7, TL__SERVE_WAITPID },
	{ I386, 4, 174, TL__SERVE_SIGACTION },  { ARM64, 8, 117, TL__SERVE_PTRACE },
	{ ARM64, 8, 260, TL__SERVE_WAIT4 },     { ARM64, 8, 95, TL__SERVE_WAITID },
	{ ARM64, 8, 134, TL__SERVE_SIGACTION }, { ARM, 4, 26, TL__SERVE_PTRACE },
	{ ARM, 4, 114, TL__SERVE_WAIT4 },       { ARM, 4, 280, TL__SERVE_WAITID },
	{ ARM, 4, 174, TL__SERVE_SIGACTION },
};

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

/* A section an ABI: its numbers, then how they are answered. Of sigaction only SIGCHLD's. */
uint16_t tl__filter_build(struct tl__bpf_insn code[TL__FILTER_MAX])
{
	enum { ANSWERS = 5, TO_SIGNAL = 1, TO_NOTIFY = 4 };
	uint16_t n = 0;

	for (unsigned i = 0; i < tl__array_len(calls);) {
		unsigned end = section_end(i), length = end - i;

		n = emit(code, n, BPF_LD_W_ABS, 0, 0, DATA_ARCH);
		n = emit(code, n, BPF_JEQ, 0, (uint8_t)(1 + length + ANSWERS), calls[i].arch);
		n = emit(code, n, BPF_LD_W_ABS, 0, 0, DATA_NR);
		for (; i < end; i++) {
			unsigned to =
				calls[i].served == TL__SERVE_SIGACTION ? TO_SIGNAL : TO_NOTIFY;

			n = emit(code, n, BPF_JEQ, (uint8_t)(end - 1 - i + to), 0,
				 (uint32_t)calls[i].nr);
		}
		n = emit(code, n, BPF_RET_K, 0, 0, RET_ALLOW);
		n = emit(code, n, BPF_LD_W_ABS, 0, 0, DATA_ARG0);
		n = emit(code, n, BPF_JEQ, 1, 0, SIGCHLD_);
		n = emit(code, n, BPF_RET_K, 0, 0, RET_ALLOW);
		n = emit(code, n, BPF_RET_K, 0, 0, RET_NOTIFY);
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
