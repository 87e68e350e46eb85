/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Returns: caught where the function returns to, by a site there.
 *
 * The return address itself is left alone, so nothing that looks at it is led astray: unwinders,
 * exceptions, longjmp, shadow stacks, pointer authentication, stacks that are moved or switched. A
 * thread's open calls are told apart by the stack pointer. One that was left by longjmp or an
 * exception never returns; it is forgotten when its place on the stack is used anew.
 */
#include "probe.h"

#include "compat.h"
#include "debug.h"
#include "hash.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A function may take its arguments off the stack (i386's ret n). */
enum { ARGUMENTS_MAX = 256, FIRST_ROOM = 16 };

struct open {
	struct tl__spot *spot;
	uint64_t sp, to, entered;
	uint64_t indirect; /* where a large result will be: arm64's x8, which nobody keeps */
};

static struct tl__watcher *watcher_of(struct tl__watched *w, const struct tl_task *task)
{
	struct tl__watcher *watcher;

	LIST_FOREACH (watcher, &w->watchers, link)
		if (watcher->task == task)
			return watcher;
	return NULL;
}

static void forget(struct tl__watcher *watcher, size_t i)
{
	struct open *o = watcher->open;

	memmove(&o[i], &o[i + 1], (--watcher->nopen - i) * sizeof(*o));
}

static int push(struct tl__watcher *watcher, const struct open *call)
{
	struct open *o = watcher->open;
	size_t room = watcher->room ? watcher->room * 2 : FIRST_ROOM;

	/* The same place on the stack: those there were left without a return, but for a function
	 * that ends by a jump to this one. */
	for (size_t i = watcher->nopen; i-- > 0;)
		if (o[i].sp == call->sp && (o[i].to != call->to || o[i].spot == call->spot))
			forget(watcher, i);
	if (watcher->nopen == watcher->room) {
		o = realloc(o, room * sizeof(*o));
		if (!o)
			return -ENOMEM;
		watcher->open = o;
		watcher->room = room;
	}
	o[watcher->nopen++] = *call;
	return 0;
}

static void tell(const struct open *call, struct tl_task *task, uint64_t time, uint64_t value)
{
	struct tl_probe *probe = call->spot->probe;
	struct tl_return ret = {
		.size = sizeof(ret), .time = time, .entered = call->entered, .value = value
	};

	int holds = 1;

	if (probe->removed)
		return;
	call->spot->indirect = call->indirect;
	if (tl__decides_on_result(call->spot))
		holds = tl__decide(call->spot, task);
	probe->undecided += holds < 0;
	if (holds > 0)
		probe->ops->returned(probe, task, &call->spot->place, &ret);
}

static void on_hit(struct tl_site *site, struct tl_task *task, const struct tl_hit *hit)
{
	struct tl__back *back = tl_site_data(site);
	struct tl__watcher *watcher = back->process ? watcher_of(back->process, task) : NULL;
	struct tl_call_frame frame = { .size = sizeof(frame) };
	struct open call;

	if (!watcher || !watcher->nopen || tl_task_call_result(task, &frame) < 0)
		return;
	for (size_t i = watcher->nopen; i-- > 0;) {
		call = ((struct open *)watcher->open)[i];
		if (call.to != hit->ip || frame.sp - call.sp < frame.popped ||
		    frame.sp - call.sp > frame.popped + ARGUMENTS_MAX)
			continue;
		forget(watcher, i);
		tell(&call, task, hit->time, frame.result);
		/* Others that ended by a jump lie below, with the same stack. */
		if (!i || ((struct open *)watcher->open)[i - 1].sp != call.sp)
			return;
	}
}

/* Until the site is there, a thread would return unseen: who adds it is held for that, the others
 * that come by meanwhile are not. */
static void wait_for(struct tl__watcher *watcher, const struct tl__back *back)
{
	watcher->waits = back;
	tl__ignore(tl_engine_control(watcher->engine, TL_HOLD_STOP) < 0);
}

