/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A user's program that is taken for the server that holds a task, and asks for more than it may of
 * those that come. Prints the task's number; then how often it has got what it must not have.
 *
 * Usage: hostile_server PID    (of another user's process, which the tool that comes traces, too)
 */
#define _GNU_SOURCE
#include "link.h"
#include "message.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 12, FAR = 1 << 14, LIMIT = 30 };
enum { BEGINS = TL__TE_STOP << 8 | SIGTRAP, CALLS = SIGTRAP | 0x80 };

static uint8_t data[TL__DATA_MAX];
static int connection, forbidden, granted, allowed;
static pid_t others; /* process */

static int open_socket(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	char folder[40];

	snprintf(folder, sizeof(folder), "/tmp/trapline-%u", (unsigned)geteuid());
	mkdir(folder, 0700);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/%d", folder, (int)getpid());
	unlink(at.sun_path);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 4) < 0) {
		perror(at.sun_path);
		exit(1);
	}
	return fd;
}

static void say(struct tl__message m, const void *with)
{
	if (tl__message_send(connection, &m, with, -1) < 0)
		exit(1);
}

static bool ask(struct tl__message m)
{
	static uint32_t asked = 1000;
	int fd;

	m.asked = ++asked;
	say(m, m.what == TL__SAY_WRITE ? data : NULL);
	do {
		if (tl__message_receive(connection, &m, data, &fd, true) < 0)
			return false;
		if (fd >= 0)
			close(fd);
		/* Its memory is not what the other may have. */
		if (m.what == TL__SAY_READ || m.what == TL__SAY_WRITE) {
			struct tl__message done = { .what = m.what + 1, .asked = m.asked };

			done.len = m.what == TL__SAY_READ ? m.len : 0;
			say(done, data);
		}
	} while (m.asked != asked || m.what == TL__SAY_READ || m.what == TL__SAY_WRITE);
	return m.result >= 0;
}

/* Whether it could be read or written. */
static bool get(uint32_t what, uint64_t addr, uint32_t len)
{
	return ask((struct tl__message){ .what = what, .addr = addr, .len = len });
}

static void must_not(uint32_t what, uint64_t addr, uint32_t len)
{
	forbidden++;
	granted += get(what, addr, len);
}

/* Its code, and what is around what it has told of. */
static void pry(const struct tl__notice *n)
{
	uint64_t at = n->args[3];

	must_not(TL__SAY_READ, n->ip, 16);
	must_not(TL__SAY_WRITE, n->ip, 16);
	for (uint64_t far = 1024; far <= FAR; far *= 2) {
		must_not(TL__SAY_READ, at + far, 8);
		must_not(TL__SAY_WRITE, at - far, 8);
	}
	must_not(TL__SAY_READ, at, FAR);
	must_not(TL__SAY_WRITE, at - 1, 8);
	must_not(TL__SAY_WRITE, UINT64_MAX - 3, 8);
}

static void must_not_call(pid_t as, uint64_t request, uint64_t addr, uint64_t value)
{
	struct tl__message m = { .what = TL__SAY_CALL,
				 .word = 8,
				 .n = { .tid = as,
					.args = { request, (uint64_t)others, addr, value } } };

	forbidden++;
	granted += ask(m);
}

/* What its server would do for one of its own. */
static void pass_for_tool(pid_t as)
{
	struct tl__message stop = {
		.what = TL__SAY_STOP, .tracer = as, .tid = others, .number = SIGSTOP
	};

	must_not_call(as, TL__REQ_KILL, 0, 0);
	must_not_call(as, TL__REQ_INTERRUPT, 0, 0);
	must_not_call(as, TL__REQ_GETEVENTMSG, 0, (uintptr_t)data);
	must_not_call(as, TL__REQ_SEIZE, 0, 0);
	must_not_call(getpid(), TL__REQ_SEIZE, 0, 0);
	must_not_call(getpid(), TL__REQ_ATTACH, 0, 0);
	forbidden += 4;
	granted += ask(stop);
	granted += ask((struct tl__message){ .what = TL__SAY_LIST });
	granted += ask((struct tl__message){ .what = TL__SAY_READ_OF, .tool = as, .number = 4032 });
	granted += ask((struct tl__message){ .what = TL__SAY_READ_OF,
					     .tool = as,
					     .number = TL__BY_PROCESS_VM,
					     .tid = others,
					     .addr = (uintptr_t)data,
					     .len = 8 });
}

static void news(const struct tl__notice *n, pid_t tid, pid_t tool, uint32_t code)
{
	struct tl__message m = { .what = TL__SAY_NEWS,
				 .tid = tid,
				 .tgid = tid,
				 .tracer = n->tid,
				 .tool = tool,
				 .code = code,
				 .seized = 1 };

	say(m, NULL);
}

static void serve(const struct tl__message *m, pid_t task)
{
	struct tl__message done = { .what = TL__SAY_RESULT, .asked = m->asked };
	uint32_t request = (uint32_t)m->n.args[0];

	pry(&m->n);
	pass_for_tool(m->n.tid);
	if (request == TL__REQ_GET_SYSCALL_INFO) {
		allowed += get(TL__SAY_WRITE, m->n.args[3], 24);
		done.result = 24;
	}
	if (request == TL__REQ_GETSIGINFO)
		allowed += get(TL__SAY_WRITE, m->n.args[3], TL__INFO_SIZE);
	/* Of tasks that are not its own, to tools that are not there. */
	news(&m->n, 1, m->n.tid, BEGINS);
	news(&m->n, task, getppid(), BEGINS);
	if (request == TL__REQ_INTERRUPT)
		news(&m->n, task, m->n.tid, BEGINS);
	if (request == TL__REQ_SYSCALL)
		news(&m->n, task, m->n.tid, CALLS);
	say(done, NULL);
}

int main(int argc, char **argv)
{
	pid_t task;
	struct tl__message m;
	int fd, listening;

	if (argc < 2)
		return 1;
	others = atoi(argv[1]);
	alarm(LIMIT);
	task = fork();
	if (task == 0) {
		alarm(LIMIT);
		for (;;)
			pause();
	}
	if (ptrace(PTRACE_SEIZE, task, 0, 0) < 0)
		return 1;
	listening = open_socket();
	printf("%d\n", (int)task);
	fflush(stdout);
	connection = accept(listening, NULL, NULL);
	for (int calls = 0; calls < MOST;) {
		if (tl__message_receive(connection, &m, data, &fd, true) < 0)
			break;
		if (fd >= 0)
			close(fd);
		if (m.what != TL__SAY_CALL)
			continue;
		serve(&m, task);
		calls++;
	}
	close(connection);
	kill(task, SIGKILL);
	printf("%d of %d granted, %d allowed\n", granted, forbidden, allowed);
	return 0;
}
