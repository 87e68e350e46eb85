/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Probers, their probes, and the processes that they follow. */
#include "probe.h"

#include "compat.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static struct tl__watched *watched(struct tl_prober *prober, int32_t pid)
{
	struct tl__watched *w;

	LIST_FOREACH (w, &prober->processes, link)
		if (w->pid == pid)
			return w;
	w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	w->prober = prober;
	w->pid = pid;
	LIST_INIT(&w->modules);
	LIST_INIT(&w->watchers);
	LIST_INSERT_HEAD(&prober->processes, w, link);
	return w;
}

static void unwatch(struct tl__watched *w)
{
	if (!LIST_EMPTY(&w->watchers))
		return;
	tl__modules_drop(w);
	LIST_REMOVE(w, link);
	free(w);
}

static tl_verdict on_exec(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	struct tl__watcher *watcher = tl_engine_data(e);
	struct tl__watched *w = watcher->process;

	(void)ev;
	tl__modules_drop(w);
	w->look = false;
	w->executed = true;
	tl__modules_look(w, task);
	return 0;
}

/* In the first stop of a program that was attached to, and when there are more probes. */
static tl_verdict on_quiesce(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	struct tl__watcher *watcher = tl_engine_data(e);
	struct tl__watched *w = watcher->process;

	(void)ev;
	if (w->look) {
		w->look = false;
		tl__modules_look(w, task);
	}
	return 0;
}

static int attach(struct tl_prober *prober, struct tl_task *task, bool running);

static tl_verdict on_clone(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	struct tl__watcher *watcher = tl_engine_data(e);
	struct tl_task *child = ev->clone.child;

	(void)task;
	if (child && ev->clone.kind == TL_CLONE_FORK)
		tl__usdt_forked(watcher->process, child);
	/* A vfork's child has its parent's memory until its exec. One that cannot be followed is
	 * not probed. */
	if (child)
		tl__ignore(attach(watcher->process->prober, child,
				  ev->clone.kind != TL_CLONE_VFORK) < 0);
	return 0;
}

static void on_release(struct tl_engine *e, void *data)
{
	struct tl__watcher *watcher = data;

	(void)e;
	LIST_REMOVE(watcher, link);
	free(watcher->open);
	unwatch(watcher->process);
	free(watcher);
}

static const struct tl_engine_ops ops = { .size = sizeof(ops),
					  .name = "probe",
					  .quiesce = on_quiesce,
					  .exec = on_exec,
					  .clone = on_clone,
					  .release = on_release };

enum {
	LISTENS = TL_EVENTS(TL_EVENT_QUIESCE) | TL_EVENTS(TL_EVENT_EXEC) | TL_EVENTS(TL_EVENT_CLONE)
};

static int attach(struct tl_prober *prober, struct tl_task *task, bool running)
{
	struct tl__watched *w = watched(prober, tl_task_pid(task));
	struct tl__watcher *watcher = w ? calloc(1, sizeof(*watcher)) : NULL;
	int r;

	if (!watcher) {
		if (w)
			unwatch(w);
		return -ENOMEM;
	}
	if (LIST_EMPTY(&w->watchers))
		w->look = running;
	watcher->process = w;
	watcher->task = task;
	LIST_INSERT_HEAD(&w->watchers, watcher, link);
	r = tl_engine_attach(task, &ops, watcher, LISTENS, &watcher->engine);
	if (r < 0) {
		LIST_REMOVE(watcher, link);
		unwatch(w);
		free(watcher);
	}
	return r;
}

int tl__prober_attach(struct tl_prober *prober, struct tl_task *task, bool running)
{
	return attach(prober, task, running);
}

int tl__prober_new(struct tl_prober **ret)
{
	struct tl_prober *prober = calloc(1, sizeof(*prober));

	if (!prober)
		return -ENOMEM;
	TAILQ_INIT(&prober->probes);
	LIST_INIT(&prober->processes);
	LIST_INIT(&prober->files);
	*ret = prober;
	return 0;
}

static void probe_free(struct tl_probe *probe)
{
	TAILQ_REMOVE(&probe->prober->probes, probe, link);
	if (probe->ops->release)
		probe->ops->release(probe, probe->data);
	tl__spec_done(&probe->spec);
	free(probe->text);
	free(probe);
}

void tl__prober_free(struct tl_prober *prober)
{
	struct tl_probe *probe;

	while ((probe = TAILQ_FIRST(&prober->probes)))
		probe_free(probe);
	free(prober);
}

/* At once where one of its tasks stands still; else that is brought about. */
static void look_again(struct tl__watched *w)
{
	struct tl__watcher *watcher;

	LIST_FOREACH (watcher, &w->watchers, link)
		if (tl_task_is_stopped(watcher->task)) {
			tl__modules_look(w, watcher->task);
			return;
		}
	w->look = true;
	LIST_FOREACH (watcher, &w->watchers, link)
		if (tl_engine_control(watcher->engine, TL_HOLD_INTERRUPT) == -EINPROGRESS)
			return;
}

int tl__probe_add(struct tl_prober *prober, const char *spec, const struct tl_probe_ops *probe_ops,
		  void *data, struct tl_probe **ret)
{
	struct tl_probe *probe = calloc(1, sizeof(*probe));
	struct tl__watched *w;
	int r = -ENOMEM;

	if (probe)
		probe->text = strdup(spec);
	if (probe && probe->text)
		r = tl__spec_parse(spec, &probe->spec);
	if (r < 0) {
		if (probe)
			free(probe->text);
		free(probe);
		return r;
	}
	probe->prober = prober;
	probe->near_distance = UINT_MAX;
	probe->serial = ++prober->next_serial;
	probe->ops = probe_ops;
	probe->data = data;
	LIST_INIT(&probe->spots);
	TAILQ_INSERT_TAIL(&prober->probes, probe, link);
	*ret = probe;
	LIST_FOREACH (w, &prober->processes, link)
		if (!LIST_EMPTY(&w->modules))
			look_again(w);
	return 0;
}

void tl__probe_remove(struct tl_probe *probe)
{
	struct tl__spot *spot, *next;

	probe->removed = true;
	for (spot = LIST_FIRST(&probe->spots); spot; spot = next) {
		next = LIST_NEXT(spot, in_probe);
		if (!spot->dropped)
			tl__spot_drop(spot);
	}
}

void tl__probe_enable(struct tl_probe *probe, bool enable)
{
	struct tl__spot *spot;

	probe->disabled = !enable;
	LIST_FOREACH (spot, &probe->spots, in_probe)
		tl__spot_enable(spot, enable);
}
