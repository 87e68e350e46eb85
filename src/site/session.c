/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sites come and go; and the layer's part in what the core does. */
#include "site.h"

#include <errno.h>
#include <stdlib.h>

static void work(struct tl_session *s)
{
	struct tl__space *sp, *next;

	for (sp = SLIST_FIRST(&s->sites->spaces); sp; sp = next) {
		sp->tasks++; /* its last task may leave it */
		if (sp->untold)
			tl__space_tell_new(sp);
		if (sp->work || sp->holding) /* a call's entry is no safe point, and tells nobody */
			tl__space_work(sp);
		/* Its callbacks ask for more, and nothing may ever happen that it waits for. */
		while (sp->work && !sp->mapping && sp->tasks > 1)
			tl__space_work(sp);
		next = SLIST_NEXT(sp, link);
		if (sp->tasks > 1)
			sp->tasks--;
		else
			tl__space_unref(sp);
	}
}

/* It has left the memory that the sites are in. */
static void execed(struct tl_task *task)
{
	task->reporting++;
	tl__engine_detach(task->sited->engine);
	task->reporting--;
	tl__engines_settle(task);
}

/* Before a task is let go. True: not yet, for its text is not its own. */
static bool leaving(struct tl_task *task)
{
	struct tl__space *sp = task->sited ? task->sited->space : NULL;

	if (!sp)
		return false;
	sp->leaving = sp->work = true;
	return true;
}

/* The session ends in whatever state it is. */
static void abandon(struct tl__space *sp)
{
	struct tl__patch *p;
	struct tl_task *task;

	TAILQ_FOREACH (p, &sp->patches, link)
		tl__text_disarm(p);
	sp->tasks++;
	while ((task = tl__space_task(sp))) {
		if (task->state == TL__TASK_STOPPED && tl__regs_arch(task))
			tl__slot_leave(task);
		tl__engine_detach(task->sited->engine);
	}
	tl__space_unref(sp);
}

static void done(struct tl_session *s)
{
	struct tl__space *sp;

	while (s->sites && (sp = SLIST_FIRST(&s->sites->spaces)))
		abandon(sp);
	free(s->sites);
	s->sites = NULL;
}

static const struct tl__site_hooks hooks = {
	.stopped = tl__hit_stopped,
	.secure = tl__hit_secure,
	.loaded = tl__slot_loaded,
	.raw = tl__slot_raw,
	.hide = tl__text_hide,
	.written = tl__text_written,
	.execed = execed,
	.work = work,
	.leaving = leaving,
	.done = done,
};

void tl__sites_used(struct tl_session *s)
{
	s->site_hooks = &hooks;
}

int tl__site_add(struct tl_task *task, uint64_t addr, const struct tl_site_ops *ops, void *data,
		 struct tl_site **ret)
{
	struct tl__space *sp = tl__space_of(task, true);
	struct tl__patch *p;
	struct tl_site *site;

	if (!sp)
		return -ENOMEM;
	tl__sites_used(task->session);
	if (sp->leaving)
		return -ESRCH;
	site = calloc(1, sizeof(*site));
	p = tl__patch_find(sp, addr);
	if (!p && site)
		p = tl__patch_new(sp, addr);
	if (!p) {
		free(site);
		return -ENOMEM;
	}
	tl__text_check(p);
	site->patch = p;
	site->ops = ops;
	site->data = data;
	site->state = p->armed ? TL_SITE_ARMED : TL_SITE_PENDING;
	site->untold = p->armed;
	sp->untold |= p->armed;
	TAILQ_INSERT_TAIL(&p->sites, site, link);
	sp->work = true;
	/* Not before it is there. */
	if (task->state == TL__TASK_STOPPED && site->state != TL_SITE_ARMED) {
		task->sited->engine->hold = TL_HOLD_STOP;
		sp->asked = true;
	}
	*ret = site;
	return 0;
}

void tl__site_remove(struct tl_site *site)
{
	site->removed = true;
	site->patch->space->work = true;
}
