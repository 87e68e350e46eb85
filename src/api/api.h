/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The facade: validates, checks the thread, calls, filters errors. The only exported symbols are
 * here.
 */
#ifndef TL_API_API_H
#define TL_API_API_H

#include "err.h"
#include "core.h"
#include "trapline/trapline.h"

/* 0, or why this caller may not touch this session. */
int tl__api_check(const struct tl_session *s);
int tl__api_check_task(const struct tl_task *task); /* alive, and ours */
int tl__api_check_stopped(const struct tl_task *task);
/* Of a task that is stopped, its registers loaded; NULL with the error. */
const struct tl__arch *tl__api_arch(struct tl_task *task, int *ret);

/*
 * Copies an options struct that begins with its size: what an older caller lacks reads 0, what a
 * newer one has and we do not know must be 0.
 */
int tl__api_copy(void *to, size_t known, const void *from, uint32_t size);

#endif
