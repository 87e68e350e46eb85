/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the probe command writes: hits, lists of places, and the table at the end. */
#define _GNU_SOURCE
#include "probe_cmd.h"

#include <errno.h>
#include <fnmatch.h>
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

/* With the line, for who asked for one; in JSON that has a field of its own. */
static void name_of(const struct probing *pr, const struct tl_place *place, char *buf, size_t size)
{
	const char *module = base_name(place->module);
	char where[24] = "", offset[24] = "";
	int n;

	/* Several functions have the name. */
	if (place->several)
		snprintf(where, sizeof(where), "@%#" PRIx64, place->address - place->offset);
	if (place->offset)
		snprintf(offset, sizeof(offset), "+%#" PRIx64, place->offset);
	if (!place->symbol)
		n = snprintf(buf, size, "%s:%#" PRIx64, module, place->offset);
	else
		n = snprintf(buf, size, "%s:%s%s%s", module, place->symbol, where, offset);
	if (place->file && !pr->json && n > 0 && (size_t)n < size)
		snprintf(buf + n, size - (size_t)n, " at %s:%u", place->file, place->line);
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

void probing_begin(struct probing *pr)
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

struct writing {
	struct probing *pr;
	unsigned n;
};

static int text_value(const struct tl_value *value, void *data)
{
	struct writing *w = data;

	out_printf(w->pr->out, "%s%s%s%s", w->n++ ? ", " : "(", value->name ? value->name : "",
		   value->name ? "=" : "", value->text);
	return 0;
}

/* An object a value: {"name":"n","type":"int","text":"3"}. */
static int json_value(const struct tl_value *value, void *data)
{
	struct writing *w = data;
	struct out *out = w->pr->out;

	out_printf(out, w->n++ ? ",{" : ",\"args\":[{");
	if (value->name) {
		out_printf(out, "\"name\":");
		out_json_string(out, value->name);
		out_printf(out, ",");
	}
	out_printf(out, "\"type\":");
	out_json_string(out, value->type);
	out_printf(out, ",\"text\":");
	out_json_string(out, value->text);
	if (value->flags & TL_VALUE_INTEGER)
		out_printf(out, ",\"bits\":\"%#" PRIx64 "\"", value->bits);
	out_printf(out, "}");
	return 0;
}

static void write_args(struct probing *pr, struct tl_task *task, const struct tl_place *place)
{
	struct writing w = { .pr = pr };
	int r = tl_place_args(place, task, pr->string_max, pr->json ? json_value : text_value, &w);

	if (r == -ENODATA)
		return;
	if (!w.n)
		out_printf(pr->out, pr->json ? ",\"args\":[" : r < 0 ? "(?" : "(");
	out_printf(pr->out, pr->json ? "]" : ")");
}

static void write_hit(struct probing *pr, struct tl_task *task, const char *name,
		      const struct tl_place *place, const struct tl_hit *hit)
{
	probing_begin(pr);
	if (pr->json) {
		json_head(pr, task, name, hit->time, "probe");
		out_printf(pr->out, ",\"ip\":\"%#" PRIx64 "\"", hit->ip);
		if (place->file) {
			out_printf(pr->out, ",\"file\":");
			out_json_string(pr->out, place->file);
			out_printf(pr->out, ",\"line\":%u", place->line);
		}
	} else {
		out_printf(pr->out, "[pid %d] %s", tl_task_tid(task), name);
	}
	write_args(pr, task, place);
	out_printf(pr->out, pr->json ? "}\n" : "\n");
	if (pr->stacks)
		stack_write(pr->out, &pr->unwinder, task, pr->json);
	line_done(pr);
}

/* Its number, and nothing else? */
static bool is_number_of(const char *text, int32_t tid)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", tid);
	return !strcmp(text, number);
}

/* By its number, or by its name, which may be a pattern and may change. */
static bool is_wanted(const struct probing *pr, struct tl_task *task)
{
	char path[64], name[32];
	size_t n = 0;
	FILE *f;

	if (!pr->nthreads)
		return true;
	for (size_t i = 0; i < pr->nthreads; i++)
		if (is_number_of(pr->threads[i], tl_task_tid(task)))
			return true;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", tl_task_pid(task), tl_task_tid(task));
	f = fopen(path, "re");
	if (f) {
		n = fread(name, 1, sizeof(name) - 1, f);
		fclose(f);
	}
	name[n ? n - 1 : 0] = '\0';
	for (size_t i = 0; i < pr->nthreads; i++)
		if (n && fnmatch(pr->threads[i], name, 0) == 0)
			return true;
	return false;
}

