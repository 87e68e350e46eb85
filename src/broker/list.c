/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks each server which links it has. */
#define _GNU_SOURCE
#include "list.h"

#include "link.h"
#include "message.h"
#include "registry.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct listing {
	void (*each)(const struct tl_broker_link *link, void *data);
	void *data, *room;
};

static enum tl_broker_state state_of(const struct tl__message *m)
{
	switch (m->state) {
	case TL__LINK_STOPPED:
		return TL_BROKER_HOLDS;
	case TL__LINK_LISTENING:
		return TL_BROKER_LISTENS;
	case TL__LINK_DEAD:
		return TL_BROKER_DEAD;
	default:
		break;
	}
	switch (m->mode) {
	case TL__MODE_CONT:
		return TL_BROKER_RUNS;
	case TL__MODE_STEP:
	case TL__MODE_BLOCK:
		return TL_BROKER_STEPS;
	default:
		return TL_BROKER_RUNS_TO_CALL;
	}
}

static void ask(int fd, pid_t server, void *data)
{
	struct tl__message m = { .what = TL__SAY_LIST };
	struct listing *l = data;
	int none;

	if (tl__message_send(fd, &m, NULL, -1) < 0)
		return;
	while (tl__message_receive(fd, &m, l->room, &none, true) == 0 && m.what == TL__SAY_LINK) {
		struct tl_broker_link link = { .size = sizeof(link),
					       .state = state_of(&m),
					       .pid = m.tgid,
					       .tid = m.tid,
					       .tool = m.tool,
					       .server = server,
					       .signo = (int32_t)(m.code & 0x7f),
					       .event = (int32_t)(m.code >> 8) };

		if (none >= 0)
			close(none);
		l->each(&link, l->data);
	}
}

int tl__broker_list(void (*each)(const struct tl_broker_link *link, void *data), void *data)
{
	struct listing l = { .each = each, .data = data, .room = malloc(TL__DATA_MAX) };
	int r;

	if (!l.room)
		return -ENOMEM;
	r = tl__registry_each(ask, &l);
	free(l.room);
	return r;
}
