/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a probe and a module to addresses, and sites there. */
#include "probe.h"

#include "compat.h"
#include "debug.h"
#include "usdt.h"

#include <elf.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_ = 256 };

/* Is it where a function begins, whose returns can be told? */
bool tl__spot_returns(const struct tl__spot *spot)
{
	return !spot->place.offset && spot->place.symbol && !spot->operands;
}

static void on_hit(struct tl_site *site, struct tl_task *task, const struct tl_hit *hit)
{
	struct tl__spot *spot = tl_site_data(site);
	int holds;

	if (spot->probe->removed || spot->site != site)
		return;
	if (tl__decides_on_result(spot)) {
		tl__returns_enter(spot, task);
		return;
	}
	holds = tl__decide(spot, task);
	spot->probe->undecided += holds < 0;
	if (holds <= 0)
		return;
	if (spot->probe->ops->hit)
		spot->probe->ops->hit(spot->probe, task, &spot->place, hit);
	if (spot->probe->ops->returned && tl__spot_returns(spot))
		tl__returns_enter(spot, task);
}

static void on_changed(struct tl_site *site, enum tl_site_state state, int error, const char *why)
{
	struct tl__spot *spot = tl_site_data(site);
	struct tl_probe *probe = spot->probe;

	if (spot->site != site)
		return;
	probe->refused += state == TL_SITE_REFUSED;
	if (state == TL_SITE_ARMED)
		tl__usdt_listen(spot, true);
	if (!probe->removed && probe->ops->placed)
		probe->ops->placed(probe, &spot->place, state, error, why);
}

static void leave_module(struct tl__spot *spot)
{
	if (!spot->module)
		return;
	tl__usdt_listen(spot, false);
	tl__returns_forget(spot->module->process, spot);
	LIST_REMOVE(spot, in_module);
	spot->module = NULL;
}

static void spot_free(struct tl__spot *spot)
{
	LIST_REMOVE(spot, in_probe);
	free(spot->function);
	free(spot->own_name);
	free(spot);
}

/* Of one that was disabled the place stays. */
static void on_release(struct tl_site *site, void *data)
{
	struct tl__spot *spot = data;

	spot->sites--;
	if (spot->site == site) {
		leave_module(spot);
		spot->dropped = true;
	}
	if (spot->dropped && !spot->sites)
		spot_free(spot);
}

static const struct tl_site_ops ops = {
	.size = sizeof(ops), .hit = on_hit, .changed = on_changed, .release = on_release
};

void tl__spot_drop(struct tl__spot *spot)
{
	leave_module(spot);
	spot->dropped = true;
	if (spot->site)
		tl_site_remove(spot->site);
	else if (!spot->sites)
		spot_free(spot);
}

static int arm(struct tl__spot *spot, struct tl_task *task)
{
	int r = tl_site_add(task, spot->place.ip, &ops, spot, &spot->site);

	spot->sites += r == 0;
	return r;
}

static void tell_state(struct tl__spot *spot, enum tl_site_state state, const char *why)
{
	if (spot->probe->ops->placed)
		spot->probe->ops->placed(spot->probe, &spot->place, state, 0, why);
}

void tl__spot_enable(struct tl__spot *spot, bool enable)
{
	struct tl__watcher *watcher =
		spot->module ? LIST_FIRST(&spot->module->process->watchers) : NULL;
	struct tl_site *site = spot->site;

	if (enable && !site && watcher) {
		/* No memory: it stays disabled. */
		tl__ignore(arm(spot, watcher->task) < 0);
	} else if (!enable && site && watcher) {
		tl__returns_forget(spot->module->process, spot);
		tl__usdt_listen(spot, false);
		spot->site = NULL;
		tl_site_remove(site);
		tell_state(spot, TL_SITE_PENDING, "disabled");
	}
}

/* Told like any other refusal. */
void tl__probe_refuse(struct tl_probe *probe, const struct tl_place *place, const char *why)
{
	probe->places++;
	probe->refused++;
	if (probe->ops->placed)
		probe->ops->placed(probe, place, TL_SITE_REFUSED, -EILSEQ, why);
}

static int first_refusal(tl_addr addr, const struct tl_insn *insn, void *data)
{
	const char **why = data;

	(void)addr;
	*why = insn->why;
	return 1;
}

/* Why a site could not be there, if it were enabled. */
static const char *refusal(struct tl_task *task, uint64_t ip)
{
	const char *why = NULL;

	return tl_insn_walk(task, ip, 1, first_refusal, &why) < 0 ? "not executable" : why;
}

/*
 * Go's stacks are moved when they grow, and its goroutines go from thread to thread: an open call
 * is found again by neither. Its names have the package in front; those of C that is linked with it
 * do not.
 */
static bool is_go(const struct tl__module *m, const struct tl_place *place)
{
	return place->symbol && strchr(place->symbol, '.') && m->file->symbols &&
	       tl__symbols_section(m->file->symbols, ".gopclntab");
}

