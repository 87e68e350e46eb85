/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Several threads, on either side; and tracers that die. */
#include "conform.h"

#include <dirent.h>
#include <pthread.h>

static void sleeps(void)
{
	for (;;)
		usleep(1000);
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	show(pid, __WALL);
}

static void in_thread(void *(*f)(void *), void *data)
{
	pthread_t t;

	pthread_create(&t, NULL, f, data);
	pthread_join(t, NULL);
}

static void *uses(void *data)
{
	pid_t pid = *(pid_t *)data;

	tell(PTRACE_CONT, pid, 0, 0);
	tell(PTRACE_INTERRUPT, pid, 0, 0);
	tell(PTRACE_DETACH, pid, 0, 0);
	show(pid, WNOHANG | __WNOTHREAD);
	kill(pid, SIGUSR1);
	show(pid, WNOHANG);
	return NULL;
}

static void another_thread(void)
{
	pid_t pid = traced(sleeps);

	in_thread(uses, &pid);
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	end(pid);
}

static void *attaches(void *data)
{
	pid_t pid = *(pid_t *)data;

	tell(PTRACE_SEIZE, pid, 0, 0);
	rq(PTRACE_INTERRUPT, pid, 0, 0);
	show(pid, __WALL);
	return NULL;
}

/* Its links end with a thread, as they do with a process. */
static void thread_ends(void)
{
	pid_t pid = child(sleeps);

	in_thread(attaches, &pid);
	moment(50);
	tell(PTRACE_CONT, pid, 0, 0);
	tell(PTRACE_SEIZE, pid, 0, 0);
	end(pid);
}

static pid_t middle_traces(int options, bool stopped)
{
	int pair[2];
	pid_t pid = child(sleeps), middle;
	char byte;

	name_it(pid, "tracee");
	if (pipe(pair) < 0)
		exit(1);
	fflush(stdout);
	middle = fork();
	if (middle == 0) {
		rq(PTRACE_SEIZE, pid, 0, (unsigned long)options);
		if (stopped) {
			rq(PTRACE_INTERRUPT, pid, 0, 0);
			show(pid, __WALL);
		}
		fflush(stdout);
		if (write(pair[1], "", 1) != 1)
			_exit(1);
		pause();
	}
	if (read(pair[0], &byte, 1) != 1)
		exit(1);
	kill(middle, SIGKILL);
	waitpid(middle, NULL, 0);
	moment(50);
	return pid;
}

static void tracer_dies(void)
{
	pid_t pid = middle_traces(0, true);

	show(pid, WNOHANG);
	tell(PTRACE_SEIZE, pid, 0, 0);
	rq(PTRACE_INTERRUPT, pid, 0, 0);
	show(pid, 0);
	end(pid);
}

static void tracer_dies_exitkill(void)
{
	pid_t pid = middle_traces(PTRACE_O_EXITKILL, false);

	show(pid, 0);
}

enum seen { UNSEEN, PEEKED, WAITED, PASSED_ON };

/* A tracer that has seen so much of a signal, and dies. */
static void dies_in_signal(pid_t pid, int sig, enum seen seen)
{
	siginfo_t si;
	pid_t middle;
	int status;

	name_it(pid, "tracee");
	fflush(stdout);
	middle = fork();
	if (middle == 0) {
		rq(PTRACE_SEIZE, pid, 0, 0);
		kill(pid, sig);
		until(pid, 't');
		if (seen == PEEKED)
			waitid(P_PID, (id_t)pid, &si, WSTOPPED | WNOWAIT);
		if (seen >= WAITED) {
			show(pid, __WALL);
			show_siginfo(pid);
		}
		if (seen == PASSED_ON) {
			rq(PTRACE_CONT, pid, 0, (unsigned long)sig);
			show(pid, __WALL);
		}
		fflush(stdout);
		raise(SIGKILL);
	}
	waitpid(middle, &status, 0);
}

