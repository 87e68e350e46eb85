/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The probe command's clock: when it ends, and what a person at a terminal sees meanwhile. */
#define _GNU_SOURCE
#include "probe_cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { OFTEN_US = 250000, NAME_MOST = 40 };

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void live_begin(struct probing *pr)
{
	struct itimerval t = { { 0, OFTEN_US }, { 0, OFTEN_US } };

	pr->live = pr->count && isatty(STDERR_FILENO);
	if (pr->duration > 0)
		pr->until = now() + (uint64_t)(pr->duration * 1e9);
	if (!pr->live && pr->until) {
		/* Once, and again should it have come too early. */
		t.it_value.tv_sec = (time_t)pr->duration;
		t.it_value.tv_usec =
			(suseconds_t)((pr->duration - (double)t.it_value.tv_sec) * 1e6) + 1;
	}
	if (pr->live || pr->until)
		setitimer(ITIMER_REAL, &t, NULL);
}

static void show(struct probing *pr)
{
	const struct spot *most = NULL;

	for (size_t i = 0; i < pr->nspots; i++)
		if (!most || pr->spots[i].hits > most->hits)
			most = &pr->spots[i];
	fprintf(stderr, "\r\033[K%" PRIu64 " hits", pr->hits);
	if (most && most->hits)
		fprintf(stderr, ", most of %.*s: %" PRIu64, NAME_MOST, most->name, most->hits);
	fflush(stderr);
	pr->shown = true;
	say_over_progress(true);
}

bool live_tick(struct probing *pr)
{
	if (pr->live && !pr->leaving)
		show(pr);
	return pr->until && now() >= pr->until;
}

void live_end(struct probing *pr)
{
	struct itimerval never = { 0 };

	setitimer(ITIMER_REAL, &never, NULL);
	if (pr->shown)
		fputs("\r\033[K", stderr);
	say_over_progress(false);
}
