/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Printers: signals, their sets, actions and siginfo. */
#define _GNU_SOURCE
#include "decoder.h"
#include "printers.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRINTER(name) void tl__p_##name(struct tl__ctx *c, const struct tl__arg *a, uint64_t v)

static const char *const names[] = {
	NULL,   "HUP",  "INT",  "QUIT", "ILL",    "TRAP",   "ABRT",  "BUS",  "FPE",  "KILL", "USR1",
	"SEGV", "USR2", "PIPE", "ALRM", "TERM",   "STKFLT", "CHLD",  "CONT", "STOP", "TSTP", "TTIN",
	"TTOU", "URG",  "XCPU", "XFSZ", "VTALRM", "PROF",   "WINCH", "IO",   "PWR",  "SYS",
};
enum { RT_MIN = 32 };

const char *tl__signal_name(int32_t signo)
{
	static const char *const full[] = {
		NULL,       "SIGHUP",   "SIGINT",    "SIGQUIT",  "SIGILL",    "SIGTRAP",
		"SIGABRT",  "SIGBUS",   "SIGFPE",    "SIGKILL",  "SIGUSR1",   "SIGSEGV",
		"SIGUSR2",  "SIGPIPE",  "SIGALRM",   "SIGTERM",  "SIGSTKFLT", "SIGCHLD",
		"SIGCONT",  "SIGSTOP",  "SIGTSTP",   "SIGTTIN",  "SIGTTOU",   "SIGURG",
		"SIGXCPU",  "SIGXFSZ",  "SIGVTALRM", "SIGPROF",  "SIGWINCH",  "SIGIO",
		"SIGPWR",   "SIGSYS",   "SIGRTMIN",  "SIGRT_1",  "SIGRT_2",   "SIGRT_3",
		"SIGRT_4",  "SIGRT_5",  "SIGRT_6",   "SIGRT_7",  "SIGRT_8",   "SIGRT_9",
		"SIGRT_10", "SIGRT_11", "SIGRT_12",  "SIGRT_13", "SIGRT_14",  "SIGRT_15",
		"SIGRT_16", "SIGRT_17", "SIGRT_18",  "SIGRT_19", "SIGRT_20",  "SIGRT_21",
		"SIGRT_22", "SIGRT_23", "SIGRT_24",  "SIGRT_25", "SIGRT_26",  "SIGRT_27",
		"SIGRT_28", "SIGRT_29", "SIGRT_30",  "SIGRT_31", "SIGRT_32",
	};

	if (signo <= 0 || (size_t)signo >= sizeof(full) / sizeof(full[0]))
		return NULL;
	return full[signo];
}

int tl__signal_number(const char *name)
{
	char *end;
	long n = strtol(name, &end, 10);

	if (end != name && !*end)
		return n > 0 && n <= 64 ? (int)n : -ENOENT;
	for (int i = 1; i <= 64; i++) {
		const char *full = tl__signal_name(i);

		if (!strcasecmp(full, name) || !strcasecmp(full + 3, name))
			return i;
	}
	return -ENOENT;
}

void tl__signal(struct tl__ctx *c, int sig)
{
	const char *name = tl__signal_name(sig);

	if (name)
		tl__puts(c, name);
	else
		tl__strbuf_dec(c->out, sig);
}

PRINTER(signal)
{
	(void)a;
	tl__signal(c, (int32_t)v);
}

/* More than half of them: what is missing is shorter to say. */
void tl__sigset(struct tl__ctx *c, uint64_t set)
{
	bool invert = __builtin_popcountll(set) > 2 * 64 / 3;
	bool first = true;

	if (invert) {
		set = ~set;
		tl__puts(c, "~");
	}
	tl__puts(c, "[");
	for (int i = 1; i <= 64; i++) {
		if (!(set >> (i - 1) & 1))
			continue;
		if (!first)
			tl__puts(c, " ");
		first = false;
		if (i < RT_MIN)
			tl__puts(c, names[i]);
		else if (i == RT_MIN)
			tl__puts(c, "RTMIN");
		else
			tl__printf(c, "RT_%d", i - RT_MIN);
	}
	tl__puts(c, "]");
}

PRINTER(sigset)
{
	uint64_t set = 0, size = a->len ? c->call->args[a->len - 1] : 8;

	if (a->out && tl__failed(c)) {
		tl__addr(c, v);
		return;
	}
	/* The kernel takes no other size. */
	if (size != 8)
		tl__addr(c, v);
	else if (tl__fetch(c, v, &set, size))
		tl__sigset(c, set);
}

