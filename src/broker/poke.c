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
#include <signal.h>
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

/* In the place of a process: whose thread it is takes a look at /proc; it is nobody's any more. */
enum { SWEEP_AT = 256, UNKNOWN = 1 << 30, GONE = UNKNOWN + 1 };

bool tl__is_alive(uint64_t id, void *value)
{
	(void)value;
	/* Not ours to signal: a setuid program. */
	return kill((pid_t)id, 0) == 0 || errno == EPERM;
}

/* Nobody tells of the ends of threads that have waited. */
void tl__waits_in_kernel(struct tl__broker *b, pid_t tid, bool waits)
{
	if (!waits) {
		tl__hash_del(&b->in_kernel, (uint64_t)tid);
		return;
	}
	if (b->in_kernel.used > b->sweep_at + SWEEP_AT) {
		tl__hash_sweep(&b->in_kernel, tl__is_alive);
		b->sweep_at = b->in_kernel.used;
	}
	tl__ignore(tl__hash_put(&b->in_kernel, (uint64_t)tid, (void *)(uintptr_t)UNKNOWN));
}

bool tl__is_interrupted(struct tl__broker *b, pid_t tid)
{
	const struct tl__tracee *t = tl__tracee_find(b, tid);

	return (t && t->interrupted) || (b->visits.used && tl__visit_interrupts(b, tid));
}

void tl__poke_waits(struct tl__broker *b, pid_t tgid)
{
	for (size_t i = 0; b->in_kernel.used && i < b->in_kernel.cap; i++) {
		struct tl__hash_slot *s = &b->in_kernel.slots[i];
		struct tl__person p;

		if (s->value == (void *)(uintptr_t)UNKNOWN)
			s->value = (void *)(uintptr_t)(tl__person_read((pid_t)s->key, &p) < 0
							       ? GONE
							       : p.tgid);
		if (s->value == (void *)(uintptr_t)tgid)
			poke(b, (pid_t)s->key);
	}
}
