/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Patched addresses.
 *
 * A space is what threads share when they share memory; its patches, one an address, have the
 * sites that were asked for. The layer listens to every task of its spaces by an engine of its own,
 * which holds them while text is written, and to stops by the core's hooks (tl__site_hooks).
 */
#ifndef TL_SITE_H
#define TL_SITE_H

#include "core.h"
#include "layout.h"
#include "trapline/site.h"

struct tl_site {
	TAILQ_ENTRY(tl_site) link;
	struct tl__patch *patch;
	const struct tl_site_ops *ops;
	void *data;
	enum tl_site_state state;
	bool removed;
	bool untold; /* it was armed when it came, which is still to be told */
};

struct tl__patch {
	TAILQ_ENTRY(tl__patch) link;
	struct tl__space *space;
	uint64_t addr;
	TAILQ_HEAD(, tl_site) sites;
	unsigned calling; /* its sites' callbacks are running */
	bool armed;       /* the breakpoint is in the text */
	uint8_t original[4];
	uint64_t slot; /* 0: none yet */
	struct tl__displaced d;
};

TAILQ_HEAD(tl__patches, tl__patch);

/* An area as it lies in the tracee (layout.h), as far as it is known here. */
struct tl__area {
	SLIST_ENTRY(tl__area) link;
	uint64_t start;
	bool adopted;   /* somebody may come back to any of its slots: none is given away again */
	uint32_t used;  /* slots that were ever given away */
	uint32_t nfree; /* those that came back */
	uint16_t free[TL__AREA_SLOTS];
	uint16_t next[TL__AREA_SLOTS], buckets[TL__AREA_NBUCKET];
	struct tl__patch *slots[TL__AREA_SLOTS]; /* whose each is */
};

enum { TL__LOST_MAX = 8 };

/* A breakpoint that was not in its place any more. */
struct tl__lost {
	uint64_t addr;
	uint8_t original[4];
};

struct tl__space {
	struct tl__lost lost[TL__LOST_MAX]; /* the last ones */
	size_t nlost;
	bool untold; /* some sites are */
	SLIST_ENTRY(tl__space) link;
	struct tl_session *session;
	unsigned tasks;
	const struct tl__arch *arch; /* NULL until it was looked at */
	struct tl__hash by_addr;
	struct tl__patches patches;
	SLIST_HEAD(, tl__area) areas; /* the first has the handler of last resort */
	uint64_t owner;               /* what is written there of us */
	struct {
		bool settled; /* it is in place, or cannot be */
		bool handles;
		bool found;   /* still ours, when everything goes */
		bool lost;    /* the kernel has taken it away */
		bool ignored; /* SIGTRAP, before */
		int guard;    /* id of the journal with the guardian, or -1 */
	} resort;
	bool looked;            /* for what another tracer has left */
	bool keep;              /* somebody may come back to its areas */
	unsigned rounds, steps; /* that were made for that */
	struct {
		char *maps;
		struct tl__mapping map; /* the last that was asked for */
		bool shadow_stack;
	} look;        /* text.c, while text is written */
	bool work;     /* something is to be put in place or taken away */
	bool asked;    /* one of its tasks waits for that */
	bool holding;  /* its tasks have been asked to stand still */
	bool mapping;  /* one of them makes a call for us */
	bool leaving;  /* everything goes */
	int map_error; /* why there is no room */
	unsigned map_tries;
};

/* What the layer keeps for a task: the data of its engine. */
struct tl__sited {
	struct tl__space *space;
	struct tl_engine *engine;
	struct tl_task *task;
	struct tl__patch *hit; /* the pc was moved before the stop was handled */
	uint64_t mask;         /* at its last breakpoint, with SIGTRAP in it */
	bool stale;            /* and there is no such breakpoint any more */
	struct {
		uint64_t ip, sp;
	} again[8]; /* a signal came between a hit and its instruction, which comes again */
	unsigned nagain;
};

struct tl__sites {
	SLIST_HEAD(, tl__space) spaces;
	unsigned armed; /* patches, in all spaces */
};

