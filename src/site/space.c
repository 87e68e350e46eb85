/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Address spaces: which tasks share one, and the patches in it. */
#include "site.h"

#include "compat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct tl__patch *tl__patch_find(struct tl__space *sp, uint64_t addr)
{
	return tl__hash_get(&sp->by_addr, addr);
}

struct tl_task *tl__space_task(struct tl__space *sp)
{
	struct tl_task *task;

	TAILQ_FOREACH (task, &sp->session->tasks, link)
		if (task->sited && task->sited->space == sp)
			return task;
	return NULL;
}

struct tl__patch *tl__patch_new(struct tl__space *sp, uint64_t addr)
{
	struct tl__patch *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->space = sp;
	p->addr = addr;
	TAILQ_INIT(&p->sites);
	if (tl__hash_put(&sp->by_addr, addr, p) < 0) {
		free(p);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&sp->patches, p, link);
	return p;
}

static void site_free(struct tl_site *site)
{
	TAILQ_REMOVE(&site->patch->sites, site, link);
	if (site->ops->release)
		site->ops->release(site, site->data);
	free(site);
}

/* Those that were removed, if none of their callbacks is running. */
void tl__patch_sweep(struct tl__patch *p)
{
	struct tl_site *site, *next;

	for (site = p->calling ? NULL : TAILQ_FIRST(&p->sites); site; site = next) {
		next = TAILQ_NEXT(site, link);
		if (site->removed)
			site_free(site);
	}
}

/* With its sites, which are told first. */
void tl__patch_free(struct tl__patch *p)
{
	struct tl__space *sp = p->space;
	struct tl_site *site;

	while ((site = TAILQ_FIRST(&p->sites)))
		site_free(site);
	tl__hash_del(&sp->by_addr, p->addr);
	TAILQ_REMOVE(&sp->patches, p, link);
	free(p);
}

/* A callback may remove its own site, or others'. */
void tl__space_tell(struct tl__patch *p, enum tl_site_state state, int error, const char *why)
{
	struct tl_site *site;

	p->calling++;
	TAILQ_FOREACH (site, &p->sites, link) {
		if (site->removed || site->state == state)
			continue;
		site->state = state;
		if (site->ops->changed)
			site->ops->changed(site, state, error, why);
	}
	p->calling--;
}

/* Not from inside tl_site_add(), whose caller does not know the site yet. */
void tl__space_tell_new(struct tl__space *sp)
{
	struct tl__patch *p;
	struct tl_site *site;

	sp->untold = false;
	TAILQ_FOREACH (p, &sp->patches, link) {
		p->calling++;
		TAILQ_FOREACH (site, &p->sites, link) {
			if (!site->untold)
				continue;
			site->untold = false;
			if (!site->removed && site->state == TL_SITE_ARMED && site->ops->changed)
				site->ops->changed(site, TL_SITE_ARMED, 0, NULL);
		}
		p->calling--;
	}
}

static void space_free(struct tl__space *sp)
{
	struct tl__patch *p, *next;

	for (p = TAILQ_FIRST(&sp->patches); p; p = next) {
		next = TAILQ_NEXT(p, link);
		tl__space_tell(p, TL_SITE_GONE, 0, NULL);
		if (p->armed)
			sp->session->sites->armed--;
		tl__patch_free(p);
	}
	tl__last_resort_gone(sp);
	tl__areas_done(sp);
	tl__hash_done(&sp->by_addr);
	SLIST_REMOVE(&sp->session->sites->spaces, sp, tl__space, link);
	free(sp);
}

void tl__space_unref(struct tl__space *sp)
{
	if (--sp->tasks == 0)
		space_free(sp);
	else
		sp->work |= sp->holding; /* one less to wait for */
}

static void leave(struct tl__sited *st)
{
	struct tl__space *sp = st->space;

	st->space = NULL;
	tl__space_unref(sp);
}

static void enter(struct tl__sited *st, struct tl__space *sp)
{
	st->space = sp;
	sp->tasks++;
}

