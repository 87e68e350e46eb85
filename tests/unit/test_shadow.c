/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text as several debuggers see it: random writes of theirs, against a model that keeps a copy for
 * each. */
#include "shadow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { UNITS = 24, SIZE = 4 * UNITS, TOOLS = 3, BASE = 0x1000 };

struct model {
	enum tl__code code;
	struct tl__shadow *text;
	uint8_t memory[SIZE], program[SIZE];
	struct {
		size_t at, len;
	} insn[UNITS];
	bool owns[TOOLS][UNITS];
};

static const char tools[TOOLS]; /* whose addresses they are known by */
static const enum tl__code codes[] = { TL__CODE_X86, TL__CODE_A64, TL__CODE_A32 };

static void put_breakpoint(const struct model *m, uint8_t *at, size_t len)
{
	static const uint8_t brk[4] = { 0, 0, 0x20, 0xd4 }, udf[4] = { 0xf0, 0xf7, 0, 0xa0 },
			     thumb[2] = { 0x01, 0xde };

	if (m->code == TL__CODE_X86)
		*at = 0xcc;
	else
		memcpy(at, m->code == TL__CODE_A64 ? brk : len == 4 ? udf : thumb, len);
}

static void view(const struct model *m, int tool, uint8_t bytes[SIZE])
{
	memcpy(bytes, m->memory, SIZE);
	tl__shadow_view(m->text, &tools[tool], BASE, bytes, SIZE);
}

static enum tl__write_kind write_as(struct model *m, int tool, size_t at, const void *bytes,
				    size_t len)
{
	uint8_t real[SIZE], before[SIZE], sees[SIZE];
	enum tl__write_kind kind;

	memcpy(before, m->memory + at, len);
	memcpy(sees, before, len);
	memcpy(real, bytes, len);
	tl__shadow_view(m->text, &tools[tool], BASE + at, sees, len);
	kind = tl__shadow_kind(m->text, &tools[tool], BASE + at, sees, bytes, len);
	tl__shadow_merge(m->text, &tools[tool], BASE + at, before, real, len);
	memcpy(m->memory + at, real, len);
	tl__shadow_written(m->text, &tools[tool], BASE + at, before, bytes, len, kind);
	return kind;
}

/* As much as it reads at once, and a piece of that. */
static void check_view(const struct model *m, int tool, const uint8_t want[SIZE])
{
	size_t from = (size_t)rand() % SIZE, len = 1 + (size_t)rand() % (SIZE - from);
	uint8_t sees[SIZE];

	view(m, tool, sees);
	assert_memory_equal(sees, want, SIZE);
	memcpy(sees, m->memory + from, len);
	tl__shadow_view(m->text, &tools[tool], BASE + from, sees, len);
	assert_memory_equal(sees, want + from, len);
}

static void check(const struct model *m)
{
	for (int t = 0; t < TOOLS; t++) {
		uint8_t want[SIZE];
		bool any = false;

		memcpy(want, m->program, SIZE);
		for (int u = 0; u < UNITS; u++) {
			any |= m->owns[t][u];
			if (m->owns[t][u])
				put_breakpoint(m, want + m->insn[u].at, m->insn[u].len);
			assert_int_equal(tl__shadow_owns(m->text, BASE + m->insn[u].at, &tools[t]),
					 m->owns[t][u]);
		}
		check_view(m, t, want);
		assert_int_equal(tl__shadow_owns_any(m->text, &tools[t]), any);
	}
	for (int u = 0; u < UNITS; u++) {
		size_t at = m->insn[u].at, len = m->insn[u].len;
		bool any = false;

		for (int t = 0; t < TOOLS; t++)
			any |= m->owns[t][u];
		assert_int_equal(tl__shadow_breakpoint(m->code, m->memory + at, len),
				 any ? len : 0);
		if (!any)
			assert_memory_equal(m->memory + at, m->program + at, len);
	}
}

