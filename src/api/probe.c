/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Public: probes. */
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
