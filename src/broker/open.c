/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the front has to know when the server has been killed, in memory that they share. Calls that
 * it had received and not answered: what a dead holder of the listener has received is offered to
 * nobody again, but anybody may answer it. Threads that it was driving. Tools that it had left to
 * the kernel, and tools in whose memory it had answers.
 */
#define _GNU_SOURCE
#include "broker.h"

#include <sys/mman.h>

enum { ROOM = 1 << 10, MOST = 64 };

struct tl__open {
	struct {
		uint64_t id; /* 0: free */
		pid_t tid;
		bool traces;
	} calls[ROOM];
	struct tl__driven driven[TL__DRIVEN];
	pid_t alone[MOST], answered[MOST];
};

struct tl__open *tl__open_new(void)
{
	void *o = mmap(NULL, sizeof(struct tl__open), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return o == MAP_FAILED ? NULL : o;
}

void tl__open_free(struct tl__open *o)
{
	munmap(o, sizeof(*o));
}

/* A thread has one call: a thousand that wait at once are not covered. */
void tl__open_add(struct tl__open *o, const struct tl__notice *n)
{
	unsigned word;

	for (size_t i = 0; i < ROOM; i++)
		if (!o->calls[i].id) {
			o->calls[i].tid = n->tid;
			o->calls[i].traces = tl__filter_served(n, &word) == TL__SERVE_PTRACE;
			o->calls[i].id = n->id;
			return;
		}
}

void tl__open_drop(struct tl__open *o, uint64_t id)
{
	for (size_t i = 0; i < ROOM; i++)
		if (o->calls[i].id == id) {
			o->calls[i].id = 0;
			return;
		}
}

void tl__open_each(const struct tl__open *o,
		   void (*each)(uint64_t id, pid_t tid, bool traces, void *data), void *data)
{
	for (size_t i = 0; i < ROOM; i++)
		if (o->calls[i].id)
			each(o->calls[i].id, o->calls[i].tid, o->calls[i].traces, data);
}

struct tl__driven *tl__open_driven(struct tl__open *o, unsigned which)
{
	return &o->driven[which];
}

static pid_t *find(pid_t of[MOST], pid_t is)
{
	for (size_t i = 0; i < MOST; i++)
		if (of[i] == is)
			return &of[i];
	return NULL;
}

static bool set(pid_t of[MOST], pid_t tgid, bool begins)
{
	pid_t *slot = find(of, begins ? 0 : tgid);

	if (slot)
		*slot = begins ? tgid : 0;
	return slot;
}

bool tl__open_alone(struct tl__open *o, pid_t tgid, bool begins)
{
	return set(o->alone, tgid, begins);
}

bool tl__open_is_alone(struct tl__open *o, pid_t tgid)
{
	return find(o->alone, tgid);
}

bool tl__open_answered(struct tl__open *o, pid_t tgid, bool begins)
{
	return set(o->answered, tgid, begins);
}

void tl__open_each_answered(const struct tl__open *o, void (*each)(pid_t tgid))
{
	for (size_t i = 0; i < MOST; i++)
		if (o->answered[i])
			each(o->answered[i]);
}

int tl__reply(struct tl__broker *b, uint64_t id, int64_t result)
{
	int r = tl__notify_answer(b->listener, id, result);

	tl__open_drop(b->open, id);
	return r;
}

int tl__pass(struct tl__broker *b, uint64_t id)
{
	int r = tl__notify_continue(b->listener, id);

	tl__open_drop(b->open, id);
	return r;
}
