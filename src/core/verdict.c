/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Folding what the engines want. Pure.
 *
 * The dimensions are independent and the least value wins in each, so that no engine's wish takes
 * another's away: one that steps does not cost another its system calls, one that runs on does not
 * lift a stop. A block step degrades to a single one where another engine asked for that.
 */
#include "core.h"

void tl__verdict_note(struct tl_engine *e, tl_verdict v)
{
	e->hold = v & TL_HOLD_MASK ? v & TL_HOLD_MASK : TL_RUN;
	e->step = v & TL_STEP_MASK ? v & TL_STEP_MASK : TL_STEP_NONE;
}

/* A task that is let go is stopped by nobody (tl_task_detach), not on its way through a call to
 * where it can be detached either; only while its text is restored. */
static bool has_a_say(const struct tl_task *task, const struct tl_engine *e)
{
	return !task->detach_wanted || task->filtered || e->restores;
}

struct tl__fold tl__verdict_fold(const struct tl_task *task)
{
	struct tl__fold fold = { .hold = TL_RUN, .step = TL_STEP_NONE };
	const struct tl_engine *e;

	TAILQ_FOREACH (e, &task->engines, link) {
		if (!has_a_say(task, e))
			continue;
		if (e->hold < fold.hold)
			fold.hold = e->hold;
		if (e->step < fold.step)
			fold.step = e->step;
	}
	return fold;
}
