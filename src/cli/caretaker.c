/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The process that the shell sees, and the tracer behind it that may outlive it. */
#define _GNU_SOURCE
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum message_kind { MESSAGE_DONE = 1, MESSAGE_RELEASED };

struct message {
	int kind, status;
};

static int to_front = -1;
static pid_t tracer;

static void pass_on(int sig)
{
	kill(tracer, sig);
}

static _Noreturn void be_the_front(int from_tracer)
{
	struct sigaction sa = { .sa_handler = pass_on, .sa_flags = SA_RESTART };
	struct message m;
	ssize_t n;

	/* The terminal's own signals reach the tracer too; it is asked twice only by two of them.
	 */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	do
		n = read(from_tracer, &m, sizeof(m));
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(m) && m.kind == MESSAGE_RELEASED)
		_exit(128 + SIGINT);
	if (n != (ssize_t)sizeof(m))
		waitpid(tracer, &m.status, 0);
	_exit(exit_as(m.status));
}

bool caretaker_split(void)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return false;
	tracer = fork();
	if (tracer < 0) {
		close(fds[0]);
		close(fds[1]);
		return false;
	}
	if (tracer > 0) {
		close(fds[1]);
		be_the_front(fds[0]);
	}
	close(fds[0]);
	to_front = fcntl(fds[1], F_DUPFD_CLOEXEC, 200);
	if (to_front < 0)
		to_front = fds[1];
	else
		close(fds[1]);
	/* The front killed: as if asked to end, so that the tasks are taken care of. */
	prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	return true;
}

bool caretaker_is_behind(void)
{
	return to_front >= 0;
}

static void tell(int kind, int status)
{
	struct message m = { kind, status };
	ssize_t n;

	do
		n = write(to_front, &m, sizeof(m));
	while (n < 0 && errno == EINTR);
	close(to_front);
	to_front = -1;
}

void caretaker_release(void)
{
	int null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
	prctl(PR_SET_NAME, "trapline-care", 0, 0, 0);
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	tell(MESSAGE_RELEASED, 0);
	setsid();
}

void caretaker_done(int status)
{
	if (to_front >= 0)
		tell(MESSAGE_DONE, status);
}