static void tracer_dies_in_signal(void)
{
	static const int signals[] = { SIGTERM, SIGSTOP };

	for (unsigned i = 0; i < 2; i++)
		for (enum seen seen = UNSEEN; seen <= WAITED + (i > 0); seen++) {
			pid_t pid = child(sleeps);

			printf("signal %d, seen %d\n", signals[i], seen);
			dies_in_signal(pid, signals[i], seen);
			if (seen == WAITED)
				moment(50);
			show(pid, WUNTRACED | (seen == WAITED ? WNOHANG : 0));
			/* Not SIGCONT before it: strace that finds its stop's task killed ends. */
			kill(pid, SIGKILL);
			show(pid, 0);
		}
}

static void *sleeper(void *data)
{
	sleeps();
	return data;
}

static void many_threads(void)
{
	pthread_t t;

	for (int i = 0; i < 5; i++)
		pthread_create(&t, NULL, sleeper, NULL);
	moment(100);
	raise(SIGSTOP);
	_exit(17);
}

static void group_ends(void)
{
	pid_t pid = traced(many_threads);
	int stops = 0, births = 0, ends = 0, status;
	pid_t r;

	rq(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE);
	rq(PTRACE_CONT, pid, 0, 0);
	while ((r = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFSTOPPED(status)) {
			if (status >> 16)
				births++;
			else if (WSTOPSIG(status) == SIGSTOP)
				stops++;
			rq(PTRACE_CONT, r, 0, 0);
		} else {
			ends++;
			if (r == pid)
				show_status(r, status);
		}
	}
	printf("%d births, %d first stops, %d ends\n", births, stops, ends);
}

static void *executes(void *arg)
{
	(void)arg;
	moment(300);
	execl("/bin/true", "true", NULL);
	_exit(9);
}

static void has_one_that_executes(void)
{
	pthread_t t;

	pthread_create(&t, NULL, executes, NULL);
	for (;;)
		pause();
}

/* The leader is traced alone: another thread's exec ends that, and no stop tells of it. */
static void exec_beside(void)
{
	pid_t pid = child(has_one_that_executes);

	until(pid, 'S');
	rq(PTRACE_SEIZE, pid, 0, 0);
	show(pid, 0);
	tell(PTRACE_INTERRUPT, pid, 0, 0);
	show(pid, 0);
}

static void has_another(void)
{
	pthread_t t;

	pthread_create(&t, NULL, sleeper, NULL);
	for (;;)
		pause();
}

static pid_t other_thread_of(pid_t pid)
{
	struct dirent *entry;
	char path[64];
	pid_t tid = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (atoi(entry->d_name) && atoi(entry->d_name) != pid)
			tid = atoi(entry->d_name);
	if (dir)
		closedir(dir);
	return tid;
}

/* A second SIGSTOP makes a second group stop, for the thread that has been held in the first, too.
 */
static void group_stop_anew(void)
{
	pid_t pid = child(has_another), thread = 0;

	while (!(thread = other_thread_of(pid)))
		moment(1);
	name_it(thread, "thread");
	rq(PTRACE_SEIZE, pid, 0, 0);
	rq(PTRACE_SEIZE, thread, 0, 0);
	for (int i = 0; i < 2; i++) {
		syscall(SYS_tgkill, pid, pid, SIGSTOP);
		show(pid, __WALL);
		rq(PTRACE_CONT, pid, 0, SIGSTOP);
		show(pid, __WALL);
		if (i)
			tell(PTRACE_CONT, thread, 0, 0);
		show(thread, __WALL);
		tell(PTRACE_CONT, pid, 0, 0);
	}
	tell(PTRACE_CONT, thread, 0, 0);
	moment(20);
	show(thread, __WALL | WNOHANG);
	kill(pid, SIGKILL);
	show(thread, __WALL);
	show(pid, __WALL);
}

const struct conform_case cases_many[] = { { "another-thread", another_thread },
					   { "thread-ends", thread_ends },
					   { "tracer-dies", tracer_dies },
					   { "tracer-dies-exitkill", tracer_dies_exitkill },
					   { "tracer-dies-in-signal", tracer_dies_in_signal },
					   { "group-ends", group_ends },
					   { "exec-beside", exec_beside },
					   { "group-stop-anew", group_stop_anew },
					   { NULL, NULL } };
