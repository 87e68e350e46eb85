/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a tracer, and all that it starts, on the broker: others started below trace the same
 * processes.
 *
 * Usage: shared TOOL ARGS..., TOOL as a path
 */
#include <stdio.h>
#include <string.h>
#include <trapline/trapline.h>

extern char **environ;

int main(int argc, char **argv)
{
	struct tl_broker_options o = { .size = sizeof(o), .envp = environ };
	int r, status = 0;

	if (argc < 2)
		return 2;
	o.path = argv[1];
	o.argv = argv + 1;
	r = tl_broker_run(&o, &status);
	if (r < 0) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(-r));
		return 1;
	}
	return status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff;
}
