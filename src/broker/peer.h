/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Other servers: whoever holds a task serves the others. */
#ifndef TL_BROKER_PEER_H
#define TL_BROKER_PEER_H

#include "broker.h"
#include "message.h"

struct tl__peer {
	TAILQ_ENTRY(tl__peer) link;
	struct tl__broker *broker;
	int fd;
	pid_t pid;
	bool dead;
	pid_t calling; /* the thread of a tool of ours whose call it serves now */
	uint8_t *data; /* TL__DATA_MAX */
};

/* Ready: a message, or its end. */
void tl__peer_ready(struct tl__peer *p);
void tl__peer_accept(struct tl__broker *b);
/* Whether a task that could not be seized is another server's, which then has to say. */
bool tl__peer_attach(struct tl__broker *b, const struct tl__notice *n, unsigned word, pid_t tid,
		     int64_t *ret);
/* A request of a tool of ours, on a link that is that server's. */
int64_t tl__peer_call(struct tl__link *l, const struct tl__notice *n, unsigned word);
/* Memory of a tool that the other server knows. */
int tl__peer_read(struct tl__peer *p, uint64_t addr, void *buf, size_t len);
int tl__peer_write(struct tl__peer *p, uint64_t addr, const void *buf, size_t len);
/* A link of a tool of the other server's. */
enum tl__fate { TL__ALIVE, TL__DEAD, TL__GONE /* without a word: by an exec */ };
void tl__peer_tell(const struct tl__link *l, enum tl__fate fate);
void tl__peer_tell_child(struct tl__tool *tool, pid_t child);
void tl__peers_sweep(struct tl__broker *b);
void tl__peers_thread_ends(struct tl__broker *b, pid_t tid);

#endif
