/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Open addressing with linear probing; deletion shifts the run back, so there are no tombstones. */
#include "hash.h"

#include <errno.h>
#include <stdlib.h>

static size_t home(const struct tl__hash *h, uint64_t key)
{
	return (size_t)((key * 0x9e3779b97f4a7c15ull) >> 32) & (h->cap - 1);
}

static struct tl__hash_slot *probe(const struct tl__hash *h, uint64_t key)
{
	size_t i = home(h, key);

	while (h->slots[i].value && h->slots[i].key != key)
		i = (i + 1) & (h->cap - 1);
	return &h->slots[i];
}

void *tl__hash_get(const struct tl__hash *h, uint64_t key)
{
	return h->cap ? probe(h, key)->value : NULL;
}

static int grow(struct tl__hash *h)
{
	struct tl__hash bigger = { .cap = h->cap ? h->cap * 2 : 16, .used = h->used };

	bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < h->cap; i++)
		if (h->slots[i].value)
			*probe(&bigger, h->slots[i].key) = h->slots[i];
	free(h->slots);
	*h = bigger;
	return 0;
}

int tl__hash_put(struct tl__hash *h, uint64_t key, void *value)
{
	struct tl__hash_slot *slot;

	if (h->used * 4 >= h->cap * 3) {
		int r = grow(h);

		if (r < 0)
			return r;
	}
	slot = probe(h, key);
	if (!slot->value)
		h->used++;
	slot->key = key;
	slot->value = value;
	return 0;
}

void *tl__hash_del(struct tl__hash *h, uint64_t key)
{
	struct tl__hash_slot *slot;
	void *value;
	size_t hole, i;

	if (!h->cap)
		return NULL;
	slot = probe(h, key);
	value = slot->value;
	if (!value)
		return NULL;
	hole = (size_t)(slot - h->slots);
	for (i = (hole + 1) & (h->cap - 1); h->slots[i].value; i = (i + 1) & (h->cap - 1)) {
		size_t want = home(h, h->slots[i].key);

		/* Move back unless the entry's home lies cyclically in (hole, i]. */
		if (((i - want) & (h->cap - 1)) >= ((i - hole) & (h->cap - 1))) {
			h->slots[hole] = h->slots[i];
			hole = i;
		}
	}
	h->slots[hole].value = NULL;
	h->used--;
	return value;
}

void tl__hash_sweep(struct tl__hash *h, bool (*keep)(uint64_t key, void *value))
{
	struct tl__hash kept = { 0 };

	for (size_t i = 0; i < h->cap; i++) {
		const struct tl__hash_slot *s = &h->slots[i];

		if (!s->value || !keep(s->key, s->value))
			continue;
		if (tl__hash_put(&kept, s->key, s->value) < 0) {
			tl__hash_done(&kept);
			return;
		}
	}
	tl__hash_done(h);
	*h = kept;
}

void tl__hash_done(struct tl__hash *h)
{
	free(h->slots);
	*h = (struct tl__hash){ 0 };
}
