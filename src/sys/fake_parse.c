/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading a recording. Users hand in such files with bug reports: nothing in them is trusted. */
#include "fake_script.h"
#include "record.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

uint64_t tl__fake_name_key(const char *name)
{
	uint64_t key = 14695981039346656037ull;

	for (; *name; name++)
		key = (key ^ (unsigned char)*name) * 1099511628211ull;
	return key;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int parse_hex(const char *at, struct record *rec)
{
	size_t n;

	while (*at == ' ')
		at++;
	if (*at == '-' || !*at)
		return 0;
	n = strspn(at, "0123456789abcdef");
	if (n % 2 || at[n])
		return -EINVAL;
	rec->bytes = malloc(n / 2 + 1);
	if (!rec->bytes)
		return -ENOMEM;
	for (size_t i = 0; i < n / 2; i++)
		rec->bytes[i] = (uint8_t)(digit(at[2 * i]) << 4 | digit(at[2 * i + 1]));
	rec->len = n / 2;
	return 0;
}

static int parse_tids(const char *at, struct record *rec)
{
	pid_t *tids = calloc(strlen(at) / 2 + 1, sizeof(*tids));
	size_t n = 0;
	char *end;

	if (!tids)
		return -ENOMEM;
	for (;;) {
		long tid = strtol(at, &end, 10);

		if (end == at)
			break;
		tids[n++] = (pid_t)tid;
		at = end;
	}
	rec->bytes = (uint8_t *)tids;
	rec->len = n * sizeof(*tids);
	return 0;
}

static int parse_question(const char *line, struct record *rec)
{
	char name[64];
	int n = 0;

	switch (rec->op) {
	case 'P':
		if (sscanf(line, "P %" SCNd64 " %d %" SCNx64 " %" SCNx64 " %*u %" SCNd64 "%n",
			   &rec->k1, &rec->tid, &rec->k2, &rec->k3, &rec->ret, &n) != 5)
			return -EINVAL;
		return parse_hex(line + n, rec);
	case 'M':
		if (sscanf(line, "M %d %" SCNx64 " %" SCNd64 " %" SCNd64 "%n", &rec->tid, &rec->k2,
			   &rec->k1, &rec->ret, &n) != 4)
			return -EINVAL;
		return parse_hex(line + n, rec);
	case 'N':
		return sscanf(line, "N %d %" SCNx64 " %" SCNd64 " %" SCNd64, &rec->tid, &rec->k2,
			      &rec->k1, &rec->ret) == 4
			       ? 0
			       : -EINVAL;
	case 'R':
		if (sscanf(line, "R %d %" SCNd64 " %" SCNd64 "%n", &rec->tid, &rec->k1, &rec->ret,
			   &n) != 3)
			return -EINVAL;
		return parse_hex(line + n, rec);
	case 'L':
		if (sscanf(line, "L %d %63s %" SCNd64 "%n", &rec->tid, name, &rec->ret, &n) != 3)
			return -EINVAL;
		rec->k2 = tl__fake_name_key(name);
		return parse_hex(line + n, rec);
	default:
		return -EINVAL;
	}
}

static int parse_other(const char *line, struct record *rec)
{
	char name[64];
	int n = 0;

	switch (rec->op) {
	case 'I':
		return 0;
	case 'F':
		if (sscanf(line, "F %63s %" SCNd64, name, &rec->ret) != 2)
			return -EINVAL;
		rec->tid = tl__feature_find(name);
		return rec->tid < 0 ? -EINVAL : 0;
	case 'S':
		return sscanf(line, "S %d", &rec->tid) == 1 ? 0 : -EINVAL;
	case 'E':
		return sscanf(line, "E %" SCNd64 " %" SCNu64, &rec->k1, &rec->k2) == 2 ? 0
										       : -EINVAL;
	case 'W':
		return sscanf(line, "W %" SCNd64 " %d %" SCNu64 " %" SCNu64, &rec->k1, &rec->tid,
			      &rec->k2, &rec->k3) == 4
			       ? 0
			       : -EINVAL;
	case 'G':
		return sscanf(line, "G %" SCNd64 " %d %" SCNd64, &rec->k1, &rec->tid, &rec->ret) ==
				       3
			       ? 0
			       : -EINVAL;
	case 'T':
		/* No kernel has more processes than this (PID_MAX_LIMIT). */
		if (sscanf(line, "T %d %" SCNd64 "%n", &rec->tid, &rec->ret, &n) != 2 ||
		    rec->ret > 4194304)
			return -EINVAL;
		return parse_tids(line + n, rec);
	default:
		return -EINVAL;
	}
}

static int add(struct fake *f, const char *line)
{
	struct record *rec;
	int r;

	if (f->n == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 256;
		struct record *more = realloc(f->records, cap * sizeof(*more));

		if (!more)
			return -ENOMEM;
		f->records = more;
		f->cap = cap;
	}
	rec = &f->records[f->n];
	memset(rec, 0, sizeof(*rec));
	rec->op = line[0];
	r = strchr("PMNRL", rec->op) && rec->op ? parse_question(line, rec)
						: parse_other(line, rec);
	if (r < 0)
		free(rec->bytes);
	else
		f->n++;
	return r;
}

static size_t stop_before(const struct fake *f, pid_t tid, size_t at)
{
	while (at-- > 0)
		if (f->records[at].op == 'W' && f->records[at].tid == tid)
			return at;
	return 0;
}

/* Finds, for the first stop of each child, the report of its birth. */
static void link_births(struct fake *f)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct record *msg = &f->records[i];
		uint64_t child = 0;
		size_t stop = i;

		if (msg->op != 'P' || msg->k1 != TL__PT_GETEVENTMSG || msg->len != sizeof(child))
			continue;
		while (stop && !(f->records[stop].op == 'W' && f->records[stop].tid == msg->tid))
			stop--;
		if (f->records[stop].op != 'W' || (f->records[stop].k2 >> 8) - 1 > 2)
			continue;
		memcpy(&child, msg->bytes, sizeof(child));
		for (size_t j = 0; j < f->n; j++) {
			if (f->records[j].op != 'W' || f->records[j].tid != (pid_t)child)
				continue;
			if (f->records[j].parent)
				break;
			f->records[j].parent = msg->tid;
			f->records[j].birth = stop;
			f->records[j].eve = stop_before(f, msg->tid, stop);
			break;
		}
	}
}

int tl__fake_read(struct fake *f, const char *text, size_t len)
{
	char *copy = malloc(len + 1), *line, *save = NULL;
	int r = -EINVAL;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, len);
	copy[len] = '\0';
	line = strtok_r(copy, "\n", &save);
	if (line && !strcmp(line, TL__RECORDING_HEAD)) {
		r = 0;
		while (r == 0 && (line = strtok_r(NULL, "\n", &save)))
			r = add(f, line);
	}
	free(copy);
	if (r == 0)
		link_births(f);
	return r;
}

int tl__sys_fake_open(const char *path, struct tl__sys **ret)
{
	FILE *in = fopen(path, "re");
	char *text = NULL, *more;
	size_t len = 0, cap = 0;
	int r;

	if (!in)
		return -errno;
	for (;;) {
		if (len == cap) {
			cap = cap ? cap * 2 : 65536;
			more = realloc(text, cap);
			if (!more) {
				free(text);
				fclose(in);
				return -ENOMEM;
			}
			text = more;
		}
		size_t n = fread(text + len, 1, cap - len, in);

		if (!n)
			break;
		len += n;
	}
	fclose(in);
	r = tl__sys_fake_parse(text, len, ret);
	free(text);
	return r;
}
