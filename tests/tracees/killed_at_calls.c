/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Children that make calls as fast as they can, each killed in one of them. */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AT_ONCE = 6 };

static int kill_children(int rounds)
{
	volatile int *runs = mmap(NULL, sizeof(*runs), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;

	if (runs == MAP_FAILED)
		return 1;
	for (int i = 0; i < rounds; i++) {
		pid_t pid;

		*runs = 0;
		pid = fork();
		if (pid == 0) {
			*runs = 1;
			for (;;)
				sched_yield();
		}
		while (!*runs)
			sched_yield();
		kill(pid, SIGKILL);
		if (waitpid(pid, &status, 0) != pid || status != SIGKILL)
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 100, status, failed = 0;

	alarm(60);
	for (int i = 0; i < AT_ONCE; i++)
		if (fork() == 0)
			return kill_children(rounds);
	for (int i = 0; i < AT_ONCE; i++)
		failed |= wait(&status) < 0 || status;
	return failed;
}