/* A 32-bit set in place, as sigprocmask's old self and sigsuspend have it. */
PRINTER(sigset_word)
{
	(void)a;
	tl__sigset(c, (uint32_t)v);
}

PRINTER(sigset_old)
{
	uint32_t set;

	if (a->out && tl__failed(c))
		tl__addr(c, v);
	else if (tl__fetch(c, v, &set, sizeof(set)))
		tl__sigset(c, set);
}

PRINTER(sigaction)
{
	uint8_t raw[32];
	uint64_t handler, flags, restorer, mask;
	unsigned w = c->word;

	if (a->out && tl__failed(c)) {
		tl__addr(c, v);
		return;
	}
	if (!tl__fetch(c, v, raw, 3 * w + 8))
		return;
	handler = tl__read_word(c, raw);
	flags = tl__read_word(c, raw + w);
	restorer = tl__read_word(c, raw + 2 * w);
	memcpy(&mask, raw + 3 * w, 8);
	tl__puts(c, "{sa_handler=");
	if (handler <= 1)
		tl__puts(c, handler ? "SIG_IGN" : "SIG_DFL");
	else
		tl__addr(c, handler);
	tl__puts(c, ", sa_mask=");
	tl__sigset(c, mask);
	tl__puts(c, ", sa_flags=");
	tl__flags(c, &tl__n_sa_flags, (uint32_t)flags);
	if (flags & 0x04000000) {
		tl__puts(c, ", sa_restorer=");
		tl__addr(c, restorer);
	}
	tl__puts(c, "}");
}

PRINTER(sigaltstack)
{
	uint8_t raw[24];
	unsigned w = c->word;
	uint32_t flags;

	if (a->out && tl__failed(c)) {
		tl__addr(c, v);
		return;
	}
	if (!tl__fetch(c, v, raw, 3 * w))
		return;
	memcpy(&flags, raw + w, 4);
	tl__puts(c, "{ss_sp=");
	tl__addr(c, tl__read_word(c, raw));
	tl__puts(c, ", ss_flags=");
	tl__flags(c, &tl__n_ss_flags, flags);
	tl__printf(c, ", ss_size=%" PRIu64 "}", tl__read_word(c, raw + 2 * w));
}

/* The mask that returns with the frame; it lies where the stack pointer points. */
PRINTER(sigreturn)
{
	uint64_t at = c->call->sp + 296, mask = 0;
	uint32_t puc;

	(void)a;
	(void)v;
	if (c->call->abi == TL_ABI_ARM64) {
		at = c->call->sp + 168;
	} else if (c->call->abi == TL_ABI_ARM) {
		at = c->call->sp + 232;
	} else if (c->word == 4) {
		if (!tl__read(c, c->call->sp + 8, &puc, sizeof(puc)))
			return;
		at = puc + 108ull;
	}
	if (!tl__read(c, at, &mask, sizeof(mask)))
		return;
	tl__puts(c, "{mask=");
	tl__sigset(c, mask);
	tl__puts(c, "}");
}

static const struct tl__names *codes_of(int sig)
{
	switch (sig) {
	case SIGSEGV:
		return &tl__n_si_segv;
	case SIGBUS:
		return &tl__n_si_bus;
	case SIGILL:
		return &tl__n_si_ill;
	case SIGFPE:
		return &tl__n_si_fpe;
	case SIGTRAP:
		return &tl__n_si_trap;
	case SIGCHLD:
		return &tl__n_si_chld;
	case SIGSYS:
		return &tl__n_si_sys;
	case SIGIO:
		return &tl__n_si_poll;
	default:
		return NULL;
	}
}

static void put_value(struct tl__ctx *c, const siginfo_t *si)
{
	tl__printf(c, ", si_value={sival_int=%d, sival_ptr=", si->si_value.sival_int);
	tl__addr(c, (uintptr_t)si->si_value.sival_ptr);
	tl__puts(c, "}");
}

static void put_child(struct tl__ctx *c, const siginfo_t *si)
{
	tl__printf(c, ", si_pid=%d, si_uid=%u, si_status=", si->si_pid, si->si_uid);
	if (si->si_code == CLD_EXITED)
		tl__strbuf_dec(c->out, si->si_status);
	else
		tl__signal(c, si->si_status);
	tl__printf(c, ", si_utime=%ld, si_stime=%ld", (long)si->si_utime, (long)si->si_stime);
}

