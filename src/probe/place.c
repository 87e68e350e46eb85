/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a probe and a module to addresses, and sites there. */
#include "probe.h"

#include "distance.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_hit(struct tl_site *site, struct tl_task *task, const struct tl_hit *hit)
{
	struct tl__spot *spot = tl_site_data(site);

	if (spot->probe->removed)
		return;
	if (spot->probe->ops->hit)
		spot->probe->ops->hit(spot->probe, task, &spot->place, hit);
	if (spot->probe->ops->returned && !spot->place.offset && spot->place.symbol)
		tl__returns_enter(spot, task, hit->time);
}

static void on_changed(struct tl_site *site, enum tl_site_state state, int error, const char *why)
{
	struct tl__spot *spot = tl_site_data(site);
	struct tl_probe *probe = spot->probe;

	probe->refused += state == TL_SITE_REFUSED;
	if (!probe->removed && probe->ops->placed)
		probe->ops->placed(probe, &spot->place, state, error, why);
}

static void on_release(struct tl_site *site, void *data)
{
	struct tl__spot *spot = data;

	(void)site;
	if (spot->module) {
		tl__returns_forget(spot->module->process, spot);
		LIST_REMOVE(spot, in_module);
	}
	LIST_REMOVE(spot, in_probe);
	free(spot);
}

static const struct tl_site_ops ops = {
	.size = sizeof(ops), .hit = on_hit, .changed = on_changed, .release = on_release
};

void tl__spot_drop(struct tl__spot *spot)
{
	tl__returns_forget(spot->module->process, spot);
	LIST_REMOVE(spot, in_module);
	spot->module = NULL;
	tl_site_remove(spot->site);
}

static void put(struct tl_probe *probe, struct tl__module *m, struct tl_task *task, uint64_t ip,
		const char *symbol, uint64_t offset)
{
	struct tl__spot *spot = calloc(1, sizeof(*spot));
	int r = -ENOMEM;

	if (spot) {
		spot->probe = probe;
		spot->module = m;
		spot->place = (struct tl_place){ .size = sizeof(spot->place),
						 .pid = m->process->pid,
						 .ip = ip,
						 .module = m->file->path,
						 .symbol = symbol,
						 .offset = offset };
		r = tl_site_add(task, ip, &ops, spot, &spot->site);
	}
	if (r < 0) {
		free(spot);
		return;
	}
	probe->places++;
	LIST_INSERT_HEAD(&m->spots, spot, in_module);
	LIST_INSERT_HEAD(&probe->spots, spot, in_probe);
}

struct walk {
	struct tl_probe *probe;
	struct tl__module *m;
	struct tl_task *task;
	const struct tl__symbol *sym;
};

static int put_insn(tl_addr addr, const struct tl_insn *insn, void *data)
{
	struct walk *w = data;

	if (insn->length)
		put(w->probe, w->m, w->task, addr, w->sym->name, addr - w->m->bias - w->sym->value);
	return 0;
}

struct boundary {
	uint64_t wanted;
	bool found;
};

static int look_for(tl_addr addr, const struct tl_insn *insn, void *data)
{
	struct boundary *b = data;

	(void)insn;
	b->found = addr == b->wanted;
	return addr >= b->wanted;
}

/* Does an instruction begin there, counted from where its function does? */
static bool is_boundary(struct tl_task *task, const struct tl__module *m,
			const struct tl__symbol *sym, uint64_t value)
{
	struct boundary b = { .wanted = m->bias + value };

	if (value == sym->value)
		return true;
	return tl_insn_walk(task, m->bias + sym->value, value - sym->value + 1, look_for, &b) >=
		       0 &&
	       b.found;
}

/* Told like any other refusal. */
static void refuse(struct tl_probe *probe, const struct tl_place *place, const char *why)
{
	probe->places++;
	probe->refused++;
	if (probe->ops->placed)
		probe->ops->placed(probe, place, TL_SITE_REFUSED, -EILSEQ, why);
}

static struct tl_place place_of(const struct tl_probe *probe, const struct tl__module *m,
				const struct tl__symbol *sym, uint64_t value)
{
	return (struct tl_place){ .size = sizeof(struct tl_place),
				  .pid = m->process->pid,
				  .ip = m->bias + value,
				  .module = m->file->path,
				  .symbol = probe->spec.symbol ? sym->name : NULL,
				  .offset = probe->spec.offset };
}

static void put_at(struct tl_probe *probe, struct tl__module *m, struct tl_task *task,
		   const struct tl__symbol *sym, uint64_t value)
{
	struct tl_place place = place_of(probe, m, sym, value);

	if (probe->spec.symbol && sym->ifunc)
		refuse(probe, &place,
		       "picked at start among several (IFUNC), which have names of their own");
	else if (!is_boundary(task, m, sym, value))
		refuse(probe, &place, "inside an instruction");
	else
		put(probe, m, task, place.ip, place.symbol, place.offset);
}

static void put_symbol(struct tl_probe *probe, struct tl__module *m, struct tl_task *task,
		       const struct tl__symbol *sym)
{
	struct tl_place place = place_of(probe, m, sym, sym->value);
	struct walk w = { probe, m, task, sym };

	if (!probe->spec.every)
		put_at(probe, m, task, sym, sym->value + probe->spec.offset);
	else if (!sym->size)
		refuse(probe, &place, "where the function ends is not known");
	else if (tl_insn_walk(task, m->bias + sym->value, sym->size, put_insn, &w) < 0)
		refuse(probe, &place, "code that cannot be read");
}

static bool is_pattern(const char *text)
{
	while (*text && *text != '*' && *text != '?' && *text != '[')
		text++;
	return *text;
}

/* For who named one that there is none of: the same in another file, or else one much like it. */
static void note_near(struct tl_probe *probe, const struct tl__module *m, bool named)
{
	const char *slash = strrchr(m->file->path, '/'), *name = probe->spec.symbol;
	const char *module = slash ? slash + 1 : m->file->path;
	const struct tl__symbol *sym;
	unsigned d;

	for (size_t i = 0; m->file->symbols && (sym = tl__symbols_get(m->file->symbols, i)); i++) {
		d = named ? tl__distance(name, sym->name) : strcmp(name, sym->name) ? 99 : 0;
		if (d >= probe->near_distance || d > strlen(name) / 3 + 1)
			continue;
		probe->near_distance = d;
		snprintf(probe->near, sizeof(probe->near), "%s:%s", module, sym->name);
	}
}

void tl__place_probe(struct tl_probe *probe, struct tl__module *m, struct tl_task *task)
{
	const struct tl__symbol *sym, *last = NULL;
	const char *name = probe->spec.symbol;
	bool named = tl__spec_names_module(&probe->spec, m->file->path, m->main);

	if (probe->removed)
		return;
	if (name && !probe->places && !is_pattern(name) && (named || !probe->spec.module))
		note_near(probe, m, named);
	if (!named)
		return;
	if (!name) {
		sym = m->file->symbols ? tl__symbols_at(m->file->symbols, probe->spec.offset)
				       : NULL;
		if (sym)
			put_at(probe, m, task, sym, probe->spec.offset);
		else
			put(probe, m, task, m->bias + probe->spec.offset, NULL, probe->spec.offset);
		return;
	}
	for (size_t i = 0; m->file->symbols && (sym = tl__symbols_get(m->file->symbols, i)); i++) {
		/* Other names of the same function. */
		if (last && last->value == sym->value && is_pattern(name))
			continue;
		if (fnmatch(name, sym->name, 0) != 0)
			continue;
		put_symbol(probe, m, task, sym);
		last = sym;
	}
}
