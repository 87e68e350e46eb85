/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A call that blocks, with a first argument that only a tracer makes good, and broken by a signal.
 * Usage: restarted CALL HANDLER. Status 0 when the call ended as it should with the good argument,
 * which is the call's sixth; the fifth, MARK, tells the tracer which call it is.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { MARK = 0x7e57, BAD = 99, SLEEP_NS = 300000000 };

static int *word;
static int pipes[2], sock;
static struct sockaddr_un name = { .sun_family = AF_UNIX };
static volatile sig_atomic_t handled;

static void on_signal(int sig)
{
	(void)sig;
	handled++;
}

static int is(const char *a, const char *b)
{
	return !strcmp(a, b);
}

/* Until it sleeps, and goes on sleeping: not in a stop, and not on its way. */
static void wait_until_asleep(pid_t pid)
{
	struct timespec soon = { .tv_nsec = 2000000 };
	char path[64], text[512], *p;
	int seen = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	while (seen < 4) {
		FILE *f = fopen(path, "r");
		size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

		if (f)
			fclose(f);
		if (!n)
			_exit(1);
		text[n] = '\0';
		p = strrchr(text, ')');
		seen = p && p[2] == 'S' ? seen + 1 : 0;
		nanosleep(&soon, NULL);
	}
}

/* The other side: a signal into the call, and then what it waits for. */
static void disturb(const char *call, const char *handler)
{
	pid_t pid = getppid();
	int fd;

	wait_until_asleep(pid);
	kill(pid, is(handler, "none") ? SIGWINCH : SIGUSR1);
	if (is(call, "nanosleep"))
		pause();
	wait_until_asleep(pid);
	if (is(call, "read") && write(pipes[1], "x", 1) != 1)
		_exit(1);
	if (is(call, "accept4")) {
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		connect(fd, (struct sockaddr *)&name, sizeof(name));
	}
	if (is(call, "futex")) {
		*word = 1;
		syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
	pause();
}

static long make(const char *call)
{
	long sleep[2] = { 0, SLEEP_NS }, rest[2] = { 0, 0 }, r;
	static char c;

	if (is(call, "read")) {
		r = syscall(SYS_read, BAD, &c, 1, 0, MARK, pipes[0]);
		return r == 1 && c != 'x' ? -1 : r;
	}
	if (is(call, "accept4"))
		return syscall(SYS_accept4, BAD, NULL, NULL, 0, MARK, sock) < 0 ? -1 : 0;
	if (is(call, "futex"))
		return syscall(SYS_futex, (long)BAD, FUTEX_WAIT, 0, NULL, MARK, word);
	r = syscall(SYS_nanosleep, (long)BAD, rest, 0, 0, MARK, sleep);
	/* The rest is told of the sleep that was made, not of the one that was asked for. */
	return r < 0 && errno == EINTR && (rest[1] <= 0 || rest[1] >= SLEEP_NS) ? -2 : r;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_signal };
	const char *call = argc > 2 ? argv[1] : "", *handler = argc > 2 ? argv[2] : "";
	int breaks = is(handler, "plain") || (is(call, "nanosleep") && is(handler, "restart"));
	pid_t child;
	long r;

	word = mmap(NULL, sizeof(*word), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	/* In the abstract: there is nothing to clean up. */
	snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "restarted-%d", getpid());
	sock = socket(AF_UNIX, SOCK_STREAM, 0);
	if (word == MAP_FAILED || pipe(pipes) < 0 ||
	    bind(sock, (struct sockaddr *)&name, sizeof(name)) < 0 || listen(sock, 1) < 0)
		return 2;
	sa.sa_flags = is(handler, "restart") ? SA_RESTART : 0;
	sigaction(SIGUSR1, &sa, NULL);
	child = fork();
	if (child == 0) {
		disturb(call, handler);
		_exit(0);
	}
	r = make(call);
	if (breaks ? r != -1 || errno != EINTR : r < 0) {
		fprintf(stderr, "%s, %s: %ld, %s\n", call, handler, r, strerror(errno));
		r = -1;
	} else {
		r = 0;
	}
	kill(child, SIGKILL);
	return r || handled != !is(handler, "none");
}
