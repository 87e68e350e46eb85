/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Printers: processes, limits, scheduling, futexes, capabilities. */
#define _GNU_SOURCE
#include "printers.h"

#include <inttypes.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define PRINTER(name) void tl__p_##name(struct tl__ctx *c, const struct tl__arg *a, uint64_t v)

PRINTER(clone_flags)
{
	uint64_t flags = v & ~(uint64_t)0xff;

	(void)a;
	if (flags || !(v & 0xff))
		tl__flags(c, &tl__n_clone, flags);
	if (!(v & 0xff))
		return;
	if (flags)
		tl__puts(c, "|");
	tl__signal(c, (int)(v & 0xff));
}

/*
 * clone's line names its arguments and leaves out what the flags do not use; so it is printed as
 * one by its first argument, and the others print nothing.
 */
PRINTER(clone)
{
	const uint64_t *x = c->call->args;
	uint64_t flags = x[0];
	/* x86_64: parent_tid, child_tid, tls; all others: parent_tid, tls, child_tid */
	bool tls_last = c->call->abi == TL_ABI_X86_64 || c->call->abi == TL_ABI_X32;
	uint64_t tls = x[tls_last ? 4 : 3], child = x[tls_last ? 3 : 4];

	(void)v;
	tl__puts(c, "child_stack=");
	tl__addr(c, x[1]);
	tl__puts(c, ", flags=");
	tl__p_clone_flags(c, a, flags);
	if (flags & (CLONE_PARENT_SETTID | CLONE_PIDFD)) {
		tl__puts(c, ", parent_tid=");
		tl__p_int_ptr(c, a, x[2]);
	}
	if (flags & CLONE_SETTLS) {
		tl__puts(c, ", tls=");
		if (c->call->abi != TL_ABI_I386)
			tl__addr(c, tls);
		else
			tl__p_user_desc(c, a, tls);
	}
	if (flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)) {
		tl__puts(c, ", child_tidptr=");
		tl__addr(c, child);
	}
}

PRINTER(clone_args)
{
	uint64_t f[11] = { 0 }, size = c->call->args[1];
	uint32_t tid;

	(void)a;
	if (size < 64 || !tl__fetch(c, v, f, size < sizeof(f) ? size : sizeof(f)))
		return;
	tl__puts(c, "{flags=");
	tl__flags(c, &tl__n_clone3, f[0]);
	if (f[0] & CLONE_PIDFD) {
		tl__puts(c, ", pidfd=");
		tl__addr(c, f[1]);
	}
	if (f[0] & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)) {
		tl__puts(c, ", child_tid=");
		tl__addr(c, f[2]);
	}
	if (f[0] & CLONE_PARENT_SETTID) {
		tl__puts(c, ", parent_tid=");
		tl__addr(c, f[3]);
	}
	tl__puts(c, ", exit_signal=");
	tl__signal(c, (int)f[4]);
	tl__puts(c, ", stack=");
	tl__addr(c, f[5]);
	tl__puts(c, ", stack_size=");
	tl__strbuf_hex(c->out, f[6]);
	if (f[0] & CLONE_SETTLS) {
		tl__puts(c, ", tls=");
		tl__addr(c, f[7]);
	}
	if (f[8] || f[9])
		tl__printf(c, ", set_tid=%#" PRIx64 ", set_tid_size=%" PRIu64, f[8], f[9]);
	if (f[0] & 0x200000000ull)
		tl__printf(c, ", cgroup=%" PRIu64, f[10]);
	tl__puts(c, "}");
	if (!c->exiting || tl__failed(c) || !(f[0] & (CLONE_PIDFD | CLONE_PARENT_SETTID)))
		return;
	tl__puts(c, " => {");
	if (f[0] & CLONE_PIDFD && tl__read(c, f[1], &tid, 4))
		tl__printf(c, "pidfd=[%u]%s", tid, f[0] & CLONE_PARENT_SETTID ? ", " : "");
	if (f[0] & CLONE_PARENT_SETTID && tl__read(c, f[3], &tid, 4))
		tl__printf(c, "parent_tid=[%u]", tid);
	tl__puts(c, "}");
}

