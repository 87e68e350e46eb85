/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The processes of a broker: the front, which was called and waits; the server, its child; the
 * tool, the server's child, so that the server may trace all below it where Yama asks for an
 * ancestor.
 */
#define _GNU_SOURCE
#include "start.h"

#include "broker.h"
#include "message.h"
#include "serve.h"
#include "stand_in.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A number, with a descriptor or without. */
static int send_fd(int to, int value, int fd)
{
	struct iovec iov = { &value, sizeof(value) };
	ssize_t r = tl__packet_send(to, &iov, 1, fd);

	return r < 0 ? (int)r : 0;
}

static int receive_fd(int from, int *value, int *fd)
{
	struct iovec iov = { value, sizeof(*value) };
	ssize_t r = tl__packet_receive(from, &iov, 1, fd, 0);

	return r == sizeof(*value) ? 0 : r < 0 ? (int)r : -EPIPE;
}

/* Between fork and exec. */
static _Noreturn void become_tool(const struct tl_broker_options *o, const sigset_t *mask,
				  int server)
{
	struct tl__bpf_insn code[TL__FILTER_MAX];
	bool no_new_privs;
	int fd = tl__notify_listen(code, tl__filter_build(code), &no_new_privs);

	if (fd >= 0) {
		send_fd(server, no_new_privs, fd);
		close(fd);
		sigprocmask(SIG_SETMASK, mask, NULL);
		execve(o->path, o->argv, o->envp);
		fd = -errno;
	}
	send_fd(server, fd, -1);
	_exit(127);
}

static void keep_out_of_the_terminals_way(void)
{
	static const int from_terminal[] = { SIGINT,  SIGQUIT, SIGTSTP, SIGTTIN,
					     SIGTTOU, SIGHUP,  SIGPIPE };
	sigset_t set;

	for (size_t i = 0; i < tl__array_len(from_terminal); i++)
		signal(from_terminal[i], SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

/* The listener, or an error: the tool's, from before it was executed. */
static int start_tool(const struct tl_broker_options *o, const sigset_t *mask, int front,
		      pid_t *ret)
{
	int pair[2], value, listener, r;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	pid = fork();
	if (pid < 0) {
		r = -errno;
		close(pair[0]);
		close(pair[1]);
		return r;
	}
	if (pid == 0) {
		close(front);
		close(pair[0]);
		become_tool(o, mask, pair[1]);
	}
	close(pair[1]);
	r = receive_fd(pair[0], &value, &listener);
	if (r == 0 && listener >= 0) {
		/* Closed by the exec; or the reason why there is none. */
		int none, error;

		if (receive_fd(pair[0], &error, &none) == 0) {
			close(listener);
			r = error;
		}
	} else if (r == 0) {
		r = value;
	}
	close(pair[0]);
	if (r < 0) {
		waitpid(pid, NULL, 0);
		return r;
	}
	*ret = pid;
	return listener;
}

static _Noreturn void become_server(struct tl__open *open, const struct tl_broker_options *o,
				    const sigset_t *mask, int front)
{
	pid_t tool = 0;
	int listener;

	prctl(PR_SET_NAME, "trapline-server", 0, 0, 0);
	listener = start_tool(o, mask, front, &tool);
	if (listener < 0 || send_fd(front, tool, listener) < 0) {
		send_fd(front, listener < 0 ? listener : -EPIPE, -1);
		_exit(1);
	}
	/* What is sent to the tool's group is the tool's: the server has to outlive it. */
	setpgid(0, 0);
	keep_out_of_the_terminals_way();
	_exit(tl__serve(listener, front, tool, open, o) < 0);
}

/* The tool's status; where the server has been killed, the front does what it can. Its descriptors
 * are closed before it lets go of its tracees (do_exit). */
static int wait_for_tool(pid_t pid, int server, int listener, pid_t tool, struct tl__open *open,
			 int *ret_status)
{
	int status, none, r = receive_fd(server, &status, &none);

	if (r == 0) {
		*ret_status = status;
		return 0;
	}
	waitpid(pid, NULL, 0);
	*ret_status = tl__stand_in(listener, tool, open);
	return 0;
}

int tl__broker_run(const struct tl_broker_options *o, int *ret_status)
{
	int pair[2], r, tool, listener;
	struct tl__open *open = tl__open_new();
	sigset_t all, mask;
	pid_t server;

	if (!open)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		r = -errno;
		tl__open_free(open);
		return r;
	}
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &mask);
	server = fork();
	if (server == 0) {
		close(pair[0]);
		become_server(open, o, &mask, pair[1]);
	}
	r = server < 0 ? -errno : 0;
	close(pair[1]);
	if (r == 0)
		r = receive_fd(pair[0], &tool, &listener);
	if (r == 0 && listener < 0) {
		r = tool;
		waitpid(server, NULL, 0);
	}
	if (r == 0 && o->on_start)
		o->on_start(tool, o->data);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	if (r == 0) {
		r = wait_for_tool(server, pair[0], listener, tool, open, ret_status);
		close(listener);
	}
	close(pair[0]);
	tl__open_free(open);
	return r;
}
