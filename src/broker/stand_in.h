/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the front does when the server has been killed. */
#ifndef TL_BROKER_STAND_IN_H
#define TL_BROKER_STAND_IN_H

#include <sys/types.h>

/* Serves the listener until the tool is dead: the status that it is said to have ended with. */
struct tl__open;
int tl__stand_in(int listener, pid_t tool, struct tl__open *open);

#endif