PRINTER(wait_status)
{
	int32_t s;

	(void)a;
	if (tl__failed(c) || c->call->ret == 0) {
		tl__addr(c, v);
		return;
	}
	if (!tl__fetch(c, v, &s, sizeof(s)))
		return;
	tl__puts(c, "[{");
	if (WIFSTOPPED(s)) {
		tl__puts(c, "WIFSTOPPED(s) && WSTOPSIG(s) == ");
		tl__signal(c, WSTOPSIG(s) & 0x7f);
		if (WSTOPSIG(s) & 0x80)
			tl__puts(c, " | 0x80");
	} else if (WIFSIGNALED(s)) {
		tl__puts(c, "WIFSIGNALED(s) && WTERMSIG(s) == ");
		tl__signal(c, WTERMSIG(s));
		if (WCOREDUMP(s))
			tl__puts(c, " && WCOREDUMP(s)");
	} else if (WIFEXITED(s)) {
		tl__printf(c, "WIFEXITED(s) && WEXITSTATUS(s) == %d", WEXITSTATUS(s));
	} else if (WIFCONTINUED(s)) {
		tl__puts(c, "WIFCONTINUED(s)");
	} else {
		tl__printf(c, "%#x", (unsigned)s);
	}
	tl__puts(c, "}");
	if (WIFSTOPPED(s) && s >> 16)
		tl__printf(c, " | %d << 16", s >> 16);
	tl__puts(c, "]");
}

static void limit(struct tl__ctx *c, uint64_t v, uint64_t infinity)
{
	if (v == infinity)
		tl__puts(c, infinity == ~0ull ? "RLIM64_INFINITY" : "RLIM_INFINITY");
	else if (v > 1024 && v % 1024 == 0)
		tl__printf(c, "%" PRIu64 "*1024", v / 1024);
	else
		tl__printf(c, "%" PRIu64, v);
}

static void rlimit(struct tl__ctx *c, uint64_t addr, unsigned w, const char *infinity)
{
	uint8_t raw[16];
	uint64_t v[2] = { 0 }, inf = w == 8 ? ~0ull : 0xffffffffu;

	if (!tl__fetch(c, addr, raw, 2 * w))
		return;
	memcpy(&v[0], raw, w);
	memcpy(&v[1], raw + w, w);
	for (int i = 0; i < 2; i++) {
		tl__puts(c, i ? ", rlim_max=" : "{rlim_cur=");
		if (v[i] == inf)
			tl__puts(c, infinity);
		else
			limit(c, v[i], 1);
	}
	tl__puts(c, "}");
}

PRINTER(rlimit)
{
	if (a->out && tl__failed(c))
		tl__addr(c, v);
	else
		rlimit(c, v, c->word, "RLIM_INFINITY");
}

PRINTER(rlimit64)
{
	if (a->out && tl__failed(c))
		tl__addr(c, v);
	else
		rlimit(c, v, 8, "RLIM64_INFINITY");
}

PRINTER(rusage)
{
	uint64_t f[18];
	uint8_t raw[144];
	unsigned w = c->word;

	(void)a;
	if (tl__failed(c) || !v || (a->aux && c->call->ret == 0)) {
		tl__addr(c, v);
		return;
	}
	if (!tl__fetch(c, v, raw, 18 * w))
		return;
	for (unsigned i = 0; i < 18; i++)
		f[i] = tl__read_word(c, raw + i * w);
	tl__printf(c,
		   "{ru_utime={tv_sec=%" PRIu64 ", tv_usec=%" PRIu64 "}, ru_stime={tv_sec=%" PRIu64
		   ", tv_usec=%" PRIu64 "}, ",
		   f[0], f[1], f[2], f[3]);
	if (!(c->flags & TL_DECODE_VERBOSE)) {
		tl__puts(c, "...}");
		return;
	}
	static const char *const names[] = { "maxrss", "ixrss",    "idrss",   "isrss",   "minflt",
					     "majflt", "nswap",    "inblock", "oublock", "msgsnd",
					     "msgrcv", "nsignals", "nvcsw",   "nivcsw" };
	for (unsigned i = 0; i < 14; i++)
		tl__printf(c, "%sru_%s=%" PRIu64, i ? ", " : "", names[i], f[4 + i]);
	tl__puts(c, "}");
}

