/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a process has mapped, and when that changes.
 *
 * The dynamic linker calls an empty function for debuggers, before and after each change
 * (link.h: r_brk; glibc and musl name it _dl_debug_state). A site there tells when to look again.
 */
#include "probe.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void on_linker(struct tl_site *site, struct tl_task *task, const struct tl_hit *hit)
{
	struct tl__linker *l = tl_site_data(site);

	(void)hit;
	if (l->process)
		tl__modules_look(l->process, task);
}

static void on_linker_gone(struct tl_site *site, void *data)
{
	struct tl__linker *l = data;

	(void)site;
	if (l->process)
		l->process->linker = NULL;
	free(l);
}

/* What is loaded from now on will not be seen: whoever waits for it has to know. */
static void on_linker_changed(struct tl_site *site, enum tl_site_state state, int error,
			      const char *why)
{
	struct tl__linker *l = tl_site_data(site);
	struct tl_probe *probe, *next;

	(void)error;
	if (state != TL_SITE_REFUSED || !l->process)
		return;
	for (probe = TAILQ_FIRST(&l->process->prober->probes); probe; probe = next) {
		next = TAILQ_NEXT(probe, link);
		if (!probe->removed && !probe->places)
			tl__probe_refuse(probe, &l->place, why);
	}
}

static const struct tl_site_ops linker_ops = { .size = sizeof(linker_ops),
					       .hit = on_linker,
					       .changed = on_linker_changed,
					       .release = on_linker_gone };

static void watch_linker(struct tl__module *m, struct tl_task *task)
{
	const struct tl__symbol *sym = NULL;
	struct tl__linker *l;

	if (m->process->linker || !m->file->symbols)
		return;
	for (size_t i = 0; (sym = tl__symbols_get(m->file->symbols, i)); i++)
		if (!strcmp(sym->name, "_dl_debug_state"))
			break;
	l = sym ? calloc(1, sizeof(*l)) : NULL;
	if (!l)
		return;
	l->process = m->process;
	l->place = (struct tl_place){ .size = sizeof(l->place),
				      .pid = m->process->pid,
				      .ip = m->bias + sym->value,
				      .module = m->file->path,
				      .symbol = "_dl_debug_state",
				      .address = sym->value };
	if (tl_site_add(task, m->bias + sym->value, &linker_ops, l, &l->site) < 0)
		free(l);
	else
		m->process->linker = l;
}

static uint64_t bias_of(const struct tl__file *file, const struct tl_mapping *map)
{
	uint64_t value = 0;

	return file->symbols && tl__symbols_value_of(file->symbols, map->offset, &value)
		       ? map->start - value
		       : map->start;
}

/* A file that is mapped in several pieces is one module, if they lie as the file has them. */
static struct tl__module *find(struct tl__watched *w, const struct tl__file *file, uint64_t bias)
{
	struct tl__module *m;

	LIST_FOREACH (m, &w->modules, link)
		if (m->file == file && m->bias == bias)
			return m;
	return NULL;
}

static struct tl__module *module_new(struct tl__watched *w, struct tl__file *file, uint64_t bias)
{
	struct tl__module *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->file = file;
	m->process = w;
	m->bias = bias;
	file->refs++;
	LIST_INIT(&m->spots);
	LIST_INSERT_HEAD(&w->modules, m, link);
	return m;
}

static void module_free(struct tl__module *m)
{
	struct tl__spot *spot;

	while ((spot = LIST_FIRST(&m->spots)))
		tl__spot_drop(spot);
	LIST_REMOVE(m, link);
	tl__file_unref(m->file);
	free(m);
}

static void see(struct tl__watched *w, struct tl_task *task, const struct tl_mapping *map,
		bool main)
{
	struct tl__file *file = tl__file_get(w->prober, w->pid, map);
	struct tl__module *m = file ? find(w, file, bias_of(file, map)) : NULL;

	if (file && !m) {
		m = module_new(w, file, bias_of(file, map));
		if (m) {
			m->main = main;
			watch_linker(m, task);
		}
	}
	if (m)
		m->seen = true;
	if (file)
		tl__file_unref(file);
}

/* Those probes that have not looked at it yet. The task stands still: its code is read. */
static void place_new(struct tl__module *m, struct tl_task *task)
{
	struct tl_probe *probe;

	TAILQ_FOREACH (probe, &m->process->prober->probes, link)
		if (probe->serial > m->placed)
			tl__place_probe(probe, m, task);
	probe = TAILQ_LAST(&m->process->prober->probes, tl__probes);
	m->placed = probe ? probe->serial : 0;
}

/* In the process's own words, as its maps have it; empty when it cannot be told. */
static void program_of(int32_t pid, char path[PATH_MAX])
{
	char name[40];
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/%d/exe", pid);
	n = readlink(name, path, PATH_MAX - 1);
	path[n < 0 ? 0 : n] = '\0';
}

static void see_anywhere(struct tl__watched *w)
{
	static const struct tl_mapping map = { .size = sizeof(map), .path = "[memory]" };
	struct tl__file *file;
	struct tl_probe *probe;
	struct tl__module *m;

	LIST_FOREACH (m, &w->modules, link)
		if (m->anywhere) {
			m->seen = true;
			return;
		}
	TAILQ_FOREACH (probe, &w->prober->probes, link)
		if (probe->spec.absolute)
			break;
	file = probe ? tl__file_get(w->prober, w->pid, &map) : NULL;
	m = file ? module_new(w, file, 0) : NULL;
	if (m)
		m->anywhere = m->seen = true;
	if (file)
		tl__file_unref(file);
}

void tl__modules_look(struct tl__watched *w, struct tl_task *task)
{
	struct tl_mapping map = { .size = sizeof(map) };
	struct tl__module *m, *next;
	char program[PATH_MAX];
	struct tl_maps *maps;

	if (tl_maps_new(task, &maps) < 0)
		return;
	LIST_FOREACH (m, &w->modules, link)
		m->seen = false;
	program_of(w->pid, program);
	while (tl_maps_next(maps, &map))
		if (map.path[0] == '/' && map.exec)
			see(w, task, &map, !strcmp(map.path, program));
	tl_maps_free(maps);
	see_anywhere(w);
	for (m = LIST_FIRST(&w->modules); m; m = next) {
		next = LIST_NEXT(m, link);
		if (m->seen)
			place_new(m, task);
		else
			module_free(m);
	}
}

void tl__modules_drop(struct tl__watched *w)
{
	struct tl__module *m;

	tl__returns_drop(w);
	if (w->linker) {
		w->linker->process = NULL;
		tl_site_remove(w->linker->site);
		w->linker = NULL;
	}
	while ((m = LIST_FIRST(&w->modules)))
		module_free(m);
}
