/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SIGCHLD, as the kernel sends it to a tracer (do_notify_parent_cldstop, do_notify_parent).
 *
 * Who says CLD_TRAPPED in a siginfo must be the kernel, or trace the process that it says it to. So
 * a tool whose handler takes a siginfo is seized until the signal has come, and that one's info is
 * filled in. All others get the bare signal.
 */
#define _GNU_SOURCE
#include "broker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

void tl__sigchld_about(const struct tl__link *l, struct tl__sigchld *s)
{
	const struct tl__vstop *stop = &l->v.stop;

	*s = (struct tl__sigchld){ .stop = l->v.state != TL__LINK_DEAD,
				   .pid = l->tracee->tid,
				   .to = l->tracer,
				   .uid = l->tracee->uid };
	if (!s->stop) {
		s->code = WIFEXITED(l->v.status)   ? CLD_EXITED
			  : WCOREDUMP(l->v.status) ? CLD_DUMPED
						   : CLD_KILLED;
		s->status =
			WIFEXITED(l->v.status) ? WEXITSTATUS(l->v.status) : WTERMSIG(l->v.status);
	} else if (stop->code >> 8 == TL__TE_STOP) {
		s->code = CLD_STOPPED;
		s->status = (stop->code & 0x7f) == SIGTRAP ? 0 : (int)(stop->code & 0x7f);
	} else {
		s->code = CLD_TRAPPED;
		s->status = (int)(stop->code & 0x7f);
	}
}

static void fill_in(siginfo_t *info, const struct tl__sigchld *s)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = SIGCHLD;
	info->si_code = s->code;
	info->si_pid = s->pid;
	info->si_uid = s->uid;
	info->si_status = s->status;
}

static bool send_with_info(struct tl__tool *tool, const struct tl__sigchld *s, pid_t to)
{
	siginfo_t info;

	fill_in(&info, s);
	return tl__visit_sigchld(tool->broker, tool->tgid, to, &info);
}

void tl__sigchld_send(struct tl__tool *tool, const struct tl__sigchld *s)
{
	pid_t to = s->to ? s->to : tool->tgid;
	struct tl__tracee *t = tl__tracee_find(tool->broker, to);

	if (s->stop && tool->sigchld & TL__CHLD_NO_STOPS)
		return;
	if (t) {
		/* Somebody's tracee itself, who will see the signal too. */
		fill_in((siginfo_t *)(void *)t->chld_info, s);
		t->chld_owed = true;
		syscall(SYS_tgkill, tool->tgid, to, SIGCHLD);
	} else if (!(tool->sigchld & TL__CHLD_INFO) || !send_with_info(tool, s, to)) {
		kill(tool->tgid, SIGCHLD);
	}
}

/* The head of the kernel's sigaction: handler and flags, in words. */
static unsigned read_action(const struct tl__notice *n, unsigned word)
{
	uint64_t act[2] = { 0 };
	uint32_t narrow[2];
	unsigned is = TL__CHLD_KNOWN;

	if (word == 8) {
		if (tl__caller_read(n->tid, n->args[1], act, sizeof(act)) < 0)
			return 0;
	} else {
		if (tl__caller_read(n->tid, n->args[1], narrow, sizeof(narrow)) < 0)
			return 0;
		act[0] = narrow[0];
		act[1] = narrow[1];
	}
	if (act[1] & SA_NOCLDSTOP)
		is |= TL__CHLD_NO_STOPS;
	if (act[0] > 1 && !(act[1] & SA_NOCLDWAIT))
		is |= TL__CHLD_KEPT;
	if (act[1] & SA_RESTART && act[0] > 1)
		is |= TL__CHLD_RESTARTS;
	if (act[1] & SA_SIGINFO && act[0] > 1)
		is |= TL__CHLD_INFO;
	return is;
}

enum { SWEEP_AT = 1024 };

void tl__serve_sigaction(struct tl__broker *b, const struct tl__notice *n, unsigned word)
{
	unsigned is = n->args[1] ? read_action(n, word) : 0;
	struct tl__person p;
	struct tl__tool *tool;

	/* Nobody tells of the ends of processes that never became tools. */
	if (b->sigchld.used > SWEEP_AT)
		tl__hash_sweep(&b->sigchld, tl__is_alive);
	if (is && tl__person_read(n->tid, &p) == 0) {
		tl__ignore(tl__hash_put(&b->sigchld, (uint64_t)p.tgid, (void *)(uintptr_t)is));
		tool = tl__tool_find(b, p.tgid);
		if (tool) {
			tool->sigchld = is;
			tl__shortcut_waits(tool, false);
		}
	}
	tl__pass(b, n->id);
}

/* What a process said before it became a tool. An exec takes a handler off, and says nothing. */
unsigned tl__sigchld_of(struct tl__broker *b, pid_t tgid)
{
	unsigned is = (unsigned)(uintptr_t)tl__hash_get(&b->sigchld, (uint64_t)tgid);
	struct tl__person p;

	if (tl__person_read(tgid, &p) < 0)
		return 0;
	/* A child that has not said anything else has what its parent has. */
	if (!is)
		is = (unsigned)(uintptr_t)tl__hash_get(&b->sigchld, (uint64_t)p.ppid);
	return p.catches_sigchld ? is : 0;
}

void tl__sigchld_forget(struct tl__broker *b, pid_t tgid)
{
	tl__hash_del(&b->sigchld, (uint64_t)tgid);
}
