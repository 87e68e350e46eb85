/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any call of any ABI, with any arguments, over any memory, links and descriptors. */
#include "decoder.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *memory;
	size_t size;
};

/* An address is an offset, so that arguments and pointers in structures hit often. */
static int64_t read_mem(void *data, tl_addr addr, void *buf, size_t len)
{
	const struct input *in = data;

	if (addr >= in->size)
		return -EFAULT;
	if (len > in->size - addr)
		len = in->size - addr;
	memcpy(buf, in->memory + addr, len);
	return (int64_t)len;
}

static int64_t read_link(void *data, const char *name, char *buf, size_t size)
{
	const struct input *in = data;
	size_t n = in->size < size ? in->size : size - 1;

	if (strlen(name) % 2)
		return -ENOENT;
	memcpy(buf, in->memory, n);
	return (int64_t)n;
}

static int fd_info(void *data, int fd, struct tl_fd_info *ret)
{
	const struct input *in = data;
	uint32_t size = ret->size;

	if (fd % 2 || in->size < sizeof(*ret))
		return -EBADF;
	memcpy(ret, in->memory, sizeof(*ret));
	ret->size = size;
	ret->protocol_name[sizeof(ret->protocol_name) - 1] = '\0';
	ret->local_len %= sizeof(ret->local) + 1;
	ret->peer_len %= sizeof(ret->peer) + 1;
	return 0;
}

static void decode(struct tl__decoder *d, struct tl_syscall *call, const struct tl_source *source)
{
	struct tl_decode_state st = { 0 };

	tl__decode_entry(d, call, source, &st);
	for (unsigned i = 0; i < 7; i++)
		tl__decode_argument(d, call, source, i, false);
	tl__decode_exit(d, call, source, &st);
	for (unsigned i = 0; i < 7; i++)
		tl__decode_argument(d, call, source, i, true);
	tl__decode_result(d, call, source);
	tl__decode_touches(call, source, "/etc/passwd");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum tl_abi abis[] = { TL_ABI_X86_64, TL_ABI_I386, TL_ABI_X32 };
	struct tl_source source = { .size = sizeof(source),
				    .read_mem = read_mem,
				    .read_link = read_link,
				    .fd_info = fd_info };
	struct tl__decoder d = { .max_string = 32 };
	struct tl_syscall call = { 0 };
	struct input in;
	uint16_t args[6];

	if (size < 20)
		return 0;
	d.flags = data[0] & 63;
	call.abi = abis[data[1] % 3];
	memcpy(args, data + 4, sizeof(args));
	for (int i = 0; i < 6; i++)
		call.args[i] = (uint64_t)(data[16] >> i & 1 ? (int16_t)args[i] : args[i]);
	call.ret = (int8_t)data[17];
	call.flags = call.ret < 0 ? TL_SYSCALL_FAILED : 0;
	in.memory = data + 20;
	in.size = size - 20;
	source.data = &in;
	/* One number of the input's own, and a few more that it has not chosen. */
	for (unsigned i = 0; i < 4; i++) {
		call.nr = (data[2] | (data[3] & 1) << 8) + (int64_t)(i * 127);
		decode(&d, &call, &source);
	}
	if (in.size >= 128)
		tl__decode_siginfo(&d, in.memory);
	tl__strbuf_done(&d.text);
	return 0;
}
