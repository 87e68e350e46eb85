/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What goes between servers: asked and answered, while others are served. */
#ifndef TL_BROKER_TALK_H
#define TL_BROKER_TALK_H

#include "peer.h"

/* 0, or -errno: then it is dead, and is buried when nothing is asked of it any more. */
int tl__talk_say(struct tl__peer *p, const struct tl__message *m, const void *data, int fd);
/* m: what is asked; then the answer, whose data is p->data. Meanwhile whatever comes from any
 * server is served, for they may ask each other in a ring; but for memory, which is asked for in
 * the middle of a request: then nothing but that. */
int tl__talk_ask(struct tl__peer *p, struct tl__message *m, const void *data, int fd);
/* The one that m asks for. */
int tl__talk_answer(struct tl__peer *p, const struct tl__message *m, struct tl__message *answer,
		    const void *data);
/* One message, if there is one. */
void tl__talk_hear(struct tl__peer *p);
/* What was put off while calls of other servers' tools were served: there is none now. */
void tl__talk_catch_up(struct tl__broker *b);
void tl__talk_forget(struct tl__peer *p);

#endif
