/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* decode: rows, texts from a buffer instead of a task, and garbage that must not hurt. */
#include "decode.h"
#include "decoder.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Memory at 0x1000: one page and a bit; nothing else can be read. */
static unsigned char memory[5000];
enum { BASE = 0x1000 };

static int64_t read_mem(void *data, tl_addr addr, void *buf, size_t len)
{
	size_t n;

	(void)data;
	if (addr < BASE || addr >= BASE + sizeof(memory))
		return -EFAULT;
	n = BASE + sizeof(memory) - addr;
	if (n > len)
		n = len;
	memcpy(buf, memory + (addr - BASE), n);
	return (int64_t)n;
}

static const struct tl_source source = { .size = sizeof(source), .read_mem = read_mem };

static void expect(struct tl_syscall call, const char *entry, const char *exit, const char *result)
{
	struct tl__decoder d = { .max_string = 32 };
	struct tl_decode_state st;

	if (call.ret < 0 && call.ret >= -4095)
		call.flags |= TL_SYSCALL_FAILED;
	tl__decode_entry(&d, &call, &source, &st);
	assert_string_equal(tl__decoder_text(&d), entry);
	tl__decode_exit(&d, &call, &source, &st);
	assert_string_equal(tl__decoder_text(&d), exit);
	tl__decode_result(&d, &call, &source);
	assert_string_equal(tl__decoder_text(&d), result);
	tl__strbuf_done(&d.text);
}

static void lines_read_as_strace_writes_them(void **state)
{
	(void)state;
	strcpy((char *)memory, "/etc/passwd");
	memcpy(memory + 100, "a\n\0018b\"\xff", 7);
	expect((struct tl_syscall){ .abi = TL_ABI_X86_64,
				    .nr = 257,
				    .args = { (uint64_t)-100, BASE, 0x80241, 0644 },
				    .ret = 3 },
	       "openat(AT_FDCWD, \"/etc/passwd\", O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0644", ")",
	       "3");
	expect(
		(struct tl_syscall){
			.abi = TL_ABI_X86_64, .nr = 0, .args = { 3, BASE + 100, 4096 }, .ret = 7 },
		"read(3, ", "\"a\\n\\18b\\\"\\377\", 4096)", "7");
	expect((struct tl_syscall){ .abi = TL_ABI_X86_64,
				    .nr = 0,
				    .args = { 3, BASE + 100, 4096 },
				    .ret = -EBADF },
	       "read(3, ", "0x1064, 4096)", "-1 EBADF (Bad file descriptor)");
	expect(
		(struct tl_syscall){
			.abi = TL_ABI_X86_64, .nr = 0, .args = { 3, 0xdead0000, 10 }, .ret = -512 },
		"read(3, ", "0xdead0000, 10)",
		"? ERESTARTSYS (To be restarted if SA_RESTART is set)");
	expect((struct tl_syscall){ .abi = TL_ABI_I386, .nr = 5, .args = { BASE, 0 }, .ret = 4 },
	       "open(\"/etc/passwd\", O_RDONLY", ")", "4");
	expect(
		(struct tl_syscall){
			.abi = TL_ABI_X86_64, .nr = 999, .args = { 1 }, .ret = -ENOSYS },
		"syscall_0x3e7(0x1, 0, 0, 0, 0, 0", ")", "-1 ENOSYS (Function not implemented)");
}

/* Two registers hold it; AArch32 begins with an even one. */
static void wide_arguments_of_32_bits(void **state)
{
	(void)state;
	expect(
		(struct tl_syscall){
			.abi = TL_ABI_I386, .nr = 324, .args = { 3, 1, 5, 1, 7, 2 }, .ret = 0 },
		"fallocate(3, FALLOC_FL_KEEP_SIZE, 4294967301, 8589934599", ")", "0");
	expect(
		(struct tl_syscall){
			.abi = TL_ABI_I386, .nr = 250, .args = { 3, 5, 1, 8, 4 }, .ret = 0 },
		"fadvise64(3, 4294967301, 8, POSIX_FADV_DONTNEED", ")", "0");
	expect((struct tl_syscall){ .abi = TL_ABI_I386, .nr = 194, .args = { 3, 5, 1 }, .ret = 0 },
	       "ftruncate64(3, 4294967301", ")", "0");
	expect(
		(struct tl_syscall){
			.abi = TL_ABI_ARM, .nr = 194, .args = { 3, 99, 5, 1 }, .ret = 0 },
		"ftruncate64(3, 4294967301", ")", "0");
	expect(
		(struct tl_syscall){
			.abi = TL_ABI_ARM, .nr = 180, .args = { 3, 0, 9, 99, 5, 1 }, .ret = -9 },
		"pread64(3, ", "NULL, 9, 4294967301)", "-1 EBADF (Bad file descriptor)");
	expect((struct tl_syscall){ .abi = TL_ABI_ARM64, .nr = 46, .args = { 3, 5 }, .ret = 0 },
	       "ftruncate(3, 5", ")", "0");
}

