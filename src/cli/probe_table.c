/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The probe command's table at the end. */
#define _GNU_SOURCE
#include "probe_cmd.h"

#include <inttypes.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>

static int by_hits(const void *a, const void *b)
{
	const struct spot *x = a, *y = b;

	if (x->hits != y->hits)
		return x->hits > y->hits ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Of four, from below one microsecond to above a second. */
enum { COLUMNS = 12, FIRST_NS = 1024 };

static void columns_of(const struct latency *l, uint64_t counts[COLUMNS])
{
	uint64_t limit = FIRST_NS;

	for (unsigned i = 0; i < COLUMNS; i++, limit *= 4)
		counts[i] = latency_between(l, i ? limit / 4 : 0,
					    i == COLUMNS - 1 ? UINT64_MAX : limit);
}

/* As bars, where the terminal has such; else as digits: tenths of the highest. */
static void text_histogram(struct out *out, const struct latency *l)
{
	static const char *const bars[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	bool can = !strcmp(nl_langinfo(CODESET), "UTF-8");
	uint64_t counts[COLUMNS], most = 1;

	columns_of(l, counts);
	for (unsigned i = 0; i < COLUMNS; i++)
		most = counts[i] > most ? counts[i] : most;
	out_printf(out, " |");
	for (unsigned i = 0; i < COLUMNS; i++)
		if (can)
			out_printf(out, "%s", bars[(counts[i] * 8 + most - 1) / most]);
		else
			out_printf(out, "%c", counts[i] ? (char)('0' + counts[i] * 9 / most) : ' ');
	out_printf(out, "|");
}

/* [[below, hits], ...]; the last has no upper end. */
static void json_histogram(struct out *out, const struct latency *l)
{
	uint64_t counts[COLUMNS], limit = FIRST_NS;

	columns_of(l, counts);
	out_printf(out, ",\"histogram\":[");
	for (unsigned i = 0; i < COLUMNS; i++, limit *= 4)
		if (i < COLUMNS - 1)
			out_printf(out, "[%" PRIu64 ",%" PRIu64 "],", limit, counts[i]);
		else
			out_printf(out, "[null,%" PRIu64 "]]", counts[i]);
}

static void json_row(struct out *out, const struct spot *spot)
{
	out_printf(out, "{\"ev\":\"summary\",\"site\":");
	out_json_string(out, spot->name);
	out_printf(out, ",\"hits\":%" PRIu64, spot->hits);
	if (spot->time)
		out_printf(out,
			   ",\"returns\":%" PRIu64 ",\"total\":%" PRIu64 ",\"p50\":%" PRIu64
			   ",\"p99\":%" PRIu64 ",\"max\":%" PRIu64,
			   spot->time->n, spot->time->total, latency_percentile(spot->time, 50),
			   latency_percentile(spot->time, 99), spot->time->max);
	if (spot->time)
		json_histogram(out, spot->time);
	out_printf(out, "}\n");
}

static void text_row(struct out *out, const struct spot *spot, bool times)
{
	out_printf(out, "%12" PRIu64, spot->hits);
	if (spot->time)
		out_printf(out, " %9.1f %9.1f %11.1f",
			   (double)latency_percentile(spot->time, 50) / 1e3,
			   (double)latency_percentile(spot->time, 99) / 1e3,
			   (double)spot->time->max / 1e3);
	else if (times)
		out_printf(out, " %9s %9s %11s  %*s", "", "", "", COLUMNS + 1, "");
	if (spot->time)
		text_histogram(out, spot->time);
	out_printf(out, "  %s\n", spot->name);
}

void probing_table(struct probing *pr)
{
	bool times = false;

	probing_begin(pr);
	qsort(pr->spots, pr->nspots, sizeof(*pr->spots), by_hits);
	for (size_t i = 0; i < pr->nspots; i++)
		times |= pr->spots[i].time != NULL;
	if (!pr->json && times)
		out_printf(pr->out, "%12s %9s %9s %11s %-*s  site\n", "hits", "p50 us", "p99 us",
			   "max us", COLUMNS + 2, "  1us  1ms  1s");
	else if (!pr->json)
		out_printf(pr->out, "%12s  site\n", "hits");
	for (size_t i = 0; i < pr->nspots; i++)
		if (pr->json)
			json_row(pr->out, &pr->spots[i]);
		else
			text_row(pr->out, &pr->spots[i], times);
	if (!pr->json)
		out_printf(pr->out, "%12" PRIu64 "  total\n", pr->hits);
}
