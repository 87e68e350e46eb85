/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arguments and results of probed functions, by the types that the command line gives them. */
#ifndef TL_CLI_PROBE_ARGS_H
#define TL_CLI_PROBE_ARGS_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <trapline/trapline.h>

enum { PROBE_ARGS_MAX = 16, PROBE_STRING_MAX = 64, PROBE_TEXT_MAX = PROBE_STRING_MAX * 4 + 16 };

enum arg_type {
	ARG_HEX,
	ARG_BOOL,
	ARG_CHAR,
	ARG_SHORT,
	ARG_INT,
	ARG_UINT,
	ARG_LONG,
	ARG_ULONG,
	ARG_STR
};

struct probe_args {
	bool given;
	unsigned n;
	enum arg_type types[PROBE_ARGS_MAX], result;
};

extern const char probe_args_types[]; /* their names, for people */

/* Takes "(TYPE, ...) = TYPE" off the end of a SPEC, if there is any. False: that is no such list.
 */
bool probe_args_parse(char *spec, struct probe_args *ret);
/* wide: of a 64-bit program. */
void probe_args_write(struct tl_task *task, enum arg_type type, uint64_t value, bool wide, char *to,
		      size_t size);

#endif