static void arm_has_flags_of_its_own(void **state)
{
	(void)state;
	strcpy((char *)memory, "/etc/passwd");
	expect((struct tl_syscall){ .abi = TL_ABI_ARM64,
				    .nr = 56,
				    .args = { (uint64_t)-100, BASE, 0140000 },
				    .ret = 3 },
	       "openat(AT_FDCWD, \"/etc/passwd\", O_RDONLY|O_NOFOLLOW|O_DIRECTORY", ")", "3");
	expect((struct tl_syscall){ .abi = TL_ABI_ARM, .nr = 0xf0005, .args = { 0x1234 } },
	       "set_tls(0x1234", ")", "0");
}

static void every_number_has_a_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < tl__nrows; i++) {
		const struct tl__row *row = &tl__rows[i];

		for (int abi = TL_ABI_X86_64; abi <= TL_ABI_ARM; abi++) {
			int32_t nr = row->nr[tl__column_of((enum tl_abi)abi)];

			if (nr >= 0 && abi != TL_ABI_X32)
				assert_ptr_equal(tl__row_find((enum tl_abi)abi, nr), row);
		}
		for (unsigned a = 0; a < row->nargs; a++)
			assert_non_null(row->args[a].print);
	}
	for (int64_t nr = 0; nr <= 334; nr++)
		assert_non_null(tl__row_find(TL_ABI_X86_64, nr));
	for (int64_t nr = 424; nr <= 469; nr++)
		assert_non_null(tl__row_find(TL_ABI_X86_64, nr));
	assert_string_equal(tl__syscall_name(TL_ABI_X32, 520), "execve");
	assert_null(tl__row_find(TL_ABI_X86_64, -1));
	assert_null(tl__row_find(TL_ABI_X86_64, 1 << 20));
}

static void typing_errors_find_their_name(void **state)
{
	(void)state;
	assert_string_equal(tl__syscall_nearest("opneat"), "openat");
	assert_string_equal(tl__syscall_nearest("wirte"), "write");
	assert_null(tl__syscall_nearest("zzzzzzzzzzzz"));
	assert_int_equal(tl__signal_number("SIGKILL"), 9);
	assert_int_equal(tl__signal_number("term"), 15);
	assert_int_equal(tl__signal_number("NOPE"), -ENOENT);
}

/* Every call of both ABIs with arguments and memory from a generator: no crash, no endless text. */
static void garbage_is_survived(void **state)
{
	struct tl__decoder d = { .max_string = 32 };

	(void)state;
	srand(7);
	for (int round = 0; round < 60; round++) {
		d.flags = (uint32_t)rand() & 31;
		for (size_t i = 0; i < sizeof(memory); i++)
			memory[i] = (unsigned char)(rand() % (round % 3 ? 256 : 4));
		for (int64_t nr = 0; nr < 480; nr++) {
			struct tl_syscall call = { .abi = round % 2 ? TL_ABI_I386 : TL_ABI_X86_64,
						   .nr = nr };
			struct tl_decode_state st;

			for (int a = 0; a < 6; a++)
				call.args[a] = rand() % 2 ? BASE + (uint64_t)(rand() % 5100)
							  : (uint64_t)(rand() % 300) - 5;
			call.ret = rand() % 3 ? rand() % 5000 : -(rand() % 600);
			if (call.ret < 0)
				call.flags = TL_SYSCALL_FAILED;
			tl__decode_entry(&d, &call, &source, &st);
			tl__decode_exit(&d, &call, &source, &st);
			assert_true(d.text.len < 4 << 20);
			tl__decode_result(&d, &call, &source);
		}
	}
	tl__strbuf_done(&d.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_read_as_strace_writes_them),
		cmocka_unit_test(wide_arguments_of_32_bits),
		cmocka_unit_test(arm_has_flags_of_its_own),
		cmocka_unit_test(every_number_has_a_row),
		cmocka_unit_test(typing_errors_find_their_name),
		cmocka_unit_test(garbage_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
