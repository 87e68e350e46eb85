/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the running kernel does, measured on throw-away children and never read off a version. */
#ifndef TRAPLINE_CAPS_H
#define TRAPLINE_CAPS_H

#include <trapline/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tl_feature {
	uint32_t size; /* sizeof(struct tl_feature) */
	bool present;
	const char *name, *help; /* constants */
};

/* Measures the index'th feature: -ENOENT past the last. Forks a child of its own and reaps it. */
TL_CHECKED int tl_caps_feature(size_t index, struct tl_feature *ret_feature);

#ifdef __cplusplus
}
#endif
#endif
