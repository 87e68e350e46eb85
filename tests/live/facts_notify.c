/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the broker takes for true of seccomp's notifications and of the waits of a tracee's parent,
 * shown by bare system calls. Prints a line a fact; the status tells whether all hold.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

enum { HIGH = 900, ERESTARTSYS_ = 512 };

static int failures;

static void fact(const char *what, int holds)
{
	printf("%s %s\n", holds ? "ok" : "FAIL", what);
	fflush(stdout);
	failures += !holds;
}

static int die(const char *what)
{
	perror(what);
	exit(2);
}

/* wait4 and ptrace are told to the listener; so are calls on a high descriptor. */
static int listen_to_self(unsigned long flags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_wait4, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	};
	struct sock_fprog prog = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			    SECCOMP_FILTER_FLAG_NEW_LISTENER | flags, &prog);
}

static void send_fd(int to, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (sendmsg(to, &m, 0) != 1)
		die("sendmsg");
}

static int receive_fd(int from)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	int fd;

	if (recvmsg(from, &m, 0) != 1 || !CMSG_FIRSTHDR(&m))
		die("recvmsg");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

/* A program under a listener of ours: what it is, and the listener. */
static pid_t under(unsigned long flags, void (*program)(void), int *listener)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		die("socketpair");
	pid = fork();
	if (!pid) {
		int fd = listen_to_self(flags);

		if (fd < 0)
			die("seccomp");
		send_fd(pair[1], fd);
		close(fd);
		close(pair[0]);
		close(pair[1]);
		program();
		_exit(99);
	}
	*listener = receive_fd(pair[0]);
	close(pair[0]);
	close(pair[1]);
	return pid;
}

static int receive(int listener, struct seccomp_notif *n)
{
	struct pollfd p = { listener, POLLIN, 0 };

	memset(n, 0, sizeof(*n));
	if (poll(&p, 1, 2000) != 1)
		return -ETIMEDOUT;
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, n) < 0 ? -errno : 0;
}

static int answer(int listener, const struct seccomp_notif *n, int error, int64_t val,
		  uint32_t flags)
{
	struct seccomp_notif_resp r = { .id = n->id, .error = error, .val = val, .flags = flags };

	return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &r) < 0 ? -errno : 0;
}

static int status_of(pid_t pid)
{
	int status = -1;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static volatile int handled;

static void on_signal(int sig)
{
	handled = sig;
}

static long bare_wait(void)
{
	return syscall(SYS_wait4, -1, NULL, 0, NULL);
}

static void with_handler(int flags)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = flags };

	sigaction(SIGUSR1, &sa, NULL);
}

static void waits_and_restarts(void)
{
	with_handler(SA_RESTART);
	_exit(bare_wait() == 77 && handled ? 0 : 1);
}

static void waits_and_is_broken(void)
{
	with_handler(0);
	_exit(bare_wait() == -1 && errno == EINTR && handled ? 0 : 1);
}

static void interrupted(void)
{
	struct seccomp_notif a, b;
	int l, r;
	pid_t pid = under(0, waits_and_restarts, &l);

	r = receive(l, &a);
	kill(pid, SIGUSR1);
	r |= receive(l, &b);
	fact("a signal takes a notification back, and the restarted call has another",
	     r == 0 && a.id != b.id && b.data.nr == SYS_wait4);
	fact("what was taken back cannot be answered", answer(l, &a, 0, 5, 0) == -ENOENT);
	answer(l, &b, 0, 77, 0);
	fact("and the call returns what the second one is answered", status_of(pid) == 0);
	close(l);

	pid = under(0, waits_and_is_broken, &l);
	r = receive(l, &a);
	kill(pid, SIGUSR1);
	fact("without SA_RESTART the call is broken", r == 0 && status_of(pid) == 0);
	close(l);
}

/* Calls that came back with what they were answered. */
static volatile long *arrived;

static void waits_all_the_time(void)
{
	with_handler(0);
	for (;;)
		if (bare_wait() == 77)
			++*arrived;
}

