/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The closed set of error codes that cross the library's border, and their names. */
#ifndef TL_BASE_ERR_H
#define TL_BASE_ERR_H

/* Maps any -errno to one of the documented codes; what is not documented becomes -EIO. */
int tl__err_public(int err);

/* "ENOENT" for 2 or -2; NULL when the kernel has no such number. Knows 512..516 as well. */
const char *tl__err_name(int err);

#endif
