/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* probe: SPEC, and which files it names. */
#include "probe.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct tl__spec spec;

static void is(const char *text, const char *module, const char *symbol, uint64_t offset,
	       bool every)
{
	assert_int_equal(tl__spec_parse(text, &spec), 0);
	assert_true(!module == !spec.module && (!module || !strcmp(module, spec.module)));
	assert_true(!symbol == !spec.symbol && (!symbol || !strcmp(symbol, spec.symbol)));
	assert_int_equal(spec.offset, offset);
	assert_int_equal(spec.every, every);
	tl__spec_done(&spec);
}

static void specs(void **state)
{
	static const char *const bad[] = { "",
					   ":",
					   "libc:",
					   ":main",
					   "+",
					   "main+x",
					   "0x10",
					   "libc:+",
					   "main+-1",
					   "libc:+4",
					   "main+0x10000000000000000" };

	(void)state;
	is("main", NULL, "main", 0, false);
	is("main+4", NULL, "main", 4, false);
	is("main+0x1f", NULL, "main", 0x1f, false);
	is("main+*", NULL, "main", 0, true);
	is("libc:mem*", "libc", "mem*", 0, false);
	is("/usr/lib/a+b/libx.so:f+*", "/usr/lib/a+b/libx.so", "f", 0, true);
	is("libc:0x1000", "libc", NULL, 0x1000, false);
	/* Names of C++ have colons and plus signs. */
	is("std::string::append", NULL, "std::string::append", 0, false);
	is("libx:a::b+8", "libx", "a::b", 8, false);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (tl__spec_parse(bad[i], &spec) != -EINVAL)
			fail_msg("%s is a SPEC", bad[i]);
}

static bool names(const char *text, const char *path, bool main)
{
	bool r;

	assert_int_equal(tl__spec_parse(text, &spec), 0);
	r = tl__spec_names_module(&spec, path, main);
	tl__spec_done(&spec);
	return r;
}

static void modules(void **state)
{
	(void)state;
	assert_true(names("f", "/bin/sh", true));
	assert_false(names("f", "/lib/libc.so.6", false));
	assert_true(names("libc:f", "/lib/libc.so.6", false));
	assert_true(names("libc:f", "/lib/libc-2.36.so", false));
	assert_true(names("libc.so.6:f", "/lib/libc.so.6", false));
	assert_false(names("libc:f", "/lib/libcrypto.so.3", false));
	assert_true(names("libc*:f", "/lib/libcrypto.so.3", false));
	assert_true(names("/lib/*/libc.so.6:f", "/lib/x/libc.so.6", false));
	assert_false(names("/usr/lib/libc.so.6:f", "/lib/libc.so.6", false));
	assert_true(names("sh:f", "/bin/sh", true));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(specs), cmocka_unit_test(modules) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
