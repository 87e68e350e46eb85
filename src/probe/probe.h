/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Probes by name: an engine on the public contract, which watches what is mapped and puts sites
 * where the names are.
 */
#ifndef TL_PROBE_H
#define TL_PROBE_H

#include "hash.h"
#include "symbols.h"
#include "trapline/trapline.h"

#include <sys/queue.h>

struct tl__condition;
struct tl__function;
struct tl__machine;

enum { TL__TYPES_MAX = 16 };

enum tl__given_type {
	TL__GIVEN_HEX,
	TL__GIVEN_BOOL,
	TL__GIVEN_CHAR,
	TL__GIVEN_SHORT,
	TL__GIVEN_INT,
	TL__GIVEN_UINT,
	TL__GIVEN_LONG,
	TL__GIVEN_ULONG,
	TL__GIVEN_STR
};

/* By their places in a table of names: type_names.c. */
struct tl__types {
	bool given;
	uint8_t n, args[TL__TYPES_MAX], result;
};

struct tl__spec {
	char *module, *symbol; /* NULL: the program; by address, or by line */
	char *provider;        /* of a static probe, whose name is symbol; NULL: it is none */
	char *file;            /* of source; NULL: not by line */
	unsigned line;
	uint64_t offset;
	bool every;    /* instruction of the function */
	bool absolute; /* offset is of the process, whatever is mapped there */
	struct tl__types types;
	struct tl__condition *condition;
};

/* To whom a value is told, and how. */
struct tl__telling {
	const struct tl__machine *m;
	unsigned string_max;
	int (*on_value)(const struct tl_value *value, void *data);
	void *data;
};

/* A file, as long as anybody has it mapped. */
struct tl__file {
	LIST_ENTRY(tl__file) link;
	unsigned refs;
	char *path;
	uint64_t device, inode;
	struct tl__symbols *symbols; /* NULL: none can be had */
};

struct tl__module {
	LIST_ENTRY(tl__module) link;
	struct tl__file *file;
	struct tl__watched *process;
	uint64_t bias;
	uint64_t placed; /* the last probe that has looked at it, by its serial */
	bool main, seen;
	bool anywhere; /* no file: for probes by absolute addresses */
	LIST_HEAD(, tl__spot) spots;
};

/* One site of one probe. */
struct tl__spot {
	LIST_ENTRY(tl__spot) in_module, in_probe;
	struct tl_probe *probe;
	struct tl__module *module;
	struct tl_place place;
	struct tl_site *site; /* NULL: its probe is disabled */
	unsigned sites;       /* that will still be released */
	bool dropped;
	struct tl__function *function; /* its debuginfo: values.c */
	bool no_function;              /* it has been looked for */
	/* Of a static probe; NULL: it is none. */
	const char *operands;
	char *own_name;     /* "provider:name", in place */
	uint64_t semaphore; /* in the file's addresses; 0: none */
	bool listens;       /* and is counted in the program */
	uint64_t indirect;  /* of the call that returns just now: returns.c */
};

struct tl_probe {
	TAILQ_ENTRY(tl_probe) link;
	struct tl_prober *prober;
	uint64_t serial;
	char *text;
	struct tl__spec spec;
	const struct tl_probe_ops *ops;
	void *data;
	LIST_HEAD(, tl__spot) spots;
	size_t places, refused;
	uint64_t undecided; /* hits, for its condition */
	uint64_t missed;    /* returns that will not be told */
	bool removed, disabled;
	unsigned near_distance; /* of the name that is most like it: note_near() */
	char near[128];
};

/* A process that is followed. */
struct tl__watched {
	LIST_ENTRY(tl__watched) link;
	struct tl_prober *prober;
	int32_t pid;
	LIST_HEAD(, tl__watcher) watchers; /* one a task */
	bool look;     /* at what it has mapped, in its next stop; else at its exec */
	bool executed; /* what absolute addresses were meant for may be gone */
	LIST_HEAD(, tl__module) modules;
	struct tl__hash backs;     /* where calls return to: returns.c */
	struct tl__linker *linker; /* where the dynamic linker tells of its changes */
};

/* What an engine has of its task. */
struct tl__watcher {
	LIST_ENTRY(tl__watcher) link;
	struct tl__watched *process;
	struct tl_task *task;
	struct tl_engine *engine;
	void *open; /* its calls that have not returned: returns.c */
	size_t nopen, room;
	const struct tl__back *waits; /* until it is there; another thread has asked for it */
};

/* A site where calls return to. */
struct tl__back {
	struct tl__watched *process; /* NULL: gone */
	uint64_t to;
	struct tl_site *site;
};

