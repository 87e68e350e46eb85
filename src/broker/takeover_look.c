/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the tracees of a tool are in the middle of, as its thread can tell, which is made to ask.
 * All are stopped by that; or, where one cannot be taken, go on as if nothing had been.
 */
#define _GNU_SOURCE
#include "takeover.h"
#include "traced.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NT_PRSTATUS_ = 1, GETSIGMASK = 0x420a, SETSIGMASK };
enum {
	MOST_SIGNALS = 64,
	ROOM_DATA = 64,
	SYSCALL_STOP = SIGTRAP | 0x80,
	OP_NONE = 0,
	OP_ENTRY = 1
};

/* A call of the tool's. */
int64_t tl__tool_calls(struct tl__takeover *t, int64_t nr, uint64_t a, uint64_t b, uint64_t c,
		       uint64_t d)
{
	return tl__puppet_call(&t->puppet, TL__WAY_INSN, nr, (uint64_t[6]){ a, b, c, d });
}

int64_t tl__tool_asks(struct tl__takeover *t, uint32_t request, pid_t tid, uint64_t addr,
		      uint64_t data)
{
	return tl__tool_calls(t, SYS_ptrace, request, (uint64_t)tid, addr, data);
}

/* With data, which lies in the tool's memory. */
int64_t tl__tool_asks_for(struct tl__takeover *t, uint32_t request, pid_t tid, uint64_t addr,
			  void *buf, size_t len)
{
	uint64_t at = TL__WAY_ROOM + ROOM_DATA;
	int64_t r;

	if (tl__caller_write(t->puppet.tid, at, buf, len) < 0)
		return -EFAULT;
	r = tl__tool_asks(t, request, tid, addr, at);
	return r < 0 || tl__caller_read(t->puppet.tid, at, buf, len) == 0 ? r : -EFAULT;
}

int64_t tl__tool_asks_regs(struct tl__takeover *t, uint32_t request, struct tl__taken *k)
{
	uint64_t iov[2] = { TL__WAY_ROOM + ROOM_DATA, k->len };
	int64_t r;

	if (tl__caller_write(t->puppet.tid, iov[0], k->regs, k->len) < 0 ||
	    tl__caller_write(t->puppet.tid, TL__WAY_ROOM, iov, sizeof(iov)) < 0)
		return -EFAULT;
	r = tl__tool_asks(t, request, k->tid, NT_PRSTATUS_, TL__WAY_ROOM);
	if (r < 0 || request != TL__REQ_GETREGSET)
		return r;
	if (tl__caller_read(t->puppet.tid, TL__WAY_ROOM, iov, sizeof(iov)) < 0)
		return -EFAULT;
	/* The memory is the tool's, who may have written there what he likes. */
	if (iov[1] > sizeof(k->regs))
		return -EFAULT;
	k->len = iov[1];
	return tl__caller_read(t->puppet.tid, TL__WAY_ROOM + ROOM_DATA, k->regs, k->len);
}

/* Behind a mapping's end there is nothing to be read along. */
int64_t tl__tool_writes(struct tl__puppet *tool, pid_t tid, uint64_t addr, const uint8_t text[2])
{
	uint64_t at = TL__WAY_ROOM, before = 0, args[6] = { 0, (uint64_t)tid, addr, at };
	uint8_t word[8];
	int64_t r;

	args[0] = TL__REQ_PEEKDATA;
	r = tl__puppet_call(tool, TL__WAY_INSN, SYS_ptrace, args);
	if (r == -EIO) {
		before = sizeof(word) - 2;
		args[2] = addr - before;
		r = tl__puppet_call(tool, TL__WAY_INSN, SYS_ptrace, args);
	}
	if (r < 0 || tl__caller_read(tool->tid, at, word, sizeof(word)) < 0)
		return r < 0 ? r : -EFAULT;
	memcpy(word + before, text, 2);
	args[0] = TL__REQ_POKEDATA;
	memcpy(&args[3], word, sizeof(word));
	return tl__puppet_call(tool, TL__WAY_INSN, SYS_ptrace, args);
}

static int code_of(const struct tl__taken *k)
{
	siginfo_t si;

	memcpy(&si, k->info, sizeof(si));
	return si.si_code;
}

static int signal_of(const struct tl__taken *k)
{
	siginfo_t si;

	memcpy(&si, k->info, sizeof(si));
	return si.si_signo;
}