/* As a debugger does it that saves what it sees, and puts that back. */
static void toggle(struct model *m, int tool, int unit)
{
	size_t at = m->insn[unit].at, len = m->insn[unit].len;
	bool sets = !m->owns[tool][unit];
	uint8_t bytes[4];

	memcpy(bytes, m->program + at, len);
	if (sets)
		put_breakpoint(m, bytes, len);
	assert_int_equal(write_as(m, tool, at, bytes, len),
			 sets ? TL__WRITE_SETS : TL__WRITE_LIFTS);
	m->owns[tool][unit] = sets;
}

/* A word, as POKE writes it: what it sees, and one breakpoint more. */
static void set_in_word(struct model *m, int tool, int unit)
{
	enum { WORD = 8 };
	size_t from = m->insn[unit].at / WORD * WORD, len = m->insn[unit].len;
	uint8_t sees[SIZE];

	if (m->insn[unit].at + len > from + WORD)
		return;
	view(m, tool, sees);
	put_breakpoint(m, sees + m->insn[unit].at, len);
	write_as(m, tool, from, sees + from, WORD);
	m->owns[tool][unit] = true;
}

static void change(struct model *m, int tool, int unit)
{
	size_t at = m->insn[unit].at, len = m->insn[unit].len;
	uint8_t bytes[4];

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(m->program[at + i] ^ 0x11);
	assert_int_equal(write_as(m, tool, at, bytes, len), TL__WRITE_CHANGES);
	memcpy(m->program + at, bytes, len);
	m->owns[tool][unit] = false;
}

