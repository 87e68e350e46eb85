/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The wait family, for tracees and for other children. */
#include "conform.h"

#include <sys/resource.h>

static void sleeps(void)
{
	for (;;)
		usleep(1000);
}

static void exits_7(void)
{
	_exit(7);
}

static void exits_late(void)
{
	moment(60);
	_exit(8);
}

static void show_waitid(idtype_t type, pid_t id, int options)
{
	siginfo_t si;
	int r;

	memset(&si, 0, sizeof(si));
	r = waitid(type, (id_t)id, &si, options);
	if (r < 0)
		printf("waitid -> %s\n", error_name(errno));
	else if (!si.si_pid)
		printf("waitid -> nothing\n");
	else
		show_info("waitid", &si);
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	show(pid, __WALL);
}

static void by_info(void)
{
	pid_t pid = child(sleeps);

	rq(PTRACE_SEIZE, pid, 0, 0);
	rq(PTRACE_INTERRUPT, pid, 0, 0);
	show_waitid(P_PID, pid, WSTOPPED | WNOWAIT);
	show_waitid(P_ALL, 0, WSTOPPED | WNOWAIT);
	show_waitid(P_PID, pid, WEXITED);
	show_waitid(P_PID, pid, WSTOPPED | WNOHANG);
	tell(PTRACE_CONT, pid, 0, 0);
	kill(pid, SIGKILL);
	show_waitid(P_PID, pid, WEXITED | WNOWAIT);
	show_waitid(P_PID, pid, WEXITED);
	show_waitid(P_PID, pid, WEXITED);
}

static void nothing_there(void)
{
	pid_t pid = traced(sleeps);

	show(pid, WNOHANG);
	show(-1, WNOHANG);
	show_waitid(P_ALL, 0, WEXITED | WNOHANG);
	show(getpid(), WNOHANG);
	show(1, 0);
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, WNOHANG);
	end(pid);
	show(pid, 0);
	show(-1, 0);
}

static void wrong_options(void)
{
	pid_t pid = traced(sleeps);

	show(pid, 0x40);
	show_waitid(P_PID, pid, 0);
	show_waitid((idtype_t)77, pid, WEXITED);
	end(pid);
}

static void bad_pointer(void)
{
	pid_t pid = traced(sleeps);
	long r;

	rq(PTRACE_CONT, pid, 0, 0);
	kill(pid, SIGUSR1);
	until(pid, 't');
	r = syscall(SYS_wait4, pid, 8, 0, 0);
	printf("%s\n", r < 0 ? error_name(errno) : "waited");
	rq(PTRACE_CONT, pid, 0, 0);
	end(pid);
}

static void tracee_and_child(void)
{
	pid_t a = traced(sleeps), b = child(exits_late);

	name_it(a, "tracee");
	name_it(b, "other");
	rq(PTRACE_CONT, a, 0, 0);
	show(-1, 0);
	show(-1, WNOHANG);
	kill(a, SIGUSR1);
	show(-1, 0);
	end(a);
}

static void child_first(void)
{
	pid_t a = traced(sleeps), b = child(exits_7);

	name_it(a, "tracee");
	name_it(b, "other");
	until(b, 'Z');
	show(b, 0);
	b = child(exits_7);
	name_it(b, "third");
	until(b, 'Z');
	show(-1, 0);
	end(a);
}

static void own_child_stops(void)
{
	pid_t a = traced(sleeps), b = child(sleeps);

	name_it(a, "tracee");
	name_it(b, "other");
	rq(PTRACE_CONT, a, 0, 0);
	kill(b, SIGSTOP);
	show(b, WUNTRACED);
	kill(b, SIGCONT);
	show(b, WCONTINUED);
	end(b);
	end(a);
}

static void stops_and_goes_on(void)
{
	moment(60);
	raise(SIGSTOP);
	moment(60);
	_exit(9);
}

/* A wait that blocks, for children's stops and for tracees at once. */
static void stops_of_both(void)
{
	pid_t a = traced(sleeps), b = child(stops_and_goes_on);

	name_it(a, "tracee");
	name_it(b, "other");
	rq(PTRACE_CONT, a, 0, 0);
	show(-1, WUNTRACED);
	kill(b, SIGCONT);
	show(-1, WUNTRACED | WCONTINUED);
	kill(a, SIGUSR1);
	show(-1, WUNTRACED);
	rq(PTRACE_CONT, a, 0, 0);
	show(-1, WUNTRACED);
	kill(a, SIGUSR1);
	show(-1, WUNTRACED);
	end(a);
}

static void by_group(void)
{
	pid_t pid = traced(sleeps);

	show(0, WNOHANG);
	rq(PTRACE_CONT, pid, 0, 0);
	kill(pid, SIGUSR2);
	show(0, 0);
	setpgid(pid, pid);
	rq(PTRACE_CONT, pid, 0, 0);
	kill(pid, SIGUSR1);
	show(0, 0);
	show(-pid, 0);
	end(pid);
}

