/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Probes: places named by file and symbol, in every process that is followed.
 *
 * A prober holds probes and follows processes: those of the tasks that it is attached to, and
 * their children. A probe waits for its file to be loaded (at start, by dlopen, after an exec), and
 * goes when that is unloaded.
 *
 *     SPEC = [MODULE:]SYMBOL[+OFFSET | +*]    every instruction of the function with +*
 *          | MODULE:0xADDR                    as the file has it, before it is loaded
 *          | 0xADDR                           of the process, be it in no file
 *          | [MODULE:]FILE:LINE               of source, by debuginfo
 *          | MODULE:PROVIDER:NAME             a static probe (USDT) that the file names itself
 *          SPEC(TYPE, ...) [= TYPE]           what a function is called with and returns, without
 *                                             debuginfo: bool, char, short, int, uint, long, ulong,
 *                                             hex, ptr, str
 *          SPEC [(TYPE, ...)] if CONDITION    only hits for which it holds are told
 *
 * CONDITION is a term of C over the function's arguments (behind its first instruction: variables,
 * too), by debuginfo: ||, &&, comparisons, & (which binds closer than they do), !, -, *, members,
 * elements, numbers, and strings, which == compares as such. $tid and $pid are the thread's; arg1,
 * arg2, ... words by the calling convention, which need no debuginfo. One that has $ret is of the
 * function's result: it is decided when the function returns, where its arguments are gone, and hit
 * is not told.
 *
 * MODULE is a file's name, with or without what follows a '.' or '-' ("libc" for libc.so.6), or its
 * whole path; without it the program itself. Both may have shell patterns (fnmatch(3)). A SYMBOL of
 * C++, Rust or D may be given as it is mangled or as people write it, without parameters and
 * without the namespaces that it is in; where several functions have the name it is all of them. An
 * IFUNC is the function that was picked.
 */
#ifndef TRAPLINE_PROBE_H
#define TRAPLINE_PROBE_H

#include <trapline/session.h>
#include <trapline/site.h>
#include <trapline/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tl_prober;
struct tl_probe;

/* One address that a probe has been found to mean. */
struct tl_place {
	uint32_t size; /* of this structure, in the library that made it */
	int32_t pid;
	tl_addr ip;
	const char *module; /* the file's path, as the process sees it */
	const char *symbol; /* NULL: by address; names of C++, Rust and D demangled */
	uint64_t offset;    /* from symbol, or in the file's own addresses */
	uint64_t address;   /* in the file's own addresses */
	const char *file;   /* and line: for who asked for one; NULL */
	uint32_t line;
	uint32_t several; /* not 0: other functions of this file have the name, too;
			   * MODULE:0xADDR tells them apart */
};

struct tl_return {
	uint32_t size; /* of this structure, in the library that made it */
	uint32_t reserved;
	uint64_t time, entered; /* CLOCK_MONOTONIC in ns: taken when the stop was found, and when
				 * hit had been told of the call */
	uint64_t value;         /* of the register that results are in */
};

enum {
	TL_VALUE_KNOWN = 1,   /* else the compiler has left no trace of it */
	TL_VALUE_INTEGER = 2, /* bits has it, extended by its sign; pointers and enums, too */
	TL_VALUE_FLOAT = 4,   /* real has it */
};

/* Text is valid in the callback. */
struct tl_value {
	uint32_t size; /* of this structure, in the library that made it */
	uint32_t flags;
	const char *name; /* NULL: it has none */
	const char *type; /* as C has it */
	const char *text; /* as C would have it: a number, "string", enumerator, {a=1, b=2}; ? */
	uint64_t bits;
	double real;
};

/* size is sizeof(struct tl_probe_ops) as the caller was compiled; any callback may be NULL. In all
 * of them probes may be added and removed. place is borrowed, and valid until it is gone. */
struct tl_probe_ops {
	uint32_t size;
	/* As tl_site_ops.hit: a thread is about to execute the instruction. */
	void (*hit)(struct tl_probe *probe, struct tl_task *task, const struct tl_place *place,
		    const struct tl_hit *hit);
	/* A call of the function has returned: for probes of functions, told where it was called
	 * from. The return address is not touched. A call that is left by longjmp(3) or an
	 * exception never returns. */
	void (*returned)(struct tl_probe *probe, struct tl_task *task, const struct tl_place *place,
			 const struct tl_return *ret);
	/* Armed; refused, with the reason; gone, with its module or its process. */
	void (*placed)(struct tl_probe *probe, const struct tl_place *place,
		       enum tl_site_state state, int error, const char *why);
	void (*release)(struct tl_probe *probe, void *data);
};

