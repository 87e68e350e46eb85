/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Getting a tool's thread out of a wait in the kernel.
 *
 * A wait of a process that has no links is the kernel's: its child may become a tracee after that,
 * of whose stops the kernel will not tell it. An interrupt breaks the wait, unseen, and the kernel
 * makes it again, which is then told of.
 */
#include "broker.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

static void poke(struct tl__broker *b, pid_t tid)
{
	struct tl__tracee *t = tl__tracee_find(b, tid);

	if (t)
		tl__tracee_poke(t);
	else
		tl__visit_interrupt(b, tid);
}

void tl__waits_in_kernel(struct tl__broker *b, pid_t tid, bool waits)
{
	if (!waits)
		tl__hash_del(&b->in_kernel, (uint64_t)tid);
	else
		tl__ignore(tl__hash_put(&b->in_kernel, (uint64_t)tid, b));
}

void tl__poke_waits(struct tl__broker *b, pid_t tgid)
{
	for (size_t i = 0; b->in_kernel.used && i < b->in_kernel.cap; i++) {
		pid_t tid = (pid_t)b->in_kernel.slots[i].key;

		if (b->in_kernel.slots[i].value && syscall(SYS_tgkill, tgid, tid, 0) == 0)
			poke(b, tid);
	}
}
