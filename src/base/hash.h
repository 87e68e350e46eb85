/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A hash from 64-bit keys to pointers, which answers -ENOMEM where the usual macros exit. */
#ifndef TL_BASE_HASH_H
#define TL_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tl__hash_slot {
	uint64_t key;
	void *value; /* NULL: free */
};

struct tl__hash {
	struct tl__hash_slot *slots;
	size_t cap; /* a power of two, or 0 */
	size_t used;
};

void *tl__hash_get(const struct tl__hash *h, uint64_t key);
/* Replaces what the key held. -ENOMEM leaves the table as it was. */
int tl__hash_put(struct tl__hash *h, uint64_t key, void *value);
/* Returns what was there, or NULL. */
void *tl__hash_del(struct tl__hash *h, uint64_t key);
/* Forgets those that keep says false of. Without memory it keeps all. */
void tl__hash_sweep(struct tl__hash *h, bool (*keep)(uint64_t key, void *value));
void tl__hash_done(struct tl__hash *h);

#endif
