/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program of the same user's that passes for another server: it connects to one, and says what
 * makes no sense, or half of it, or goes in the middle. Usage: hostile_peer SERVER TOOL TASK
 * SECONDS SEED. TASK, which TOOL traces on that server, is never its own; it attaches to children
 * of its.
 */
#define _GNU_SOURCE
#include "link.h"
#include "message.h"
#include "registry.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 60, LAST = TL__SAY_WRITE_OF + 3, LITTLE = 300, MS = 2 };

static const uint32_t requests[] = { 1,      3,      7,      8,      12,     13,     16,     17,
				     24,     30,     0x4200, 0x4201, 0x4202, 0x4204, 0x4206, 0x4207,
				     0x4208, 0x4209, 0x420a, 0x420c, 0x420e, 0x4211, -1u };
static uint8_t data[TL__DATA_MAX], room[TL__DATA_MAX];
static uint64_t state;
static pid_t server, tool, task, own;

static uint64_t any(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

static pid_t someone(void)
{
	const pid_t all[] = { tool, task, own, getpid(), server, 0, -1, 1, (pid_t)any(70000) };

	return all[any(sizeof(all) / sizeof(all[0]))];
}

static int some_descriptor(pid_t pid)
{
	char path[40];

	if (any(3))
		snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	else
		snprintf(path, sizeof(path), "/dev/null");
	return open(path, O_RDWR | O_CLOEXEC);
}

static uint64_t some_address(void)
{
	return any(2) ? (uintptr_t)data + any(sizeof(data)) : any(1u << 30) << any(34);
}

/* Its own child it attaches to as a tool may; of TASK it knows no more than the number. */
static struct tl__message some_call(int *fd)
{
	struct tl__message m = { .what = TL__SAY_CALL, .word = any(4) ? 8 : (uint32_t)any(9) };
	pid_t whom = any(2) ? own : someone();

	m.n.args[0] = requests[any(sizeof(requests) / sizeof(requests[0]))];
	m.n.args[1] = (uint64_t)whom;
	m.n.args[2] = any(2) ? any(100) : some_address();
	m.n.args[3] = any(3) ? some_address() : any(100);
	m.n.tid = any(4) ? getpid() : someone();
	if (whom == own && (m.n.args[0] == TL__REQ_SEIZE || m.n.args[0] == TL__REQ_ATTACH)) {
		m.n.args[2] = 0;
		m.n.args[3] &= 0x7f;
		*fd = some_descriptor(own);
	}
	return m;
}

static struct tl__message some_message(int *fd)
{
	struct tl__message m = { .what = (uint32_t)any(LAST) };

	*fd = any(20) ? -1 : some_descriptor(own);
	if (any(2))
		return some_call(fd);
	m.asked = (uint32_t)any(8);
	m.result = (int64_t)any(9) - 4;
	m.addr = some_address();
	m.tid = someone();
	m.tgid = someone();
	m.tracer = someone();
	m.tool = someone();
	m.number = any(3)   ? 4032 + (int32_t)any(64)
		   : any(2) ? TL__BY_PROCESS_VM
			    : (int32_t)any(1u << 31);
	m.dead = (uint32_t)any(4);
	m.status = (uint32_t)any(1u << 16);
	m.code = (uint32_t)any(1u << 16);
	m.state = (uint32_t)any(9);
	m.mode = (uint32_t)any(9);
	/* What the tool would believe: that is between servers that trust each other. */
	if (m.tool == tool && (m.what == TL__SAY_NEWS || m.what == TL__SAY_CHILD))
		m.tool = own;
	return m;
}

static bool say_something(int to)
{
	int fd = -1, r;
	struct tl__message m = some_message(&fd);
	size_t len = any(3) ? 0 : any(10) ? any(LITTLE) : any(sizeof(data));

	m.len = any(10) ? (uint32_t)len : (uint32_t)any(1u << 31);
	if (any(40)) {
		struct iovec iov[2] = { { &m, sizeof(m) }, { data, len } };

		r = (int)tl__packet_send(to, iov, len ? 2 : 1, fd);
	} else {
		r = (int)send(to, &m, any(sizeof(m)), MSG_NOSIGNAL);
	}
	if (fd >= 0)
		close(fd);
	return r >= 0;
}

/* Answers what is asked, most often; who hangs is not what is tried here. */
static bool hear(int from)
{
	struct pollfd p = { .fd = from, .events = POLLIN };
	struct tl__message m;
	int fd;

	while (poll(&p, 1, any(2) ? MS : 0) == 1) {
		struct tl__message done = { .result = any(4) ? 0 : -14 };

		if (tl__message_receive(from, &m, room, &fd, true) < 0)
			return false;
		if (fd >= 0)
			close(fd);
		done.asked = m.asked;
		if (m.what != TL__SAY_READ && m.what != TL__SAY_WRITE)
			continue;
		if (!any(8))
			return false;
		done.what = m.what + 1;
		done.len = m.what == TL__SAY_READ && any(8) ? m.len : 0;
		if (tl__message_send(from, &done, done.len ? data : NULL, -1) < 0)
			return false;
	}
	return true;
}

static void talk(void)
{
	int fd = tl__registry_find(server);

	if (fd < 0) {
		fputs("no server\n", stderr);
		exit(1);
	}
	for (int n = (int)any(MOST); n > 0; n--)
		if (!say_something(fd) || !hear(fd))
			break;
	close(fd);
}

int main(int argc, char **argv)
{
	unsigned talks = 0;
	time_t end;

	if (argc < 6)
		return 2;
	server = atoi(argv[1]);
	tool = atoi(argv[2]);
	task = atoi(argv[3]);
	end = time(NULL) + atoi(argv[4]);
	state = 0x9e3779b97f4a7c15u * (uint64_t)(atoi(argv[5]) + 1);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)any(256);
	while (time(NULL) < end) {
		own = fork();
		if (own == 0) {
			alarm(60);
			for (;;)
				usleep(MS * 1000);
		}
		for (int i = 0; i < 4; i++, talks++)
			talk();
		kill(own, SIGKILL);
		waitpid(own, NULL, 0);
	}
	printf("%u connections\n", talks);
	return 0;
}
