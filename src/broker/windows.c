/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which memory of its caller a request of ptrace(2) reads and writes: a server that serves it for
 * another may be a user's who must not see or change more of root's tool.
 *
 * Semantics: ptrace(2); kernel/ptrace.c.
 */
#include "windows.h"

#include "compat.h"
#include "link.h"

#include <string.h>

enum how {
	READS = 1,
	WRITES = 2,
	BOTH = 3,
	BY_ADDR = 4,
	AT_ADDR = 8,
	VECTOR = 16,
	INFOS = 32,
	GETS = 64,    /* only where the option, its data, is one that gets something */
	TRUSTED = 128 /* its caller believes what it was told before of how much is written */
};
enum { WORD = 0 /* of the caller */, GENERAL_32 = TL__BY_HOST(68, 72), FLOATS_32 = 108 };

static const struct {
	uint32_t request;
	uint8_t how;
	uint16_t wide, narrow; /* bytes; with BY_ADDR: at most */
} sizes[] = {
	{ TL__REQ_PEEKTEXT, WRITES, WORD, WORD },
	{ TL__REQ_PEEKDATA, WRITES, WORD, WORD },
	{ 3 /* PEEKUSER */, WRITES, WORD, WORD },
	{ 12 /* GETREGS */, WRITES, 216, GENERAL_32 },
	{ 13 /* SETREGS */, READS, 216, GENERAL_32 },
	{ 14 /* GETFPREGS */, WRITES, 512, FLOATS_32 },
	{ 15 /* SETFPREGS */, READS, 512, FLOATS_32 },
	{ 18 /* GETFPXREGS */, WRITES, 512, 512 },
	{ 19 /* SETFPXREGS */, READS, 512, 512 },
	{ 25 /* GET_THREAD_AREA */, WRITES, 16, 16 },
	{ 26 /* SET_THREAD_AREA */, READS, 16, 16 },
	{ 30 /* ARCH_PRCTL */, WRITES | AT_ADDR | GETS, 8, 8 },
	{ 33 /* PEEKMTETAGS */, WRITES | VECTOR, 16, 8 },
	{ 34 /* POKEMTETAGS */, READS | VECTOR, 16, 8 },
	{ TL__REQ_GETEVENTMSG, WRITES, WORD, WORD },
	{ TL__REQ_GETSIGINFO, WRITES, TL__INFO_SIZE, TL__INFO_SIZE },
	{ TL__REQ_SETSIGINFO, READS, TL__INFO_SIZE, TL__INFO_SIZE },
	{ TL__REQ_GETREGSET, WRITES | VECTOR, 16, 8 },
	{ TL__REQ_SETREGSET, READS | VECTOR, 16, 8 },
	{ TL__REQ_PEEKSIGINFO, READS | AT_ADDR | INFOS, 16, 16 },
	{ 0x420a /* GETSIGMASK */, WRITES, 8, 8 },
	{ 0x420b /* SETSIGMASK */, READS, 8, 8 },
	{ TL__REQ_SECCOMP_GET_FILTER, WRITES | TRUSTED, 1 << 15, 1 << 15 },
	{ TL__REQ_SECCOMP_GET_METADATA, BOTH | BY_ADDR, 16, 16 },
	{ TL__REQ_GET_SYSCALL_INFO, WRITES | BY_ADDR, 88, 88 },
	{ 0x420f /* GET_RSEQ_CONFIGURATION */, WRITES | BY_ADDR, 64, 64 },
	{ 0x4210 /* SET_SYSCALL_USER_DISPATCH_CONFIG */, READS | BY_ADDR, 64, 64 },
	{ 0x4211 /* GET_SYSCALL_USER_DISPATCH_CONFIG */, WRITES | BY_ADDR, 64, 64 },
	{ TL__REQ_SET_SYSCALL_INFO, READS | BY_ADDR, 88, 88 },
};

static uint64_t arg(const struct tl__notice *n, unsigned i, unsigned word)
{
	return word == 8 ? n->args[i] : (uint32_t)n->args[i];
}

