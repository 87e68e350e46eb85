/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operands of static probes, as gcc and clang write them for x86 and arm64. */
#include "operand.h"

#include <ctype.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_MAX = 64 };

/* Of the four that an x86-64 register has; i386 has the second as its whole. */
static const char *const families[][4] = {
	{ "rax", "eax", "ax", "al" },      { "rbx", "ebx", "bx", "bl" },
	{ "rcx", "ecx", "cx", "cl" },      { "rdx", "edx", "dx", "dl" },
	{ "rsi", "esi", "si", "sil" },     { "rdi", "edi", "di", "dil" },
	{ "rbp", "ebp", "bp", "bpl" },     { "rsp", "esp", "sp", "spl" },
	{ "r8", "r8d", "r8w", "r8b" },     { "r9", "r9d", "r9w", "r9b" },
	{ "r10", "r10d", "r10w", "r10b" }, { "r11", "r11d", "r11w", "r11b" },
	{ "r12", "r12d", "r12w", "r12b" }, { "r13", "r13d", "r13w", "r13b" },
	{ "r14", "r14d", "r14w", "r14b" }, { "r15", "r15d", "r15w", "r15b" },
};

static bool x86_register(uint16_t machine, const char *name, char to[8], uint8_t *shift)
{
	char plain[8];

	snprintf(plain, sizeof(plain), "%s", name);
	*shift = 0;
	if (strlen(plain) == 2 && plain[1] == 'h' && strchr("abcd", plain[0])) {
		*shift = 8;
		plain[1] = 'l';
	}
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		for (size_t j = 0; j < 4; j++)
			if (!strcmp(families[i][j], plain)) {
				snprintf(to, 8, "%s", families[i][machine == EM_386]);
				return true;
			}
	return false;
}

static bool number(const char *text, int64_t *ret)
{
	char *end;

	*ret = (int64_t)strtoull(text, &end, 0);
	return end != text && !*end;
}

/* disp(base,index,scale) */
static bool x86_memory(uint16_t machine, char *text, struct tl__operand *ret)
{
	char *open = strchr(text, '('), *close = strchr(text, ')'), *base, *index, *scale;
	uint8_t shift;

	if (!open || !close || close[1])
		return false;
	*open = *close = '\0';
	ret->number = 0;
	if (*text && !number(text, &ret->number))
		return false;
	index = open + 1;
	base = strsep(&index, ",");
	scale = index;
	index = strsep(&scale, ",");
	ret->in_memory = true;
	ret->scale = scale && *scale ? (unsigned)strtoul(scale, NULL, 10) : 1;
	ret->has_base = *base == '%' && x86_register(machine, base + 1, ret->base, &shift);
	ret->has_index =
		index && *index == '%' && x86_register(machine, index + 1, ret->index, &shift);
	return ret->has_base == !!*base && (!index || ret->has_index);
}

static bool x86_operand(uint16_t machine, char *text, struct tl__operand *ret)
{
	if (*text == '$')
		return number(text + 1, &ret->number);
	if (*text != '%')
		return x86_memory(machine, text, ret);
	ret->has_base = x86_register(machine, text + 1, ret->base, &ret->shift);
	return ret->has_base;
}

static bool arm64_register(const char *name, char to[8])
{
	char *end;
	unsigned long n;

	if (!strcmp(name, "sp") || !strcmp(name, "wsp")) {
		strcpy(to, "sp");
		return true;
	}
	if (*name != 'x' && *name != 'w')
		return false;
	n = strtoul(name + 1, &end, 10);
	if (end == name + 1 || *end || n > 30)
		return false;
	snprintf(to, 8, "x%lu", n);
	return true;
}

/* [base, disp] */
static bool arm64_operand(char *text, struct tl__operand *ret)
{
	char *close, *comma;

	if (*text != '[') {
		ret->has_base = arm64_register(text, ret->base);
		return ret->has_base || number(text, &ret->number);
	}
	close = strchr(text, ']');
	comma = strchr(text, ',');
	if (!close || close[1])
		return false;
	*close = '\0';
	if (comma)
		*comma++ = '\0';
	while (comma && *comma == ' ')
		comma++;
	ret->in_memory = true;
	ret->has_base = arm64_register(text + 1, ret->base);
	return ret->has_base && (!comma || number(comma, &ret->number));
}

/* Up to a space that is in no bracket. */
static size_t length(const char *at)
{
	size_t n = 0;
	bool inside = false;

	for (; at[n] && (inside || !isspace((unsigned char)at[n])); n++)
		inside = at[n] == '[' || (inside && at[n] != ']');
	return n;
}

bool tl__operand_next(uint16_t machine, const char **at, struct tl__operand *ret)
{
	char word[WORD_MAX], *text;
	long size;
	size_t n;

	memset(ret, 0, sizeof(*ret));
	while (isspace((unsigned char)**at))
		(*at)++;
	n = length(*at);
	if (!n)
		return false;
	snprintf(word, sizeof(word), "%.*s", (int)n, *at);
	*at += n;
	size = strtol(word, &text, 10);
	ret->is_signed = size < 0;
	ret->size = (uint8_t)(size < 0 ? -size : size);
	if (*text != '@' || n >= sizeof(word) || ret->size > 8 || !ret->size)
		return true;
	ret->known = machine == EM_AARCH64 ? arm64_operand(text + 1, ret)
					   : x86_operand(machine, text + 1, ret);
	return true;
}
