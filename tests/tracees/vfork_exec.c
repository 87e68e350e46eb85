/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Chains of vfork and exec: each link waits for the next. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int depth = argc > 1 ? atoi(argv[1]) : 4, status = 0;
	char text[16];

	for (int i = 0; i < 3; i++) {
		pid_t pid = vfork();

		if (pid == 0) {
			snprintf(text, sizeof(text), "%d", depth - 1);
			if (depth > 1)
				execl("/proc/self/exe", argv[0], text, (char *)NULL);
			else
				execl("/bin/true", "true", (char *)NULL);
			_exit(127);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			return 1;
		if (depth != 4)
			break;
	}
	return 0;
}