/* Whether the tool has not waited for the stop; *ret_dead: for its death. */
static bool has_news(struct tl__takeover *t, pid_t tid, bool *ret_dead)
{
	siginfo_t si = { .si_pid = 0 };
	const uint64_t how = WNOHANG | WNOWAIT | WSTOPPED | WEXITED | __WALL;

	*ret_dead = false;
	if (tl__caller_write(t->puppet.tid, TL__WAY_ROOM, &si, sizeof(si)) < 0 ||
	    tl__tool_calls(t, SYS_waitid, P_PID, (uint64_t)tid, TL__WAY_ROOM, how) < 0 ||
	    tl__caller_read(t->puppet.tid, TL__WAY_ROOM, &si, sizeof(si)) < 0 || !si.si_pid)
		return false;
	*ret_dead = si.si_code != CLD_TRAPPED && si.si_code != CLD_STOPPED;
	return true;
}

int64_t tl__taken_info(struct tl__takeover *t, struct tl__taken *k)
{
	return tl__tool_asks_for(t, TL__REQ_GETSIGINFO, k->tid, 0, k->info, sizeof(k->info));
}

/* One that listens is in a tracer's stop, but answers nothing. A leader that is dead before its
 * threads has no news yet. */
static int note_state(struct tl__takeover *t, struct tl__taken *k)
{
	struct tl__person p;
	bool news;

	if (tl__taken_info(t, k) >= 0) {
		k->was = TL__STANDS;
		return 0;
	}
	news = has_news(t, k->tid, &k->dead);
	if (news)
		return k->dead ? 0 : -EAGAIN;
	if (tl__person_read(k->tid, &p) < 0)
		return -EAGAIN;
	k->late = p.state == 'Z';
	k->was = TL__RUNS;
	/* It may have stopped meanwhile. */
	if (p.state == 't')
		k->was = tl__taken_info(t, k) >= 0 ? TL__STANDS : TL__LISTENS;
	return 0;
}

/* Until it stands in a stop, or cannot be stopped now. */
static int wait_for(struct tl__takeover *t, struct tl__taken *k)
{
	const struct timespec pause = { .tv_nsec = TL__TAKEN_WAIT_NS };
	struct tl__person p;

	for (int i = 0; i < TL__TAKEN_MOST_WAITS; i++) {
		if (tl__taken_info(t, k) >= 0)
			return 0;
		k->late = i && tl__person_read(k->tid, &p) == 0 && p.state == 'D';
		if (k->late)
			return 0;
		nanosleep(&pause, NULL);
	}
	return -EAGAIN;
}

static int stop(struct tl__takeover *t, struct tl__taken *k)
{
	if (k->was == TL__STANDS)
		return 0;
	return tl__tool_asks(t, TL__REQ_INTERRUPT, k->tid, 0, 0) < 0 ? -EAGAIN : wait_for(t, k);
}

/* It would judge the call that is not made. */
static bool is_judged(const struct tl__takeover *t, const struct tl__taken *k)
{
	struct tl__traced it, tool;

	return tl__traced_read(k->tid, &it) < 0 || tl__traced_read(t->puppet.tid, &tool) < 0 ||
	       (it.filters && it.filters != tool.filters);
}

static bool returns_to_restart(const struct tl__taken *k)
{
	const struct tl__arch *arch = tl__taken_arch(k);
	struct tl__frame f;

	return arch && arch->get_frame(k->regs, k->len, &f) == 0 && f.nr >= 0 &&
	       tl__is_restart_code(f.ret);
}

/* What stop it is, from the siginfo and what is said of calls. */
static int note_stop(struct tl__takeover *t, struct tl__taken *k)
{
	struct {
		uint8_t op, rest[87];
	} call_info = { OP_NONE, { 0 } };
	int code = code_of(k);

	if (code >> 8 == TL__TE_STOP) {
		k->in = (code & 0x7f) == SIGTRAP ? TL__IN_TRAP : TL__IN_GROUP_STOP;
		return 0;
	}
	if (tl__tool_asks_for(t, TL__REQ_GET_SYSCALL_INFO, k->tid, sizeof(call_info), &call_info,
			      sizeof(call_info)) < 0)
		return -EAGAIN;
	if (code == SYSCALL_STOP && signal_of(k) == SIGTRAP && call_info.op != OP_NONE) {
		k->in = call_info.op == OP_ENTRY ? TL__IN_ENTRY : TL__IN_EXIT;
		k->judged = is_judged(t, k);
		/* We have broken it: it goes on as if we had not. */
		if (k->in == TL__IN_EXIT && k->was == TL__RUNS && returns_to_restart(k) && !k->told)
			k->in = TL__IN_CALL;
		else if (k->judged && (k->in == TL__IN_ENTRY || returns_to_restart(k)))
			return -EAGAIN;
		return 0;
	}
	if (signal_of(k) == SIGTRAP && code >> 8 >= TL__TE_FORK && code >> 8 <= TL__TE_SECCOMP)
		return -EAGAIN;
	k->in = TL__IN_SIGNAL;
	return signal_of(k) > 0 && signal_of(k) <= MOST_SIGNALS ? 0 : -EAGAIN;
}