/* A race of two for one lock, which an emulated machine may not show: not met is no failure. */
static void lost_unseen(void)
{
	enum { EVERY_US = 50, SECONDS = 10 };
	struct seccomp_notif n;
	time_t end = time(NULL) + SECONDS;
	long sent = 0;
	int l;
	pid_t pid, raining;

	arrived = mmap(NULL, sizeof(*arrived), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (arrived == MAP_FAILED)
		die("mmap");
	pid = under(0, waits_all_the_time, &l);
	raining = fork();
	while (!raining) {
		if (kill(pid, SIGUSR1) < 0)
			_exit(0);
		usleep(EVERY_US);
	}
	/* One may be on its way. */
	while (sent < *arrived + 2 && time(NULL) < end)
		if (receive(l, &n) == 0)
			sent += answer(l, &n, 0, 77, 0) == 0;
	if (sent >= *arrived + 2)
		fact("an answer may be lost to a signal, though its sending is reported as done",
		     1);
	else
		printf("not met: an answer that is lost to a signal, though its sending is done\n");
	kill(raining, SIGKILL);
	kill(pid, SIGKILL);
	waitpid(raining, NULL, 0);
	waitpid(pid, NULL, 0);
	close(l);
}

static void waits_for_number(void)
{
	long r = bare_wait();

	_exit(r == -1 ? errno == ERESTARTSYS_ ? 3 : 4 : 0);
}

static void restart_code(void)
{
	struct seccomp_notif a;
	int l, r;
	pid_t pid = under(0, waits_for_number, &l);

	r = receive(l, &a);
	answer(l, &a, -ERESTARTSYS_, 0, 0);
	fact("ERESTARTSYS as an answer is seen by the program, where no signal waits",
	     r == 0 && status_of(pid) == 3);
	close(l);
}

static void killable(void)
{
	struct seccomp_notif a;
	int l, r;
	pid_t pid = under(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, waits_and_restarts, &l);

	r = receive(l, &a);
	kill(pid, SIGUSR1);
	usleep(50000);
	fact("with WAIT_KILLABLE_RECV a received call is not broken",
	     r == 0 && answer(l, &a, 0, 77, 0) == 0 && status_of(pid) == 0);
	close(l);
}

static void is_traced(void)
{
	if (syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0) != 0)
		_exit(1);
	raise(SIGSTOP);
	_exit(42);
}

static void seized_in_traceme(void)
{
	struct seccomp_notif a;
	int l, status, r;
	pid_t pid = under(0, is_traced, &l);

	r = receive(l, &a);
	if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD) < 0)
		die("seize");
	r |= answer(l, &a, 0, 0, 0);
	r |= waitpid(pid, &status, __WALL) != pid;
	fact("a program that asks to be traced can be seized before it is answered",
	     r == 0 && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	ptrace(PTRACE_CONT, pid, 0, 0);
	fact("and goes on", status_of(pid) == 42);
	close(l);
}

/* The program has a child, which we trace and reap; the program waits for it. */
static int from_program[2], to_program[2];

static void has_child(void)
{
	char byte;
	int status;
	pid_t child = fork();

	if (!child) {
		raise(SIGSTOP);
		_exit(7);
	}
	/* Seized, and dead for its tracer. */
	if (write(from_program[1], &child, sizeof(child)) != sizeof(child) ||
	    read(to_program[0], &byte, 1) != 1)
		_exit(1);
	if (syscall(SYS_wait4, child, &status, WNOHANG, NULL) != 0)
		_exit(2);
	if (write(from_program[1], &child, sizeof(child)) != sizeof(child) ||
	    read(to_program[0], &byte, 1) != 1)
		_exit(3);
	if (syscall(SYS_wait4, child, &status, WNOHANG, NULL) != child || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != 7)
		_exit(4);
	_exit(0);
}

static void reaped_by_tracer(void)
{
	struct seccomp_notif a;
	siginfo_t si;
	int status, l;
	pid_t pid, child;

	if (pipe(from_program) < 0 || pipe(to_program) < 0)
		die("pipe");
	pid = under(0, has_child, &l);
	if (read(from_program[0], &child, sizeof(child)) != sizeof(child))
		die("read");
	ptrace(PTRACE_SEIZE, child, 0, 0);
	while (waitpid(child, &status, __WALL) == child && WIFSTOPPED(status) &&
	       status >> 16 == 0 && WSTOPSIG(status) != SIGSTOP)
		ptrace(PTRACE_CONT, child, 0, 0);
	kill(child, SIGCONT);
	ptrace(PTRACE_CONT, child, 0, 0);
	do {
		waitid(P_PID, (id_t)child, &si, WEXITED | WSTOPPED | WNOWAIT | __WALL);
		if (si.si_code == CLD_EXITED || si.si_code == CLD_KILLED)
			break;
		waitpid(child, &status, __WALL);
		ptrace(PTRACE_CONT, child, 0, 0);
	} while (1);
	if (write(to_program[1], "", 1) != 1 || receive(l, &a) < 0)
		die("first wait");
	answer(l, &a, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
	if (read(from_program[0], &child, sizeof(child)) != sizeof(child))
		die("read");
	waitpid(child, &status, __WALL);
	if (write(to_program[1], "", 1) != 1 || receive(l, &a) < 0)
		die("second wait");
	answer(l, &a, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
	fact("a parent sees a traced child's death when the tracer has reaped it, not before",
	     status_of(pid) == 0);
	close(l);
}

/* The tool is seized itself: its wait is broken without a signal, and made again. */
static void tool_seized(void)
{
	struct seccomp_notif a, b;
	int l, status, r;
	pid_t pid = under(0, waits_for_number, &l);

	r = receive(l, &a);
	if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD) < 0)
		die("seize");
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	r |= waitpid(pid, &status, __WALL) != pid || status >> 16 != PTRACE_EVENT_STOP;
	ptrace(PTRACE_CONT, pid, 0, 0);
	r |= receive(l, &b);
	fact("an interrupt takes a notification back, and the call is made again",
	     r == 0 && b.id != a.id && b.data.nr == SYS_wait4);
	answer(l, &b, 0, 5, 0);
	fact("unseen by the program", status_of(pid) == 0);
	close(l);
}