PRINTER(uts)
{
	char u[6][65];
	static const char *const names[] = { "sysname", "nodename", "release",
					     "version", "machine",  "domainname" };

	(void)a;
	if (tl__failed(c)) {
		tl__addr(c, v);
		return;
	}
	if (!tl__fetch(c, v, u, sizeof(u)))
		return;
	for (int i = 0; i < 6; i++) {
		if (!(c->flags & TL_DECODE_VERBOSE) && i >= 2) {
			tl__puts(c, ", ...");
			break;
		}
		tl__printf(c, "%s%s=", i ? ", " : "{", names[i]);
		uint32_t max = c->max_string;
		c->max_string = 65;
		tl__quote(c, u[i], strnlen(u[i], 65), false);
		c->max_string = max;
	}
	tl__puts(c, "}");
}

PRINTER(sysinfo)
{
	uint64_t f[10];
	uint8_t raw[112];
	unsigned w = c->word;
	uint16_t procs;
	uint32_t unit;

	(void)a;
	if (tl__failed(c)) {
		tl__addr(c, v);
		return;
	}
	if (!tl__fetch(c, v, raw, w == 8 ? 112 : 64))
		return;
	for (unsigned i = 0; i < 10; i++)
		f[i] = tl__read_word(c, raw + i * w);
	memcpy(&procs, raw + 10 * w, 2);
	uint64_t totalhigh = tl__read_word(c, raw + 10 * w + (w == 8 ? 8 : 4));
	uint64_t freehigh = tl__read_word(c, raw + 11 * w + (w == 8 ? 8 : 4));
	memcpy(&unit, raw + 12 * w + (w == 8 ? 8 : 4), 4);
	tl__printf(c,
		   "{uptime=%" PRIu64 ", loads=[%" PRIu64 ", %" PRIu64 ", %" PRIu64
		   "], totalram=%" PRIu64 ", freeram=%" PRIu64 ", sharedram=%" PRIu64
		   ", bufferram=%" PRIu64 ", totalswap=%" PRIu64 ", freeswap=%" PRIu64
		   ", procs=%u, totalhigh=%" PRIu64 ", freehigh=%" PRIu64 ", mem_unit=%u}",
		   f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8], f[9], procs, totalhigh,
		   freehigh, unit);
}

/* prctl's arguments after the first: how many there are, and how the second looks, depends on it.
 */
PRINTER(prctl)
{
	const uint64_t *x = c->call->args;

	(void)a;
	tl__enum(c, &tl__n_prctl, (uint32_t)v);
	switch ((int)v) {
	case PR_GET_DUMPABLE:
	case PR_GET_KEEPCAPS:
	case PR_GET_SECCOMP:
	case PR_GET_TIMERSLACK:
	case PR_GET_TIMING:
	case PR_GET_SECUREBITS:
		return;
	case PR_SET_NAME: {
		uint32_t max = c->max_string;

		tl__puts(c, ", ");
		c->max_string = 15;
		tl__string_at(c, x[1]);
		c->max_string = max;
		return;
	}
	case PR_GET_NAME:
		tl__puts(c, ", ");
		if (c->exiting && !tl__failed(c))
			tl__string_at(c, x[1]);
		else
			tl__addr(c, x[1]);
		return;
	case PR_SET_PDEATHSIG:
		tl__puts(c, ", ");
		tl__signal(c, (int)x[1]);
		return;
	case PR_SET_DUMPABLE:
		tl__printf(c, ", %s",
			   x[1] == 0   ? "SUID_DUMP_DISABLE"
			   : x[1] == 1 ? "SUID_DUMP_USER"
				       : "SUID_DUMP_ROOT");
		return;
	case PR_CAPBSET_READ:
	case PR_CAPBSET_DROP: {
		const char *name = x[1] < 64 ? tl__name_of(&tl__n_cap_bits, 1ull << x[1]) : NULL;

		tl__puts(c, ", ");
		if (name)
			tl__puts(c, name);
		else
			tl__printf(c, "%#" PRIx64 " /* CAP_??? */", x[1]);
		return;
	}
	case PR_GET_PDEATHSIG:
	case PR_GET_CHILD_SUBREAPER:
		tl__puts(c, ", ");
		tl__p_int_ptr(c, a, x[1]);
		return;
	case PR_SET_KEEPCAPS:
	case PR_SET_TIMERSLACK:
	case PR_SET_CHILD_SUBREAPER:
		tl__printf(c, ", %" PRIu64, x[1]);
		return;
	default:
		break;
	}
	for (int i = 1; i < 5; i++)
		tl__printf(c, x[i] ? ", %#" PRIx64 : ", %" PRIx64, x[i]);
}

