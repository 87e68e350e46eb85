/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tasks: who they are, what they are doing, and letting go of them. */
#ifndef TRAPLINE_TASK_H
#define TRAPLINE_TASK_H

#include <trapline/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Keeps a task's handle valid past its death, when every call answers -ESRCH. Anywhere. */
TL_API struct tl_task *tl_task_ref(struct tl_task *task);
/* Accepts NULL; returns NULL. */
TL_API struct tl_task *tl_task_unref(struct tl_task *task);

TL_API struct tl_task_id tl_task_id(const struct tl_task *task);
/* Thread id and process id in the tracer's pid namespace. They stay readable after death. */
TL_API int32_t tl_task_tid(const struct tl_task *task);
TL_API int32_t tl_task_pid(const struct tl_task *task);
TL_API struct tl_session *tl_task_session(const struct tl_task *task);

/* Whether it is stopped now, so that its registers can be read. Never fails. */
TL_API bool tl_task_is_stopped(const struct tl_task *task);

/* The task with this thread id in this session, borrowed; NULL when there is none. */
TL_API struct tl_task *tl_task_find(struct tl_session *session, int32_t tid);

/* Sends a signal to this thread (tgkill). -ESRCH, -EINVAL. */
TL_CHECKED int tl_task_signal(struct tl_task *task, int32_t signo);

/*
 * Begins to let go of a task: its engines are released, and it runs on untraced, stopped by nobody.
 * Never blocks, never steps. 0: done. -EINPROGRESS: once it has stopped. -ESRCH: dead.
 */
TL_CHECKED int tl_task_detach(struct tl_task *task);

#ifdef __cplusplus
}
#endif
#endif
