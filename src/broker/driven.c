/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Threads that somebody drove who is dead. Both are to go on as if nobody had: the tool's that made
 * requests for the server, and its tracee, which may be still in its hands, in nobody's, or run on
 * in place already.
 */
#define _GNU_SOURCE
#include "takeover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { NT_PRSTATUS_ = 1, SETREGSET = TL__REQ_SETREGSET, SETSIGMASK = 0x420b };
enum { TRIES = 2000, PAUSE_NS = 1000000 };

static void restore_text(const struct tl__driven *d)
{
	char path[40];
	int mem;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)d->tid);
	mem = d->ip ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (mem < 0)
		return;
	tl__ignore(pwrite(mem, d->text, sizeof(d->text), (off_t)d->ip) > 0);
	close(mem);
}

/* It has the registers that it was to stand still with; else it has gone on with its own, though it
 * stands there: between the text and the registers the tool may have died. An interrupt's stop says
 * -1 as well, but a call that has been made has a result. */
static bool stands_in_place(const struct tl__driven *d, const struct tl__puppet *p)
{
	const struct tl__arch *arch = tl__arch_of_gpr(p->len);
	struct tl__frame f, was;

	return p->len == d->is.len && arch && arch->get_frame(p->regs, p->len, &f) == 0 &&
	       arch->get_frame(d->at_stop, p->len, &was) == 0 && f.nr == -1 && f.ip == d->ip &&
	       f.ret == was.ret;
}

/* Its text last, but where it is dead: else it would go on with registers that are not its own.
 * -EPERM: somebody traces it. */
static int release_tracee(const struct tl__driven *d)
{
	struct tl__puppet p;
	int r = tl__puppet_begin(&p, d->is.tgid, d->tid, NULL, NULL);

	if (r != -EPERM)
		restore_text(d);
	if (r < 0)
		return r;
	if (stands_in_place(d, &p))
		memcpy(p.regs, d->is.regs, sizeof(p.regs));
	p.mask = d->is.mask;
	tl__puppet_end(&p);
	return 0;
}

static bool calls(struct tl__puppet *tool, uint32_t request, pid_t tid, uint64_t addr)
{
	return tl__puppet_call(tool, TL__WAY_INSN, SYS_ptrace,
			       (uint64_t[6]){ request, (uint64_t)tid, addr, TL__WAY_ROOM }) >= 0;
}

/* It is the tool's yet, in a stop. */
static void stand_by(struct tl__puppet *tool, const struct tl__driven *d)
{
	const uint64_t at = TL__WAY_ROOM + 2 * sizeof(uint64_t);
	const uint64_t iov[2] = { at, d->is.len };

	tl__ignore(tl__tool_writes(tool, d->tid, d->ip, d->text) < 0);
	if (tl__caller_write(tool->tid, TL__WAY_ROOM, iov, sizeof(iov)) < 0 ||
	    tl__caller_write(tool->tid, at, d->at_stop, d->is.len) < 0 ||
	    !calls(tool, SETREGSET, d->tid, NT_PRSTATUS_) ||
	    tl__caller_write(tool->tid, TL__WAY_ROOM, &d->is.mask, sizeof(d->is.mask)) < 0)
		return;
	calls(tool, SETSIGMASK, d->tid, sizeof(d->is.mask));
}

void tl__driven_release(struct tl__open *o)
{
	const struct tl__driven *of_tool = tl__open_driven(o, TL__DRIVEN_TOOL);
	const struct tl__driven *d = tl__open_driven(o, TL__DRIVEN_TRACEE);
	bool taken = d->tid != 0;
	struct tl__puppet tool;

	if (taken)
		taken = release_tracee(d) == -EPERM;
	if (!of_tool->tid ||
	    tl__puppet_begin(&tool, of_tool->is.tgid, of_tool->tid, NULL, NULL) < 0)
		return;
	if (taken)
		stand_by(&tool, d);
	tool.mask = of_tool->is.mask;
	memcpy(tool.regs, of_tool->is.regs, sizeof(tool.regs));
	tl__puppet_end(&tool);
}

void tl__driven_rescue(struct tl__open *o)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	const struct tl__driven *d = tl__open_driven(o, TL__DRIVEN_TRACEE);

	/* The kernel lets it go a moment after the tool's death. */
	for (int i = 0; i < TRIES && release_tracee(d) == -EPERM; i++)
		nanosleep(&pause, NULL);
}

static void note_tool(const struct tl__puppet *p, void *data)
{
	struct tl__driven *d = tl__open_driven(data, TL__DRIVEN_TOOL);

	d->is = *p;
	d->ip = 0;
	__atomic_store_n(&d->tid, p->tid, __ATOMIC_RELEASE);
}

int tl__tool_drive(struct tl__open *o, struct tl__puppet *p, pid_t tgid, pid_t tid)
{
	return tl__puppet_begin(p, tgid, tid, note_tool, o);
}

void tl__tool_let_go(struct tl__open *o, struct tl__puppet *p)
{
	struct tl__driven *d = tl__open_driven(o, TL__DRIVEN_TOOL);

	tl__puppet_end(p);
	__atomic_store_n(&d->tid, 0, __ATOMIC_RELEASE);
}
