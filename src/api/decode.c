/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Public: decoding. */
#include "api.h"

#include "decoder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct tl_decoder {
	struct tl__decoder d;
};

int tl_decoder_new(const struct tl_decode_options *options, struct tl_decoder **ret_decoder)
{
	struct tl_decode_options o = { 0 };
	struct tl_decoder *decoder;

	if (options && tl__api_copy(&o, sizeof(o), options, options->size) < 0)
		return -EINVAL;
	decoder = calloc(1, sizeof(*decoder));
	if (!decoder)
		return -ENOMEM;
	decoder->d.flags = o.flags;
	decoder->d.max_string = o.max_string ? o.max_string : 32;
	*ret_decoder = decoder;
	return 0;
}

void tl_decoder_free(struct tl_decoder *decoder)
{
	if (!decoder)
		return;
	tl__strbuf_done(&decoder->d.text);
	free(decoder);
}

/* As this version knows it: an older caller's source lacks the later members. */
static const struct tl_source *sourced(const struct tl_source *source, struct tl_source *copy)
{
	*copy = (struct tl_source){ 0 };
	if (!source || tl__api_copy(copy, sizeof(*copy), source, source->size) < 0)
		return NULL;
	return copy;
}

const char *tl_decode_entry(struct tl_decoder *decoder, const struct tl_syscall *call,
			    const struct tl_source *source, struct tl_decode_state *state)
{
	struct tl_source known;

	tl__decode_entry(&decoder->d, call, sourced(source, &known), state);
	return tl__decoder_text(&decoder->d);
}

const char *tl_decode_exit(struct tl_decoder *decoder, const struct tl_syscall *call,
			   const struct tl_source *source, const struct tl_decode_state *state)
{
	struct tl_source known;

	tl__decode_exit(&decoder->d, call, sourced(source, &known), state);
	return tl__decoder_text(&decoder->d);
}

const char *tl_decode_result(struct tl_decoder *decoder, const struct tl_syscall *call,
			     const struct tl_source *source)
{
	struct tl_source known;

	tl__decode_result(&decoder->d, call, sourced(source, &known));
	return tl__decoder_text(&decoder->d);
}

const char *tl_decode_argument(struct tl_decoder *decoder, const struct tl_syscall *call,
			       const struct tl_source *source, unsigned index, bool at_exit)
{
	struct tl_source known;

	if (!tl__decode_argument(&decoder->d, call, sourced(source, &known), index, at_exit))
		return NULL;
	return tl__decoder_text(&decoder->d);
}

bool tl_decode_touches(struct tl_decoder *decoder, const struct tl_syscall *call,
		       const struct tl_source *source, const char *path)
{
	struct tl_source known;

	(void)decoder;
	return tl__decode_touches(call, sourced(source, &known), path);
}

const char *tl_decode_siginfo(struct tl_decoder *decoder, const void *info)
{
	tl__decode_siginfo(&decoder->d, info);
	return tl__decoder_text(&decoder->d);
}

static int64_t task_read_mem(void *data, tl_addr addr, void *buf, size_t len)
{
	return tl__mem_read(data, addr, buf, len);
}

static int64_t task_read_link(void *data, const char *name, char *buf, size_t size)
{
	struct tl_task *task = data;
	struct tl__sys *sys = task->session->sys;

	return sys->ops->proc_link(sys, task->tid, name, buf, size);
}

static int task_fd_info(void *data, int fd, struct tl_fd_info *ret_info)
{
	struct tl_fd_info public = { .size = sizeof(public) };
	struct tl_task *task = data;
	struct tl__sys *sys = task->session->sys;
	struct tl__fd_info info;
	int r;

	if (!sys->ops->fd_info)
		return -ENODATA;
	r = sys->ops->fd_info(sys, task->tid, fd, &info);
	if (r < 0)
		return tl__err_public(r);
	public.mode = info.mode;
	public.device = info.device;
	public.inode = info.inode;
	public.pid = info.pid;
	public.protocol = info.protocol;
	public.local_len = info.local_len;
	public.peer_len = info.peer_len;
	public.peer_inode = info.peer_inode;
	memcpy(public.protocol_name, info.protocol_name, sizeof(public.protocol_name));
	memcpy(public.local, info.local, sizeof(public.local));
	memcpy(public.peer, info.peer, sizeof(public.peer));
	return tl__api_copy(ret_info, ret_info->size, &public, sizeof(public)) < 0 ? -EINVAL : 0;
}

void tl_source_task(struct tl_task *task, struct tl_source *ret_source)
{
	*ret_source = (struct tl_source){ .size = sizeof(*ret_source),
					  .data = task,
					  .read_mem = task_read_mem,
					  .read_link = task_read_link,
					  .fd_info = task_fd_info };
}

const char *tl_syscall_name(enum tl_abi abi, int64_t nr)
{
	return tl__syscall_name(abi, nr);
}

int tl_syscall_number(enum tl_abi abi, const char *name)
{
	return tl__syscall_number(abi, name);
}

const char *tl_syscall_nearest(const char *name)
{
	return tl__syscall_nearest(name);
}

unsigned tl_syscall_argument_count(enum tl_abi abi, int64_t nr)
{
	return tl__syscall_nargs(abi, nr);
}

bool tl_syscall_in_class(enum tl_abi abi, int64_t nr, const char *class_name)
{
	return tl__syscall_classes(abi, nr) & tl__class_bit(class_name);
}

const char *tl_syscall_class(size_t index)
{
	return tl__class_name(index);
}

unsigned tl_syscall_undecoded(enum tl_abi abi, int64_t nr)
{
	return tl__syscall_raw(abi, nr);
}

int64_t tl_syscall_limit(enum tl_abi abi)
{
	int64_t limit = 0;

	for (int64_t nr = 0; nr < 1024; nr++)
		if (tl__syscall_name(abi, nr))
			limit = nr + 1;
	return limit;
}

const char *tl_signal_name(int32_t signo)
{
	return tl__signal_name(signo);
}

int tl_signal_number(const char *name)
{
	return tl__signal_number(name);
}
