/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The memory of other servers' tasks, for tools of ours, and of ours for theirs. */
#define _GNU_SOURCE
#include "peer.h"
#include "talk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* In the holder: the descriptor has come along, of a process that the tool has a link to. */
void tl__peer_hear_opened(struct tl__peer *p, const struct tl__message *m, int fd)
{
	struct tl__tool *tool = tl__tool_find(p->broker, m->tool);
	struct tl__memory *old;
	struct tl__link *l;

	if (!tool || tool->peer != p || fd < 0 || tl__memory_whose(fd) != m->tgid)
		return;
	old = tl__memory_find(p->broker, tool, m->number);
	if (old)
		tl__memory_drop(old);
	TAILQ_FOREACH (l, &tool->links, of_tool)
		if (l->tracee->tgid == m->tgid)
			break;
	fd = l ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
	if (fd >= 0)
		tl__ignore(tl__memory_add(tool, m->tgid, m->number, fd) != NULL);
}

static struct tl__memory *memory_of(struct tl__peer *p, const struct tl__message *m)
{
	struct tl__tool *tool = tl__tool_find(p->broker, m->tool);

	return tool && tool->peer == p ? tl__memory_find(p->broker, tool, m->number) : NULL;
}

void tl__peer_hear_closed(struct tl__peer *p, const struct tl__message *m)
{
	struct tl__memory *memory = memory_of(p, m);

	if (memory)
		tl__memory_drop(memory);
}

/* What that tool of theirs sees: who has a link has shown that he may. */
static bool view_for(struct tl__peer *p, const struct tl__message *m, struct tl__view *v)
{
	struct tl__tool *tool = tl__tool_find(p->broker, m->tool);
	const struct tl__memory *memory = memory_of(p, m);
	const struct tl__link *l = NULL;

	*v = (struct tl__view){ .b = p->broker, .tool = tool, .fd = -1 };
	if (memory) {
		v->tgid = memory->tgid;
		v->fd = memory->fd;
		return true;
	}
	if (tool && tool->peer == p && m->number == TL__BY_PROCESS_VM)
		l = tl__memory_link(tool, m->tid);
	if (!l || l->tracee->peer || l->tracee->tid != m->tid)
		return false;
	v->tgid = l->tracee->tgid;
	v->vm = l->tracee->tid;
	return true;
}

void tl__peer_hear_memory(struct tl__peer *p, const struct tl__message *m)
{
	struct tl__message done = { .what = TL__SAY_RESULT, .result = -EIO };
	bool writes = m->what == TL__SAY_WRITE_OF;
	struct tl__view v;

	if (m->len <= TL__DATA_MAX && view_for(p, m, &v)) {
		done.result = writes ? tl__view_write(&v, m->addr, p->data, m->len)
				     : tl__view_read(&v, m->addr, p->data, m->len);
	}
	if (!writes && done.result > 0)
		done.len = (uint32_t)done.result;
	tl__talk_answer(p, m, &done, done.len ? p->data : NULL);
}

int tl__peer_memory_opened(const struct tl__memory *m)
{
	struct tl__message say_it = {
		.what = TL__SAY_OPENED, .tool = m->tool->tgid, .number = m->theirs, .tgid = m->tgid
	};

	return tl__talk_say(m->peer, &say_it, NULL, m->fd);
}

void tl__peer_memory_closed(const struct tl__memory *m)
{
	struct tl__message say_it = { .what = TL__SAY_CLOSED,
				      .tool = m->tool->tgid,
				      .number = m->theirs };

	tl__talk_say(m->peer, &say_it, NULL, -1);
}

static int64_t transfer(struct tl__peer *p, bool writes, struct tl__message *ask, void *buf)
{
	uint32_t len = ask->len;

	ask->what = writes ? TL__SAY_WRITE_OF : TL__SAY_READ_OF;
	if (tl__talk_ask(p, ask, writes ? buf : NULL, -1) < 0)
		return -EIO;
	if (!writes && ask->result > 0) {
		if (ask->len != (uint64_t)ask->result || ask->len > len)
			return -EIO;
		memcpy(buf, p->data, ask->len);
	}
	return ask->result > len ? -EIO : ask->result;
}

int64_t tl__peer_memory(const struct tl__memory *m, bool writes, uint64_t addr, void *buf,
			size_t len)
{
	struct tl__message ask = {
		.tool = m->tool->tgid, .number = m->theirs, .addr = addr, .len = (uint32_t)len
	};

	return transfer(m->peer, writes, &ask, buf);
}

int64_t tl__peer_process_vm(struct tl__peer *p, const struct tl__tool *tool, pid_t tid, bool writes,
			    uint64_t addr, void *buf, size_t len)
{
	struct tl__message ask = { .tool = tool->tgid,
				   .number = TL__BY_PROCESS_VM,
				   .tid = tid,
				   .addr = addr,
				   .len = (uint32_t)len };

	return transfer(p, writes, &ask, buf);
}
