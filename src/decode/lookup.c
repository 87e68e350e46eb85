/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding rows: by number, by name, by class, and the name that a typing error meant. */
#include "decoder.h"

#include "distance.h"
#include "decode.h"

#include "compat.h"

#include <errno.h>
#include <string.h>

enum { LIMIT = 512, X32_FIRST = 512, X32_LAST = 547 };

int tl__column_of(enum tl_abi abi)
{
	switch (abi) {
	case TL_ABI_X86_64:
	case TL_ABI_X32:
		return COL_X86_64;
	case TL_ABI_I386:
		return COL_I386;
	case TL_ABI_ARM64:
		return COL_ARM64;
	case TL_ABI_ARM:
		return COL_ARM;
	default:
		return -1;
	}
}

/* x32 has numbers of its own from 512 on, for calls whose structures differ. */
static const char *const x32_names[] = {
	"rt_sigaction",
	"rt_sigreturn",
	"ioctl",
	"readv",
	"writev",
	"recvfrom",
	"sendmsg",
	"recvmsg",
	"execve",
	"ptrace",
	"rt_sigpending",
	"rt_sigtimedwait",
	"rt_sigqueueinfo",
	"sigaltstack",
	"timer_create",
	"mq_notify",
	"kexec_load",
	"waitid",
	"set_robust_list",
	"get_robust_list",
	"vmsplice",
	"move_pages",
	"preadv",
	"pwritev",
	"rt_tgsigqueueinfo",
	"recvmmsg",
	"sendmmsg",
	"process_vm_readv",
	"process_vm_writev",
	"setsockopt",
	"getsockopt",
	"io_setup",
	"io_submit",
	"execveat",
	"preadv2",
	"pwritev2",
};

static const struct tl__row *by_name(const char *name)
{
	for (size_t i = 0; i < tl__nrows; i++)
		if (!strcmp(tl__rows[i].name, name))
			return &tl__rows[i];
	return NULL;
}

/* Filled on first use; racing threads write the same values. */
static const struct tl__row *index_of[COLUMNS][LIMIT];
static int indexed;

static void build_index(void)
{
	for (size_t i = 0; i < tl__nrows; i++) {
		const struct tl__row *row = &tl__rows[i];

		for (int col = 0; col < COLUMNS; col++)
			if (row->nr[col] >= 0 && row->nr[col] < LIMIT)
				__atomic_store_n(&index_of[col][row->nr[col]], row,
						 __ATOMIC_RELAXED);
	}
	__atomic_store_n(&indexed, 1, __ATOMIC_RELEASE);
}

/* ARM has a few far above all others. */
static const struct tl__row *private_call(int col, int64_t nr)
{
	for (size_t i = 0; col == COL_ARM && i < tl__nrows; i++)
		if (tl__rows[i].nr[col] == nr)
			return &tl__rows[i];
	return NULL;
}

const struct tl__row *tl__row_find(enum tl_abi abi, int64_t nr)
{
	int col = tl__column_of(abi);

	if (!__atomic_load_n(&indexed, __ATOMIC_ACQUIRE))
		build_index();
	if (abi == TL_ABI_X32 && nr >= X32_FIRST && nr <= X32_LAST)
		return by_name(x32_names[nr - X32_FIRST]);
	if (col < 0 || nr < 0)
		return NULL;
	return nr < LIMIT ? index_of[col][nr] : private_call(col, nr);
}

const char *tl__syscall_name(enum tl_abi abi, int64_t nr)
{
	const struct tl__row *row = tl__row_find(abi, nr);

	return row ? row->name : NULL;
}

int tl__syscall_number(enum tl_abi abi, const char *name)
{
	const struct tl__row *row = by_name(name);
	int col = tl__column_of(abi);
	int32_t nr = row && col >= 0 ? row->nr[col] : -1;

	return nr >= 0 ? nr : -ENOENT;
}

const char *tl__syscall_nearest(const char *name)
{
	unsigned best = (unsigned)strlen(name) / 3 + 1;
	const char *found = NULL;

	for (size_t i = 0; i < tl__nrows; i++) {
		unsigned d = tl__distance(name, tl__rows[i].name);

		if (d < best || (d == best && !found)) {
			best = d;
			found = tl__rows[i].name;
		}
	}
	return found;
}

static const struct {
	const char *name;
	uint32_t bit;
} classes[] = {
	{ "file", C_FILE },     { "desc", C_DESC },       { "network", C_NETWORK },
	{ "net", C_NETWORK },   { "process", C_PROCESS }, { "signal", C_SIGNAL },
	{ "memory", C_MEMORY }, { "ipc", C_IPC },         { "creds", C_CREDS },
	{ "clock", C_CLOCK },   { "stat", C_STAT },       { "lstat", C_LSTAT },
	{ "fstat", C_FSTAT },   { "statfs", C_STATFS },   { "fstatfs", C_FSTATFS },
	{ "pure", C_PURE },
};

uint32_t tl__class_bit(const char *name)
{
	for (size_t i = 0; i < tl__array_len(classes); i++)
		if (!strcmp(classes[i].name, name))
			return classes[i].bit;
	return 0;
}

const char *tl__class_name(size_t index)
{
	return index < tl__array_len(classes) ? classes[index].name : NULL;
}

uint32_t tl__syscall_classes(enum tl_abi abi, int64_t nr)
{
	const struct tl__row *row = tl__row_find(abi, nr);

	return row ? row->classes : 0;
}

unsigned tl__syscall_nargs(enum tl_abi abi, int64_t nr)
{
	const struct tl__row *row = tl__row_find(abi, nr);

	return row ? row->nargs : 6;
}

unsigned tl__syscall_raw(enum tl_abi abi, int64_t nr)
{
	const struct tl__row *row = tl__row_find(abi, nr);
	unsigned n = 0;

	for (unsigned i = 0; row && i < row->nargs; i++)
		n += row->args[i].raw;
	return n;
}
