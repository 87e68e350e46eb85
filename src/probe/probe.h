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

struct tl__spec {
	char *module, *symbol; /* NULL: the program; by address */
	uint64_t offset;
	bool every; /* instruction of the function */
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
	LIST_HEAD(, tl__spot) spots;
};

/* One site of one probe. */
struct tl__spot {
	LIST_ENTRY(tl__spot) in_module, in_probe;
	struct tl_probe *probe;
	struct tl__module *module;
	struct tl_place place;
	struct tl_site *site;
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
	size_t places, refused, missed; /* returns that will not be told */
	bool removed;
	unsigned near_distance; /* of the name that is most like it: note_near() */
	char near[128];
};

/* A process that is followed. */
struct tl__watched {
	LIST_ENTRY(tl__watched) link;
	struct tl_prober *prober;
	int32_t pid;
	LIST_HEAD(, tl__watcher) watchers; /* one a task */
	bool look; /* at what it has mapped, in its next stop; else at its exec */
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

/* returns.c */
void tl__returns_enter(struct tl__spot *spot, struct tl_task *task, uint64_t time);
void tl__returns_forget(struct tl__watched *w, const struct tl__spot *spot);
void tl__returns_drop(struct tl__watched *w);

/* place.c */
void tl__place_probe(struct tl_probe *probe, struct tl__module *m, struct tl_task *task);
void tl__spot_drop(struct tl__spot *spot);

#endif
