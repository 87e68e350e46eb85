/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A 32-bit program: its own numbers, structures and ways into the kernel. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	struct timespec ts = { 0, 1000 };
	struct stat st;
	char buf[64];
	int fd, status;
	pid_t pid;

	stat("/", &st);
	fd = open("/etc/passwd", O_RDONLY);
	if (read(fd, buf, sizeof(buf)) <= 0)
		return 1;
	lseek(fd, 3, SEEK_SET);
	close(fd);
	nanosleep(&ts, NULL);
	for (int i = 0; i < 100; i++)
		syscall(SYS_getppid);
	pid = fork();
	if (pid == 0)
		_exit(4);
	waitpid(pid, &status, 0);
	return !(WIFEXITED(status) && WEXITSTATUS(status) == 4);
}