/* Why the probe cannot do its work there, whatever the instruction is; NULL: it can. */
static const char *unfit(struct tl__spot *spot, struct tl_task *task)
{
	if (spot->probe->ops->returned && tl__spot_returns(spot) &&
	    is_go(spot->module, &spot->place))
		return "a function of Go, whose stacks are moved: its returns cannot be told, its "
		       "calls alone can";
	return tl__decide_unknown(spot, task);
}

static void put_spot(struct tl_probe *probe, struct tl__module *m, struct tl_task *task,
		     const struct tl_place *place, const struct tl__usdt *usdt)
{
	struct tl__spot *spot = calloc(1, sizeof(*spot));
	const char *unknown = NULL;
	int r = -ENOMEM;

	if (spot) {
		spot->probe = probe;
		spot->module = m;
		spot->place = *place;
		if (usdt) {
			spot->operands = usdt->args;
			spot->semaphore = usdt->semaphore;
			spot->place.symbol = spot->own_name = strdup(place->symbol);
		}
		unknown = unfit(spot, task);
		if (!unknown && probe->disabled)
			unknown = refusal(task, place->ip);
		if (!unknown)
			r = probe->disabled ? 0 : arm(spot, task);
	}
	if (r < 0) {
		if (unknown)
			tl__probe_refuse(probe, place, unknown);
		if (spot) {
			free(spot->function);
			free(spot->own_name);
		}
		free(spot);
		return;
	}
	probe->places++;
	LIST_INSERT_HEAD(&m->spots, spot, in_module);
	LIST_INSERT_HEAD(&probe->spots, spot, in_probe);
	if (probe->disabled)
		tell_state(spot, TL_SITE_PENDING, "disabled");
}

static void put_place(struct tl_probe *probe, struct tl__module *m, struct tl_task *task,
		      const struct tl_place *place)
{
	put_spot(probe, m, task, place, NULL);
}

struct walk {
	struct tl_probe *probe;
	struct tl__module *m;
	struct tl_task *task;
	struct tl_place first;
};

