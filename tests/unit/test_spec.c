/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* probe: SPEC, and which files it names. */
#include "probe.h"

#include "condition.h"
#include "operand.h"

#include <elf.h>
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
					   "10",
					   "libc:+",
					   "main+-1",
					   "libc:+4",
					   "main+0x10000000000000000",
					   "libc:1a",
					   "a.c:0",
					   ":7",
					   "x y",
					   "f(foo)",
					   "f(int",
					   "f(int) x",
					   "f(int) = ",
					   "f+4(int)",
					   "f+*(int)",
					   "a.c:7(int)",
					   "f if ",
					   "f if a >",
					   "f if (a",
					   "f if a b",
					   "f if \"a",
					   "f if \"\\q\" == a",
					   "f if a[b]",
					   "f if a->",
					   "f if a.1",
					   "f if 1x",
					   "f if 'ab'",
					   "f if a == b == c" };

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

static void lines_and_types(void **state)
{
	(void)state;
	assert_int_equal(tl__spec_parse("src/a.c:42", &spec), 0);
	assert_string_equal(spec.file, "src/a.c");
	assert_int_equal(spec.line, 42);
	assert_null(spec.module);
	tl__spec_done(&spec);
	assert_int_equal(tl__spec_parse("libx:a.c:7", &spec), 0);
	assert_string_equal(spec.module, "libx");
	assert_string_equal(spec.file, "a.c");
	tl__spec_done(&spec);
	assert_int_equal(tl__spec_parse("libc:fopen(str, str) = ptr if arg1 != 0", &spec), 0);
	assert_string_equal(spec.symbol, "fopen");
	assert_true(spec.types.given && spec.types.n == 2);
	assert_non_null(spec.condition);
	tl__spec_done(&spec);
	assert_int_equal(tl__spec_parse("0x401000 if $tid == 3", &spec), 0);
	assert_true(spec.absolute && spec.offset == 0x401000 && !spec.module && !spec.symbol);
	tl__spec_done(&spec);
	assert_int_equal(tl__spec_parse("f if $ret == 0", &spec), 0);
	assert_true(spec.condition->on_result && !spec.absolute);
	tl__spec_done(&spec);
	assert_int_equal(tl__spec_parse("f()", &spec), 0);
	assert_true(spec.types.given && spec.types.n == 0);
	tl__spec_done(&spec);
}

/* The terms in the order in which they come to be, as letters. */
static void shape(const char *text, const char *wanted)
{
	static const char letters[] = "0fsnm[*!-|&=~<l>g^";
	struct tl__condition *c;
	char seen[64] = "";

	if (tl__condition_parse(text, &c) < 0)
		fail_msg("%s is no condition", text);
	for (unsigned i = 0; i < c->n; i++)
		seen[i] = letters[c->terms[i].kind];
	assert_string_equal(seen, wanted);
	tl__condition_free(c);
}

