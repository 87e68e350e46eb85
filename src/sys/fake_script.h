/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A parsed recording. Private to this folder. */
#ifndef TL_SYS_FAKE_SCRIPT_H
#define TL_SYS_FAKE_SCRIPT_H

#include "fake.h"

struct record {
	char op;   /* record.h */
	pid_t tid; /* F: the feature; S: the pid */
	/* P: request, addr, data. M, N: length, address. W: kind, code, core. R: file. L: 0, name.
	 * G: tgid. I: a wait that a signal to the tracer broke. */
	int64_t k1;
	uint64_t k2, k3;
	int64_t ret;
	uint8_t *bytes;
	size_t len;
	unsigned used; /* in this round */
	pid_t parent;  /* W, a child's first: who bears it, and the record of that report */
	size_t birth;
	size_t eve; /* the parent's stop before that: from then on the child may be there */
};

struct fake_task {
	struct fake_task *next;
	pid_t tid;
	size_t at; /* the record of its last reported stop */
	bool seen, running, killed, death_owed, over;
};

struct fake {
	struct tl__sys sys;
	struct record *records;
	size_t n, cap;
	struct fake_task *tasks;
	size_t spawn_at;
	unsigned round;
	unsigned long steps, kill_at, missing;
	uint64_t clock;
	bool stuck;
};

int tl__fake_read(struct fake *f, const char *text, size_t len);
uint64_t tl__fake_name_key(const char *name);

#endif
