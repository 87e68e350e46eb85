/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Debug registers of several tracers in one task's: random ones, and what each sees of a hit. */
#include "watches.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TRACERS = 3 };

static void enable(struct tl__watches *w, int i, uint64_t addr, unsigned kind)
{
	uint64_t control = w->control & ~(0xfull << (16 + 4 * i));

	w->used = true;
	w->each[i].addr = addr;
	tl__watches_note_control(w, control | 1ull << (2 * i) | (uint64_t)kind << (16 + 4 * i));
}

static void disable(struct tl__watches *w, int i)
{
	tl__watches_note_control(w, w->control & ~(3ull << (2 * i)));
}

static int place(struct tl__watches all[TRACERS], int which)
{
	const struct tl__watches *others[TRACERS - 1];
	size_t n = 0;

	for (int i = 0; i < TRACERS; i++)
		if (i != which)
			others[n++] = &all[i];
	return tl__watches_place(&all[which], TL__WATCHES_X86, others, n);
}

/* Whether the task's registers have just what the tracers have enabled. */
static void check(const struct tl__watches all[TRACERS])
{
	const struct tl__watches *list[TRACERS] = { &all[0], &all[1], &all[2] };
	struct tl__watch task[TL__WATCHES_MOST];
	uint64_t control;

	tl__watches_merge(list, TRACERS, task);
	control = tl__watches_control(list, TRACERS, task);
	for (int w = 0; w < TRACERS; w++)
		for (int i = 0; i < TL__WATCHES_X86; i++) {
			int at = all[w].each[i].place_plus_1 - 1;

			assert_int_equal(at >= 0, (all[w].control >> (2 * i) & 3) != 0);
			if (at < 0)
				continue;
			assert_true(control >> (2 * at) & 3);
			assert_true(task[at].addr == all[w].each[i].addr);
			assert_int_equal(control >> (16 + 4 * at) & 0xf,
					 all[w].control >> (16 + 4 * i) & 0xf);
			assert_true(tl__watches_status(&all[w], 1ull << at) & 1ull << i);
			assert_true(tl__watches_bits(&all[w]) & 1ull << at);
		}
	/* And nothing else. */
	for (int at = 0; at < TL__WATCHES_X86; at++) {
		bool somebodys = false;

		for (int w = 0; w < TRACERS; w++)
			somebodys |= tl__watches_bits(&all[w]) >> at & 1;
		assert_int_equal((control >> (2 * at) & 3) != 0, somebodys);
	}
}

/* Whether there is really no room: those that others have are shared, each once. */
static bool is_full(const struct tl__watches all[TRACERS], int which)
{
	const struct tl__watches *w = &all[which];
	uint64_t taken = 0, shared = 0;
	int need = 0, free_ones = 0;

	for (int o = 0; o < TRACERS; o++)
		taken |= o == which ? 0 : tl__watches_bits(&all[o]);
	for (int i = 0; i < TL__WATCHES_X86; i++) {
		bool has = false;

		if (!(w->control >> (2 * i) & 3))
			continue;
		for (int o = 0; o < TRACERS; o++)
			for (int j = 0; j < TL__WATCHES_X86 && !has && o != which; j++) {
				int8_t place = all[o].each[j].place_plus_1;
				uint64_t bit = place ? 1ull << (place - 1) : 0;

				has = place && !(shared & bit) &&
				      all[o].each[j].addr == w->each[i].addr &&
				      !((all[o].control >> (16 + 4 * j) ^
					 w->control >> (16 + 4 * i)) &
					0xf);
				shared |= has ? bit : 0;
			}
		need += !has;
	}
	for (int i = 0; i < TL__WATCHES_X86; i++)
		free_ones += !(taken >> i & 1);
	return need > free_ones;
}

static void random_ones(void **state)
{
	struct tl__watches all[TRACERS] = { 0 };
	unsigned refused = 0, placed = 0;

	(void)state;
	srand(1);
	for (int round = 0; round < 200000; round++) {
		int w = rand() % TRACERS, i = rand() % TL__WATCHES_X86;
		struct tl__watches before = all[w];

		if (rand() % 2)
			disable(&all[w], i);
		else
			enable(&all[w], i, 0x1000 + (uint64_t)(rand() % 5) * 8,
			       (unsigned)(rand() % 3));
		if (place(all, w) < 0) {
			assert_true(is_full(all, w));
			all[w] = before;
			refused++;
		} else {
			placed++;
		}
		check(all);
	}
	assert_true(refused > 100 && placed > refused);
}

