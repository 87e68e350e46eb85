/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ELF files with debuginfo: symbols, lines, and the values of functions in a made-up thread. */
#define _GNU_SOURCE
#include "debug.h"
#include "usdt.h"
#include "values.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUNCTIONS_MAX = 16 };

static bool read_mem(void *data, uint64_t addr, void *buf, size_t n)
{
	const uint64_t *limit = data;

	if (addr > *limit || n > *limit - addr)
		return false;
	memset(buf, (int)(addr & 0x7f), n);
	return true;
}

static size_t read_reg(void *data, unsigned number, void *buf)
{
	(void)data;
	memset(buf, (int)number, 16);
	return 16;
}

static int write_value(const struct tl__value *v, void *data)
{
	struct tl__strbuf text = { 0 };
	struct tl__value member;
	uint64_t number;
	double real;

	tl__value_write(v, data, 32, &text);
	tl__type_write(&v->type, v->has_type, &text);
	tl__value_integer(v, data, &number);
	tl__value_float(v, data, &real);
	tl__value_member(v, data, "next", &member);
	tl__strbuf_done(&text);
	return 0;
}

static void use_function(const struct tl__symbols *s, uint64_t at)
{
	uint64_t limit = 1 << 20;
	struct tl__machine m = { .machine = tl__symbols_machine(s),
				 .ip = at,
				 .read = read_mem,
				 .reg = read_reg,
				 .data = &limit };
	struct tl__function f;
	struct tl__value v;

	if (tl__function_find(s, at, &f) < 0)
		return;
	tl__function_args(&f, &m, write_value, &m);
	tl__function_result(&f, &m, &v);
	write_value(&v, &m);
	if (tl__function_variable(&f, &m, "total", &v))
		write_value(&v, &m);
}

static int no_static(void *data, const struct tl__usdt *usdt)
{
	(void)data;
	return strlen(usdt->provider) + strlen(usdt->name) + strlen(usdt->args) > 1 << 20;
}

static void no_place(void *data, uint64_t value, unsigned line)
{
	(void)line;
	use_function(data, value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct tl__symbols *s;
	char path[64];
	uint64_t value;

	if (fd < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (write(fd, data, size) == (ssize_t)size && tl__symbols_open(path, &s) == 0) {
		for (size_t i = 0; i < tl__symbols_count(s) && i < FUNCTIONS_MAX; i++) {
			value = tl__symbols_get(s, i)->value;
			use_function(s, value);
			use_function(s, value + 4);
		}
		tl__symbols_value_of(s, 0x1000, &value);
		tl__usdt_each(s, no_static, NULL);
		if (tl__lines_find(s, "described.c", 100, no_place, s) < 0)
			abort();
		tl__symbols_free(s);
	}
	close(fd);
	return 0;
}