static int open_memory(struct tl__takeover *t, struct tl__taken *k)
{
	const struct tl__arch *arch = tl__taken_arch(k);
	uint8_t insn[sizeof(arch->call_insn)];
	char path[40];
	uint64_t ip;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)k->tid);
	k->mem = open(path, O_RDWR | O_CLOEXEC);
	if (k->mem < 0 || !arch)
		return -EPERM;
	ip = arch->get_ip(k->regs, k->len);
	/* That it can be changed is seen now, when all can stay as it is. */
	if (pread(k->mem, k->text, sizeof(k->text), (off_t)ip) != sizeof(k->text) ||
	    tl__tool_writes(&t->puppet, k->tid, ip, k->text) < 0)
		return -EPERM;
	if (k->in != TL__IN_EXIT || k->judged)
		return 0;
	/* Behind an exec, or a handler, there is no such instruction in front of it. */
	k->judged = pread(k->mem, insn, sizeof(insn), (off_t)(ip - arch->call_insn_len)) !=
			    sizeof(insn) ||
		    memcmp(insn, arch->call_insn, arch->call_insn_len) != 0;
	return k->judged && returns_to_restart(k) ? -EAGAIN : 0;
}

static enum tl__mode mode_of(const struct tl__alone *a, pid_t tid)
{
	uintptr_t is = a->mixed ? (uintptr_t)tl__hash_get(&a->modes, (uint64_t)tid) : 0;

	return is ? (enum tl__mode)(is - 1) : TL__MODE_SYSCALL;
}

static int look_at(struct tl__takeover *t, struct tl__taken *k)
{
	int r = k->late || k->dead ? 0 : stop(t, k);

	k->looked_at = r == 0;
	if (r < 0 || k->late || k->dead)
		return r;
	k->looked_at = false;
	k->told = !has_news(t, k->tid, &k->dead);
	if (k->dead) {
		k->looked_at = true;
		return 0;
	}
	/* It was interrupted when it was late. */
	if (t->alone->ended && !k->told)
		k->was = TL__RUNS;
	k->len = sizeof(k->regs);
	if (tl__tool_asks_regs(t, TL__REQ_GETREGSET, k) < 0 ||
	    tl__tool_asks_for(t, GETSIGMASK, k->tid, sizeof(k->mask), &k->mask, sizeof(k->mask)) <
		    0)
		return -EAGAIN;
	k->mode = mode_of(t->alone, k->tid);
	r = note_stop(t, k);
	k->looked_at = r == 0;
	return r < 0 ? r : open_memory(t, k);
}

/* Nobody is to see its entry, and no signal is to come before that. */
static void make_call_again(struct tl__takeover *t, struct tl__taken *k)
{
	uint64_t all = UINT64_MAX;

	tl__taken_put_in_front(k);
	tl__tool_asks_regs(t, TL__REQ_SETREGSET, k);
	tl__tool_asks_for(t, SETSIGMASK, k->tid, sizeof(all), &all, sizeof(all));
	tl__tool_asks(t, TL__REQ_SYSCALL, k->tid, 0, 0);
	if (wait_for(t, k) < 0)
		return;
	tl__tool_calls(t, SYS_wait4, (uint64_t)k->tid, 0, WNOHANG | __WALL, 0);
	tl__tool_asks_for(t, SETSIGMASK, k->tid, sizeof(k->mask), &k->mask, sizeof(k->mask));
}

/* Nobody is to see that it was stopped. */
static void put_back(struct tl__takeover *t, struct tl__taken *k)
{
	if (!k->looked_at || k->was == TL__STANDS || k->dead || k->late ||
	    (k->in != TL__IN_TRAP && k->in != TL__IN_GROUP_STOP && k->in != TL__IN_CALL))
		return;
	tl__tool_calls(t, SYS_wait4, (uint64_t)k->tid, 0, WNOHANG | __WALL, 0);
	if (k->in == TL__IN_CALL)
		make_call_again(t, k);
	if (k->was == TL__LISTENS)
		tl__tool_asks(t, TL__REQ_LISTEN, k->tid, 0, 0);
	else
		tl__tool_asks(t, k->mode == TL__MODE_CONT ? TL__REQ_CONT : TL__REQ_SYSCALL, k->tid,
			      0, 0);
}

void tl__taken_put_back(struct tl__takeover *t)
{
	for (size_t i = 0; i < t->n; i++)
		put_back(t, &t->of[i]);
}

int tl__taken_look(struct tl__takeover *t)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < t->n; i++)
		if (!t->of[i].looked_at)
			r = note_state(t, &t->of[i]);
	for (size_t i = 0; r == 0 && i < t->n; i++)
		if (!t->of[i].looked_at)
			r = look_at(t, &t->of[i]);
	return r;
}