static void conditions(void **state)
{
	char deep[512];
	struct tl__condition *c;

	(void)state;
	shape("a", "n");
	shape("a == 1", "n0=");
	shape("a&1 == 0", "n0^0=");
	shape("a && b || c && d", "nn&nn&|");
	shape("a && (b || c)", "nnn|&");
	shape("!a->b.c[3]", "nmm0[!");
	shape("*a->b < -1.5", "nm*f-<");
	shape("name != \"x\\n\\\"\"", "ns~");
	shape("c <= 'a' && c >= '\\0'", "n0ln0g&");
	shape("$tid > 0x10", "n0>");
	/* No deeper than a stack will bear. */
	memset(deep, '(', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	assert_int_equal(tl__condition_parse(deep, &c), -EINVAL);
	memset(deep, '!', sizeof(deep) - 1);
	assert_int_equal(tl__condition_parse(deep, &c), -EINVAL);
}

static void statics(void **state)
{
	(void)state;
	assert_int_equal(tl__spec_parse("libc:libc:setjmp(hex, int)", &spec), 0);
	assert_string_equal(spec.module, "libc");
	assert_string_equal(spec.provider, "libc");
	assert_string_equal(spec.symbol, "setjmp");
	assert_int_equal(spec.types.n, 2);
	tl__spec_done(&spec);
	assert_int_equal(tl__spec_parse("python3*:python:gc__*", &spec), 0);
	tl__spec_done(&spec);
	assert_int_equal(tl__spec_parse("a:b:", &spec), -EINVAL);
	assert_int_equal(tl__spec_parse("a:b:c:d", &spec), -EINVAL);
	assert_int_equal(tl__spec_parse("a:b:c+4", &spec), -EINVAL);
}

/* size, sign, "base", "index", scale, number, memory */
static void operand(uint16_t machine, const char *text, int size, const char *base,
		    const char *index, unsigned scale, int64_t number, bool memory)
{
	const char *at = text;
	struct tl__operand o;

	assert_true(tl__operand_next(machine, &at, &o));
	if (!o.known)
		fail_msg("%s is not known", text);
	assert_int_equal(o.is_signed ? -o.size : o.size, size);
	assert_string_equal(o.has_base ? o.base : "", base);
	assert_string_equal(o.has_index ? o.index : "", index);
	assert_true(!o.has_index || o.scale == scale);
	assert_int_equal(o.number, number);
	assert_int_equal(o.in_memory, memory);
	assert_false(tl__operand_next(machine, &at, &o));
}

static void operands(void **state)
{
	static const char *const unknown[] = { "8f@%xmm0", "8@sym(%rip)", "8@%rfoo",
					       "8@",       "16@%rax",     "@%rax",
					       "8@(%rax",  "4@$x",        "8" };
	const char *at = "-4@%edi  8@$0x10 1@-3(%rbp,%rcx,8)";
	struct tl__operand o;

	(void)state;
	operand(EM_X86_64, "-4@%edi", -4, "rdi", "", 0, 0, false);
	operand(EM_X86_64, "1@%r11b", 1, "r11", "", 0, 0, false);
	operand(EM_X86_64, "8@$-5", 8, "", "", 0, -5, false);
	operand(EM_X86_64, "8@16(%rsp)", 8, "rsp", "", 0, 16, true);
	operand(EM_X86_64, "-8@-40(%rbp,%rdx,4)", -8, "rbp", "rdx", 4, -40, true);
	operand(EM_X86_64, "8@(%rax)", 8, "rax", "", 0, 0, true);
	operand(EM_386, "4@8(%ebp)", 4, "ebp", "", 0, 8, true);
	operand(EM_386, "1@%al", 1, "eax", "", 0, 0, false);
	operand(EM_AARCH64, "-4@w3", -4, "x3", "", 0, 0, false);
	operand(EM_AARCH64, "8@[sp, 24]", 8, "sp", "", 0, 24, true);
	operand(EM_AARCH64, "8@[x29,-8]", 8, "x29", "", 0, -8, true);
	operand(EM_AARCH64, "8@[x1]", 8, "x1", "", 0, 0, true);
	operand(EM_AARCH64, "-4@-3", -4, "", "", 0, -3, false);
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		const char *one = unknown[i];

		assert_true(tl__operand_next(EM_X86_64, &one, &o));
		if (o.known)
			fail_msg("%s is known", unknown[i]);
	}
	for (int i = 0; i < 3; i++)
		assert_true(tl__operand_next(EM_X86_64, &at, &o) && o.known);
	assert_false(tl__operand_next(EM_X86_64, &at, &o));
	at = "1@%ah";
	assert_true(tl__operand_next(EM_X86_64, &at, &o) && o.known && o.shift == 8);
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
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(specs),      cmocka_unit_test(lines_and_types),
		cmocka_unit_test(conditions), cmocka_unit_test(statics),
		cmocka_unit_test(operands),   cmocka_unit_test(modules)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
