/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Errors are negative errno. What each means, everywhere:
 *
 *   -ESRCH       the task is gone or going: expected at any time, SIGKILL asks nobody
 *   -EBUSY       the task runs and the call needs it stopped; or somebody else traces it
 *   -EAGAIN      not in this kind of stop
 *   -EINPROGRESS begun; a report will tell when it is done
 *   -EPERM       refused by credentials, Yama or another security module
 *   -EOPNOTSUPP  this kernel, CPU or ABI cannot
 *   -EINVAL      the caller's mistake; -ECHILD: called from another thread than the session's
 *   -EFAULT      an address that cannot be read or written
 *   -ERANGE      a buffer is too small
 *   -EPROTO      a kernel or tracee did what the state machine forbids
 *   -EIO         anything else; tl_session_last_error() has the cause
 */
#ifndef TRAPLINE_ERROR_H
#define TRAPLINE_ERROR_H

#include <trapline/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "ENOENT" for 2 or -2, the kernel's internal restart codes too; NULL for no error number.
 * Anywhere. */
TL_API const char *tl_error_name(int err);

#ifdef __cplusplus
}
#endif
#endif
