/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Other servers: whoever holds a task serves the others. */
#ifndef TL_BROKER_PEER_H
#define TL_BROKER_PEER_H

#include "broker.h"
#include "memory.h"
#include "message.h"
#include "windows.h"

struct tl__peer {
	TAILQ_ENTRY(tl__peer) link;
	struct tl__broker *broker;
	int fd;
	pid_t pid;
	bool dead;
	bool foreign; /* of a user who must not do what we may: it serves, and is not served */
	/* The call of a tool of ours that it serves now, and what it may see of that one's memory.
	 */
	const struct tl__notice *calling;
	struct tl__window windows[TL__WINDOWS];
	size_t windows_n;
	uint8_t *data;  /* TL__DATA_MAX */
	uint32_t asked; /* the number of what was asked last */
	/* What has come before its turn: answers, and what is asked while a call is served. */
	STAILQ_HEAD(tl__parking, tl__parked) early, put_off;
};

/* fd: what has come along, or -1; the caller's. */
void tl__peer_handle(struct tl__peer *p, const struct tl__message *m, int fd);
void tl__peer_accept(struct tl__broker *b);
/* Whether a task that could not be seized is another server's, which then has to say. */
bool tl__peer_attach(struct tl__broker *b, const struct tl__notice *n, unsigned word, pid_t tid,
		     int64_t *ret);
/* A request of a tool of ours, on a link that is that server's. */
int64_t tl__peer_call(struct tl__link *l, const struct tl__notice *n, unsigned word);
/* Memory of a tool that the other server knows. */
int tl__peer_read(struct tl__peer *p, uint64_t addr, void *buf, size_t len);
int tl__peer_write(struct tl__peer *p, uint64_t addr, const void *buf, size_t len);
/* As tl__serve_stop, of a thread of a tool of ours. */
bool tl__peer_stop(struct tl__peer *p, pid_t caller, pid_t tid, int sig);
/* A tool of ours and a descriptor of the memory of a process of that server's. */
int tl__peer_memory_opened(const struct tl__memory *m);
void tl__peer_memory_closed(const struct tl__memory *m);
int64_t tl__peer_memory(const struct tl__memory *m, bool writes, uint64_t addr, void *buf,
			size_t len);
/* The same by process_vm_readv and _writev, of a task that a tool of ours has a link to. */
int64_t tl__peer_process_vm(struct tl__peer *p, const struct tl__tool *tool, pid_t tid, bool writes,
			    uint64_t addr, void *buf, size_t len);
/* A link of a tool of the other server's. */
enum tl__fate { TL__ALIVE, TL__DEAD, TL__GONE /* without a word: by an exec */ };
void tl__peer_tell(struct tl__link *l, enum tl__fate fate);
void tl__peer_tell_child(struct tl__tool *tool, pid_t child);
/* A link of a tool of ours to a task of another server's; NULL: there is none. */
struct tl__link *tl__peer_find(struct tl__tool *tool, pid_t tid);
/* peer_memory.c */
void tl__peer_hear_opened(struct tl__peer *p, const struct tl__message *m, int fd);
void tl__peer_hear_closed(struct tl__peer *p, const struct tl__message *m);
void tl__peer_hear_memory(struct tl__peer *p, const struct tl__message *m);
/* peer_waits.c */
void tl__peer_hear_wait(struct tl__peer *p, const struct tl__message *m);
void tl__peer_hear_held(struct tl__peer *p, const struct tl__message *m);
void tl__peer_hear_stuck(struct tl__peer *p, const struct tl__message *m);
/* Of tools of ours with tasks of other servers' that wait for a while, or while nothing happens:
 * those have to know, where one tool that holds a task waits for another (stuck.c). */
void tl__peers_say_waits(struct tl__broker *b, bool idle);
void tl__peers_sweep(struct tl__broker *b);
void tl__peers_thread_ends(struct tl__broker *b, pid_t tid);

#endif