static int put_insn(tl_addr addr, const struct tl_insn *insn, void *data)
{
	struct walk *w = data;
	struct tl_place place = w->first;

	place.ip = addr;
	place.offset = addr - w->first.ip;
	place.address = w->first.address + place.offset;
	if (insn->length)
		put_place(w->probe, w->m, w->task, &place);
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

static struct tl_place place_of(const struct tl_probe *probe, const struct tl__module *m,
				struct tl__symbol *sym, uint64_t value)
{
	bool named = probe->spec.symbol;

	return (struct tl_place){ .size = sizeof(struct tl_place),
				  .pid = m->process->pid,
				  .ip = m->bias + value,
				  .module = m->file->path,
				  .symbol = named ? tl__symbol_shown(sym) : NULL,
				  .offset = probe->spec.offset,
				  .address = value,
				  .several =
					  named && tl__symbols_is_repeated(m->file->symbols, sym) };
}

/* What the dynamic linker has written for others of this file to call. */
static bool picked(const struct tl__module *m, struct tl_task *task, const struct tl__symbol *sym,
		   uint64_t *ret)
{
	size_t word = tl__symbols_machine(m->file->symbols) == EM_386 ? 4 : 8;
	uint64_t slot, at = 0, initial;

	if (!tl__symbols_ifunc_slot(m->file->symbols, sym, &slot, &initial) ||
	    tl_task_read_mem(task, m->bias + slot, &at, word) != (int64_t)word || at == initial ||
	    at < m->bias || !tl__symbols_is_code(m->file->symbols, at - m->bias))
		return false;
	*ret = at - m->bias;
	return true;
}

static void put_at(struct tl_probe *probe, struct tl__module *m, struct tl_task *task,
		   struct tl__symbol *sym, uint64_t value)
{
	struct tl_place place = place_of(probe, m, sym, value);
	uint64_t chosen;

	if (probe->spec.symbol && sym->ifunc) {
		if (!picked(m, task, sym, &chosen)) {
			tl__probe_refuse(probe, &place,
					 "picked at start among several (IFUNC), it is not known "
					 "which; they have names of their own");
			return;
		}
		value = chosen + probe->spec.offset;
		place.address = value;
		place.ip = m->bias + value;
	}
	if (!probe->spec.offset || is_boundary(task, m, sym, value))
		put_place(probe, m, task, &place);
	else
		tl__probe_refuse(probe, &place, "inside an instruction");
}

static void put_symbol(struct tl_probe *probe, struct tl__module *m, struct tl_task *task,
		       struct tl__symbol *sym)
{
	struct tl_place place = place_of(probe, m, sym, sym->value);
	struct walk w = { probe, m, task, place };

	if (!probe->spec.every)
		put_at(probe, m, task, sym, sym->value + probe->spec.offset);
	else if (!sym->size)
		tl__probe_refuse(probe, &place, "where the function ends is not known");
	else if (tl_insn_walk(task, m->bias + sym->value, sym->size, put_insn, &w) < 0)
		tl__probe_refuse(probe, &place, "code that cannot be read");
}

static void put_line(void *data, uint64_t value, unsigned line)
{
	const struct walk *w = data;
	struct tl__symbol *sym = tl__symbols_at(w->m->file->symbols, value);
	struct tl_place place = { .size = sizeof(place),
				  .pid = w->m->process->pid,
				  .ip = w->m->bias + value,
				  .module = w->m->file->path,
				  .symbol = sym ? tl__symbol_shown(sym) : NULL,
				  .offset = sym ? value - sym->value : value,
				  .address = value,
				  .file = w->probe->spec.file,
				  .line = line };

	put_place(w->probe, w->m, w->task, &place);
}

static void put_lines(struct tl_probe *probe, struct tl__module *m, struct tl_task *task)
{
	struct walk w = { .probe = probe, .m = m, .task = task };

	/* None there, or no memory: it is told that there is no such place. */
	tl__ignore(tl__lines_find(m->file->symbols, probe->spec.file, probe->spec.line, put_line,
				  &w) < 0);
}

static int put_static(void *data, const struct tl__usdt *usdt)
{
	const struct walk *w = data;
	const struct tl__spec *spec = &w->probe->spec;
	char name[NAME_MAX_];
	struct tl_place place = { .size = sizeof(place),
				  .pid = w->m->process->pid,
				  .ip = w->m->bias + usdt->value,
				  .module = w->m->file->path,
				  .symbol = name,
				  .address = usdt->value };

	if (fnmatch(spec->provider, usdt->provider, 0) != 0 ||
	    fnmatch(spec->symbol, usdt->name, 0) != 0)
		return 0;
	snprintf(name, sizeof(name), "%s:%s", usdt->provider, usdt->name);
	put_spot(w->probe, w->m, w->task, &place, usdt);
	return 0;
}

static void put_statics(struct tl_probe *probe, struct tl__module *m, struct tl_task *task)
{
	struct walk w = { .probe = probe, .m = m, .task = task };

	tl__ignore(tl__usdt_each(m->file->symbols, put_static, &w) != 0);
}

static bool is_executable(struct tl_task *task, uint64_t addr)
{
	struct tl_mapping map = { .size = sizeof(map) };
	struct tl_maps *maps;
	bool ret = false;

	if (tl_maps_new(task, &maps) < 0)
		return false;
	while (!ret && tl_maps_next(maps, &map))
		ret = map.exec && addr >= map.start && addr < map.end;
	tl_maps_free(maps);
	return ret;
}

static void put_address(struct tl_probe *probe, struct tl__module *m, struct tl_task *task,
			uint64_t value)
{
	struct tl__symbol *sym = m->file->symbols ? tl__symbols_at(m->file->symbols, value) : NULL;
	struct tl_place place = { .size = sizeof(place),
				  .pid = m->process->pid,
				  .ip = m->bias + value,
				  .module = m->file->path,
				  .offset = value,
				  .address = value };

	if (!is_executable(task, place.ip))
		tl__probe_refuse(probe, &place, "not executable");
	else if (sym && !is_boundary(task, m, sym, value))
		tl__probe_refuse(probe, &place, "inside an instruction");
	else
		put_place(probe, m, task, &place);
}

/* In a file, or in memory that a program has written its code to. */
static void put_absolute(struct tl_probe *probe, struct tl__module *anywhere, struct tl_task *task)
{
	uint64_t addr = probe->spec.offset;
	struct tl__module *m;

	LIST_FOREACH (m, &anywhere->process->modules, link)
		if (m->file->symbols && tl__symbols_is_code(m->file->symbols, addr - m->bias)) {
			put_address(probe, m, task, addr - m->bias);
			return;
		}
	if (!anywhere->process->executed || is_executable(task, addr))
		put_address(probe, anywhere, task, addr);
}

static void put_named(struct tl_probe *probe, struct tl__module *m, struct tl_task *task)
{
	struct tl_place place = { .size = sizeof(place),
				  .pid = m->process->pid,
				  .module = m->file->path,
				  .symbol = probe->spec.symbol };
	struct tl__symbol *sym, *last = NULL;
	size_t i = 0;

	/* Other names of the same function are passed over. */
	while ((sym = tl__match_next(&probe->spec, m->file->symbols, &i)))
		if (!last || last->value != sym->value) {
			put_symbol(probe, m, task, sym);
			last = sym;
		}
	if (last || !tl__symbols_object(m->file->symbols, place.symbol, &place.address))
		return;
	place.ip = m->bias + place.address;
	tl__probe_refuse(probe, &place, "data, not a function");
}

void tl__place_probe(struct tl_probe *probe, struct tl__module *m, struct tl_task *task)
{
	const struct tl__spec *spec = &probe->spec;
	bool named = tl__spec_names_module(spec, m->file->path, m->main);

	if (probe->removed || spec->absolute != m->anywhere)
		return;
	if (spec->absolute) {
		put_absolute(probe, m, task);
		return;
	}
	if (!probe->places && (named || !spec->module))
		tl__match_note_near(probe, m, named);
	if (!named || (!m->file->symbols && (spec->file || spec->symbol)))
		return;
	if (spec->file) {
		put_lines(probe, m, task);
	} else if (spec->provider) {
		put_statics(probe, m, task);
	} else if (!spec->symbol) {
		put_address(probe, m, task, spec->offset);
	} else {
		put_named(probe, m, task);
	}
}
