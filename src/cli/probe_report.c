/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the probe command writes: hits, lists of places, and the table at the end. */
#define _GNU_SOURCE
#include "probe_cmd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_ = 512 };

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void name_of(const struct tl_place *place, char *buf, size_t size)
{
	if (!place->symbol)
		snprintf(buf, size, "%s:%#" PRIx64, base_name(place->module), place->offset);
	else if (place->offset)
		snprintf(buf, size, "%s:%s+%#" PRIx64, base_name(place->module), place->symbol,
			 place->offset);
	else
		snprintf(buf, size, "%s:%s", base_name(place->module), place->symbol);
}

/* Its index, or where it belongs. */
static size_t find(const struct probing *pr, const char *name, bool *found)
{
	size_t low = 0, high = pr->nspots;

	*found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(pr->spots[middle].name, name);

		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct spot *spot_of(struct probing *pr, const char *name)
{
	bool found;
	size_t i = find(pr, name, &found);
	struct spot *more;

	if (found)
		return &pr->spots[i];
	if (pr->nspots == pr->spots_room) {
		more = realloc(pr->spots, (pr->spots_room * 2 + 64) * sizeof(*more));
		if (!more)
			return NULL;
		pr->spots = more;
		pr->spots_room = pr->spots_room * 2 + 64;
	}
	memmove(&pr->spots[i + 1], &pr->spots[i], (pr->nspots - i) * sizeof(*pr->spots));
	pr->nspots++;
	pr->spots[i] = (struct spot){ .name = strdup(name) };
	return pr->spots[i].name ? &pr->spots[i] : NULL;
}

static void begin_json(struct probing *pr)
{
	if (pr->json && !pr->began)
		out_printf(pr->out, "{\"v\":1,\"ev\":\"begin\",\"clock\":\"monotonic\"}\n");
	pr->began = true;
}

static void end_now(struct probing *pr)
{
	pr->over = true;
	tl_session_wake(pr->session);
}

static void json_head(struct probing *pr, struct tl_task *task, const char *name, uint64_t time,
		      const char *ev)
{
	out_printf(pr->out,
		   "{\"ts\":%" PRIu64 ",\"pid\":%d,\"tid\":%d,\"ev\":\"%s\",\"site\":", time,
		   tl_task_pid(task), tl_task_tid(task), ev);
	out_json_string(pr->out, name);
}

/* A line is complete. Where nobody reads any more there is nothing to probe for. */
static void line_done(struct probing *pr)
{
	if (!out_is_buffered(pr->out))
		out_flush(pr->out);
	if (out_error(pr->out))
		end_now(pr);
}

/* NULL: none were asked for. */
static const struct probe_args *args_of(const struct probing *pr, const struct tl_probe *probe)
{
	for (size_t i = 0; i < pr->nspecs; i++)
		if (pr->probes[i] == probe && pr->args[i].given)
			return &pr->args[i];
	return NULL;
}

static bool is_wide(struct tl_task *task)
{
	const char *view = "";
	uint16_t machine;

	return tl_task_view(task, &view, &machine) < 0 || strstr(view, "64");
}

static void json_strings(struct probing *pr, const char *key, char (*texts)[PROBE_TEXT_MAX],
			 unsigned n)
{
	out_printf(pr->out, ",\"%s\":[", key);
	for (unsigned i = 0; i < n; i++) {
		out_printf(pr->out, i ? "," : "");
		out_json_string(pr->out, texts[i]);
	}
	out_printf(pr->out, "]");
}

static void write_args(struct probing *pr, struct tl_task *task, const struct probe_args *args)
{
	char texts[PROBE_ARGS_MAX][PROBE_TEXT_MAX];
	uint64_t values[PROBE_ARGS_MAX] = { 0 };
	int r = tl_task_call_args(task, values, args->n);
	bool wide = is_wide(task);

	if (r < 0) {
		out_printf(pr->out, pr->json ? "" : "(?)");
		return;
	}
	for (unsigned i = 0; pr->json && i < args->n; i++)
		snprintf(texts[i], sizeof(texts[i]), "%#" PRIx64, values[i]);
	if (pr->json)
		json_strings(pr, "args", texts, args->n);
	for (unsigned i = 0; i < args->n; i++)
		probe_args_write(task, args->types[i], values[i], wide, texts[i], sizeof(texts[i]));
	if (pr->json) {
		json_strings(pr, "text", texts, args->n);
		return;
	}
	for (unsigned i = 0; i < args->n; i++)
		out_printf(pr->out, "%s%s", i ? ", " : "(", texts[i]);
	out_printf(pr->out, args->n ? ")" : "()");
}

static void write_hit(struct probing *pr, struct tl_task *task, const char *name,
		      const struct tl_hit *hit, const struct probe_args *args)
{
	begin_json(pr);
	if (pr->json) {
		json_head(pr, task, name, hit->time, "probe");
		out_printf(pr->out, ",\"ip\":\"%#" PRIx64 "\"", hit->ip);
	} else {
		out_printf(pr->out, "[pid %d] %s", tl_task_tid(task), name);
	}
	if (args)
		write_args(pr, task, args);
	out_printf(pr->out, pr->json ? "}\n" : "\n");
	line_done(pr);
}

static void on_hit(struct tl_probe *probe, struct tl_task *task, const struct tl_place *place,
		   const struct tl_hit *hit)
{
	struct probing *pr = tl_probe_data(probe);
	char name[NAME_MAX_];
	struct spot *spot;

	if (pr->list || pr->over)
		return;
	name_of(place, name, sizeof(name));
	pr->hits++;
	spot = pr->count ? spot_of(pr, name) : NULL;
	if (spot)
		spot->hits++;
	else if (!pr->count)
		write_hit(pr, task, name, hit, args_of(pr, probe));
	if (pr->max_hits && pr->hits == pr->max_hits)
		end_now(pr);
}

static void say_refused(struct probing *pr, const char *name, const struct tl_place *place,
			int error, const char *why)
{
	/* What an instruction is stands in why; what the kernel said does not. */
	const char *said = error == -EILSEQ ? NULL : strerror(-error);

	if (pr->list)
		out_printf(pr->out, "%#" PRIx64 " %s: refused: %s%s%s\n", place->ip, name, why,
			   said ? ": " : "", said ? said : "");
	else
		say("no probe at %s in process %d: %s%s%s", name, place->pid, why, said ? ": " : "",
		    said ? said : "");
}

static void on_placed(struct tl_probe *probe, const struct tl_place *place,
		      enum tl_site_state state, int error, const char *why)
{
	struct probing *pr = tl_probe_data(probe);
	bool several = strchr(tl_probe_spec(probe), '*');
	char name[NAME_MAX_];

	name_of(place, name, sizeof(name));
	if (state == TL_SITE_REFUSED && (pr->list || !several))
		say_refused(pr, name, place, error, why);
	else if (state == TL_SITE_ARMED && pr->list)
		out_printf(pr->out, "%#" PRIx64 " %s\n", place->ip, name);
	else if (state == TL_SITE_ARMED && pr->count)
		(void)!spot_of(pr, name);
}

static void count_return(struct probing *pr, const char *name, uint64_t ns)
{
	struct spot *spot = spot_of(pr, name);

	if (spot && !spot->time)
		spot->time = calloc(1, sizeof(*spot->time));
	if (spot && spot->time)
		latency_add(spot->time, ns);
}

static void on_returned(struct tl_probe *probe, struct tl_task *task, const struct tl_place *place,
			const struct tl_return *ret)
{
	struct probing *pr = tl_probe_data(probe);
	const struct probe_args *args = args_of(pr, probe);
	uint64_t ns = ret->time - ret->entered;
	char name[NAME_MAX_], text[PROBE_TEXT_MAX];

	if (pr->list || pr->over)
		return;
	name_of(place, name, sizeof(name));
	if (pr->count) {
		count_return(pr, name, ns);
		return;
	}
	begin_json(pr);
	probe_args_write(task, args ? args->result : ARG_HEX, ret->value, is_wide(task), text,
			 sizeof(text));
	if (pr->json) {
		json_head(pr, task, name, ret->time, "return");
		out_printf(pr->out, ",\"ret\":\"%#" PRIx64 "\",\"text\":", ret->value);
		out_json_string(pr->out, text);
		out_printf(pr->out, ",\"dur\":%" PRIu64 "}\n", ns);
	} else {
		out_printf(pr->out, "[pid %d] %s = %s <%.6f>\n", tl_task_tid(task), name, text,
			   (double)ns / 1e9);
	}
	line_done(pr);
}

const struct tl_probe_ops probing_entry_ops = { .size = sizeof(probing_entry_ops),
						.hit = on_hit,
						.placed = on_placed };
const struct tl_probe_ops probing_return_ops = { .size = sizeof(probing_return_ops),
						 .hit = on_hit,
						 .returned = on_returned,
						 .placed = on_placed };

static tl_verdict on_death(struct tl_engine *engine, struct tl_task *task,
			   const struct tl_event *event)
{
	struct probing *pr = tl_engine_data(engine);

	if (pr->argv && task == pr->child && event->exit.last_thread) {
		pr->status = event->exit.status;
		pr->ended = true;
	}
	return 0;
}

const struct tl_engine_ops probing_ops = { .size = sizeof(probing_ops),
					   .name = "probe",
					   .death = on_death };

void probing_explain(struct probing *pr, const struct tl_probe *probe)
{
	size_t refused, places;

	if (!probe)
		return;
	places = tl_probe_places(probe, &refused);
	if (!places && tl_probe_near(probe))
		say("%s: no such place was ever loaded. Is it %s?", tl_probe_spec(probe),
		    tl_probe_near(probe));
	else if (!places)
		say("%s: no such place was ever loaded%s", tl_probe_spec(probe),
		    strchr(tl_probe_spec(probe), ':') ? ""
						      : ". It was looked for in the program "
							"itself; MODULE:SYMBOL names another file");
	else if (refused && !pr->list && strchr(tl_probe_spec(probe), '*'))
		say("%s: %zu of %zu places refused; -l says why", tl_probe_spec(probe), refused,
		    places);
}

static int by_hits(const void *a, const void *b)
{
	const struct spot *x = a, *y = b;

	if (x->hits != y->hits)
		return x->hits > y->hits ? -1 : 1;
	return strcmp(x->name, y->name);
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
		out_printf(out, " %9s %9s %11s", "", "", "");
	out_printf(out, "  %s\n", spot->name);
}

void probing_table(struct probing *pr)
{
	bool times = false;

	begin_json(pr);
	qsort(pr->spots, pr->nspots, sizeof(*pr->spots), by_hits);
	for (size_t i = 0; i < pr->nspots; i++)
		times |= pr->spots[i].time != NULL;
	if (!pr->json && times)
		out_printf(pr->out, "%12s %9s %9s %11s  site\n", "hits", "p50 us", "p99 us",
			   "max us");
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

void probing_done(struct probing *pr)
{
	for (size_t i = 0; i < pr->nspots; i++) {
		free(pr->spots[i].name);
		free(pr->spots[i].time);
	}
	free(pr->spots);
}
