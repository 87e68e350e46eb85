/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The facade of the broker. */
#include "api.h"
#include "list.h"
#include "start.h"

#include <errno.h>

int tl_broker_run(const struct tl_broker_options *options, int *ret_status)
{
	struct tl_broker_options o;
	int r;

	if (!options || !ret_status || options->size < sizeof(uint32_t))
		return -EINVAL;
	r = tl__api_copy(&o, sizeof(o), options, options->size);
	if (r < 0 || o.flags || !o.path || !o.argv || !o.envp)
		return -EINVAL;
	return tl__broker_run(&o, ret_status);
}

int tl_broker_list(void (*each)(const struct tl_broker_link *link, void *data), void *data)
{
	return each ? tl__err_public(tl__broker_list(each, data)) : -EINVAL;
}