/* The site's data, which may outlive the process. */
struct tl__linker {
	struct tl__watched *process;
	struct tl_site *site;
	struct tl_place place; /* its module's path is valid while process is */
};

TAILQ_HEAD(tl__probes, tl_probe);

struct tl_prober {
	struct tl__probes probes;
	uint64_t next_serial;
	LIST_HEAD(, tl__watched) processes;
	LIST_HEAD(, tl__file) files;
};

/* probe.c */
int tl__prober_new(struct tl_prober **ret);
void tl__prober_free(struct tl_prober *prober);
int tl__prober_attach(struct tl_prober *prober, struct tl_task *task, bool running);
int tl__probe_add(struct tl_prober *prober, const char *spec, const struct tl_probe_ops *ops,
		  void *data, struct tl_probe **ret);
void tl__probe_remove(struct tl_probe *probe);
void tl__probe_enable(struct tl_probe *probe, bool enable);

/* spec.c */
int tl__spec_parse(const char *text, struct tl__spec *ret);
void tl__spec_done(struct tl__spec *spec);
bool tl__spec_names_module(const struct tl__spec *spec, const char *path, bool main);

/* files.c */
struct tl__file *tl__file_get(struct tl_prober *prober, int32_t pid, const struct tl_mapping *m);
void tl__file_unref(struct tl__file *file);

/* modules.c */
void tl__modules_look(struct tl__watched *w, struct tl_task *task);
void tl__modules_drop(struct tl__watched *w);

/* match.c */
struct tl__symbol *tl__match_next(const struct tl__spec *spec, struct tl__symbols *s, size_t *i);
void tl__match_note_near(struct tl_probe *probe, const struct tl__module *m, bool named);

/* values.c */
const struct tl__function *tl__spot_function(struct tl__spot *spot);
void tl__machine_of(const struct tl__spot *spot, struct tl_task *task, struct tl__machine *ret);
int tl__place_args(const struct tl_place *place, struct tl_task *task, unsigned string_max,
		   int (*on_value)(const struct tl_value *value, void *data), void *data);
int tl__place_result(const struct tl_place *place, struct tl_task *task, unsigned string_max,
		     int (*on_value)(const struct tl_value *value, void *data), void *data);

/* type_names.c. "(TYPE, ...) = TYPE" is taken off the end of a SPEC; -EINVAL: it is none. */
int tl__types_parse(char *spec, struct tl__types *ret);
const char *tl__type_name(uint8_t i, enum tl__given_type *ret);
uint8_t tl__type_index(const char *name); /* one that there is */

/* typed.c */
int tl__typed_tell(const struct tl__machine *m, uint8_t i, uint64_t bits,
		   const struct tl__telling *t);
/* As a number of that type; true: it has a sign. */
bool tl__typed_integer(const struct tl__machine *m, uint8_t i, uint64_t bits, uint64_t *ret);
int tl__typed_args(const struct tl__types *types, const struct tl__machine *m, struct tl_task *task,
		   const struct tl__telling *t);
int tl__typed_result(const struct tl__types *types, const struct tl__machine *m,
		     struct tl_task *task, const struct tl__telling *t);

/* usdt.c */
void tl__usdt_listen(struct tl__spot *spot, bool listen);
void tl__usdt_forked(struct tl__watched *parent, struct tl_task *child);
bool tl__usdt_arg(const struct tl__spot *spot, uint16_t machine, struct tl_task *task,
		  unsigned long n, uint64_t *ret, bool *ret_is_signed);
int tl__usdt_args(struct tl__spot *spot, const struct tl__machine *m, struct tl_task *task,
		  const struct tl__telling *t);

/* decide.c */
bool tl__decides_on_result(const struct tl__spot *spot);     /* then, not at the call */
int tl__decide(struct tl__spot *spot, struct tl_task *task); /* 1, 0; -1: it cannot be told */
const char *tl__decide_unknown(struct tl__spot *spot, struct tl_task *task);

/* returns.c */
void tl__returns_enter(struct tl__spot *spot, struct tl_task *task);
void tl__returns_forget(struct tl__watched *w, const struct tl__spot *spot);
void tl__returns_drop(struct tl__watched *w);

/* place.c */
void tl__place_probe(struct tl_probe *probe, struct tl__module *m, struct tl_task *task);
void tl__probe_refuse(struct tl_probe *probe, const struct tl_place *place, const char *why);
void tl__spot_drop(struct tl__spot *spot);
bool tl__spot_returns(const struct tl__spot *spot);
void tl__spot_enable(struct tl__spot *spot, bool enable);

#endif
