/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Public: probes. */
#include "api.h"
#include "probe.h"

#include <errno.h>

int tl_prober_new(struct tl_prober **ret_prober)
{
	return tl__prober_new(ret_prober);
}

void tl_prober_free(struct tl_prober *prober)
{
	if (prober)
		tl__prober_free(prober);
}

int tl_prober_attach(struct tl_prober *prober, struct tl_task *task, enum tl_origin origin)
{
	if (!prober || !task)
		return -EINVAL;
	return tl__prober_attach(prober, task, origin != TL_ORIGIN_SPAWN);
}

int tl_probe_add(struct tl_prober *prober, const char *spec, const struct tl_probe_ops *ops,
		 void *data, struct tl_probe **ret_probe)
{
	struct tl_probe *unused;

	if (!prober || !spec || !ops || ops->size < sizeof(*ops))
		return -EINVAL;
	return tl__probe_add(prober, spec, ops, data, ret_probe ? ret_probe : &unused);
}

void tl_probe_remove(struct tl_probe *probe)
{
	if (probe && !probe->removed)
		tl__probe_remove(probe);
}

void tl_probe_enable(struct tl_probe *probe, bool enable)
{
	if (probe && !probe->removed && probe->disabled == enable)
		tl__probe_enable(probe, enable);
}

int tl_probe_each_place(struct tl_probe *probe,
			int (*on_place)(const struct tl_place *place, enum tl_site_state state,
					void *data),
			void *data)
{
	struct tl__spot *spot;
	int r = 0;

	LIST_FOREACH (spot, &probe->spots, in_probe)
		if (!r && !spot->dropped)
			r = on_place(&spot->place,
				     spot->site ? tl_site_state(spot->site) : TL_SITE_PENDING,
				     data);
	return r;
}

struct tl_probe *tl_prober_probe(const struct tl_prober *prober, size_t index)
{
	struct tl_probe *probe;

	TAILQ_FOREACH (probe, &prober->probes, link)
		if (!probe->removed && !index--)
			return probe;
	return NULL;
}

const char *tl_probe_spec(const struct tl_probe *probe)
{
	return probe->text;
}

void *tl_probe_data(const struct tl_probe *probe)
{
	return probe->data;
}

const char *tl_probe_near(const struct tl_probe *probe)
{
	return !probe->places && *probe->near ? probe->near : NULL;
}

size_t tl_probe_places(const struct tl_probe *probe, size_t *ret_refused)
{
	if (ret_refused)
		*ret_refused = probe->refused;
	return probe->places;
}

uint64_t tl_probe_undecided(const struct tl_probe *probe)
{
	return probe->undecided;
}

uint64_t tl_probe_missed(const struct tl_probe *probe)
{
	return probe->missed;
}

int tl_place_args(const struct tl_place *place, struct tl_task *task, unsigned string_max,
		  int (*on_value)(const struct tl_value *value, void *data), void *data)
{
	int r = tl__api_check_stopped(task);

	return r < 0 ? r : tl__place_args(place, task, string_max, on_value, data);
}

int tl_place_result(const struct tl_place *place, struct tl_task *task, unsigned string_max,
		    int (*on_value)(const struct tl_value *value, void *data), void *data)
{
	int r = tl__api_check_stopped(task);

	return r < 0 ? r : tl__place_result(place, task, string_max, on_value, data);
}