enum tl__arch_prctl tl__arch_prctl_kind(uint64_t option)
{
	switch (option) {
	case 0x1003: /* GET_FS */
	case 0x1004: /* GET_GS */
	case 0x4001: /* GET_UNTAG_MASK */
	case 0x4003: /* GET_MAX_TAG_BITS */
	case 0x5005: /* SHSTK_STATUS */
		return TL__ARCH_PRCTL_GETS;
	case 0x1001: /* SET_GS */
	case 0x1002: /* SET_FS */
	case 0x2001: /* MAP_VDSO_X32, _32, _64 */
	case 0x2002:
	case 0x2003:
	case 0x4002: /* ENABLE_TAGGED_ADDR */
	case 0x5001: /* SHSTK_ENABLE, _DISABLE, _LOCK, _UNLOCK */
	case 0x5002:
	case 0x5003:
	case 0x5004:
		return TL__ARCH_PRCTL_TAKES;
	default:
		return TL__ARCH_PRCTL_UNKNOWN;
	}
}

static int find(const struct tl__notice *n)
{
	for (size_t i = 0; i < tl__array_len(sizes); i++)
		if (sizes[i].request == (uint32_t)n->args[0])
			return (int)i;
	return -1;
}

static uint64_t where(const struct tl__notice *n, unsigned how, unsigned word)
{
	return arg(n, how & AT_ADDR ? 2 : 3, word);
}

size_t tl__windows_first(const struct tl__notice *n, unsigned word, uint64_t *at)
{
	int i = find(n);

	if (i < 0 || !(sizes[i].how & (VECTOR | INFOS)))
		return 0;
	*at = where(n, sizes[i].how, word);
	return word == 8 ? sizes[i].wide : sizes[i].narrow;
}

/* An iovec, or struct ptrace_peeksiginfo_args: 64 bits, flags, a number. */
static struct tl__window behind(const struct tl__notice *n, unsigned how, unsigned word,
				const uint8_t first[TL__WINDOW_FIRST])
{
	struct tl__window w = { .reads = how & READS, .writes = how & WRITES };
	uint32_t narrow[4];
	uint64_t wide[2];

	memcpy(narrow, first, sizeof(narrow));
	memcpy(wide, first, sizeof(wide));
	if (how & INFOS)
		return (struct tl__window){ .addr = arg(n, 3, word),
					    .len = (uint64_t)narrow[3] * TL__INFO_SIZE,
					    .writes = true };
	w.addr = word == 8 ? wide[0] : narrow[0];
	w.len = word == 8 ? wide[1] : narrow[1];
	return w;
}

size_t tl__windows_of(const struct tl__notice *n, unsigned word, bool trusted,
		      const uint8_t first[TL__WINDOW_FIRST], struct tl__window ret[TL__WINDOWS])
{
	int i = find(n);
	unsigned how;
	uint64_t len;

	if (i < 0)
		return 0;
	how = sizes[i].how;
	if ((how & TRUSTED && !trusted) ||
	    (how & GETS && tl__arch_prctl_kind(arg(n, 3, word)) != TL__ARCH_PRCTL_GETS))
		return 0;
	len = word == 8 ? sizes[i].wide : sizes[i].narrow;
	if (len == WORD)
		len = word;
	if (how & BY_ADDR && arg(n, 2, word) < len)
		len = arg(n, 2, word);
	ret[0] = (struct tl__window){ .addr = where(n, how, word),
				      .len = len,
				      .reads = how & (READS | VECTOR),
				      .writes = how & (WRITES | VECTOR) };
	if (!(how & (VECTOR | INFOS)))
		return 1;
	ret[1] = behind(n, how, word, first);
	return 2;
}

bool tl__windows_allow(const struct tl__window *all, size_t n, bool writes, uint64_t addr,
		       size_t len)
{
	for (size_t i = 0; i < n; i++)
		if ((writes ? all[i].writes : all[i].reads) && addr >= all[i].addr &&
		    len <= all[i].len && addr - all[i].addr <= all[i].len - len)
			return true;
	return false;
}
