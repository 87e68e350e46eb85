/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Functions with arguments and results of all kinds, called by pointers that no compiler sees
 * through. Line numbers are of interest to the tests: new things go to the end.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define USED(x) ({ __asm__ volatile("" : : "r"(&(x)) : "memory"); })

enum color { RED, GREEN = 5, BLUE };
enum flags { READ = 1, WRITE = 2, RUN = 4 };

struct point {
	int x, y;
};

struct pair {
	double a, b;
};

struct mixed {
	double a;
	int b;
};

struct node {
	const char *key;
	int value;
	struct node *next;
	float weight;
};

struct big {
	char name[16];
	double v[3];
	struct point p;
	union {
		int whole;
		char bytes[4];
	};
	struct big *next;
	unsigned a : 3;
	int b : 5;
};

static long total;

static long integers(signed char c, short s, int i, unsigned u, long l, unsigned long w,
		     int seventh, long eighth, long long ninth)
{
	USED(c), USED(s), USED(i), USED(u), USED(l), USED(w), USED(seventh), USED(eighth);
	return (long)(l + ninth);
}

static double floats(float f, double d, long double ld, bool b, int i, double e)
{
	USED(f), USED(d), USED(ld), USED(b), USED(i);
	return e * 2;
}

static const char *strings(const char *s, char *t, void *p, const char *none, char array[4])
{
	USED(t), USED(p), USED(none), USED(array);
	return s + 1;
}

static struct point structs(struct point p, struct pair f, struct mixed m, struct big b, int last)
{
	USED(p), USED(f), USED(m), USED(b), USED(last);
	return (struct point){ p.y, last };
}

static struct pair pairs(struct pair p)
{
	USED(p);
	return (struct pair){ p.b, p.a };
}

static struct mixed mixes(struct mixed m)
{
	USED(m);
	return (struct mixed){ m.a + 1, m.b - 1 };
}

static enum color enums(enum color c, enum flags f, enum color odd)
{
	USED(c), USED(f), USED(odd);
	return c == RED ? BLUE : RED;
}

static struct big bigs(int n, const char *name)
{
	struct big b = { .v = { n, 2.5, 0.1 }, .whole = 1, .a = 5, .b = -3 };

	strncpy(b.name, name, 15);
	USED(b);
	return b;
}

static void nothing(void)
{
	total++;
}

static int walk(struct node *n, int limit)
{
	int seen = 0;

	for (; n; n = n->next) {
		seen += n->value;
		total += n->value;
		if (seen > limit)
			return seen;
	}
	return -1;
}

static struct {
	long (*volatile integers)(signed char, short, int, unsigned, long, unsigned long, int, long,
				  long long);
	double (*volatile floats)(float, double, long double, bool, int, double);
	const char *(*volatile strings)(const char *, char *, void *, const char *, char[4]);
	struct point (*volatile structs)(struct point, struct pair, struct mixed, struct big, int);
	struct pair (*volatile pairs)(struct pair);
	struct mixed (*volatile mixes)(struct mixed);
	enum color (*volatile enums)(enum color, enum flags, enum color);
	struct big (*volatile bigs)(int, const char *);
	void (*volatile nothing)(void);
	int (*volatile walk)(struct node *, int);
} call = { integers, floats, strings, structs, pairs, mixes, enums, bigs, nothing, walk };

int main(void)
{
	struct node c = { "gamma", 30, NULL, 1.5f }, b = { "beta", 20, &c, 2.5f };
	struct node a = { "alpha", 10, &b, -3.5f };
	char text[] = "wor\"ld\x01";
	struct big big = call.bigs(7, "seven");
	double d;

	call.integers(-3, -2, -1, 4000000000u, -5, 6, 77, 88, 1ll << 40);
	d = call.floats(1.5f, 0.1, 3.25L, true, -4, 1e100);
	USED(d);
	call.strings("hello\n", text, &a, NULL, text);
	call.structs((struct point){ 1, 2 }, (struct pair){ 1.5, 2.5 }, (struct mixed){ 3.5, 4 },
		     big, 9);
	call.pairs((struct pair){ 1, 2 });
	call.mixes((struct mixed){ 1, 2 });
	call.enums(RED, READ | RUN, (enum color)77);
	call.nothing();
	for (int i = 0; i < 5; i++)
		total += call.walk(&a, i * 12);
	return total == 0;
}
