/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between start.c, which makes the processes, and what each of them does. */
#ifndef TL_BROKER_SERVE_H
#define TL_BROKER_SERVE_H

#include "trapline/broker.h"

#include <stdint.h>
#include <sys/types.h>

/* The server's life. SIGCHLD is blocked. front: where the first tool's status goes. */
struct tl__open;
int tl__serve(int listener, int front, pid_t first, struct tl__open *open,
	      const struct tl_broker_options *o);

#endif