PRINTER(arch_prctl)
{
	uint8_t raw[8];

	(void)a;
	if (((uint32_t)c->call->args[0] == 0x1003 || (uint32_t)c->call->args[0] == 0x1004) &&
	    c->exiting && !tl__failed(c) && tl__read(c, v, raw, 8)) {
		tl__printf(c, "[%#" PRIx64 "]", tl__read_word(c, raw));
		return;
	}
	tl__addr(c, v);
}

enum { FUTEX_CMD = 0x7f, FUTEX_FLAGS = 0x180 };

static void futex_wake_op(struct tl__ctx *c, uint32_t v)
{
	static const char *const ops[] = { "SET", "ADD", "OR", "ANDN", "XOR" };
	static const char *const cmps[] = { "EQ", "NE", "LT", "LE", "GT", "GE" };
	uint32_t op = v >> 28 & 7, cmp = v >> 24 & 15, oparg = v >> 12 & 0xfff;

	if (v >> 31)
		tl__puts(c, "FUTEX_OP_OPARG_SHIFT<<28|");
	tl__printf(c, "FUTEX_OP_%s<<28|", op < 5 ? ops[op] : "???");
	tl__strbuf_hex(c->out, oparg);
	tl__printf(c, "<<12|FUTEX_OP_CMP_%s<<24|", cmp < 6 ? cmps[cmp] : "???");
	tl__strbuf_hex(c->out, v & 0xfff);
}

static void futex_time(struct tl__ctx *c, uint64_t v, bool wide)
{
	struct tl__arg plain = { 0 };

	tl__puts(c, ", ");
	if (wide)
		tl__p_timespec64(c, &plain, v);
	else
		tl__p_timespec(c, &plain, v);
}

/* Everything after the address: the operation says what there is. aux: 64-bit times. */
PRINTER(futex)
{
	const uint64_t *x = c->call->args;
	uint32_t cmd = (uint32_t)v & FUTEX_CMD, val = (uint32_t)x[2];

	tl__enum(c, &tl__n_futex, cmd);
	if (v & 128)
		tl__puts(c, "_PRIVATE");
	if (v & 256)
		tl__puts(c, "|FUTEX_CLOCK_REALTIME");
	switch (cmd) {
	case FUTEX_WAIT:
		tl__printf(c, ", %u", val);
		futex_time(c, x[3], a->aux);
		break;
	case FUTEX_WAIT_BITSET:
		tl__printf(c, ", %u", val);
		futex_time(c, x[3], a->aux);
		tl__puts(c, ", ");
		if ((uint32_t)x[5] == ~0u)
			tl__puts(c, "FUTEX_BITSET_MATCH_ANY");
		else
			tl__strbuf_hex(c->out, (uint32_t)x[5]);
		break;
	case FUTEX_WAKE:
		tl__printf(c, ", %u", val);
		break;
	case FUTEX_WAKE_BITSET:
		tl__printf(c, ", %u, ", val);
		if ((uint32_t)x[5] == ~0u)
			tl__puts(c, "FUTEX_BITSET_MATCH_ANY");
		else
			tl__strbuf_hex(c->out, (uint32_t)x[5]);
		break;
	case FUTEX_REQUEUE:
		tl__printf(c, ", %u, %u, ", val, (uint32_t)x[3]);
		tl__addr(c, x[4]);
		break;
	case FUTEX_CMP_REQUEUE:
	case FUTEX_CMP_REQUEUE_PI:
		tl__printf(c, ", %u, %u, ", val, (uint32_t)x[3]);
		tl__addr(c, x[4]);
		tl__printf(c, ", %u", (uint32_t)x[5]);
		break;
	case FUTEX_WAKE_OP:
		tl__printf(c, ", %u, %u, ", val, (uint32_t)x[3]);
		tl__addr(c, x[4]);
		tl__puts(c, ", ");
		futex_wake_op(c, (uint32_t)x[5]);
		break;
	case FUTEX_LOCK_PI:
	case 13:
		futex_time(c, x[3], a->aux);
		break;
	case FUTEX_UNLOCK_PI:
	case FUTEX_TRYLOCK_PI:
		break;
	default:
		tl__printf(c, ", %u, ", val);
		tl__addr(c, x[3]);
		tl__puts(c, ", ");
		tl__addr(c, x[4]);
		tl__printf(c, ", %#x", (uint32_t)x[5]);
		break;
	}
}

