/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * process_vm_readv and _writev of tracees. A debugger that reads so what it is about to set a
 * breakpoint on must not read another's there, for it would put that back: so gdb's stayed behind
 * lldb, and the program died of it. While another tool has breakpoints in the process, or may come
 * to set some, the call passes by here (shadow.c), piece by piece as the kernel makes it; else the
 * kernel does.
 *
 * Semantics: process_vm_readv(2); process_vm_rw (mm/process_vm_access.c).
 */
#include "memory.h"
#include "peer.h"

#include <errno.h>
#include <string.h>

/* What is too much for one call comes back short: other tools wait meanwhile. */
enum { MOST_PIECES = 1024 /* UIO_MAXIOV */, CHUNK = 1 << 15, MOST = 1 << 24 };

struct pieces {
	struct piece {
		uint64_t addr, len;
	} of[MOST_PIECES];
	size_t n, at;
};

struct vm {
	const struct tl__notice *n;
	struct tl__view view;
	struct tl__peer *peer; /* that holds the process */
	bool writes;
	struct pieces ours, theirs; /* in the tool, in the tracee */
	uint8_t buf[CHUNK];
};

/* An array of iovecs. False: the kernel says what is wrong with it. */
static bool read_pieces(const struct tl__notice *n, unsigned first, unsigned word, struct pieces *p)
{
	uint64_t at = word == 4 ? (uint32_t)n->args[first] : n->args[first];
	uint64_t many = word == 4 ? (uint32_t)n->args[first + 1] : n->args[first + 1];
	uint8_t *raw = (uint8_t *)p->of;

	if (many > MOST_PIECES ||
	    (many && tl__caller_read(n->tid, at, raw, (size_t)many * 2 * word) < 0))
		return false;
	p->n = (size_t)many;
	/* Those of 32 bits become wider where they are: the last one first. */
	for (size_t i = p->n; word == 4 && i-- > 0;) {
		uint32_t narrow[2];

		memcpy(narrow, raw + i * sizeof(narrow), sizeof(narrow));
		p->of[i] = (struct piece){ narrow[0], narrow[1] };
	}
	for (size_t i = 0; i < p->n; i++)
		if (p->of[i].len > (word == 4 ? INT32_MAX : INT64_MAX))
			return false;
	return true;
}

/* What is left of the one whose turn it is; NULL: nothing is. */
static struct piece *turn(struct pieces *p)
{
	while (p->at < p->n && p->of[p->at].len == 0)
		p->at++;
	return p->at < p->n ? &p->of[p->at] : NULL;
}

static void go_on(struct piece *p, uint64_t n)
{
	p->addr += n;
	p->len -= n;
}

static int64_t at_tracee(struct vm *vm, uint64_t addr, size_t len)
{
	if (vm->peer)
		return tl__peer_process_vm(vm->peer, vm->view.tool, vm->view.vm, vm->writes, addr,
					   vm->buf, len);
	return vm->writes ? tl__view_write(&vm->view, addr, vm->buf, len)
			  : tl__view_read(&vm->view, addr, vm->buf, len);
}

/* The tool's side, where a page that is not there ends it. */
static int64_t at_tool(struct vm *vm, uint64_t addr, size_t len)
{
	int64_t r = tl__process_vm(vm->n->tid, !vm->writes, addr, vm->buf, len);

	return r < 0 ? -EFAULT : r;
}

static int64_t one(struct vm *vm, uint64_t ours, uint64_t theirs, size_t len)
{
	int64_t r = vm->writes ? at_tool(vm, ours, len) : at_tracee(vm, theirs, len);

	if (r <= 0)
		return r;
	return vm->writes ? at_tracee(vm, theirs, (size_t)r) : at_tool(vm, ours, (size_t)r);
}

static int64_t transfer(struct vm *vm)
{
	struct piece *ours, *theirs;
	int64_t done = 0, r = 0;

	while (done < MOST && (ours = turn(&vm->ours)) && (theirs = turn(&vm->theirs))) {
		uint64_t len = ours->len < theirs->len ? ours->len : theirs->len;

		if (len > CHUNK)
			len = CHUNK;
		r = one(vm, ours->addr, theirs->addr, (size_t)len);
		if (r <= 0)
			break;
		done += r;
		if ((uint64_t)r < len)
			break;
		go_on(ours, len);
		go_on(theirs, len);
	}
	return done ? done : r;
}

static bool is_shared(const struct tl__link *l, bool writes)
{
	const struct tl__broker *b = l->tool->broker;

	return l->tracee->peer || tl__breaks_are_shared(b, l->tool, l->tracee->tgid) ||
	       (writes && tl__breaks_of(b, l->tracee->tgid));
}

/* The link that it goes by; NULL: the kernel makes the call. */
static struct tl__link *shared_link(struct tl__broker *b, const struct tl__notice *n, bool writes)
{
	struct tl__tool *tool = tl__tool_of(b, n->tid);
	struct tl__link *l = NULL;

	if (tool && !TAILQ_EMPTY(&tool->links))
		l = tl__memory_link(tool, (pid_t)n->args[0]);
	return l && is_shared(l, writes) ? l : NULL;
}

static bool parse(struct vm *vm, unsigned word, struct tl__link *l)
{
	const struct tl__notice *n = vm->n;

	vm->view = (struct tl__view){ .b = l->tool->broker,
				      .tool = l->tool,
				      .tgid = l->tracee->tgid,
				      .vm = l->tracee->tid,
				      .fd = -1 };
	vm->peer = l->tracee->peer;
	vm->ours.at = vm->theirs.at = 0;
	return (word == 4 ? (uint32_t)n->args[5] : n->args[5]) == 0 /* flags */ &&
	       read_pieces(n, 1, word, &vm->ours) && read_pieces(n, 3, word, &vm->theirs);
}

static bool serve(const struct tl__notice *n, bool writes, unsigned word, struct tl__link *l)
{
	struct tl__broker *b = l->tool->broker;
	struct vm vm;

	vm.n = n;
	vm.writes = writes;
	if (!parse(&vm, word, l))
		return false;
	tl__answer(b, n, transfer(&vm));
	return true;
}

void tl__serve_vm(struct tl__broker *b, const struct tl__notice *n, enum tl__served what,
		  unsigned word)
{
	bool writes = what == TL__SERVE_VM_WRITE;
	struct tl__link *l = shared_link(b, n, writes);

	if (!l || !serve(n, writes, word, l))
		tl__pass(b, n->id);
}
