/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ptrace(2), request by request.
 *
 * What a link's tracer sees of its stop is answered from the link; registers, masks and the like by
 * the kernel itself, whose tracee the task is; memory through the task's view.
 */
#include "asked.h"
#include "memory.h"
#include "narrow.h"
#include "peer.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PEEKUSER = 3, GETREGS = 12 };

int64_t tl__asker_read(const struct tl__asked *q, uint64_t addr, void *buf, size_t len)
{
	return q->peer ? tl__peer_read(q->peer, addr, buf, len)
		       : tl__caller_read(q->n->tid, addr, buf, len);
}

int64_t tl__asker_write(const struct tl__asked *q, uint64_t addr, const void *buf, size_t len)
{
	return q->peer ? tl__peer_write(q->peer, addr, buf, len)
		       : tl__give(q->b, q->n, addr, buf, len);
}

static struct tl__view view_of(const struct tl__asked *q)
{
	return (struct tl__view){ .b = q->b,
				  .tool = q->link->tool,
				  .tgid = q->link->tracee->tgid,
				  .fd = -1,
				  .task = q->link->tracee->task };
}

static int64_t peek(struct tl__asked *q)
{
	struct tl__view v = view_of(q);
	uint64_t value = 0;

	if (tl__view_read(&v, q->addr, &value, q->word) != q->word)
		return -EIO;
	return tl__asker_write(q, q->data, &value, q->word);
}

static int64_t poke(struct tl__asked *q)
{
	struct tl__view v = view_of(q);

	return tl__view_write(&v, q->addr, &q->data, q->word) == q->word ? 0 : -EIO;
}

static int64_t get_event_message(struct tl__asked *q)
{
	return tl__asker_write(q, q->data, &q->link->v.stop.msg, q->word);
}

static int64_t write_info(struct tl__asked *q, uint64_t at, const uint8_t *info)
{
	uint8_t narrow[TL__NARROW_INFO];

	if (q->word == 4) {
		tl__narrow_info(info, narrow);
		info = narrow;
	}
	return tl__asker_write(q, at, info, TL__INFO_SIZE);
}

static int64_t get_siginfo(struct tl__asked *q)
{
	const uint8_t *info;
	int r = tl__vlink_siginfo(&q->link->v, &info);

	return r < 0 ? r : write_info(q, q->data, info);
}

static int64_t set_siginfo(struct tl__asked *q)
{
	struct tl__vstop *stop = &q->link->v.stop;
	int64_t r;
	uint8_t info[TL__INFO_SIZE];

	if (!stop->has_info)
		return -EINVAL;
	r = tl__asker_read(q, q->data, info, sizeof(info));
	if (r == 0 && q->word == 4)
		tl__widen_info(info, stop->info);
	else if (r == 0)
		memcpy(stop->info, info, sizeof(info));
	return r;
}

/* struct ptrace_peeksiginfo_args lies at addr. */
static int64_t peek_siginfo(struct tl__asked *q)
{
	enum { AT_ONCE = 32 };
	struct {
		uint64_t off;
		uint32_t flags;
		int32_t nr;
	} args;
	uint8_t infos[AT_ONCE * TL__INFO_SIZE];
	int64_t done = 0, r = tl__asker_read(q, q->addr, &args, sizeof(args));

	if (r < 0)
		return r;
	if (args.flags & ~1u || args.nr < 0)
		return -EINVAL;
	while (done < args.nr) {
		int64_t n = args.nr - done < AT_ONCE ? args.nr - done : AT_ONCE;

		r = tl_task_request(q->link->tracee->task, TL__REQ_PEEKSIGINFO, args.flags,
				    args.off + (uint64_t)done, infos, (size_t)n * TL__INFO_SIZE);
		/* Where the buffer cannot be written any more, those before it count. */
		for (int64_t i = 0; i < r; i++, done++) {
			uint8_t *info = infos + i * TL__INFO_SIZE;

			tl__ignore(tl__tracee_sent_info(q->link->tracee, info, info));
			if (write_info(q, q->data + (uint64_t)done * TL__INFO_SIZE, info) < 0)
				return done ? done : -EFAULT;
		}
		if (r < n)
			break;
	}
	return done ? done : r;
}