static volatile int alarms;

static void on_alarm(int sig)
{
	(void)sig;
	alarms++;
}

static void broken_by_signal(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	pid_t pid = traced(sleeps);

	sigaction(SIGUSR1, &sa, NULL);
	rq(PTRACE_CONT, pid, 0, 0);
	if (fork() == 0) {
		moment(50);
		kill(getppid(), SIGUSR1);
		moment(50);
		kill(pid, SIGUSR2);
		_exit(0);
	}
	show(pid, 0);
	show(pid, 0);
	printf("%d\n", alarms);
	end(pid);
	show(-1, 0);
}

static void goes_on_after_signal(void)
{
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	pid_t pid = traced(sleeps);

	sigaction(SIGUSR1, &sa, NULL);
	rq(PTRACE_CONT, pid, 0, 0);
	if (fork() == 0) {
		moment(50);
		kill(getppid(), SIGUSR1);
		moment(50);
		kill(pid, SIGUSR2);
		_exit(0);
	}
	show(pid, 0);
	printf("%d\n", alarms);
	end(pid);
	show(-1, 0);
}

/* A process whose parent is somebody else. */
static void not_a_child(void)
{
	int pair[2];
	pid_t pid, middle;

	if (pipe(pair) < 0)
		return;
	middle = fork();
	if (middle == 0) {
		pid = fork();
		if (pid == 0)
			sleeps();
		if (write(pair[1], &pid, sizeof(pid)) != sizeof(pid))
			_exit(1);
		waitpid(pid, NULL, 0);
		_exit(0);
	}
	if (read(pair[0], &pid, sizeof(pid)) != sizeof(pid))
		return;
	name_it(pid, "theirs");
	name_it(middle, "middle");
	show(pid, WNOHANG);
	tell(PTRACE_SEIZE, pid, 0, 0);
	show(pid, WNOHANG);
	rq(PTRACE_INTERRUPT, pid, 0, 0);
	show(pid, 0);
	rq(PTRACE_CONT, pid, 0, 0);
	kill(pid, SIGTERM);
	show(pid, 0);
	rq(PTRACE_CONT, pid, 0, SIGTERM);
	show(pid, 0);
	show(pid, 0);
	show(middle, 0);
}

/* Its parent is dead. */
static pid_t orphan(void)
{
	int pair[2];
	pid_t pid = 0, middle;

	if (pipe(pair) < 0)
		return 0;
	middle = fork();
	if (middle == 0) {
		pid = fork();
		if (pid == 0)
			sleeps();
		_exit(write(pair[1], &pid, sizeof(pid)) != sizeof(pid));
	}
	waitpid(middle, NULL, 0);
	if (read(pair[0], &pid, sizeof(pid)) != sizeof(pid))
		return 0;
	close(pair[0]);
	close(pair[1]);
	name_it(pid, "orphan");
	return pid;
}

/* As after a SIGCHLD: what has ended is told by a wait that does not block, at once and each time.
 */
static void ends_one_by_one(int options)
{
	int told = 0, none = 0;

	for (int i = 0; i < 20; i++) {
		pid_t other = child(exits_7);
		siginfo_t si;

		waitid(P_PID, (id_t)other, &si, WEXITED | WNOWAIT);
		told += waitpid(-1, NULL, WNOHANG | options) == other;
		none += waitpid(-1, NULL, WNOHANG | options) == 0;
		/* It has been seen alive. */
		other = child(sleeps);
		none += waitpid(-1, NULL, WNOHANG | options) == 0;
		kill(other, SIGKILL);
		until(other, 'Z');
		told += waitpid(-1, NULL, WNOHANG | options) == other;
	}
	printf("%d told, %d times none\n", told, none);
}

static void ends_without_blocking(void)
{
	pid_t pid = traced(sleeps);

	rq(PTRACE_CONT, pid, 0, 0);
	ends_one_by_one(0);
	ends_one_by_one(__WALL);
	catch_children();
	ends_one_by_one(__WALL);
	kill(pid, SIGUSR1);
	until(pid, 't');
	/* A server sees that a moment later. */
	moment(20);
	printf("%s\n", waitpid(-1, NULL, WNOHANG | __WALL) == pid ? "a stop" : "none");
	ends_one_by_one(__WALL);
	end(pid);
	pid = orphan();
	rq(PTRACE_SEIZE, pid, 0, 0);
	ends_one_by_one(__WALL);
	kill(pid, SIGKILL);
	show(pid, 0);
}

static void is_traced_and_exits(void)
{
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	_exit(7);
}

