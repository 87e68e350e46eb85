/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a wait status to a typed stop. Pure. */
#define _GNU_SOURCE
#include "core.h"

#include <signal.h>
#include <string.h>

static enum tl__stop_kind event_kind(int event, int sig)
{
	switch (event) {
	case TL__PTE_FORK:
		return TL__STOP_FORK;
	case TL__PTE_VFORK:
		return TL__STOP_VFORK;
	case TL__PTE_CLONE:
		return TL__STOP_CLONE;
	case TL__PTE_EXEC:
		return TL__STOP_EXEC;
	case TL__PTE_VFORK_DONE:
		return TL__STOP_VFORK_DONE;
	case TL__PTE_EXIT:
		return TL__STOP_EXIT_EVENT;
	case TL__PTE_SECCOMP:
		return TL__STOP_SECCOMP;
	case TL__PTE_STOP:
		return sig == SIGTRAP ? TL__STOP_TRAP : TL__STOP_GROUP;
	default:
		return TL__STOP_SIGNAL;
	}
}

void tl__stop_from_wait(const struct tl__waited *w, struct tl__stop *stop)
{
	int event = w->code >> 8;

	memset(stop, 0, offsetof(struct tl__stop, info));
	stop->sig = w->code & 0xff;
	if (event)
		stop->kind = event_kind(event, stop->sig);
	else if (stop->sig == (SIGTRAP | 0x80))
		stop->kind = TL__STOP_SYSCALL;
	else
		stop->kind = TL__STOP_SIGNAL;
}

/*
 * A SIGTRAP while we step: the step's end, or a breakpoint of the program that was stepped onto.
 * Its code tells: call_code for the pseudo-step over a system call (which on arm64 nobody sent, and
 * where x86's is a breakpoint's), 2 or 3 for the hardware's trap, 5 for a handler's first
 * instruction.
 */
void tl__stop_refine(struct tl__stop *stop, int call_code)
{
	siginfo_t si;

	if (stop->kind != TL__STOP_SIGNAL || stop->sig != SIGTRAP || !stop->have_info)
		return;
	memcpy(&si, stop->info, sizeof(si));
	if (si.si_code == SIGTRAP)
		stop->kind = TL__STOP_HANDLER;
	else if (si.si_code == TRAP_TRACE || si.si_code == TRAP_BRANCH)
		stop->kind = TL__STOP_STEP;
	else if (si.si_code == call_code && (call_code || si.si_pid == 0))
		stop->kind = TL__STOP_STEP;
}

int tl__stop_code(const struct tl__stop *stop)
{
	siginfo_t si;

	memcpy(&si, stop->info, sizeof(si));
	return stop->have_info ? si.si_code : 0;
}

bool tl__is_fault(int sig, int code)
{
	if (code <= 0 || code == SI_KERNEL)
		return false;
	return sig == SIGSEGV || sig == SIGBUS || sig == SIGILL || sig == SIGFPE || sig == SIGTRAP;
}

void tl__signal_from_info(const uint8_t *info, int sig, struct tl_signal *ret)
{
	siginfo_t si;

	memcpy(&si, info, sizeof(si));
	*ret = (struct tl_signal){ .signo = sig, .code = si.si_code, .info = info };
	if (tl__is_fault(sig, si.si_code)) {
		ret->addr = (uintptr_t)si.si_addr;
	} else if (si.si_code <= 0 || sig == SIGCHLD) {
		ret->pid = si.si_pid;
		ret->uid = si.si_uid;
	}
}
