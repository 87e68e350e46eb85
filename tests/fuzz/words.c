/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words from a command line and lines from /proc. */
#include "trace.h"

#include "sys.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In place of the command's own: what it would say is of no interest here. */
void say(const char *fmt, ...)
{
	(void)fmt;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), value[16];
	struct call_set set = { 0 };
	struct inject inject = { 0 };

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	tl__proc_field(text, "State", value, sizeof(value));
	tl__proc_field_dec(text, "TracerPid");
	tl__proc_field_hex(text, "SigCgt");
	inject_parse(&inject, text);
	call_set_parse(&set, text);
	free(text);
	return 0;
}
