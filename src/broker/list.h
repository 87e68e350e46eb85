/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who traces what, as all servers of a user's tell. */
#ifndef TL_BROKER_LIST_H
#define TL_BROKER_LIST_H

#include "trapline/broker.h"

int tl__broker_list(void (*each)(const struct tl_broker_link *link, void *data), void *data);

#endif
