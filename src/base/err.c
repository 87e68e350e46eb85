/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Error numbers: the public vocabulary, and the names that a trace prints. */
#define _GNU_SOURCE
#include "err.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static const int public_codes[] = {
	ESRCH,        EBUSY,  EAGAIN,      EPERM,  EOPNOTSUPP, EINVAL,  ECHILD,
	EEXIST,       ENOENT, ENOMEM,      ERANGE, EFAULT,     EILSEQ,  ECANCELED,
	EALREADY,     EPROTO, EINPROGRESS, EACCES, ENOEXEC,    ENOTDIR, ELOOP,
	ENAMETOOLONG, EISDIR, ETXTBSY,     E2BIG,  EINTR,      ELIBBAD, ENODATA,
};

int tl__err_public(int err)
{
	if (err >= 0)
		return err;
	for (size_t i = 0; i < sizeof(public_codes) / sizeof(public_codes[0]); i++)
		if (public_codes[i] == -err)
			return err;
	return -EIO;
}

/* The kernel's internal restart codes never reach user space, but a tracer sees them. */
static const char *restart_name(int err)
{
	switch (err) {
	case 512:
		return "ERESTARTSYS";
	case 513:
		return "ERESTARTNOINTR";
	case 514:
		return "ERESTARTNOHAND";
	case 516:
		return "ERESTART_RESTARTBLOCK";
	default:
		return NULL;
	}
}

const char *tl__err_name(int err)
{
	const char *name;

	if (err < 0)
		err = -err;
	name = restart_name(err);
	if (name)
		return name;
	if (err == 524)
		return "ENOTSUPP";
	return strerrorname_np(err);
}
