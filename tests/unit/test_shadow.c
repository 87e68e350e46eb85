/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text as several debuggers see it: random writes of theirs, against a model that keeps a copy for
 * each. */
#include "shadow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LENGTH = TL__BREAK_LENGTH, UNITS = 24, SIZE = UNITS * LENGTH, TOOLS = 3, BASE = 0x1000 };

struct model {
	struct tl__shadow *text;
	uint8_t memory[SIZE], program[SIZE];
	bool owns[TOOLS][UNITS];
};

static const char tools[TOOLS]; /* whose addresses they are known by */

static void put_breakpoint(uint8_t *at)
{
	static const uint32_t brk = 0xd4200000;

	if (LENGTH == 1)
		*at = 0xcc;
	else
		memcpy(at, &brk, LENGTH);
}

static void view(const struct model *m, int tool, uint8_t bytes[SIZE])
{
	memcpy(bytes, m->memory, SIZE);
	tl__shadow_view(m->text, &tools[tool], BASE, bytes, SIZE);
}

static enum tl__write_kind write_as(struct model *m, int tool, size_t at, const void *bytes,
				    size_t len)
{
	uint8_t real[SIZE], before[SIZE];
	enum tl__write_kind kind;

	memcpy(before, m->memory + at, len);
	memcpy(real, bytes, len);
	kind = tl__shadow_kind(m->text, &tools[tool], BASE + at, before, bytes, len);
	tl__shadow_merge(m->text, &tools[tool], BASE + at, before, real, len);
	memcpy(m->memory + at, real, len);
	tl__shadow_written(m->text, &tools[tool], BASE + at, before, bytes, len, kind);
	return kind;
}

static void check(const struct model *m)
{
	for (int t = 0; t < TOOLS; t++) {
		uint8_t sees[SIZE], want[SIZE];
		bool any = false;

		memcpy(want, m->program, SIZE);
		for (int u = 0; u < UNITS; u++) {
			any |= m->owns[t][u];
			if (m->owns[t][u])
				put_breakpoint(want + u * LENGTH);
			assert_int_equal(
				tl__shadow_owns(m->text, BASE + (uint64_t)u * LENGTH, &tools[t]),
				m->owns[t][u]);
		}
		view(m, t, sees);
		assert_memory_equal(sees, want, SIZE);
		assert_int_equal(tl__shadow_owns_any(m->text, &tools[t]), any);
	}
	for (int u = 0; u < UNITS; u++) {
		bool any = false;

		for (int t = 0; t < TOOLS; t++)
			any |= m->owns[t][u];
		assert_int_equal(tl__shadow_is_breakpoint(m->memory + u * LENGTH), any);
		if (!any)
			assert_memory_equal(m->memory + u * LENGTH, m->program + u * LENGTH,
					    LENGTH);
	}
}

/* As a debugger does it that saves what it sees, and puts that back. */
static void toggle(struct model *m, int tool, int unit)
{
	uint8_t bytes[LENGTH];
	bool sets = !m->owns[tool][unit];

	memcpy(bytes, m->program + unit * LENGTH, LENGTH);
	if (sets)
		put_breakpoint(bytes);
	assert_int_equal(write_as(m, tool, (size_t)unit * LENGTH, bytes, LENGTH),
			 sets ? TL__WRITE_SETS : TL__WRITE_LIFTS);
	m->owns[tool][unit] = sets;
}

/* A word, as POKE writes it: what it sees, and one breakpoint more. */
static void set_in_word(struct model *m, int tool, int unit)
{
	enum { WORD = LENGTH < 8 ? 8 : LENGTH };
	size_t at = (size_t)unit * LENGTH / WORD * WORD;
	uint8_t sees[SIZE];

	view(m, tool, sees);
	put_breakpoint(sees + unit * LENGTH);
	write_as(m, tool, at, sees + at, WORD);
	m->owns[tool][unit] = true;
}

static void change(struct model *m, int tool, int unit)
{
	uint8_t bytes[LENGTH];

	for (int i = 0; i < LENGTH; i++)
		bytes[i] = (uint8_t)(m->program[unit * LENGTH + i] ^ 0x11);
	assert_int_equal(write_as(m, tool, (size_t)unit * LENGTH, bytes, LENGTH),
			 TL__WRITE_CHANGES);
	memcpy(m->program + unit * LENGTH, bytes, LENGTH);
	m->owns[tool][unit] = false;
}

