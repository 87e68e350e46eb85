/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The scripted kernel: answers from a recording, and can kill a tracee before any of its answers.
 *
 * A task is where its last reported stop left it, and requests are answered from what the recording
 * holds between that stop and the task's next one. A stop is reported once its task has been
 * resumed.
 */
#ifndef TL_SYS_FAKE_H
#define TL_SYS_FAKE_H

#include "sys.h"

/* -EINVAL for a text that is not a recording, with errno of fopen otherwise. */
int tl__sys_fake_open(const char *path, struct tl__sys **ret);
int tl__sys_fake_parse(const char *text, size_t len, struct tl__sys **ret);

/* The process that the recording attached to; 0 when it started one. */
pid_t tl__sys_fake_attached(const struct tl__sys *sys);
/* How many answers about tasks the script has given so far. */
unsigned long tl__sys_fake_steps(const struct tl__sys *sys);
/* SIGKILL, of the task that the step'th answer is about, right before that answer. 0: never. */
void tl__sys_fake_kill_at(struct tl__sys *sys, unsigned long step);
/* Questions to which the recording had no answer; 0 in a faithful replay. */
unsigned long tl__sys_fake_missing(const struct tl__sys *sys);
/* The core waited while nothing could ever happen. */
bool tl__sys_fake_stuck(const struct tl__sys *sys);

#endif