static void alone_as_it_is(void **state)
{
	struct tl__watches all[TRACERS] = { 0 };
	const struct tl__watches *list[1] = { &all[0] };
	struct tl__watch task[TL__WATCHES_MOST];

	(void)state;
	enable(&all[0], 2, 0x1000, 1);
	enable(&all[0], 0, 0x2000, 0xd);
	tl__watches_note_control(&all[0], all[0].control | 0x100);
	assert_int_equal(place(all, 0), 0);
	tl__watches_merge(list, 1, task);
	assert_true(tl__watches_control(list, 1, task) == all[0].control);
	assert_true(task[0].addr == 0x2000 && task[2].addr == 0x1000);
}

/* The first one's stay where they are. */
static void second_beside_it(void **state)
{
	struct tl__watches all[TRACERS] = { 0 };

	(void)state;
	enable(&all[0], 0, 0x1000, 1);
	assert_int_equal(place(all, 0), 0);
	enable(&all[1], 0, 0x2000, 1);
	assert_int_equal(place(all, 1), 0);
	assert_int_equal(all[0].each[0].place_plus_1, 1);
	assert_int_equal(all[1].each[0].place_plus_1, 2);
	/* A hit of the second's, in the task's second register, is in its own first. */
	assert_int_equal(tl__watches_status(&all[1], 2), 1);
	assert_int_equal(tl__watches_status(&all[0], 2), 0);
	for (int i = 1; i < 4; i++)
		enable(&all[0], i, 0x3000 + (uint64_t)i, 1);
	assert_int_equal(place(all, 0), -ENOSPC);
	disable(&all[0], 3);
	assert_int_equal(place(all, 0), 0);
	check(all);
}

/* arm64: type, and a bit for each byte from two bits up. */
static void one(struct tl__watches *w, int i, uint64_t addr, unsigned bytes)
{
	w->used = true;
	w->each[i] = (struct tl__watch){ .addr = addr, .kind = bytes << 2 | 2, .enables = 1 };
}

static void more_places(void **state)
{
	struct tl__watches all[TRACERS] = { 0 };
	const struct tl__watches *others[2] = { &all[0], &all[1] };

	(void)state;
	for (int i = 0; i < 3; i++)
		one(&all[0], i, 0x1000 + 8 * (unsigned)i, 0xff);
	one(&all[1], 0, 0x1008, 0xff);
	one(&all[1], 1, 0x2000, 0xf);
	assert_int_equal(tl__watches_place(&all[0], 6, others, 0), 0);
	assert_int_equal(tl__watches_place(&all[1], 6, others, 1), 0);
	/* The first of the second's is the first one's second. */
	assert_int_equal(tl__watches_bits(&all[0]), 7);
	assert_int_equal(tl__watches_bits(&all[1]), 2 | 8);
	for (int i = 0; i < 3; i++)
		one(&all[2], i, 0x3000 + 8 * (unsigned)i, 0xff);
	assert_int_equal(tl__watches_place(&all[2], 6, others, 2), -ENOSPC);
	assert_int_equal(tl__watches_bits(&all[2]), 0);
	all[2].each[1].enables = 0;
	assert_int_equal(tl__watches_place(&all[2], 6, others, 2), 0);
	assert_int_equal(tl__watches_bits(&all[2]), 16 | 32);
	/* Of one that is off nothing is there. */
	assert_true(tl__watches_distance(&all[2], 0x3008) == 1);
}

static void how_far(void **state)
{
	struct tl__watches w = { 0 };

	(void)state;
	assert_true(tl__watches_distance(&w, 0) == UINT64_MAX);
	one(&w, 3, 0x1000, 0x3c);
	assert_int_equal(tl__watches_place(&w, 16, NULL, 0), 0);
	assert_true(tl__watches_distance(&w, 0x1001) == 1);
	assert_true(tl__watches_distance(&w, 0x1002) == 0 && tl__watches_distance(&w, 0x1005) == 0);
	assert_true(tl__watches_distance(&w, 0x1008) == 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(more_places),      cmocka_unit_test(how_far),
		cmocka_unit_test(random_ones),      cmocka_unit_test(alone_as_it_is),
		cmocka_unit_test(second_beside_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
