/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For who asks for a name that there is none of. */
#ifndef TL_BASE_DISTANCE_H
#define TL_BASE_DISTANCE_H

/* Edits needed to turn a into b; swapped neighbours count once. 99 for names of more than 32. */
unsigned tl__distance(const char *a, const char *b);

#endif