/* -ENOMEM. To be freed behind its session. */
TL_CHECKED int tl_prober_new(struct tl_prober **ret_prober);
TL_API void tl_prober_free(struct tl_prober *prober); /* accepts NULL */

/*
 * Follows the process of this task, and its children: to be called for each task that on_task
 * announces, with the origin (session.h). -ESRCH, -ENOMEM.
 */
TL_CHECKED int tl_prober_attach(struct tl_prober *prober, struct tl_task *task,
				enum tl_origin origin);

/*
 * Adds a probe, to the processes that are there and to those that will be. Anywhere.
 * *ret_probe is borrowed, and valid until release. -EINVAL: not a SPEC; -ENOMEM.
 * A file's symbols are read once, and its debuginfo when a SPEC, a condition or a value first needs
 * it: in a stop of the task that has the file mapped. Where DEBUGINFOD_URLS is set that may load it
 * from there meanwhile.
 */
TL_CHECKED int tl_probe_add(struct tl_prober *prober, const char *spec,
			    const struct tl_probe_ops *ops, void *data,
			    struct tl_probe **ret_probe);
/*
 * A disabled probe follows its files and knows its places, which are told as TL_SITE_PENDING, but
 * nothing is in the program's text; calls that are open are not told to return. Enabled again it is
 * placed as at first. Anywhere.
 */
TL_API void tl_probe_enable(struct tl_probe *probe, bool enable);
/* Calls on_place for each place of the probe until it returns non-zero, and returns that, or 0.
 * Probes must not be added or removed meanwhile. */
TL_CHECKED int tl_probe_each_place(struct tl_probe *probe,
				   int (*on_place)(const struct tl_place *place,
						   enum tl_site_state state, void *data),
				   void *data);
/* The index'th probe of those that were not removed; NULL past the last. */
TL_API struct tl_probe *tl_prober_probe(const struct tl_prober *prober, size_t index);
/* No hit is told any more. Anywhere. */
TL_API void tl_probe_remove(struct tl_probe *probe);

TL_API const char *tl_probe_spec(const struct tl_probe *probe);
TL_API void *tl_probe_data(const struct tl_probe *probe);
/* "MODULE:SYMBOL", for a symbol that was not found: the same in another file, or one much like it;
 * borrowed, NULL if there is none. */
TL_API const char *tl_probe_near(const struct tl_probe *probe);
/*
 * Inside hit, with the place that it was told: calls on_value for each argument of the function, by
 * the types that its SPEC has or by debuginfo, until it returns non-zero, and returns that. At the
 * function's first instruction arguments are where the calling convention or the debuginfo has
 * them, behind it where the latter has. At most string_max bytes of a string are read. -ENODATA:
 * there are neither types nor debuginfo for this place; -EBUSY, -ESRCH, -ENOMEM.
 */
TL_CHECKED int tl_place_args(const struct tl_place *place, struct tl_task *task,
			     unsigned string_max,
			     int (*on_value)(const struct tl_value *value, void *data), void *data);
/* Inside returned: the function's result, the same way; a function of void has none. */
TL_CHECKED int tl_place_result(const struct tl_place *place, struct tl_task *task,
			       unsigned string_max,
			       int (*on_value)(const struct tl_value *value, void *data),
			       void *data);

/* How many hits were not told because its condition could not be decided: something that it names
 * was optimized away there, or could not be read. */
TL_API uint64_t tl_probe_undecided(const struct tl_probe *probe);
/* How many calls' returns will not be told: there was no memory to note them, or where they return
 * to no site can be (TL_SITE_REFUSED). Those left by longjmp or an exception are none of these. */
TL_API uint64_t tl_probe_missed(const struct tl_probe *probe);
/* In how many places it was ever found, and how many of those were refused. */
TL_API size_t tl_probe_places(const struct tl_probe *probe, size_t *ret_refused);

#ifdef __cplusplus
}
#endif
#endif