static void on_release(struct tl_engine *e, void *data)
{
	struct tl__sited *st = data;

	(void)e;
	st->task->sited = NULL;
	if (st->space)
		leave(st);
	free(st);
}

static tl_verdict on_quiesce(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	struct tl__sited *st = tl_engine_data(e);

	(void)task;
	(void)ev;
	if (!st->space || !st->space->holding)
		return 0;
	st->space->work = true;
	return TL_HOLD_STOP;
}

static tl_verdict on_clone(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev);

static const struct tl_engine_ops ops = { .size = sizeof(ops),
					  .name = "site",
					  .quiesce = on_quiesce,
					  .step = on_quiesce, /* adopt.c */
					  .clone = on_clone,
					  .release = on_release };

enum {
	LISTENS = TL_EVENTS(TL_EVENT_QUIESCE) | TL_EVENTS(TL_EVENT_CLONE) | TL_EVENTS(TL_EVENT_STEP)
};

static struct tl__sited *join(struct tl__space *sp, struct tl_task *task)
{
	struct tl__sited *st = calloc(1, sizeof(*st));

	if (!st)
		return NULL;
	st->task = task;
	if (tl__engine_attach(task, &ops, st, LISTENS, &st->engine) < 0) {
		free(st);
		return NULL;
	}
	task->sited = st;
	st->engine->restores = true;
	enter(st, sp);
	if (sp->holding) {
		st->engine->hold = TL_HOLD_STOP;
		task->quiesce_owed = true;
	}
	return st;
}

/* Its text is a copy, with the breakpoints in it. */
static void forked(struct tl__space *sp, struct tl_task *child)
{
	struct tl__patch *p;

	TAILQ_FOREACH (p, &sp->patches, link)
		if (p->armed)
			tl__ignore(tl__mem_write_raw(child, p->addr, p->original,
						     sp->arch->breakpoint_len) < 0);
}

/* Threads do, vfork's children until their exec, and whoever was cloned so. */
static bool shares_memory(struct tl_task *task, struct tl_task *child, enum tl_clone_kind kind)
{
	struct tl__sys *sys = task->session->sys;
	int r = sys->ops->same_memory ? sys->ops->same_memory(sys, task->tid, child->tid) : -ENOSYS;

	if (r >= 0)
		return r;
	return child->process == task->process || kind == TL_CLONE_VFORK;
}

static tl_verdict on_clone(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	struct tl__sited *st = tl_engine_data(e);
	struct tl_task *child = ev->clone.child;

	if (!child || child->sited)
		return 0;
	if (shares_memory(task, child, ev->clone.kind))
		tl__ignore(!join(st->space, child));
	else
		forked(st->space, child);
	return 0;
}

static struct tl__sites *sites_of(struct tl_session *s)
{
	if (!s->sites) {
		s->sites = calloc(1, sizeof(*s->sites));
		if (s->sites)
			SLIST_INIT(&s->sites->spaces);
	}
	return s->sites;
}

static struct tl__space *space_new(struct tl_task *task)
{
	struct tl__sites *sites = sites_of(task->session);
	struct tl__space *sp = sites ? calloc(1, sizeof(*sp)) : NULL;
	struct tl_task *other;

	if (!sp)
		return NULL;
	sp->session = task->session;
	sp->resort.guard = -1;
	sp->owner = task->session->sys->ops->clock(task->session->sys) ^ (uint64_t)task->tid << 40;
	TAILQ_INIT(&sp->patches);
	SLIST_INIT(&sp->areas);
	SLIST_INSERT_HEAD(&sites->spaces, sp, link);
	sp->tasks = 1; /* until all are there */
	TAILQ_FOREACH (other, &task->session->tasks, link) {
		if (other->process != task->process || other->sited)
			continue;
		if (!join(sp, other)) {
			tl__space_unref(sp);
			return NULL;
		}
	}
	sp->tasks--;
	return sp;
}

struct tl__space *tl__space_of(struct tl_task *task, bool make)
{
	if (task->sited)
		return task->sited->space;
	return make ? space_new(task) : NULL;
}
