/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What goes between servers: asked and answered, while others are served.
 *
 * Of two servers that ask each other at once each serves the other before it has its own answer,
 * and that may come while it asks something for the other. So answers are known by the number of
 * what was asked, and kept until their turn.
 *
 * Who reads or writes the memory of another's tool is in the middle of that one's call: tasks,
 * links and tools have to be there when it goes on. All that it serves then is the same for others,
 * or three that do so in a ring would wait for each other; the rest is put off.
 */
#define _GNU_SOURCE
#include "talk.h"

#include "clock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* More servers than that are served when nothing is asked. */
enum { LIMIT_MS = 5000, MOST = 64, EARLY = 64 };

struct tl__parked {
	STAILQ_ENTRY(tl__parked) link;
	struct tl__message m;
	int fd;
	uint8_t data[];
};

static bool is_answer(const struct tl__message *m)
{
	return m->what == TL__SAY_RESULT || m->what == TL__SAY_READ_DONE ||
	       m->what == TL__SAY_WRITE_DONE;
}

int tl__talk_say(struct tl__peer *p, const struct tl__message *m, const void *data, int fd)
{
	int r = p->dead ? -EPIPE : tl__message_send(p->fd, m, data, fd);

	p->dead |= r < 0;
	return r;
}

int tl__talk_answer(struct tl__peer *p, const struct tl__message *m, struct tl__message *answer,
		    const void *data)
{
	answer->asked = m->asked;
	return tl__talk_say(p, answer, data, -1);
}

/* False: so many nobody has asked for; or who waits for it would wait for ever. */
static bool keep(struct tl__parking *in, struct tl__peer *p, const struct tl__message *m, int fd)
{
	struct tl__parked *e = NULL, *other;
	unsigned n = 0;

	STAILQ_FOREACH (other, in, link)
		n++;
	if (n < EARLY)
		e = malloc(sizeof(*e) + m->len);
	if (!e) {
		p->dead = true;
		return false;
	}
	e->m = *m;
	e->fd = fd;
	memcpy(e->data, p->data, m->len);
	STAILQ_INSERT_TAIL(in, e, link);
	return true;
}

static bool take(struct tl__peer *p, uint32_t asked, struct tl__message *m)
{
	struct tl__parked *e;

	STAILQ_FOREACH (e, &p->early, link) {
		if (e->m.asked != asked)
			continue;
		STAILQ_REMOVE(&p->early, e, tl__parked, link);
		*m = e->m;
		memcpy(p->data, e->data, e->m.len);
		free(e);
		return true;
	}
	return false;
}

static void drop_all(struct tl__parking *in)
{
	struct tl__parked *e;

	while ((e = STAILQ_FIRST(in))) {
		STAILQ_REMOVE_HEAD(in, link);
		if (e->fd >= 0)
			close(e->fd);
		free(e);
	}
}

void tl__talk_forget(struct tl__peer *p)
{
	drop_all(&p->early);
	drop_all(&p->put_off);
}

static bool is_of_memory(const struct tl__message *m)
{
	return m->what == TL__SAY_READ || m->what == TL__SAY_WRITE;
}

static bool serve_put_off(struct tl__peer *p)
{
	struct tl__parked *e = p->dead ? NULL : STAILQ_FIRST(&p->put_off);

	if (!e)
		return false;
	STAILQ_REMOVE_HEAD(&p->put_off, link);
	memcpy(p->data, e->data, e->m.len);
	tl__peer_handle(p, &e->m, e->fd);
	if (e->fd >= 0)
		close(e->fd);
	free(e);
	return true;
}

void tl__talk_hear(struct tl__peer *p)
{
	struct tl__message m;
	int fd, r;

	if (!p->broker->in_call && serve_put_off(p))
		return;
	/* It may have been taken in the meantime, by somebody who waited for an answer. */
	r = p->dead ? -EAGAIN : tl__message_receive(p->fd, &m, p->data, &fd, false);
	if (r < 0) {
		p->dead |= r != -EAGAIN;
		return;
	}
	if (is_answer(&m))
		keep(&p->early, p, &m, -1);
	else if (p->broker->in_call && !is_of_memory(&m)) {
		if (keep(&p->put_off, p, &m, fd))
			return;
	} else {
		tl__peer_handle(p, &m, fd);
	}
	if (fd >= 0)
		close(fd);
}

void tl__talk_catch_up(struct tl__broker *b)
{
	struct tl__peer *p;

	TAILQ_FOREACH (p, &b->peers, link)
		while (serve_put_off(p))
			;
}

/* Whatever comes next, from any of them. False: nothing has, for so long. */
static bool serve_some(struct tl__broker *b, struct tl__peer *first, int ms)
{
	struct pollfd fds[MOST + 1] = { { .fd = b->registry, .events = POLLIN },
					{ .fd = first->fd, .events = POLLIN } };
	struct tl__peer *of[MOST + 1] = { NULL, first }, *p;
	nfds_t n = 2;
	int r;

	TAILQ_FOREACH (p, &b->peers, link)
		if (p != first && !p->dead && n <= MOST) {
			of[n] = p;
			fds[n++] = (struct pollfd){ .fd = p->fd, .events = POLLIN };
		}
	do
		r = poll(fds, n, ms);
	while (r < 0 && errno == EINTR);
	for (nfds_t i = 0; r > 0 && i < n; i++)
		if (fds[i].revents && i > 0)
			tl__talk_hear(of[i]);
		else if (fds[i].revents & POLLIN)
			tl__peer_accept(b);
	return r > 0;
}

int tl__talk_ask(struct tl__peer *p, struct tl__message *m, const void *data, int fd)
{
	bool in_call = is_of_memory(m), before = p->broker->in_call;
	uint32_t asked = m->asked = ++p->asked;
	uint64_t end = tl__now_ms() + LIMIT_MS;
	int r = tl__talk_say(p, m, data, fd);

	p->broker->in_call = in_call;
	while (r == 0) {
		int64_t left = (int64_t)(end - tl__now_ms());

		if (!in_call)
			tl__talk_catch_up(p->broker);
		if (take(p, asked, m))
			break;
		/* One that hangs must not hang us. */
		p->dead |= left <= 0;
		if (p->dead)
			r = -EPIPE;
		else
			serve_some(p->broker, p, (int)left);
	}
	p->broker->in_call = before;
	return r;
}
