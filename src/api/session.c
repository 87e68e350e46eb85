/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Public: sessions. */
#define _GNU_SOURCE
#include "api.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int tl__api_check(const struct tl_session *s)
{
	if (!s)
		return -EINVAL;
	return s->owner == gettid() ? 0 : -ECHILD;
}

int tl__api_copy(void *to, size_t known, const void *from, uint32_t size)
{
	const unsigned char *bytes = from;

	if (size < sizeof(uint32_t))
		return -EINVAL;
	for (size_t i = known; i < size; i++)
		if (bytes[i])
			return -EINVAL;
	memcpy(to, from, size < known ? size : known);
	return 0;
}

int tl_session_new(const struct tl_session_options *options, struct tl_session **ret_session)
{
	const uint32_t known = TL_SESSION_EXITKILL | TL_SESSION_NO_PLACE | TL_SESSION_CHECK_STOPS |
			       TL_SESSION_NO_FOLLOW | TL_SESSION_QUIESCE_AT_REST;
	struct tl_session_options o = { 0 };
	int r = 0;

	if (options)
		r = tl__api_copy(&o, sizeof(o), options, options->size);
	if (r < 0 || !ret_session || o.flags & ~known || (o.record && o.replay))
		return -EINVAL;
	return tl__err_public(tl__session_new(&o, ret_session));
}

void tl_session_free(struct tl_session *session)
{
	tl__session_free(session);
}

int tl_session_run(struct tl_session *session)
{
	int r = tl__api_check(session);

	/* What on_wake returned is the caller's own number. */
	return r < 0 ? r : tl__loop_run(session);
}

int tl_session_turn(struct tl_session *session)
{
	int r = tl__api_check(session);

	return r < 0 ? r : tl__err_public(tl__loop_turn(session));
}

int tl_session_sweep(struct tl_session *session)
{
	int r = tl__api_check(session);

	if (r == 0)
		tl__lifecycle_sweep(session);
	return r;
}

int tl_session_fd(struct tl_session *session)
{
	int r = tl__api_check(session);

	return r < 0 ? r : tl__err_public(tl__watch_fd(session));
}

void tl_session_wake(struct tl_session *session)
{
	__atomic_store_n(&session->wake, 1, __ATOMIC_RELAXED);
}

void tl_session_last_error(const struct tl_session *session, struct tl_error *ret_error)
{
	*ret_error = session->error;
}

int tl_session_spawn(struct tl_session *session, const struct tl_spawn_options *options,
		     struct tl_task **ret_task)
{
	struct tl_spawn_options o = { 0 };
	int r = tl__api_check(session);

	if (r < 0)
		return r;
	if (!options || !ret_task)
		return -EINVAL;
	r = tl__api_copy(&o, sizeof(o), options, options->size);
	if (r < 0 || o.flags || !o.path || !o.argv || !o.envp)
		return -EINVAL;
	return tl__err_public(tl__spawn(session, &o, ret_task));
}

bool tl_session_no_new_privs(const struct tl_session *session)
{
	return session->no_new_privs;
}

int tl_session_spawn_error(const struct tl_session *session)
{
	return session->sys->ops->spawn_error(session->sys);
}

int tl_session_attach(struct tl_session *session, int32_t pid)
{
	int r = tl__api_check(session);

	if (r < 0)
		return r;
	if (pid <= 0)
		return -EINVAL;
	return tl__err_public(tl__attach(session, pid));
}

int tl_session_seize(struct tl_session *session, int32_t tid, const struct tl_engine_ops *ops,
		     void *data, uint32_t events, struct tl_engine **ret_engine)
{
	int r = tl__api_check(session);

	if (r < 0)
		return r;
	if (tid <= 0 || !ops || ops->size < sizeof(*ops) || events & ~TL__EVENTS_KNOWN)
		return -EINVAL;
	return tl__err_public(tl__seize(session, tid, ops, data, events, ret_engine));
}

void tl_session_detach_all(struct tl_session *session)
{
	if (tl__api_check(session) == 0)
		tl__detach_all(session);
}

size_t tl_session_task_count(const struct tl_session *session)
{
	return session->ntasks;
}

const char *tl_error_name(int err)
{
	return tl__err_name(err);
}

enum tl_abi tl_abi_native(unsigned bits)
{
	return tl__arch_native(bits)->abi;
}

const char *tl_abi_register(enum tl_abi abi, size_t index)
{
	const struct tl__arch *arch = tl__arch_get(abi);

	return arch && index < arch->nregs ? arch->regs[index].name : NULL;
}

const char *tl_abi_name(enum tl_abi abi)
{
	static const char *const names[] = { [TL_ABI_X86_64] = "x86_64",
					     [TL_ABI_I386] = "i386",
					     [TL_ABI_X32] = "x32",
					     [TL_ABI_ARM64] = "arm64",
					     [TL_ABI_ARM] = "arm" };

	if ((unsigned)abi >= sizeof(names) / sizeof(names[0]) || !names[abi])
		return "unknown";
	return names[abi];
}

int tl_caps_feature(size_t index, struct tl_feature *ret_feature)
{
	struct tl_feature f = { .size = sizeof(f) };
	int r;

	if (index >= TL__FEATURE_COUNT)
		return -ENOENT;
	if (!ret_feature || ret_feature->size < sizeof(uint32_t))
		return -EINVAL;
	r = tl__sys_probe_kernel((enum tl__feature)index);
	f.present = r > 0;
	f.name = tl__feature_name((enum tl__feature)index);
	f.help = tl__feature_help((enum tl__feature)index);
	if (ret_feature->size < f.size)
		f.size = ret_feature->size;
	memcpy(ret_feature, &f, f.size);
	return 0;
}
