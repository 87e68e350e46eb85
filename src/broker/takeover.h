/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the parts of a takeover. */
#ifndef TL_BROKER_TAKEOVER_H
#define TL_BROKER_TAKEOVER_H

#include "alone.h"
#include "arch.h"
#include "puppet.h"

/* A tracee that is taken over. */
struct tl__taken {
	pid_t tid, tgid;
	enum { TL__RUNS, TL__LISTENS, TL__STANDS } was;
	bool told;   /* its tracer has waited for the stop */
	bool judged; /* by filters of its own: no call can be made but its own; or it cannot */
	bool late;   /* it cannot be taken yet */
	bool dead;   /* and not waited for */
	bool looked_at;
	bool stop_owed; /* a SIGSTOP that came between two tracers */
	enum {
		TL__IN_TRAP,
		TL__IN_GROUP_STOP,
		TL__IN_ENTRY,
		TL__IN_EXIT,
		TL__IN_SIGNAL,
		TL__IN_CALL, /* which we have broken: an exit that nobody is to see */
	} in;
	enum tl__mode mode; /* how it was resumed last */
	int mem;            /* open for writing */
	uint64_t mask;
	size_t len;
	_Alignas(8) uint8_t regs[TL__PUPPET_REGS];
	uint8_t info[TL__INFO_SIZE];
	uint8_t text[2]; /* at its pc */
	struct tl__link *link;
};

struct tl__takeover {
	struct tl__tool *tool;
	struct tl__alone *alone;
	struct tl__puppet puppet; /* the tool's thread, which makes the requests */
	struct tl__taken *of;
	size_t n;
	struct tl__puppet *others; /* threads of their processes */
	size_t n_others;
};

enum { TL__TAKEN_MOST_WAITS = 200, TL__TAKEN_WAIT_NS = 100000 };

/* takeover_look.c: what the tool's thread can tell of them. -EAGAIN: all is as it was, and one is
 * where it cannot be taken now. */
int tl__taken_look(struct tl__takeover *t);
void tl__taken_put_back(struct tl__takeover *t);                     /* so it is */
int64_t tl__taken_info(struct tl__takeover *t, struct tl__taken *k); /* its siginfo */
int64_t tl__tool_calls(struct tl__takeover *t, int64_t nr, uint64_t a, uint64_t b, uint64_t c,
		       uint64_t d);
/* ptrace(2): plain; with data, which lies in the tool's memory; for the general set. */
int64_t tl__tool_asks(struct tl__takeover *t, uint32_t request, pid_t tid, uint64_t addr,
		      uint64_t data);
int64_t tl__tool_asks_for(struct tl__takeover *t, uint32_t request, pid_t tid, uint64_t addr,
			  void *buf, size_t len);
int64_t tl__tool_asks_regs(struct tl__takeover *t, uint32_t request, struct tl__taken *k);
/* Two bytes of text of a tracee's, which its tracer may write everywhere. */
int64_t tl__tool_writes(struct tl__puppet *tool, pid_t tid, uint64_t addr, const uint8_t text[2]);

/* takeover_take.c: in front of the call that it is in; from the tool's hands into ours */
int tl__taken_put_in_front(struct tl__taken *k);
void tl__taken_take(struct tl__takeover *t, struct tl__taken *k);

static inline const struct tl__arch *tl__taken_arch(const struct tl__taken *k)
{
	return tl__arch_of_gpr(k->len);
}

#endif
