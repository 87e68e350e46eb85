/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A tracer that asks for nothing: seizes PID, and ends. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>

int main(int argc, char **argv)
{
	if (argc > 1 && ptrace(PTRACE_SEIZE, atoi(argv[1]), NULL, NULL) == 0)
		return 0;
	perror("PTRACE_SEIZE");
	return 1;
}