/* A debugger's tracee that is its child, too: its end is told once, however often is asked. */
static void ends_once(void)
{
	int told = 0, more = 0, status;
	pid_t other = traced(sleeps);

	catch_children();
	for (int i = 0; i < 100; i++) {
		pid_t pid = child(is_traced_and_exits), got;

		while (waitpid(-1, &status, WNOHANG | __WALL) == 0)
			;
		rq(PTRACE_CONT, pid, 0, 0);
		while ((got = waitpid(-1, &status, WNOHANG | __WALL)) == 0)
			;
		told += got == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7;
		more += waitpid(-1, &status, WNOHANG | __WALL) != 0;
	}
	printf("%d told, %d once more\n", told, more);
	end(other);
}

static void stops_itself(void)
{
	rq(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	sleeps();
}

/* Though nothing has been waited for before. */
static void older_first(void)
{
	for (int i = 0; i < 2; i++) {
		pid_t older = child(exits_7), pid;

		until(older, 'Z');
		pid = child(i ? sleeps : stops_itself);
		if (i) {
			rq(PTRACE_SEIZE, pid, 0, 0);
			rq(PTRACE_INTERRUPT, pid, 0, 0);
		}
		until(pid, 't');
		moment(20);
		for (int n = 0; n < 3; n++)
			show(-1, WNOHANG | __WALL);
		end(pid);
	}
}

static void twice(void)
{
	pid_t pid = traced(sleeps);

	rq(PTRACE_CONT, pid, 0, 0);
	kill(pid, SIGUSR1);
	show(pid, 0);
	show(pid, WNOHANG);
	rq(PTRACE_CONT, pid, 0, 0);
	kill(pid, SIGUSR1);
	/* Requests need no wait. */
	until(pid, 't');
	rq(PTRACE_CONT, pid, 0, 0);
	moment(10);
	show(pid, WNOHANG);
	end(pid);
}

static int pidfd_of(pid_t pid, unsigned flags)
{
	return (int)syscall(434 /* pidfd_open */, pid, flags);
}

static void by_pidfd(void)
{
	pid_t pid = child(sleeps), other = child(exits_7);
	int fd = pidfd_of(pid, 0), nonblock = pidfd_of(pid, 04000), others = pidfd_of(other, 0);

	name_it(other, "other");
	rq(PTRACE_SEIZE, pid, 0, 0);
	show_waitid((idtype_t)3, (pid_t)fd, WSTOPPED | WNOHANG);
	show_waitid((idtype_t)3, (pid_t)nonblock, WSTOPPED);
	rq(PTRACE_INTERRUPT, pid, 0, 0);
	show_waitid((idtype_t)3, (pid_t)fd, WSTOPPED);
	show_waitid((idtype_t)3, (pid_t)nonblock, WSTOPPED);
	show_waitid((idtype_t)3, (pid_t)others, WEXITED);
	show_waitid((idtype_t)3, 0, WEXITED);
	show_waitid((idtype_t)3, -1, WEXITED);
	show_waitid((idtype_t)3, 999, WEXITED);
	kill(pid, SIGKILL);
	show_waitid((idtype_t)3, (pid_t)fd, WEXITED);
	show_waitid((idtype_t)3, (pid_t)fd, WEXITED);
}

static void spends_time(void)
{
	for (volatile int i = 0; i < 300000000; i++)
		;
	raise(SIGUSR1);
}

static void usage_of_stops(void)
{
	struct rusage ru;
	pid_t pid = traced(spends_time);
	int status;

	for (int i = 0; i < 3; i++) {
		memset(&ru, 0xff, sizeof(ru));
		if (wait4(pid, &status, WNOHANG, &ru) == 0)
			printf("not yet\n");
		rq(PTRACE_CONT, pid, 0, 0);
		memset(&ru, 0, sizeof(ru));
		if (wait4(pid, &status, 0, &ru) == pid)
			show_status(pid, status);
		printf("%s, %s\n",
		       ru.ru_utime.tv_sec || ru.ru_utime.tv_usec > 50000 ? "a while" : "no time",
		       ru.ru_maxrss > 0 && ru.ru_minflt > 0 ? "memory" : "no memory");
		if (!WIFSTOPPED(status))
			break;
	}
}

const struct conform_case cases_waits[] = { { "waitid", by_info },
					    { "wait-for-nothing", nothing_there },
					    { "wait-wrong-options", wrong_options },
					    { "wait-bad-pointer", bad_pointer },
					    { "wait-tracee-and-child", tracee_and_child },
					    { "wait-child-first", child_first },
					    { "wait-own-child-stops", own_child_stops },
					    { "wait-stops-of-both", stops_of_both },
					    { "wait-by-group", by_group },
					    { "wait-broken", broken_by_signal },
					    { "wait-restarted", goes_on_after_signal },
					    { "wait-not-a-child", not_a_child },
					    { "wait-twice", twice },
					    { "wait-one-by-one", ends_without_blocking },
					    { "wait-end-once", ends_once },
					    { "wait-older-first", older_first },
					    { "by-pidfd", by_pidfd },
					    { "usage-of-stops", usage_of_stops },
					    { NULL, NULL } };