/* space.c */
struct tl__space *tl__space_of(struct tl_task *task, bool make);
struct tl__patch *tl__patch_new(struct tl__space *sp, uint64_t addr);
struct tl__patch *tl__patch_find(struct tl__space *sp, uint64_t addr);
void tl__patch_free(struct tl__patch *p);
void tl__patch_sweep(struct tl__patch *p);
void tl__space_unref(struct tl__space *sp);
void tl__space_tell_new(struct tl__space *sp);
void tl__space_tell(struct tl__patch *p, enum tl_site_state state, int error, const char *why);
struct tl_task *tl__space_task(struct tl__space *sp);

/* hold.c: all threads stand still */
void tl__space_work(struct tl__space *sp);
struct tl_task *tl__space_caller(struct tl__space *sp);
void tl__slot_empty(struct tl__patch *p);

/* area.c */
struct tl__area *tl__area_new(struct tl__space *sp, uint64_t start);
int tl__area_begin(struct tl__space *sp, uint64_t start);
void tl__areas_chain(struct tl__space *sp);
bool tl__area_is_code(const struct tl__area *a, uint64_t addr);
int tl__area_slot(struct tl__space *sp, struct tl__patch *p);
bool tl__area_write(struct tl__space *sp, struct tl__patch *p);
void tl__area_release(struct tl__space *sp, struct tl__patch *p);
struct tl__patch *tl__area_patch_at(struct tl__space *sp, uint64_t addr);
int tl__area_map(struct tl__space *sp, struct tl_task *task, uint64_t near);
bool tl__area_unmap(struct tl__space *sp, struct tl_task *task);
void tl__areas_done(struct tl__space *sp);

/* gap.c */
bool tl__gap_reaches(const struct tl__space *sp, uint64_t start, uint64_t to, uint64_t spare);
uint64_t tl__gap_find(struct tl__space *sp, const char *text, uint64_t near);

/* last_resort.c. False: it has to be gone on with later. */
bool tl__last_resort_begin(struct tl__space *sp);
void tl__last_resort_adopt(struct tl__space *sp, uint32_t flags);
bool tl__last_resort_end(struct tl__space *sp);
void tl__last_resort_check(struct tl_task *task);
void tl__last_resort_gone(struct tl__space *sp);

/* adopt.c */
bool tl__adopt_clear(struct tl__space *sp);
void tl__adopt(struct tl__space *sp);
int tl__adopt_if_any(struct tl_task *task);

/* session.c */
int tl__site_add(struct tl_task *task, uint64_t addr, const struct tl_site_ops *ops, void *data,
		 struct tl_site **ret);
void tl__site_remove(struct tl_site *site);
void tl__sites_used(struct tl_session *s);

/* text.c */
void tl__text_look(struct tl__space *sp);
void tl__text_looked(struct tl__space *sp);
bool tl__text_displace(struct tl__patch *p, struct tl_task *task);
bool tl__text_arm(struct tl__patch *p);
void tl__text_disarm(struct tl__patch *p);
void tl__text_check(struct tl__patch *p);
void tl__text_moved(struct tl__space *sp, uint64_t addr);
void tl__text_written(struct tl_task *task, uint64_t addr, size_t n);
void tl__text_hide(struct tl_task *task, uint64_t addr, void *buf, size_t n);

typedef int tl__on_insn(tl_addr addr, const struct tl_insn *insn, void *data);
int tl__insn_walk(struct tl_task *task, uint64_t addr, size_t len, tl__on_insn *on_insn,
		  void *data);

/* hit.c */
bool tl__hit_stopped(struct tl_task *task);
void tl__hit_secure(struct tl_task *task);
void tl__hit_late(struct tl_task *task);

/* slot.c: where a thread really is */
void tl__slot_loaded(struct tl_task *task);
void tl__slot_raw(struct tl_task *task, void *regs);
void tl__slot_enter(struct tl_task *task, struct tl__patch *p);
void tl__slot_leave(struct tl_task *task);

#endif