static void handler_info(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)uc;
	_exit(si->si_code == CLD_TRAPPED && si->si_pid == 4321 ? 0 : 1);
}

static void waits_for_sigchld(void)
{
	struct sigaction sa = { .sa_sigaction = handler_info, .sa_flags = SA_SIGINFO };

	sigaction(SIGCHLD, &sa, NULL);
	bare_wait();
	_exit(2);
}

static void forged(void)
{
	siginfo_t si = { .si_signo = SIGCHLD, .si_code = CLD_TRAPPED };
	struct seccomp_notif a;
	int l, status, r;
	pid_t pid = under(0, waits_for_sigchld, &l);

	si.si_pid = 4321;
	r = receive(l, &a);
	fact("nobody but itself may say CLD_TRAPPED to a process",
	     syscall(SYS_rt_sigqueueinfo, pid, SIGCHLD, &si) < 0 && errno == EPERM);
	if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD) < 0)
		die("seize");
	kill(pid, SIGCHLD);
	r |= waitpid(pid, &status, __WALL) != pid || WSTOPSIG(status) != SIGCHLD;
	r |= ptrace(PTRACE_SETSIGINFO, pid, 0, &si) != 0;
	ptrace(PTRACE_CONT, pid, 0, SIGCHLD);
	fact("but who traces it", r == 0 && status_of(pid) == 0);
	close(l);
}

static void finds_no_call(void)
{
	_exit(bare_wait() == -1 && errno == ENOSYS ? 0 : 1);
}

static void left_alone(void)
{
	struct seccomp_notif a;
	int l, r;
	pid_t pid = under(0, finds_no_call, &l);

	r = receive(l, &a);
	close(l);
	fact("calls fail with ENOSYS when nobody listens any more", r == 0 && status_of(pid) == 0);
}

static void listens_again(void)
{
	_exit(listen_to_self(0) == -1 && errno == EBUSY ? 0 : 1);
}

enum { LIMIT = 64 };

static void opens(void)
{
	struct rlimit is;
	int fd;

	getrlimit(RLIMIT_NOFILE, &is);
	is.rlim_cur = LIMIT;
	setrlimit(RLIMIT_NOFILE, &is);
	fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/1/mem", O_RDWR | O_CLOEXEC, 0);
	getrlimit(RLIMIT_NOFILE, &is);
	_exit(fd == HIGH && fcntl(fd, F_GETFD) == FD_CLOEXEC && is.rlim_cur == LIMIT ? 0 : 1);
}

/* Not with ADDFD_FLAG_SEND: the caller, who goes on at once then, would find the wider limit. */
static void at_a_number(void)
{
	struct seccomp_notif_addfd add = { .flags = SECCOMP_ADDFD_FLAG_SETFD,
					   .newfd = HIGH,
					   .newfd_flags = O_CLOEXEC };
	struct seccomp_notif a;
	struct rlimit is, wide;
	int l, r;
	pid_t pid = under(0, listens_again, &l);

	fact("there is one listener above a program", status_of(pid) == 0);
	close(l);
	pid = under(0, opens, &l);
	r = receive(l, &a);
	add.id = a.id;
	add.srcfd = (uint32_t)open("/dev/null", O_RDWR | O_CLOEXEC);
	fact("a number above the caller's limit is refused",
	     ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &add) == -1 && errno == EBADF);
	prlimit(pid, RLIMIT_NOFILE, NULL, &is);
	wide = is;
	wide.rlim_cur = HIGH + 1;
	r |= prlimit(pid, RLIMIT_NOFILE, &wide, NULL);
	r |= ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &add) != HIGH;
	r |= prlimit(pid, RLIMIT_NOFILE, &is, NULL);
	r |= answer(l, &a, 0, HIGH, 0);
	fact("but not while that is wider, and stays then: an open is answered so",
	     r == 0 && status_of(pid) == 0);
	close(l);
}

/* A second holder of the listener. */
static void two_holders(void)
{
	struct seccomp_notif a, b;
	int l, r, again;
	pid_t pid = under(0, waits_for_number, &l);
	pid_t first;

	r = poll(&(struct pollfd){ l, POLLIN, 0 }, 1, 2000) != 1;
	first = fork();
	if (!first)
		_exit(receive(l, &b) == 0 ? 0 : 1);
	r |= status_of(first);
	again = poll(&(struct pollfd){ l, POLLIN, 0 }, 1, 100);
	fact("what a dead holder has received is not offered again", r == 0 && again == 0);
	memset(&a, 0, sizeof(a));
	kill(pid, SIGKILL);
	fact("and nobody else is in its way", status_of(pid) == 256 + SIGKILL);
	close(l);
}

int main(void)
{
	interrupted();
	lost_unseen();
	restart_code();
	killable();
	seized_in_traceme();
	reaped_by_tracer();
	tool_seized();
	forged();
	left_alone();
	at_a_number();
	two_holders();
	printf("%d failed\n", failures);
	return failures != 0;
}
