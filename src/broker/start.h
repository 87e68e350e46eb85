/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The broker's processes. */
#ifndef TL_BROKER_START_H
#define TL_BROKER_START_H

#include "trapline/broker.h"

int tl__broker_run(const struct tl_broker_options *o, int *ret_status);

#endif
