/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The static probes that a file names itself. */
#ifndef TL_IMAGE_USDT_H
#define TL_IMAGE_USDT_H

#include "symbols.h"

struct tl__usdt {
	const char *provider, *name, *args; /* args: "-4@%edi 8@16(%rsp)" */
	uint64_t value;                     /* of its instruction, in the file's addresses */
	uint64_t semaphore;                 /* of the counter of who listens; 0: none */
};

/* Until on_probe returns non-zero, which is returned. Text is valid as long as the symbols. */
int tl__usdt_each(const struct tl__symbols *s,
		  int (*on_probe)(void *data, const struct tl__usdt *probe), void *data);

#endif
