/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parses conditions: ||, &&, comparisons, &, !, -, *, members, elements, numbers and strings. */
#include "condition.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TERMS_MAX = 256, DEPTH_MAX = 64 };

struct parser {
	const char *at;
	struct tl__condition *c;
	int depth;
	int error;
};

static unsigned parse_or(struct parser *p);

static unsigned fail(struct parser *p, int error)
{
	if (!p->error)
		p->error = error;
	return 0;
}

/* Takes text, also when it fails. */
static unsigned add(struct parser *p, struct tl__term term)
{
	struct tl__condition *c = p->c;
	struct tl__term *more;

	if (p->error || c->n == TERMS_MAX) {
		free(term.text);
		return fail(p, -EINVAL);
	}
	if (c->n == c->room) {
		more = realloc(c->terms, (c->room * 2 + 8) * sizeof(*more));
		if (!more) {
			free(term.text);
			return fail(p, -ENOMEM);
		}
		c->terms = more;
		c->room = c->room * 2 + 8;
	}
	c->terms[c->n] = term;
	return c->n++;
}

static void skip(struct parser *p)
{
	while (isspace((unsigned char)*p->at))
		p->at++;
}

static bool take(struct parser *p, const char *word)
{
	size_t n = strlen(word);

	skip(p);
	if (strncmp(p->at, word, n) != 0)
		return false;
	p->at += n;
	return true;
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$';
}

static char *take_name(struct parser *p)
{
	size_t n = 0;
	char *name;

	skip(p);
	while (is_name(p->at[n]))
		n++;
	if (!n || isdigit((unsigned char)*p->at)) {
		fail(p, -EINVAL);
		return NULL;
	}
	name = strndup(p->at, n);
	if (!name)
		fail(p, -ENOMEM);
	p->at += n;
	return name;
}

static unsigned parse_number(struct parser *p)
{
	struct tl__term t = { .kind = TL__TERM_NUMBER };
	char *end;

	errno = 0;
	t.number = strtoull(p->at, &end, 0);
	if (*end == '.' || ((*end == 'e' || *end == 'E') && strncmp(p->at, "0x", 2) != 0)) {
		t.kind = TL__TERM_FLOAT;
		t.real = strtod(p->at, &end);
	}
	if (end == p->at || errno || is_name(*end))
		return fail(p, -EINVAL);
	p->at = end;
	return add(p, t);
}

static int escaped(char c)
{
	static const char known[] = "n\nt\tr\r0\0\\\\\"\"''";

	for (size_t i = 0; i + 1 < sizeof(known); i += 2)
		if (known[i] == c)
			return known[i + 1];
	return -1;
}

static unsigned parse_string(struct parser *p)
{
	struct tl__term t = { .kind = TL__TERM_STRING };
	size_t n = 0;
	int c;

	t.text = calloc(1, strlen(p->at) + 1);
	if (!t.text)
		return fail(p, -ENOMEM);
	for (; *p->at && *p->at != '"'; p->at++) {
		c = *p->at;
		if (c == '\\')
			c = escaped(*++p->at);
		if (c < 0 && *p->at >= 0) {
			free(t.text);
			return fail(p, -EINVAL);
		}
		t.text[n++] = (char)c;
	}
	if (*p->at != '"') {
		free(t.text);
		return fail(p, -EINVAL);
	}
	p->at++;
	return add(p, t);
}

static unsigned parse_character(struct parser *p)
{
	struct tl__term t = { .kind = TL__TERM_NUMBER };
	int c = *p->at;

	if (c == '\\')
		c = escaped(*++p->at);
	if (!*p->at || c < 0 || p->at[1] != '\'')
		return fail(p, -EINVAL);
	p->at += 2;
	t.number = (uint64_t)c;
	return add(p, t);
}

static unsigned parse_first(struct parser *p)
{
	unsigned inner;
	char *name;

	if (take(p, "(")) {
		inner = parse_or(p);
		return take(p, ")") ? inner : fail(p, -EINVAL);
	}
	if (take(p, "\""))
		return parse_string(p);
	if (take(p, "'"))
		return parse_character(p);
	if (isdigit((unsigned char)*p->at))
		return parse_number(p);
	name = take_name(p);
	p->c->on_result |= name && !strcmp(name, "$ret");
	return add(p, (struct tl__term){ .kind = TL__TERM_NAME, .text = name });
}

