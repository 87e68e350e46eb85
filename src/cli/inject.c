/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --inject=SET[:error=E|:retval=N][:signal=S][:delay_enter=T][:delay_exit=T][:when=W] */
#define _GNU_SOURCE
#include "trace.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int parse_error(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end != text && !*end)
		return n > 0 && n <= 4095 ? (int)n : -EINVAL;
	for (int i = 1; i < 134; i++) {
		const char *name = tl_error_name(i);

		if (name && !strcmp(name, text))
			return i;
	}
	return -EINVAL;
}

/* 10, 10us, 2ms, 1s; microseconds when nothing is said. */
static int parse_delay(const char *text, uint64_t *ns)
{
	char *end;
	double n = strtod(text, &end);

	/* The first comparison is false for a NaN, too; a century is enough. */
	if (end == text || !(n >= 0) || n > 3e9)
		return -EINVAL;
	if (!*end || !strcmp(end, "us"))
		n *= 1e3;
	else if (!strcmp(end, "ms"))
		n *= 1e6;
	else if (!strcmp(end, "s"))
		n *= 1e9;
	else if (strcmp(end, "ns"))
		return -EINVAL;
	*ns = (uint64_t)n;
	return 0;
}

/* FIRST, FIRST+, FIRST+STEP, FIRST..LAST, FIRST..LAST+STEP */
static int parse_when(struct inject *inj, const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)*text) || !n)
		return -EINVAL;
	inj->first = inj->last = (unsigned)n;
	inj->step = 1;
	if (end[0] == '.' && end[1] == '.') {
		text = end + 2;
		n = strtoul(text, &end, 10);
		if (end == text || n < inj->first)
			return -EINVAL;
		inj->last = (unsigned)n;
	} else if (*end == '+') {
		inj->last = ~0u;
	}
	if (*end == '+') {
		text = end + 1;
		if (!*text)
			return 0;
		n = strtoul(text, &end, 10);
		if (end == text || !n)
			return -EINVAL;
		inj->step = (unsigned)n;
	}
	return *end ? -EINVAL : 0;
}

static int parse_part(struct inject *inj, const char *key, const char *value)
{
	int n;

	if (!strcmp(key, "error")) {
		n = parse_error(value);
		inj->skip = true;
		inj->ret = -n;
		return n < 0 ? n : 0;
	}
	if (!strcmp(key, "retval")) {
		char *end;

		inj->skip = true;
		inj->ret = strtoll(value, &end, 0);
		return end == value || *end ? -EINVAL : 0;
	}
	if (!strcmp(key, "signal")) {
		n = tl_signal_number(value);
		inj->has_signal = true;
		inj->signo = n;
		return n < 0 ? -EINVAL : 0;
	}
	if (!strcmp(key, "delay_enter") || !strcmp(key, "delay-enter"))
		return parse_delay(value, &inj->delay_enter_ns);
	if (!strcmp(key, "delay_exit") || !strcmp(key, "delay-exit"))
		return parse_delay(value, &inj->delay_exit_ns);
	if (!strcmp(key, "when"))
		return parse_when(inj, value);
	return -ENOENT;
}

int inject_parse(struct inject *inj, const char *text)
{
	char *copy = strdup(text), *part, *save = NULL;
	int r;

	if (!copy)
		return -ENOMEM;
	*inj = (struct inject){ .first = 1, .last = ~0u, .step = 1 };
	part = strtok_r(copy, ":", &save);
	r = part ? call_set_parse(&inj->calls, part) : -EINVAL;
	while (r == 0 && (part = strtok_r(NULL, ":", &save))) {
		char *value = strchr(part, '=');

		if (!value) {
			r = -EINVAL;
		} else {
			*value++ = '\0';
			r = parse_part(inj, part, value);
		}
		if (r < 0)
			say("--inject: cannot make sense of '%s%s%s'. It takes error=, retval=, "
			    "signal=, "
			    "delay_enter=, delay_exit=, when=FIRST[..LAST][+STEP]",
			    part, value ? "=" : "", value ? value : "");
	}
	free(copy);
	return r;
}
