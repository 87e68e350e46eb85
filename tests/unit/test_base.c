/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* base: the hash under deletion, the text buffer, error names; sys: proc text and recordings that
 * lie. */
#include "err.h"
#include "fake.h"
#include "hash.h"
#include "strbuf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void hash_keeps_what_is_not_deleted(void **state)
{
	struct tl__hash h = { 0 };
	static char values[2000];

	(void)state;
	for (uint64_t i = 0; i < 2000; i++)
		assert_int_equal(tl__hash_put(&h, i * 7919, &values[i]), 0);
	for (uint64_t i = 0; i < 2000; i += 3)
		assert_ptr_equal(tl__hash_del(&h, i * 7919), &values[i]);
	for (uint64_t i = 0; i < 2000; i++)
		assert_ptr_equal(tl__hash_get(&h, i * 7919), i % 3 ? &values[i] : NULL);
	assert_null(tl__hash_del(&h, 1));
	tl__hash_done(&h);
	assert_null(tl__hash_get(&h, 7919));
}

static void strbuf_writes_numbers(void **state)
{
	struct tl__strbuf b = { 0 };

	(void)state;
	tl__strbuf_dec(&b, INT64_MIN);
	tl__strbuf_putc(&b, ' ');
	tl__strbuf_dec(&b, 0);
	tl__strbuf_putc(&b, ' ');
	tl__strbuf_hex(&b, 0);
	tl__strbuf_putc(&b, ' ');
	tl__strbuf_hex(&b, ~0ull);
	assert_string_equal(b.data, "-9223372036854775808 0 0 0xffffffffffffffff");
	tl__strbuf_clear(&b);
	for (int i = 0; i < 1000; i++)
		tl__strbuf_printf(&b, "%d,", i);
	assert_int_equal(b.len, 10 * 2 + 90 * 3 + 900 * 4);
	tl__strbuf_done(&b);
}

static void errors_are_filtered(void **state)
{
	(void)state;
	assert_int_equal(tl__err_public(-ESRCH), -ESRCH);
	assert_int_equal(tl__err_public(-EXDEV), -EIO);
	assert_int_equal(tl__err_public(5), 5);
	assert_string_equal(tl__err_name(-512), "ERESTARTSYS");
	assert_string_equal(tl__err_name(2), "ENOENT");
	assert_null(tl__err_name(4000));
}

static void proc_fields_are_found(void **state)
{
	static const char text[] =
		"Name:\tx\nTracerPid:\t42\nSigIgn:\t0000000000001000\nTgid:\t7\n";
	char value[8];

	(void)state;
	assert_int_equal(tl__proc_field_dec(text, "TracerPid"), 42);
	assert_int_equal(tl__proc_field_hex(text, "SigIgn"), 0x1000);
	assert_int_equal(tl__proc_field_dec(text, "Pid"), -1);
	assert_true(tl__proc_field(text, "Name", value, sizeof(value)));
	assert_string_equal(value, "x");
}

static int parse(const char *text)
{
	struct tl__sys *sys;
	int r = tl__sys_fake_parse(text, strlen(text), &sys);

	if (r == 0)
		sys->ops->close(sys);
	return r;
}

static void recordings_are_not_trusted(void **state)
{
	(void)state;
	assert_int_equal(parse(""), -EINVAL);
	assert_int_equal(parse("something else\n"), -EINVAL);
	assert_int_equal(parse("trapline-recording 1\n"), 0);
	assert_int_equal(parse("trapline-recording 1\nP 7\n"), -EINVAL);
	assert_int_equal(parse("trapline-recording 1\nM 1 0 4 4 abc\n"), -EINVAL);
	assert_int_equal(parse("trapline-recording 1\nM 1 0 4 4 zz\n"), -EINVAL);
	assert_int_equal(parse("trapline-recording 1\nF no-such-thing 1\n"), -EINVAL);
	assert_int_equal(parse("trapline-recording 1\nZ\n"), -EINVAL);
	assert_int_equal(parse("trapline-recording 1\nW 1 5 133 0\nM 5 10 2 2 0a0b\n"), 0);
}

/* Cuts and flips of a small valid recording: never a crash, whatever the answer. */
static void recordings_survive_damage(void **state)
{
	static const char good[] =
		"trapline-recording 1\nF syscall-info 1\nS 9\nW 1 9 19 0\n"
		"P 16897 9 0 0 8 0 0100000000000000\nM 9 7f00 3 3 616263\n"
		"R 9 0 5 4e616d65\nT 9 2 9 10\nG 9 10 1\nL 9 fd/1 3 616263\nE 0 0\n";
	char text[sizeof(good)];

	(void)state;
	srand(1);
	for (int i = 0; i < 20000; i++) {
		memcpy(text, good, sizeof(good));
		for (int k = 0; k < 1 + i % 4; k++)
			text[21 + (size_t)rand() % (sizeof(good) - 22)] = (char)(rand() % 255 + 1);
		text[sizeof(good) - 1 - (size_t)(rand() % 20)] = '\0';
		parse(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_keeps_what_is_not_deleted),
		cmocka_unit_test(strbuf_writes_numbers),
		cmocka_unit_test(errors_are_filtered),
		cmocka_unit_test(proc_fields_are_found),
		cmocka_unit_test(recordings_are_not_trusted),
		cmocka_unit_test(recordings_survive_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
