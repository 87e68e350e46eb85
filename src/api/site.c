/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Public: sites. */
#include "api.h"
#include "site.h"

#include <errno.h>

int tl_site_add(struct tl_task *task, tl_addr addr, const struct tl_site_ops *ops, void *data,
		struct tl_site **ret_site)
{
	struct tl_site *unused;
	int r = tl__api_check_task(task);

	if (r < 0)
		return r;
	if (!ops || ops->size < sizeof(*ops))
		return -EINVAL;
	return tl__err_public(tl__site_add(task, addr, ops, data, ret_site ? ret_site : &unused));
}

void tl_site_remove(struct tl_site *site)
{
	if (site && !site->removed)
		tl__site_remove(site);
}

tl_addr tl_site_address(const struct tl_site *site)
{
	return site->patch->addr;
}

void *tl_site_data(const struct tl_site *site)
{
	return site->data;
}

enum tl_site_state tl_site_state(const struct tl_site *site)
{
	return site->state;
}

int tl_task_repair(struct tl_task *task)
{
	int r = tl__api_check_task(task);

	return tl__err_public(r < 0 ? r : tl__adopt_if_any(task));
}

int tl_insn_walk(struct tl_task *task, tl_addr addr, size_t len,
		 int (*on_insn)(tl_addr addr, const struct tl_insn *insn, void *data), void *data)
{
	int r = tl__api_check_stopped(task);

	return r < 0 ? r : tl__insn_walk(task, addr, len, on_insn, data);
}