static void on_hit(struct tl_probe *probe, struct tl_task *task, const struct tl_place *place,
		   const struct tl_hit *hit)
{
	struct probing *pr = tl_probe_data(probe);
	char name[NAME_MAX_];
	struct spot *spot;

	if (pr->list || pr->over || !is_wanted(pr, task))
		return;
	name_of(pr, place, name, sizeof(name));
	pr->hits++;
	spot = pr->count ? spot_of(pr, name) : NULL;
	if (spot)
		spot->hits++;
	else if (!pr->count)
		write_hit(pr, task, name, place, hit);
	if (pr->max_hits && pr->hits == pr->max_hits)
		end_now(pr);
}

/* May it mean more than one place by its own wording? A condition has no such. */
static bool is_pattern(const char *spec)
{
	const char *condition = strstr(spec, " if ");
	size_t n = strcspn(spec, "*?[");

	return spec[n] && (!condition || spec + n < condition);
}

/* {"ev":"place","ip":"0x401136","site":"ls:main","refused":"why"} */
static void json_place(struct probing *pr, const char *name, const struct tl_place *place,
		       const char *why, const char *said)
{
	char reason[512];

	probing_begin(pr);
	out_printf(pr->out,
		   "{\"ev\":\"place\",\"pid\":%d,\"ip\":\"%#" PRIx64 "\",\"site\":", place->pid,
		   place->ip);
	out_json_string(pr->out, name);
	if (place->file) {
		out_printf(pr->out, ",\"file\":");
		out_json_string(pr->out, place->file);
		out_printf(pr->out, ",\"line\":%u", place->line);
	}
	if (why) {
		snprintf(reason, sizeof(reason), "%s%s%s", why, said ? ": " : "", said ? said : "");
		out_printf(pr->out, ",\"refused\":");
		out_json_string(pr->out, reason);
	}
	out_printf(pr->out, "}\n");
}

static void say_refused(struct probing *pr, const char *name, const struct tl_place *place,
			int error, const char *why)
{
	/* What an instruction is stands in why; what the kernel said does not. */
	const char *said = error == -EILSEQ ? NULL : strerror(-error);

	if (pr->list && pr->json)
		json_place(pr, name, place, why, said);
	else if (pr->list)
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
	bool several = is_pattern(tl_probe_spec(probe));
	char name[NAME_MAX_];

	name_of(pr, place, name, sizeof(name));
	if (place->several && !several && !place->offset && !pr->list && state == TL_SITE_ARMED)
		say("%s is one of several functions with this name; %s:%#" PRIx64
		    " is this one alone",
		    name, base_name(place->module), place->address);
	if (state == TL_SITE_REFUSED && (pr->list || !several))
		say_refused(pr, name, place, error, why);
	else if (state == TL_SITE_PENDING && pr->list && pr->json)
		json_place(pr, name, place, NULL, NULL);
	else if (state == TL_SITE_PENDING && pr->list)
		out_printf(pr->out, "%#" PRIx64 " %s\n", place->ip, name);
	else if (state == TL_SITE_ARMED && pr->count)
		spot_of(pr, name); /* in the table, be it never hit */
}

/* What a function of void returns, or one that nothing is known of, is the plain register. */
struct result {
	struct probing *pr;
	bool written;
};

static int write_result(const struct tl_value *value, void *data)
{
	struct result *r = data;

	r->written = true;
	if (!r->pr->json) {
		out_printf(r->pr->out, " = %s", value->text);
		return 0;
	}
	out_printf(r->pr->out, ",\"type\":");
	out_json_string(r->pr->out, value->type);
	out_printf(r->pr->out, ",\"text\":");
	out_json_string(r->pr->out, value->text);
	return 0;
}

