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
 *
 * MODULE is a file's name, with or without what follows a '.' or '-' ("libc" for libc.so.6), or its
 * whole path; without it the program itself. Both may have shell patterns (fnmatch(3)).
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
	const char *symbol; /* NULL: by address */
	uint64_t offset;    /* from symbol, or in the file's own addresses */
};

struct tl_return {
	uint32_t size; /* of this structure, in the library that made it */
	uint32_t reserved;
	uint64_t time, entered; /* CLOCK_MONOTONIC in ns, taken when the stops were found */
	uint64_t value;         /* of the register that results are in */
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
 */
TL_CHECKED int tl_probe_add(struct tl_prober *prober, const char *spec,
			    const struct tl_probe_ops *ops, void *data,
			    struct tl_probe **ret_probe);
/* No hit is told any more. Anywhere. */
TL_API void tl_probe_remove(struct tl_probe *probe);

TL_API const char *tl_probe_spec(const struct tl_probe *probe);
TL_API void *tl_probe_data(const struct tl_probe *probe);
/* "MODULE:SYMBOL", for a symbol that was not found: the same in another file, or one much like it;
 * borrowed, NULL if there is none. */
TL_API const char *tl_probe_near(const struct tl_probe *probe);
/* In how many places it was ever found, and how many of those were refused. */
TL_API size_t tl_probe_places(const struct tl_probe *probe, size_t *ret_refused);

#ifdef __cplusplus
}
#endif
#endif