static void lift(uint64_t addr, const void *under, size_t len, void *data)
{
	memcpy(((struct model *)data)->memory + (addr - BASE), under, len);
}

static void leave(struct model *m, int tool)
{
	tl__shadow_leave(m->text, &tools[tool], lift, m);
	memset(m->owns[tool], 0, sizeof(m->owns[tool]));
}

static void set_up(struct model *m)
{
	memset(m, 0, sizeof(*m));
	m->text = tl__shadow_new();
	assert_non_null(m->text);
	for (int i = 0; i < SIZE; i++)
		m->program[i] = m->memory[i] = (uint8_t)(i * 7 + 1) & 0x3f;
}

static void random_writes(void **state)
{
	struct model m;

	(void)state;
	srand(1);
	set_up(&m);
	for (int i = 0; i < 20000; i++) {
		int tool = rand() % TOOLS, unit = rand() % UNITS;

		switch (rand() % 16) {
		case 0:
			change(&m, tool, unit);
			break;
		case 1:
			leave(&m, tool);
			break;
		case 2:
		case 3:
			set_in_word(&m, tool, unit);
			break;
		default:
			toggle(&m, tool, unit);
		}
		check(&m);
	}
	for (int t = 0; t < TOOLS; t++)
		leave(&m, t);
	assert_memory_equal(m.memory, m.program, SIZE);
	tl__shadow_free(m.text);
}

static void a_copy_of_its_own(void **state)
{
	struct tl__shadow *copy;
	struct model m;

	(void)state;
	set_up(&m);
	toggle(&m, 0, 3);
	toggle(&m, 1, 3);
	copy = tl__shadow_copy(m.text);
	assert_non_null(copy);
	leave(&m, 0);
	assert_true(tl__shadow_owns(copy, BASE + 3 * LENGTH, &tools[0]));
	assert_true(tl__shadow_has_others(copy, &tools[0]));
	assert_false(tl__shadow_has_others(m.text, &tools[1]));
	tl__shadow_free(copy);
	check(&m);
	tl__shadow_free(m.text);
}

/* Instructions that are copied to be stepped there may hold a breakpoint's byte: they are text. */
static void copied_instructions(void **state)
{
	uint8_t bytes[4 * LENGTH], sees[SIZE];
	struct model m;

	(void)state;
	set_up(&m);
	for (int i = 0; i < (int)sizeof(bytes); i++)
		bytes[i] = (uint8_t)(0x90 + i);
	put_breakpoint(bytes + LENGTH);
	assert_int_equal(write_as(&m, 0, 0, bytes, sizeof(bytes)), TL__WRITE_CHANGES);
	view(&m, 1, sees);
	assert_memory_equal(sees, bytes, sizeof(bytes));
	assert_false(tl__shadow_has(m.text, BASE + LENGTH));
	tl__shadow_free(m.text);
}

/* A breakpoint that the program has itself stays everybody's. */
static void of_the_program(void **state)
{
	uint8_t brk[LENGTH], sees[SIZE];
	struct model m;

	(void)state;
	set_up(&m);
	put_breakpoint(brk);
	put_breakpoint(m.memory);
	assert_int_equal(write_as(&m, 0, 0, brk, LENGTH), TL__WRITE_NOTHING);
	view(&m, 1, sees);
	assert_memory_equal(sees, brk, LENGTH);
	assert_false(tl__shadow_has(m.text, BASE));
	tl__shadow_free(m.text);
}

/* The program has written over a breakpoint: nothing that is known of the place holds any more. */
static void written_over(void **state)
{
	uint8_t sees[SIZE];
	struct model m;

	(void)state;
	set_up(&m);
	toggle(&m, 0, 5);
	memset(m.memory + 5 * LENGTH, 0x42, LENGTH);
	view(&m, 1, sees);
	assert_memory_equal(sees, m.memory, SIZE);
	memset(m.program + 5 * LENGTH, 0x42, LENGTH);
	m.owns[0][5] = false;
	toggle(&m, 1, 5);
	check(&m);
	tl__shadow_free(m.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_writes),       cmocka_unit_test(a_copy_of_its_own),
		cmocka_unit_test(copied_instructions), cmocka_unit_test(of_the_program),
		cmocka_unit_test(written_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