PRINTER(user_desc)
{
	uint32_t d[4];

	(void)a;
	if (!tl__fetch(c, v, d, sizeof(d)))
		return;
	tl__puts(c, "{entry_number=");
	tl__strbuf_dec(c->out, (int32_t)d[0]);
	tl__printf(c,
		   ", base_addr=%#x, limit=%#x, seg_32bit=%u, contents=%u, read_exec_only=%u, "
		   "limit_in_pages=%u, seg_not_present=%u, useable=%u}",
		   d[1], d[2], d[3] & 1, d[3] >> 1 & 3, d[3] >> 3 & 1, d[3] >> 4 & 1, d[3] >> 5 & 1,
		   d[3] >> 6 & 1);
	if (c->exiting && a->out && !tl__failed(c))
		tl__printf(c, " => entry_number=%d", (int)d[0]);
}

PRINTER(personality)
{
	uint32_t p = (uint32_t)v, type = p & 0xff;

	(void)a;
	if (p == 0xffffffff) {
		tl__puts(c, "0xffffffff");
		return;
	}
	tl__enum(c, &tl__n_personality, type);
	if (p & ~0xffu) {
		tl__puts(c, "|");
		tl__flags(c, &tl__n_personality_flags, p & ~0xffu);
	}
}

PRINTER(robust_list_head)
{
	uint8_t raw[8];

	(void)a;
	if (tl__failed(c))
		tl__addr(c, v);
	else if (tl__fetch(c, v, raw, c->word)) {
		tl__puts(c, "[");
		tl__addr(c, tl__read_word(c, raw));
		tl__puts(c, "]");
	}
}

PRINTER(sock_fprog)
{
	uint8_t raw[16];
	uint16_t len;

	(void)a;
	if (!tl__fetch(c, v, raw, 2 * c->word))
		return;
	memcpy(&len, raw, 2);
	tl__printf(c, "{len=%u, filter=", len);
	tl__addr(c, tl__read_word(c, raw + c->word));
	tl__puts(c, "}");
}

PRINTER(futex_waitv)
{
	struct {
		uint64_t val, uaddr;
		uint32_t flags, reserved;
	} w;
	uint64_t n = a->len ? c->call->args[a->len - 1] : 1;

	for (uint64_t i = 0; i < n; i++) {
		if (!tl__read(c, v + i * sizeof(w), &w, sizeof(w))) {
			if (!i)
				tl__addr(c, v);
			break;
		}
		tl__printf(c, "%s{val=%#" PRIx64 ", uaddr=", i ? ", " : "[", w.val);
		tl__addr(c, w.uaddr);
		tl__puts(c, ", flags=");
		tl__flags(c, &tl__n_futex2, w.flags);
		tl__puts(c, "}");
		if (i + 1 == n)
			tl__puts(c, "]");
	}
}