static unsigned parse_postfix(struct parser *p)
{
	unsigned left = parse_first(p), number;

	while (!p->error) {
		if (take(p, "->") || (p->at[0] == '.' && take(p, "."))) {
			left = add(p, (struct tl__term){ .kind = TL__TERM_MEMBER,
							 .left = left,
							 .text = take_name(p) });
		} else if (take(p, "[")) {
			skip(p);
			number = parse_number(p);
			if (!take(p, "]"))
				return fail(p, -EINVAL);
			left = add(p, (struct tl__term){ .kind = TL__TERM_INDEX,
							 .left = left,
							 .right = number });
		} else {
			break;
		}
	}
	return left;
}

static unsigned parse_unary(struct parser *p)
{
	static const struct {
		const char *word;
		enum tl__term_kind kind;
	} ops[] = { { "!", TL__TERM_NOT }, { "-", TL__TERM_NEGATE }, { "*", TL__TERM_TARGET } };
	unsigned ret = 0;

	if (++p->depth > DEPTH_MAX)
		return fail(p, -EINVAL);
	for (size_t i = 0; i <= sizeof(ops) / sizeof(ops[0]); i++) {
		if (i == sizeof(ops) / sizeof(ops[0])) {
			ret = parse_postfix(p);
		} else if (take(p, ops[i].word)) {
			ret = parse_unary(p);
			ret = add(p, (struct tl__term){ .kind = ops[i].kind, .left = ret });
			break;
		}
	}
	p->depth--;
	return ret;
}

static unsigned parse_bits(struct parser *p)
{
	unsigned left = parse_unary(p), right;

	while (!p->error) {
		skip(p);
		if (p->at[0] != '&' || p->at[1] == '&')
			break;
		p->at++;
		right = parse_unary(p);
		left = add(p, (struct tl__term){ TL__TERM_BITS, .left = left, .right = right });
	}
	return left;
}

static unsigned parse_comparison(struct parser *p)
{
	static const struct {
		const char *word;
		enum tl__term_kind kind;
	} ops[] = { { "==", TL__TERM_EQUAL },      { "!=", TL__TERM_UNEQUAL },
		    { "<=", TL__TERM_LESS_EQUAL }, { ">=", TL__TERM_GREATER_EQUAL },
		    { "<", TL__TERM_LESS },        { ">", TL__TERM_GREATER } };
	unsigned left = parse_bits(p), right;

	for (size_t i = 0; !p->error && i < sizeof(ops) / sizeof(ops[0]); i++)
		if (take(p, ops[i].word)) {
			right = parse_bits(p);
			return add(p,
				   (struct tl__term){ ops[i].kind, .left = left, .right = right });
		}
	return left;
}

static unsigned parse_and(struct parser *p)
{
	unsigned left = parse_comparison(p), right;

	while (!p->error && take(p, "&&")) {
		right = parse_comparison(p);
		left = add(p, (struct tl__term){ TL__TERM_AND, .left = left, .right = right });
	}
	return left;
}

static unsigned parse_or(struct parser *p)
{
	unsigned left, right;

	if (++p->depth > DEPTH_MAX)
		return fail(p, -EINVAL);
	left = parse_and(p);
	while (!p->error && take(p, "||")) {
		right = parse_and(p);
		left = add(p, (struct tl__term){ TL__TERM_OR, .left = left, .right = right });
	}
	p->depth--;
	return left;
}

int tl__condition_parse(const char *text, struct tl__condition **ret)
{
	struct parser p = { .at = text, .c = calloc(1, sizeof(*p.c)) };

	if (!p.c)
		return -ENOMEM;
	parse_or(&p);
	skip(&p);
	if (!p.error && *p.at)
		p.error = -EINVAL;
	if (p.error) {
		tl__condition_free(p.c);
		return p.error;
	}
	*ret = p.c;
	return 0;
}

void tl__condition_free(struct tl__condition *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < c->n; i++)
		free(c->terms[i].text);
	free(c->terms);
	free(c);
}