static int64_t set_options(struct tl__asked *q)
{
	bool suspends = q->data & TL__OPT_SUSPEND_SECCOMP;
	int r = tl__vlink_check_options(q->data);

	if (r == 0 && suspends)
		r = tl__seccomp_may_suspend(q);
	if (r == 0 && suspends)
		r = tl__chain_suspend_filters(q->link->tracee);
	q->link->tracee->leaves |= (q->link->v.options & TL__OPT_EXIT) != 0;
	if (r == 0)
		r = tl__vlink_set_options(&q->link->v, q->data);
	/* In force now: a task that is killed in its stop may stop once more. */
	tl__ignore(
		tl_engine_set_events(q->link->tracee->engine, tl__chain_events(q->link->tracee)));
	return r;
}

static int64_t let_go(struct tl__asked *q)
{
	struct tl__let_go how;
	int r = tl__vlink_resume(&q->link->v, q->request, q->data, TL__BY_HOST(true, false), &how);

	if (r < 0)
		return r;
	q->link->tracee->aside = 0;
	if (q->request == TL__REQ_SINGLESTEP)
		tl__lift_note_step(q->link->tracee);
	else
		tl__step_over_stops(q->link->tool, 0);
	tl__link_let_go(q->link, &how);
	tl__tracee_settle(q->link->tracee);
	return 0;
}

static int64_t detach(struct tl__asked *q)
{
	struct tl__let_go how;
	int r = tl__vlink_detach(&q->link->v, q->data, &how);

	if (r < 0)
		return r;
	q->link->v.state = TL__LINK_RUNNING;
	tl__link_let_go(q->link, &how);
	tl__link_unlink(q->link);
	return 0;
}

/* Requests that are answered here; to all others the kernel says itself that the task is killed. */
static bool is_answered_here(uint32_t request)
{
	switch (request) {
	case TL__REQ_PEEKTEXT:
	case TL__REQ_PEEKDATA:
	case TL__REQ_POKETEXT:
	case TL__REQ_POKEDATA:
	case TL__REQ_DETACH:
	case TL__REQ_SETOPTIONS:
	case TL__REQ_OLDSETOPTIONS:
	case TL__REQ_GETEVENTMSG:
	case TL__REQ_GETSIGINFO:
	case TL__REQ_SETSIGINFO:
	case TL__REQ_SET_SYSCALL_INFO:
	case TL__REQ_LISTEN:
		return true;
	default:
		return tl__resumes(request);
	}
}

static int code_of(const void *info)
{
	siginfo_t si;

	memcpy(&si, info, sizeof(si));
	return si.si_code;
}

/* Killed in its stop it answers nothing any more, and its end has not been told yet; or it stands
 * in the stop of that already, which is ours alone. (A program may send itself such a code.) */
static bool is_killed(const struct tl__asked *q)
{
	const struct tl__link *l = q->link;
	uint8_t info[TL__INFO_SIZE];
	int64_t r;

	if (!is_answered_here(q->request))
		return false;
	r = tl_task_request(l->tracee->task, TL__REQ_GETSIGINFO, 0, 0, info, sizeof(info));
	return r == -ESRCH || (r >= 0 && code_of(info) >> 8 == TL__TE_EXIT &&
			       l->tracee->stands_in != TL__WHAT_LEAVING &&
			       code_of(info) != code_of(l->v.stop.info));
}

static bool writes_registers(uint32_t request)
{
	return request == TL__REQ_SETREGSET || request == 13 /* SETREGS */ ||
	       request == 6 /* POKEUSER */;
}

static bool is_a_debuggers(uint32_t request)
{
	return request == TL__REQ_POKETEXT || request == TL__REQ_POKEDATA ||
	       request == TL__REQ_SINGLESTEP || writes_registers(request);
}