/* Whoever goes on may be let go, and leave the list. */
static void go_on(const struct tl__back *back)
{
	struct tl__watcher *watcher;

	do {
		LIST_FOREACH (watcher, &back->process->watchers, link)
			if (watcher->waits == back)
				break;
		if (!watcher)
			return;
		watcher->waits = NULL;
		tl__ignore(tl_engine_control(watcher->engine, TL_RUN) < 0);
	} while (back->process);
}

static void on_release(struct tl_site *site, void *data)
{
	struct tl__back *back = data;

	(void)site;
	if (back->process) {
		tl__hash_del(&back->process->backs, back->to);
		go_on(back);
	}
	free(back);
}

/* Where no site can be no return is seen. */
static void miss(const struct tl__back *back)
{
	struct tl__watcher *watcher;
	struct open *o;

	LIST_FOREACH (watcher, &back->process->watchers, link) {
		o = watcher->open;
		for (size_t i = watcher->nopen; i-- > 0;) {
			if (o[i].to != back->to)
				continue;
			o[i].spot->probe->missed++;
			forget(watcher, i);
		}
	}
}

static void on_changed(struct tl_site *site, enum tl_site_state state, int error, const char *why)
{
	const struct tl__back *back = tl_site_data(site);

	(void)error;
	(void)why;
	if (state == TL_SITE_REFUSED && back->process)
		miss(back);
	if (back->process)
		go_on(back);
	if (state == TL_SITE_REFUSED)
		tl_site_remove(site);
}

static const struct tl_site_ops ops = {
	.size = sizeof(ops), .hit = on_hit, .changed = on_changed, .release = on_release
};

/* The site where a call returns to; there are as many as there are callers. */
static int watch(struct tl__watcher *watcher, struct tl_task *task, uint64_t to)
{
	struct tl__watched *w = watcher->process;
	struct tl__back *back = tl__hash_get(&w->backs, to);
	int r = -ENOMEM;

	if (back && tl_site_state(back->site) == TL_SITE_PENDING)
		wait_for(watcher, back);
	if (back)
		return tl_site_state(back->site) == TL_SITE_REFUSED ? -EILSEQ : 0;
	back = calloc(1, sizeof(*back));
	if (back && tl__hash_put(&w->backs, to, back) == 0) {
		back->process = w;
		back->to = to;
		r = tl_site_add(task, to, &ops, back, &back->site);
		if (r < 0)
			tl__hash_del(&w->backs, to);
	}
	if (r < 0)
		free(back);
	return r;
}

/* Its time begins here, not with the stop: what was read of it before is none of its own. */
static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void tl__returns_enter(struct tl__spot *spot, struct tl_task *task)
{
	struct tl__watched *w = spot->module ? spot->module->process : NULL;
	struct tl__watcher *watcher = w ? watcher_of(w, task) : NULL;
	struct tl_call_frame frame = { .size = sizeof(frame) };
	struct open call = { .spot = spot };

	if (!watcher || tl_task_call_frame(task, &frame) < 0)
		return;
	call.sp = frame.sp;
	call.to = frame.return_address;
	if (spot->module->file->symbols &&
	    tl__symbols_machine(spot->module->file->symbols) == EM_AARCH64 &&
	    tl_task_read_reg(task, "x8", &call.indirect) < 0)
		call.indirect = 0;
	call.entered = now();
	if (watch(watcher, task, call.to) < 0 || push(watcher, &call) < 0)
		spot->probe->missed++;
}

/* A place is gone: what is open in it is not told. */
void tl__returns_forget(struct tl__watched *w, const struct tl__spot *spot)
{
	struct tl__watcher *watcher;

	LIST_FOREACH (watcher, &w->watchers, link)
		for (size_t i = watcher->nopen; i-- > 0;)
			if (((struct open *)watcher->open)[i].spot == spot)
				forget(watcher, i);
}

void tl__returns_drop(struct tl__watched *w)
{
	struct tl__watcher *watcher;

	for (size_t i = 0; i < w->backs.cap; i++) {
		struct tl__back *back = w->backs.slots[i].value;

		if (!back)
			continue;
		go_on(back);
		back->process = NULL;
		tl_site_remove(back->site);
	}
	tl__hash_done(&w->backs);
	memset(&w->backs, 0, sizeof(w->backs));
	LIST_FOREACH (watcher, &w->watchers, link)
		watcher->nopen = 0;
}
