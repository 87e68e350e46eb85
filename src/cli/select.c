/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Expressions that name sets of system calls, in strace's way. */
#define _GNU_SOURCE
#include "trace.h"

#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

static const enum tl_abi abis[4] = { TL_ABI_X86_64, TL_ABI_I386, TL_ABI_ARM64, TL_ABI_ARM };

static size_t column(enum tl_abi abi)
{
	for (size_t i = 0; i < 4; i++)
		if (abis[i] == abi)
			return i;
	return 0; /* x32 */
}

/* ARM's private numbers, far above all others, have slots at the end; the very last stands for what
 * is unknown. */
enum { PRIVATE = 0xf0000, PRIVATE_LAST = 0xf000f, PRIVATE_SLOT = CALLS_MAX - 17 };

static int64_t number_at(int slot)
{
	return slot >= PRIVATE_SLOT && slot < CALLS_MAX - 1 ? slot - PRIVATE_SLOT + PRIVATE : slot;
}

static int slot_of(int64_t nr)
{
	if (nr >= PRIVATE && nr <= PRIVATE_LAST)
		return (int)(nr - PRIVATE) + PRIVATE_SLOT;
	return nr < 0 || nr >= PRIVATE_SLOT ? CALLS_MAX - 1 : (int)nr;
}

static void mark(struct call_set *set, bool (*matches)(const char *, enum tl_abi, int64_t, void *),
		 void *arg, bool *found)
{
	for (size_t a = 0; a < 4; a++) {
		for (int i = 0; i < CALLS_MAX; i++) {
			int64_t nr = number_at(i);
			const char *name = tl_syscall_name(abis[a], nr);

			if (!name || !matches(name, abis[a], nr, arg))
				continue;
			set->in[a][i] = 1;
			*found = true;
		}
	}
}

static bool is_name(const char *name, enum tl_abi abi, int64_t nr, void *arg)
{
	(void)abi;
	(void)nr;
	return !strcmp(name, arg);
}

static bool is_number(const char *name, enum tl_abi abi, int64_t nr, void *arg)
{
	(void)name;
	(void)abi;
	return nr == *(long *)arg;
}

static bool in_class(const char *name, enum tl_abi abi, int64_t nr, void *arg)
{
	(void)name;
	return tl_syscall_in_class(abi, nr, arg);
}

static bool is_match(const char *name, enum tl_abi abi, int64_t nr, void *arg)
{
	(void)abi;
	(void)nr;
	return regexec(arg, name, 0, NULL, 0) == 0;
}

static bool known_class(const char *name)
{
	for (size_t i = 0; tl_syscall_class(i); i++)
		if (!strcmp(tl_syscall_class(i), name))
			return true;
	return false;
}

static int add_class(struct call_set *set, char *word)
{
	bool found = false;

	if (!known_class(word)) {
		say("unknown class of system calls: %%%s. There are: %%file %%desc %%network "
		    "%%process "
		    "%%signal %%memory %%ipc %%creds %%clock %%stat %%lstat %%fstat %%statfs "
		    "%%pure",
		    word);
		return -EINVAL;
	}
	mark(set, in_class, word, &found);
	return 0;
}

static int add_regex(struct call_set *set, const char *word)
{
	bool found = false;
	regex_t re;

	if (regcomp(&re, word, REG_EXTENDED | REG_NOSUB)) {
		say("not a regular expression: %s", word);
		return -EINVAL;
	}
	mark(set, is_match, &re, &found);
	regfree(&re);
	if (found)
		return 0;
	say("no system call matches /%s", word);
	return -EINVAL;
}

static int add_name(struct call_set *set, char *word, bool may_miss)
{
	const char *near;
	bool found = false;
	char *end;
	long nr = strtol(word, &end, 10);

	if (end != word && !*end)
		mark(set, is_number, &nr, &found);
	else
		mark(set, is_name, word, &found);
	if (found || may_miss)
		return 0;
	near = tl_syscall_nearest(word);
	if (near)
		say("unknown system call: %s. Did you mean %s?", word, near);
	else
		say("unknown system call: %s. See 'trapline trace --list-calls'", word);
	return -EINVAL;
}

static int add_word(struct call_set *set, char *word)
{
	bool may_miss = *word == '?';

	if (may_miss)
		word++;
	if (*word == '%')
		return add_class(set, word + 1);
	if (*word == '/')
		return add_regex(set, word + 1);
	return add_name(set, word, may_miss);
}

static void invert(struct call_set *set)
{
	for (size_t a = 0; a < 4; a++)
		for (int i = 0; i < CALLS_MAX; i++)
			set->in[a][i] ^= 1;
}

int call_set_parse(struct call_set *set, const char *expr)
{
	bool negate = *expr == '!';
	char *copy = strdup(expr + negate), *word, *save = NULL;
	int r = 0;

	if (!copy)
		return -ENOMEM;
	set->all = false;
	memset(set->in, 0, sizeof(set->in));
	if (!strcmp(copy, "all"))
		memset(set->in, 1, sizeof(set->in));
	else if (strcmp(copy, "none"))
		for (word = strtok_r(copy, ",", &save); word && r == 0;
		     word = strtok_r(NULL, ",", &save))
			r = add_word(set, word);
	free(copy);
	if (negate)
		invert(set);
	return r;
}

/* What is unknown goes with "all" and "!...". */
bool call_set_has(const struct call_set *set, enum tl_abi abi, int64_t nr)
{
	return set->all || set->in[column(abi)][slot_of(nr)];
}

void call_set_add(struct call_set *set, const struct call_set *more)
{
	for (size_t a = 0; a < 4; a++)
		for (int i = 0; i < CALLS_MAX; i++)
			set->in[a][i] |= more->in[a][i];
	set->all |= more->all;
}

size_t call_set_numbers(const struct call_set *set, enum tl_abi abi, int32_t *numbers)
{
	const uint8_t *in = set->in[column(abi)];
	size_t n = 0;

	for (int i = 0; i < CALLS_MAX; i++)
		if (set->all || in[i])
			numbers[n++] = (int32_t)number_at(i);
	return n;
}