/* Half of an instruction, with what it sees there: nothing happens. */
static void put_back_half(struct model *m, int tool, int unit)
{
	size_t at = m->insn[unit].at, len = m->insn[unit].len / 2;
	uint8_t sees[SIZE];

	if (m->code != TL__CODE_A32 || len < 2)
		return;
	at += rand() % 2 ? len : 0;
	view(m, tool, sees);
	assert_int_equal(write_as(m, tool, at, sees + at, len), TL__WRITE_NOTHING);
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

/* Thumb's instructions have two lengths. */
static size_t length_of(enum tl__code code, int unit)
{
	if (code == TL__CODE_A32)
		return unit % 3 == 0 || unit % 7 == 0 ? 2 : 4;
	return code == TL__CODE_X86 ? 1 : 4;
}

static void set_up(struct model *m, enum tl__code code)
{
	size_t at = 0;

	memset(m, 0, sizeof(*m));
	m->code = code;
	m->text = tl__shadow_new(code);
	assert_non_null(m->text);
	for (int i = 0; i < SIZE; i++)
		m->program[i] = m->memory[i] = (uint8_t)(i * 7 + 1) & 0x3f;
	for (int u = 0; u < UNITS; u++) {
		m->insn[u].at = at;
		m->insn[u].len = length_of(code, u);
		at += m->insn[u].len;
	}
}

static void write_at_random(enum tl__code code)
{
	struct model m;

	set_up(&m, code);
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
		case 4:
			put_back_half(&m, tool, unit);
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

static void random_writes(void **state)
{
	(void)state;
	srand(1);
	for (size_t i = 0; i < tl__array_len(codes); i++)
		write_at_random(codes[i]);
}

static void a_copy_of_its_own(void **state)
{
	struct tl__shadow *copy;
	struct model m;

	(void)state;
	set_up(&m, TL__CODE_A32);
	toggle(&m, 0, 3);
	toggle(&m, 1, 3);
	copy = tl__shadow_copy(m.text);
	assert_non_null(copy);
	leave(&m, 0);
	assert_int_equal(tl__shadow_code(copy), TL__CODE_A32);
	assert_true(tl__shadow_owns(copy, BASE + m.insn[3].at, &tools[0]));
	assert_true(tl__shadow_has_others(copy, &tools[0]));
	assert_false(tl__shadow_has_others(m.text, &tools[1]));
	tl__shadow_free(copy);
	check(&m);
	tl__shadow_free(m.text);
}

/* Instructions that are copied to be stepped there may hold a breakpoint's byte: they are text. */
static void copied_instructions(void **state)
{
	(void)state;
	for (size_t c = 0; c < tl__array_len(codes); c++) {
		uint8_t bytes[16], sees[SIZE];
		struct model m;

		set_up(&m, codes[c]);
		for (int i = 0; i < (int)sizeof(bytes); i++)
			bytes[i] = (uint8_t)(0x90 + i);
		put_breakpoint(&m, bytes + 4, 4);
		assert_int_equal(write_as(&m, 0, 0, bytes, sizeof(bytes)), TL__WRITE_CHANGES);
		view(&m, 1, sees);
		assert_memory_equal(sees, bytes, sizeof(bytes));
		assert_false(tl__shadow_has(m.text, BASE + 4));
		tl__shadow_free(m.text);
	}
}

/* A breakpoint that the program has itself stays everybody's. */
static void of_the_program(void **state)
{
	(void)state;
	for (size_t c = 0; c < tl__array_len(codes); c++) {
		uint8_t brk[4], sees[SIZE];
		struct model m;
		size_t len;

		set_up(&m, codes[c]);
		len = m.insn[0].len;
		put_breakpoint(&m, brk, len);
		put_breakpoint(&m, m.memory, len);
		assert_int_equal(write_as(&m, 0, 0, brk, len), TL__WRITE_NOTHING);
		view(&m, 1, sees);
		assert_memory_equal(sees, brk, len);
		assert_false(tl__shadow_has(m.text, BASE));
		tl__shadow_free(m.text);
	}
}

/* The program has written over a breakpoint: nothing that is known of the place holds any more. */
static void written_over(void **state)
{
	(void)state;
	for (size_t c = 0; c < tl__array_len(codes); c++) {
		uint8_t sees[SIZE];
		struct model m;

		set_up(&m, codes[c]);
		toggle(&m, 0, 5);
		memset(m.memory + m.insn[5].at, 0x42, m.insn[5].len);
		view(&m, 1, sees);
		assert_memory_equal(sees, m.memory, SIZE);
		memset(m.program + m.insn[5].at, 0x42, m.insn[5].len);
		m.owns[0][5] = false;
		toggle(&m, 1, 5);
		check(&m);
		tl__shadow_free(m.text);
	}
}

/* Those that the kernel knows (aarch32_break_handler), of all conditions; and bkpt. */
static void breakpoints_of_aarch32(void **state)
{
	static const struct {
		uint8_t bytes[4];
		size_t len;
	} them[] = { { { 0xf0, 0x01, 0xf0, 0xe7 }, 4 }, { { 0xf0, 0x01, 0xf0, 0x07 }, 4 },
		     { { 0xf0, 0xf7, 0x00, 0xa0 }, 4 }, { { 0x01, 0xde, 0x00, 0xbf }, 2 },
		     { { 0x05, 0xbe, 0x00, 0xbf }, 2 }, { { 0x71, 0x00, 0x20, 0xe1 }, 4 },
		     { { 0xf0, 0xf7, 0x00, 0x80 }, 0 }, { { 0x00, 0xdf, 0x00, 0xbf }, 0 },
		     { { 0x00, 0x00, 0x20, 0xd4 }, 0 }, { { 0xcc, 0xcc, 0xcc, 0xcc }, 0 } };

	(void)state;
	for (size_t i = 0; i < tl__array_len(them); i++) {
		assert_int_equal(tl__shadow_breakpoint(TL__CODE_A32, them[i].bytes, 4),
				 them[i].len);
		assert_int_equal(tl__shadow_breakpoint(TL__CODE_A32, them[i].bytes, 2),
				 them[i].len == 2 ? 2 : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_writes),       cmocka_unit_test(a_copy_of_its_own),
		cmocka_unit_test(copied_instructions), cmocka_unit_test(of_the_program),
		cmocka_unit_test(written_over),        cmocka_unit_test(breakpoints_of_aarch32),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
