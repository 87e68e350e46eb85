/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The probe command's parts. */
#ifndef TL_CLI_PROBE_CMD_H
#define TL_CLI_PROBE_CMD_H

#include "cli.h"
#include "latency.h"
#include "trace.h"

enum { SPECS_MAX = 256 };

/* One place of a program, whatever process it is in. */
struct spot {
	char *name;
	uint64_t hits;
	struct latency *time; /* of calls that returned; NULL: none */
};

struct probing {
	char *specs[SPECS_MAX];
	bool returns[SPECS_MAX];
	struct tl_probe *probes[SPECS_MAX];
	size_t nspecs;
	int pid;
	char **argv;
	const char *output;
	bool count, list, json, stacks;
	uint64_t max_hits;
	double duration;          /* in seconds; 0: no end */
	char *threads[SPECS_MAX]; /* numbers and names */
	size_t nthreads;
	unsigned string_max;
	uint32_t flags; /* TL_SESSION_* */

	struct tl_session *session;
	struct tl_prober *prober;
	struct tl_unwinder *unwinder;
	struct tl_task *child;
	struct out *out;
	bool began, leaving, over, ended, misspelt;
	bool live, shown;
	uint64_t until; /* CLOCK_MONOTONIC in ns */
	int status;
	uint64_t hits;
	struct spot *spots; /* sorted by name */
	size_t nspots, spots_room;
};

/* probe_report.c */
extern const struct tl_engine_ops probing_ops;
extern const struct tl_probe_ops probing_entry_ops, probing_return_ops;
void probing_explain(struct probing *pr, const struct tl_probe *probe); /* one that found nothing */
void probing_begin(struct probing *pr); /* once, before anything is written */
void probing_done(struct probing *pr);

/* probe_table.c */
void probing_table(struct probing *pr);

/* probe_live.c: SIGALRM comes in time for what is shown, and for the end. */
void live_begin(struct probing *pr);
bool live_tick(struct probing *pr); /* true: the time is over */
void live_end(struct probing *pr);

#endif
