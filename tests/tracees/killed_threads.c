/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Processes with threads, killed in the middle of everything. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void *busy(void *arg)
{
	(void)arg;
	for (;;)
		getppid();
	return NULL;
}

int main(int argc, char **argv)
{
	for (int i = 0; i < (argc > 1 ? atoi(argv[1]) : 10); i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			pthread_t t;

			/* Not left behind when its parent is what somebody kills. */
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (int k = 0; k < 4; k++)
				pthread_create(&t, NULL, busy, NULL);
			busy(NULL);
		}
		usleep(3000 + 1000 * (useconds_t)i);
		kill(pid, i % 2 ? SIGKILL : SIGTERM);
		if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
			return 1;
	}
	return 0;
}
