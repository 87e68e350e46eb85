/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Entry or exit? For kernels that do not say (User Mode Linux 6.1, anything before 5.3).
 *
 * One bit, "an exit is owed", and the rules by which other stops and our own resumes change it:
 *  - signal, group and interrupt stops are taken on the way out, after the exit stop of a call that
 * they broke: none is owed. So is a step's end, and a dying task makes no more.
 *  - the fork, exec and vfork-done events lie inside a call. The kernel looks at the tracing flag
 * anew on the way out: resumed with SYSCALL an exit follows even if the entry was let pass, and
 * else none.
 *  - since 4.8 a seccomp stop comes after the entry stop; resumed with SYSCALL its exit follows.
 *  - a call resumed from its entry with anything but SYSCALL makes no exit stop.
 */
#include "core.h"

bool tl__systrack_is_entry(struct tl__systrack *t)
{
	t->in_call = !t->in_call;
	return t->in_call;
}

void tl__systrack_stop(struct tl__systrack *t, enum tl__stop_kind kind)
{
	switch (kind) {
	case TL__STOP_SIGNAL:
	case TL__STOP_GROUP:
	case TL__STOP_TRAP:
	case TL__STOP_STEP:
	case TL__STOP_HANDLER:
	case TL__STOP_EXIT_EVENT:
		t->in_call = false;
		break;
	case TL__STOP_SECCOMP:
		t->in_call = true;
		break;
	default:
		break;
	}
}

void tl__systrack_resume(struct tl__systrack *t, enum tl__stop_kind kind, enum tl__pt_request req)
{
	switch (kind) {
	case TL__STOP_FORK:
	case TL__STOP_VFORK:
	case TL__STOP_CLONE:
	case TL__STOP_EXEC:
	case TL__STOP_VFORK_DONE:
	case TL__STOP_ENTRY:
	case TL__STOP_SECCOMP:
		t->in_call = req == TL__PT_SYSCALL;
		break;
	default:
		t->in_call = false;
		break;
	}
}