static int64_t of_stopped(struct tl__asked *q)
{
	q->link->tool->debugs |= is_a_debuggers(q->request);
	q->link->v.asked_about |= q->request != TL__REQ_DETACH;
	if (writes_registers(q->request)) {
		tl__lift_note_pc(q->link->tracee);
		/* In front of its breakpoint: it is about to step over that. */
		if (q->link->owns && q->link->tracee->met)
			tl__step_over_stops(q->link->tool, q->link->tracee->tgid);
	}
	switch (q->request) {
	case TL__REQ_PEEKTEXT:
	case TL__REQ_PEEKDATA:
		return peek(q);
	case TL__REQ_POKETEXT:
	case TL__REQ_POKEDATA:
		return poke(q);
	case 6 /* POKEUSER */:
		return tl__registers_poke_user(q);
	case TL__REQ_DETACH:
		return detach(q);
	case TL__REQ_SETOPTIONS:
	case TL__REQ_OLDSETOPTIONS:
		return set_options(q);
	case TL__REQ_GETEVENTMSG:
		return get_event_message(q);
	case TL__REQ_GETSIGINFO:
		return get_siginfo(q);
	case TL__REQ_SETSIGINFO:
		return set_siginfo(q);
	case TL__REQ_GETREGSET:
	case TL__REQ_SETREGSET:
		return tl__registers_set(q);
	case TL__REQ_GET_SYSCALL_INFO:
		return tl__callinfo_get(q);
	case TL__REQ_SET_SYSCALL_INFO:
		return tl__callinfo_set(q);
	case TL__REQ_PEEKSIGINFO:
		return peek_siginfo(q);
	case TL__REQ_SECCOMP_GET_FILTER:
		return tl__seccomp_get_filter(q);
	case TL__REQ_SECCOMP_GET_METADATA:
		return tl__seccomp_get_metadata(q);
	case TL__REQ_LISTEN: {
		int r = tl__vlink_listen(&q->link->v);

		if (r == 0)
			tl__tracee_settle(q->link->tracee);
		return r;
	}
	default:
		if (tl__resumes(q->request))
			return let_go(q);
		return tl__registers_plain(q);
	}
}

static struct tl__link *link_of(struct tl__broker *b, pid_t caller, pid_t tid)
{
	struct tl__tool *tool = tl__tool_of(b, caller);
	struct tl__link *l;

	if (!tool)
		return NULL;
	TAILQ_FOREACH (l, &tool->links, of_tool) {
		if (l->tracee->tid != tid || l->v.state == TL__LINK_DEAD)
			continue;
		if (!l->tracer) {
			l->tracer = caller;
			tl__tool_watch_tracer(tool, l->tracer);
		}
		return l->tracer == caller ? l : NULL;
	}
	return NULL;
}

/* One that is dead and has not been waited for: it is asked whether it was seized, no more, and is
 * sent a signal (ptrace_check_attach, ptrace_request). */
static bool is_of_dead(const struct tl__asked *q, int64_t *ret)
{
	const struct tl__tool *tool;
	const struct tl__link *l;

	if (q->request != TL__REQ_INTERRUPT && q->request != TL__REQ_KILL)
		return false;
	tool = tl__tool_of(q->b, q->n->tid);
	if (!tool)
		return false;
	TAILQ_FOREACH (l, &tool->links, of_tool)
		if (l->tracee->tid == q->tid && l->v.state == TL__LINK_DEAD &&
		    l->tracer == q->n->tid && !(l->kernels && tl__person_process(q->tid) < 0)) {
			*ret = q->request == TL__REQ_KILL || l->v.seized ? 0 : -EIO;
			return true;
		}
	return false;
}

/* Afterwards the stop is as it was. */
static bool only_asks(uint32_t request)
{
	switch (request) {
	case TL__REQ_PEEKTEXT:
	case TL__REQ_PEEKDATA:
	case TL__REQ_GETEVENTMSG:
	case TL__REQ_GETSIGINFO:
	case TL__REQ_GETREGSET:
	case TL__REQ_PEEKSIGINFO:
	case TL__REQ_GETSIGMASK:
	case TL__REQ_GET_SYSCALL_INFO:
		return true;
	default:
		return request == PEEKUSER || request == GETREGS;
	}
}