static void put_fields(struct tl__ctx *c, const siginfo_t *si)
{
	if (si->si_code == SI_USER || si->si_code == SI_TKILL) {
		tl__printf(c, ", si_pid=%d, si_uid=%u", si->si_pid, si->si_uid);
	} else if (si->si_code == SI_TIMER) {
		tl__puts(c, ", si_timerid=");
		tl__strbuf_hex(c->out, (uint32_t)si->si_timerid);
		tl__printf(c, ", si_overrun=%d", si->si_overrun);
		put_value(c, si);
	} else if (si->si_code < 0) {
		tl__printf(c, ", si_pid=%d, si_uid=%u", si->si_pid, si->si_uid);
		if (si->si_value.sival_ptr)
			put_value(c, si);
	} else if (si->si_signo == SIGCHLD) {
		put_child(c, si);
	} else if (si->si_code == SI_KERNEL && si->si_signo != SIGSEGV) {
		return;
	} else if (si->si_signo == SIGIO) {
		tl__printf(c, ", si_band=%ld, si_fd=%d", (long)si->si_band, si->si_fd);
	} else if (si->si_signo == SIGSYS) {
		tl__puts(c, ", si_call_addr=");
		tl__addr(c, (uintptr_t)si->si_call_addr);
		tl__printf(c, ", si_syscall=%d, si_arch=%#x", si->si_syscall, si->si_arch);
	} else {
		tl__puts(c, ", si_addr=");
		tl__addr(c, (uintptr_t)si->si_addr);
	}
}

void tl__siginfo(struct tl__ctx *c, const void *info)
{
	const struct tl__names *codes;
	const char *code;
	siginfo_t si;

	memcpy(&si, info, sizeof(si));
	codes = codes_of(si.si_signo);
	code = tl__name_of(&tl__n_si_user, (uint32_t)si.si_code);
	if (si.si_code > 0 && si.si_code != 0x80 && codes)
		code = tl__name_of(codes, (uint32_t)si.si_code);
	tl__puts(c, "{si_signo=");
	tl__signal(c, si.si_signo);
	tl__puts(c, ", si_code=");
	if (code)
		tl__puts(c, code);
	else
		tl__strbuf_hex(c->out, (uint32_t)si.si_code);
	if (si.si_errno)
		tl__printf(c, ", si_errno=%d", si.si_errno);
	put_fields(c, &si);
	tl__puts(c, "}");
}

static int32_t word_at(const uint8_t *raw, size_t at)
{
	int32_t v;

	memcpy(&v, raw + at, sizeof(v));
	return v;
}

/* A 32-bit siginfo, laid out anew: its union begins at 12 and has pointers and longs of four bytes.
 */
static siginfo_t widen(const uint8_t *raw)
{
	siginfo_t si = { 0 };

	si.si_signo = word_at(raw, 0);
	si.si_errno = word_at(raw, 4);
	si.si_code = word_at(raw, 8);
	if (si.si_code > SI_USER && si.si_code != SI_KERNEL && si.si_signo == SIGIO) {
		si.si_band = word_at(raw, 12);
		si.si_fd = word_at(raw, 16);
	} else if (si.si_code > SI_USER && si.si_signo == SIGSYS) {
		si.si_call_addr = (void *)(uintptr_t)(uint32_t)word_at(raw, 12);
		si.si_syscall = word_at(raw, 16);
		si.si_arch = (unsigned)word_at(raw, 20);
	} else if (si.si_code > SI_USER && si.si_signo != SIGCHLD) {
		si.si_addr = (void *)(uintptr_t)(uint32_t)word_at(raw, 12);
	} else {
		/* A timer's id and overrun lie where the others have pid and uid. */
		si.si_pid = word_at(raw, 12);
		si.si_uid = (uid_t)word_at(raw, 16);
		if (si.si_signo == SIGCHLD && si.si_code > SI_USER) {
			si.si_status = word_at(raw, 20);
			si.si_utime = word_at(raw, 24);
			si.si_stime = word_at(raw, 28);
		} else {
			si.si_value.sival_ptr = (void *)(uintptr_t)(uint32_t)word_at(raw, 20);
		}
	}
	return si;
}

PRINTER(siginfo)
{
	uint8_t raw[128];
	siginfo_t si;

	if ((a->out && tl__failed(c)) || !v) {
		tl__addr(c, v);
		return;
	}
	if (!tl__fetch(c, v, raw, sizeof(raw)))
		return;
	if (c->word == 8)
		memcpy(&si, raw, sizeof(si));
	else
		si = widen(raw);
	if (!si.si_signo)
		tl__puts(c, "{}");
	else
		tl__siginfo(c, &si);
}
