/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A call of ptrace(2) that is being served. */
#ifndef TL_BROKER_ASKED_H
#define TL_BROKER_ASKED_H

#include "broker.h"

struct tl__asked {
	struct tl__broker *b;
	const struct tl__notice *n;
	unsigned word; /* of the tool: 4 or 8 bytes */
	uint32_t request;
	pid_t tid;
	uint64_t addr, data;
	struct tl__link *link;
	struct tl__peer *peer; /* whose tool asks; NULL: ours */
};

/* The memory of who asks. */
int64_t tl__asker_read(const struct tl__asked *q, uint64_t addr, void *buf, size_t len);
int64_t tl__asker_write(const struct tl__asked *q, uint64_t addr, const void *buf, size_t len);

/* attach.c */
int64_t tl__asked_attach(struct tl__asked *q, bool seize); /* ATTACH, SEIZE */
int64_t tl__asked_traceme(struct tl__asked *q);            /* TRACEME */

/* registers.c: of a task that is stopped for this tracer */
int64_t tl__registers_set(struct tl__asked *q);       /* GETREGSET, SETREGSET */
int64_t tl__registers_poke_user(struct tl__asked *q); /* POKEUSER */
int64_t tl__registers_plain(struct tl__asked *q);     /* all that carry one structure */
/* A word of struct user, as this link has it. */
int64_t tl__user_read(struct tl__asked *q, uint64_t offset, uint64_t *ret);
int64_t tl__user_write(struct tl__asked *q, uint64_t offset, uint64_t value);
/* registers_32.c: those of a tool of 32 bits whose layouts are its own; -EOPNOTSUPP: others */
int64_t tl__registers_narrow(struct tl__asked *q);

/* callinfo.c: of a task that is stopped for this tracer */
int64_t tl__callinfo_get(struct tl__asked *q); /* GET_SYSCALL_INFO */
int64_t tl__callinfo_set(struct tl__asked *q); /* SET_SYSCALL_INFO */

/* seccomp.c: requests about filters, of a task that is stopped for this tracer. */
int64_t tl__seccomp_get_filter(struct tl__asked *q);
int64_t tl__seccomp_get_metadata(struct tl__asked *q);
/* Whether who asks may suspend filters: 0 or -EPERM. */
int tl__seccomp_may_suspend(const struct tl__asked *q);

#endif