static int64_t of_link(struct tl__asked *q)
{
	int64_t r;

	if (is_of_dead(q, &r))
		return r;
	q->link = link_of(q->b, q->n->tid, q->tid);
	if (!q->link || q->link->tool->peer != q->peer)
		return -ESRCH;
	if (!only_asks(q->request))
		tl__shortcut_stop_over(q->link->tool);
	if (q->link->tracee->peer)
		return q->peer ? -ESRCH : tl__peer_call(q->link, q->n, q->word);
	switch (q->request) {
	case TL__REQ_KILL:
		return tl_task_signal(q->link->tracee->task, 9) == 0 ? 0 : -ESRCH;
	case TL__REQ_INTERRUPT:
		/* A stop that came before it is not the one that it asks for. */
		if (q->link->v.state != TL__LINK_STOPPED) {
			tl__ignore(tl_session_turn(q->b->session));
			q->link = link_of(q->b, q->n->tid, q->tid);
		}
		if (!q->link)
			return -ESRCH;
		r = tl__vlink_interrupt(&q->link->v);
		if (r == 0)
			tl__tracee_settle(q->link->tracee);
		return r;
	default:
		break;
	}
	if (q->link->tracee->passing) {
		tl__stuck_wait(q->b, q->tid);
		q->link = link_of(q->b, q->n->tid, q->tid);
	}
	/* It may have stopped, and we not heard of it yet. */
	if (q->link && q->link->v.state != TL__LINK_STOPPED) {
		tl__ignore(tl_session_turn(q->b->session));
		q->link = link_of(q->b, q->n->tid, q->tid);
	}
	if (!q->link || q->link->v.state != TL__LINK_STOPPED || tl__family_is_in_exec(q->link))
		return -ESRCH;
	return is_killed(q) ? -ESRCH : of_stopped(q);
}

bool tl__serve_stop(struct tl__broker *b, pid_t caller, pid_t tid, int sig, struct tl__peer *peer)
{
	struct tl__link *l = link_of(b, caller, tid);
	struct tl__tracee *t = l ? l->tracee : NULL;

	if (!l || l->tool->peer != peer)
		return false;
	if (t->peer)
		return !peer && tl__peer_stop(t->peer, caller, tid, sig);
	if (sig != SIGSTOP) {
		bool owed = l->v.stop_from;

		l->v.stop_from = 0;
		return owed;
	}
	/* Alone it has the signal itself, if not one before is to be swallowed. */
	if (TAILQ_FIRST(&t->links) == TAILQ_LAST(&t->links, tl__links) && !t->swallow)
		return false;
	tl__step_over_stops(l->tool, t->tgid);
	tl__vlink_send_stop(&l->v, l->tool->tgid, l->tool->uid);
	tl__tracee_settle(t);
	return true;
}

static int64_t serve(struct tl__asked *q)
{
	switch (q->request) {
	case TL__REQ_TRACEME:
		return tl__asked_traceme(q);
	case TL__REQ_ATTACH:
		return tl__asked_attach(q, false);
	case TL__REQ_SEIZE:
		return tl__asked_attach(q, true);
	default:
		return of_link(q);
	}
}

int64_t tl__serve_request(struct tl__broker *b, const struct tl__notice *n, unsigned word,
			  struct tl__peer *peer)
{
	struct tl__asked q = { .b = b,
			       .peer = peer,
			       .n = n,
			       .word = word,
			       .request = (uint32_t)n->args[0],
			       .tid = (pid_t)n->args[1],
			       .addr = n->args[2],
			       .data = n->args[3] };

	if (word == 4) {
		q.addr = (uint32_t)q.addr;
		q.data = (uint32_t)q.data;
	}
	return serve(&q);
}

/* A tool of another pid namespace speaks of ids that are not ours: the kernel serves it, alone. */
static bool is_foreign(struct tl__broker *b, const struct tl__notice *n)
{
	uint32_t request = (uint32_t)n->args[0];
	bool attaches =
		request == TL__REQ_TRACEME || request == TL__REQ_ATTACH || request == TL__REQ_SEIZE;

	return (attaches || !tl__tool_of(b, n->tid)) && !tl__person_shares_pids(n->tid);
}

static bool is_asked_after_steps(uint32_t request)
{
	return TL__BY_HOST(true, false) &&
	       (request == GETREGS || request == PEEKUSER || request == TL__REQ_GETSIGINFO);
}

void tl__serve_ptrace(struct tl__broker *b, const struct tl__notice *n, unsigned word)
{
	struct tl__tool *tool;

	if (is_foreign(b, n)) {
		tl__pass(b, n->id);
		return;
	}
	tool = tl__tool_of(b, n->tid);
	if (tool && word == 8 && is_asked_after_steps((uint32_t)n->args[0]))
		tl__shortcut_asked(b, tool, n);
	tl__answer(b, n, tl__serve_request(b, n, word, NULL));
}
