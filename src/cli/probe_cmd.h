/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The probe command's parts. */
#ifndef TL_CLI_PROBE_CMD_H
#define TL_CLI_PROBE_CMD_H

#include "cli.h"
#include "latency.h"
#include "probe_args.h"
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
	struct probe_args args[SPECS_MAX];
	size_t nspecs;
	int pid;
	char **argv;
	const char *output;
	bool count, list, json;
	uint64_t max_hits, duration;

	struct tl_session *session;
	struct tl_prober *prober;
	struct tl_task *child;
	struct out *out;
	bool began, leaving, over, ended;
	int status;
	uint64_t hits;
	struct spot *spots; /* sorted by name */
	size_t nspots, spots_room;
};

/* probe_report.c */
extern const struct tl_engine_ops probing_ops;
extern const struct tl_probe_ops probing_entry_ops, probing_return_ops;
void probing_explain(struct probing *pr, const struct tl_probe *probe); /* one that found nothing */
void probing_table(struct probing *pr);
void probing_done(struct probing *pr);

#endif
