/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a user's servers find each other. */
#ifndef TL_BROKER_REGISTRY_H
#define TL_BROKER_REGISTRY_H

#include <stdbool.h>
#include <sys/types.h>

int tl__registry_open(void); /* this process's own socket, or -errno */
void tl__registry_close(void);
/* A connection to it, whose other end may be talked to: its process. */
int tl__registry_accept(int listening, pid_t *pid);
bool tl__registry_is_foreign(int fd); /* neither this user's server nor root's */
/* Each server of this user's that can be reached: its connection, which stays ours. */
int tl__registry_each(void (*each)(int fd, pid_t server, void *data), void *data);
/* To the server that this process is: -ENOENT when it is none of this user's. */
int tl__registry_find(pid_t server);

#endif