static void write_return(struct probing *pr, struct tl_task *task, const char *name,
			 const struct tl_place *place, const struct tl_return *ret)
{
	uint64_t ns = ret->time - ret->entered;
	struct result result = { .pr = pr };
	int r;

	probing_begin(pr);
	if (pr->json) {
		json_head(pr, task, name, ret->time, "return");
		out_printf(pr->out, ",\"ret\":\"%#" PRIx64 "\"", ret->value);
	} else {
		out_printf(pr->out, "[pid %d] %s", tl_task_tid(task), name);
	}
	r = tl_place_result(place, task, pr->string_max, write_result, &result);
	if (pr->json)
		out_printf(pr->out, ",\"dur\":%" PRIu64 "}\n", ns);
	else if (!result.written && r < 0)
		out_printf(pr->out, " = %#" PRIx64 " <%.6f>\n", ret->value, (double)ns / 1e9);
	else
		out_printf(pr->out, result.written ? " <%.6f>\n" : " returned <%.6f>\n",
			   (double)ns / 1e9);
	line_done(pr);
}

/* Of such a call nothing is told before it returns. */
static bool is_about_result(const char *spec)
{
	const char *condition = strstr(spec, " if ");

	return condition && strstr(condition, "$ret");
}

static void count_return(struct probing *pr, const char *name, uint64_t ns, bool as_hit)
{
	struct spot *spot = spot_of(pr, name);

	if (spot)
		spot->hits += as_hit;
	if (spot && !spot->time)
		spot->time = calloc(1, sizeof(*spot->time));
	if (spot && spot->time)
		latency_add(spot->time, ns);
}

static void on_returned(struct tl_probe *probe, struct tl_task *task, const struct tl_place *place,
			const struct tl_return *ret)
{
	struct probing *pr = tl_probe_data(probe);
	char name[NAME_MAX_];
	bool as_hit;

	if (pr->list || pr->over || !is_wanted(pr, task))
		return;
	name_of(pr, place, name, sizeof(name));
	as_hit = is_about_result(tl_probe_spec(probe));
	pr->hits += as_hit;
	if (pr->count)
		count_return(pr, name, ret->time - ret->entered, as_hit);
	else
		write_return(pr, task, name, place, ret);
	if (as_hit && pr->max_hits && pr->hits == pr->max_hits)
		end_now(pr);
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

/* The prober has looked at what the process has mapped: that is all of the list. */
static tl_verdict on_quiesce(struct tl_engine *engine, struct tl_task *task,
			     const struct tl_event *event)
{
	(void)task;
	(void)event;
	end_now(tl_engine_data(engine));
	return 0;
}

const struct tl_engine_ops probing_ops = {
	.size = sizeof(probing_ops), .name = "probe", .quiesce = on_quiesce, .death = on_death
};

static const char *where_it_was_looked_for(const char *spec)
{
	const char *end = strstr(spec, " if "),
		   *colon = memchr(spec, ':', end ? (size_t)(end - spec) : strlen(spec));

	if (!colon)
		return ". It was looked for in the program itself; MODULE:SYMBOL names another "
		       "file";
	if (colon[1] >= '1' && colon[1] <= '9')
		return ". The line was looked for in the program's own debuginfo, if it has any; "
		       "MODULE:FILE:LINE names another file's";
	return "";
}

void probing_explain(struct probing *pr, const struct tl_probe *probe)
{
	size_t refused, places;

	if (!probe)
		return;
	if (tl_probe_undecided(probe))
		say("%s: %" PRIu64 " times its condition could not be decided: something that it "
		    "names was optimized away or could not be read",
		    tl_probe_spec(probe), tl_probe_undecided(probe));
	if (tl_probe_missed(probe))
		say("%s: %" PRIu64 " calls return to where no breakpoint can be: their returns are "
		    "not told",
		    tl_probe_spec(probe), tl_probe_missed(probe));
	places = tl_probe_places(probe, &refused);
	if (!places && tl_probe_near(probe))
		say("%s: no such place was ever loaded. Is it %s?", tl_probe_spec(probe),
		    tl_probe_near(probe));
	else if (!places)
		say("%s: no such place was ever loaded%s", tl_probe_spec(probe),
		    where_it_was_looked_for(tl_probe_spec(probe)));
	else if (refused && !pr->list && is_pattern(tl_probe_spec(probe)))
		say("%s: %zu of %zu places refused; -l says why", tl_probe_spec(probe), refused,
		    places);
}

void probing_done(struct probing *pr)
{
	for (size_t i = 0; i < pr->nspots; i++) {
		free(pr->spots[i].name);
		free(pr->spots[i].time);
	}
	free(pr->spots);
	tl_unwinder_free(pr->unwinder);
}
