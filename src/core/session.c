/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session's beginning and end, and what it remembers of failures. */
#define _GNU_SOURCE
#include "core.h"

#include "fake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int tl__fail(struct tl_session *s, const struct tl_task *task, const char *op, int err)
{
	s->error = (struct tl_error){ .code = err, .cause = -err, .op = op };
	if (task)
		s->error.task = (struct tl_task_id){ .tid = task->tid, .serial = task->serial };
	/* What the state machine does not know how to go on from ends the run; a refusal does not.
	 */
	if (err == -EPROTO)
		s->failed = err;
	return err;
}

/* "no-syscall-info,sysemu": each feature denied or claimed, whatever the kernel does. */
static int apply_pretend(struct tl__sys *sys, const char *text)
{
	char name[64];

	while (text && *text) {
		size_t len = strcspn(text, ",");
		bool present = strncmp(text, "no-", 3) != 0;
		const char *word = present ? text : text + 3;
		size_t n = len - (present ? 0 : 3);
		int feature;

		if (n >= sizeof(name))
			return -EINVAL;
		memcpy(name, word, n);
		name[n] = '\0';
		feature = tl__feature_find(name);
		if (feature < 0)
			return -EINVAL;
		tl__sys_override(sys, (enum tl__feature)feature, present);
		text += len + (text[len] == ',');
	}
	return 0;
}

static int open_sys(struct tl_session *s, const struct tl_session_options *o)
{
	struct tl__sys *inner;

	if (o->replay)
		return tl__sys_fake_open(o->replay, &s->sys);
	s->sys = tl__sys_kernel_new();
	if (!s->sys)
		return -ENOMEM;
	if (!o->record)
		return 0;
	s->record = fopen(o->record, "we");
	if (!s->record)
		return -errno;
	inner = s->sys;
	s->sys = tl__sys_record_new(inner, s->record);
	if (s->sys)
		return 0;
	s->sys = inner;
	return -ENOMEM;
}

int tl__session_new(const struct tl_session_options *o, struct tl_session **ret)
{
	struct tl_session *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	TAILQ_INIT(&s->tasks);
	s->options = *o;
	s->owner = gettid();
	s->place.off = o->flags & TL_SESSION_NO_PLACE;
	s->place.cpu = -1;
	r = open_sys(s, o);
	if (r == 0)
		r = apply_pretend(s->sys, o->pretend);
	if (r < 0) {
		tl__session_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

/* Begun when something is changed that outlives us. */
struct tl__guard *tl__session_guard(struct tl_session *s)
{
	if (!s->guard)
		s->guard = tl__guard_new();
	return s->guard;
}

void tl__session_free(struct tl_session *s)
{
	struct tl_task *task;

	if (!s)
		return;
	tl__watch_done(s);
	if (s->site_hooks)
		s->site_hooks->done(s);
	if (s->sys)
		tl__detach_stopped(s);
	while ((task = TAILQ_FIRST(&s->tasks))) {
		tl__place_release(task);
		tl__task_gone(task);
	}
	tl__place_done(s);
	tl__guard_free(s->guard);
	if (s->sys)
		s->sys->ops->close(s->sys);
	if (s->record)
		fclose(s->record);
	free(s->batch);
	tl__lifecycle_done(s);
	tl__hash_done(&s->by_tid);
	tl__hash_done(&s->processes);
	free(s);
}
