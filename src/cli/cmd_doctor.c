/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The doctor command: what this kernel, user and container allow, each row with its cause and
 * remedy. */
#define _GNU_SOURCE
#include "cli.h"

#include <stdio.h>
#include <string.h>

int cmd_doctor(int argc, char **argv)
{
	struct tl_feature f = { .size = sizeof(f) };

	(void)argc;
	(void)argv;
	for (size_t i = 0; tl_caps_feature(i, &f) == 0; i++) {
		printf("%-18s %-3s %s\n", f.name, f.present ? "yes" : "no", f.help);
		f.size = sizeof(f);
	}
	return 0;
}
