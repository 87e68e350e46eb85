/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fork, vfork, clone, exec and exit. */
#include "conform.h"

#include <sched.h>

#include <pthread.h>
#include <sched.h>

static void forks(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(21);
	waitpid(pid, &status, 0);
	_exit(WEXITSTATUS(status) + 1);
}

static void vforks(void)
{
	pid_t pid = vfork();
	int status;

	if (pid == 0)
		_exit(31);
	waitpid(pid, &status, 0);
	_exit(WEXITSTATUS(status) + 1);
}

/* Tells the parent's stops and the child's apart, each in its own order. */
static void both(pid_t pid, const char *name, int options)
{
	pid_t born = 0;
	int status;

	rq(PTRACE_SETOPTIONS, pid, 0, (unsigned long)options);
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, __WALL);
	born = (pid_t)message(pid);
	name_it(born, name);
	show_siginfo(pid);
	/* Its first stop. */
	show(born, __WALL);
	show_siginfo(born);
	rq(PTRACE_CONT, born, 0, 0);
	show(born, __WALL);
	for (;;) {
		rq(PTRACE_CONT, pid, 0, 0);
		status = show(pid, __WALL);
		if (status < 0 || !WIFSTOPPED(status))
			return;
		if (status >> 16)
			printf("message %s\n", name_of((pid_t)message(pid)));
	}
}

static void fork_event(void)
{
	both(traced(forks), "grandchild", PTRACE_O_TRACEFORK);
}

static void vfork_event(void)
{
	both(traced(vforks), "grandchild", PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE);
}

static void fork_unfollowed(void)
{
	to_the_end(traced(forks), PTRACE_CONT);
}

static void vfork_as_fork_unfollowed(void)
{
	pid_t pid = traced(vforks);

	rq(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEFORK);
	to_the_end(pid, PTRACE_CONT);
}

static void vfork_done_alone(void)
{
	pid_t pid = traced(vforks);

	rq(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEVFORKDONE);
	to_the_end(pid, PTRACE_CONT);
}

static void *thread(void *data)
{
	return data;
}

static void makes_thread(void)
{
	pthread_t t;

	pthread_create(&t, NULL, thread, NULL);
	pthread_join(t, NULL);
	_exit(9);
}

static void clone_event(void)
{
	both(traced(makes_thread), "thread", PTRACE_O_TRACECLONE);
}

static void execs(void)
{
	execl("/bin/true", "true", NULL);
}

static void exec_event(void)
{
	pid_t pid = traced(execs);

	rq(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXEC);
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	printf("message %s\n", name_of((pid_t)message(pid)));
	show_siginfo(pid);
	to_the_end(pid, PTRACE_CONT);
}

static void *thread_execs(void *data)
{
	execs();
	return data;
}

static void execs_in_thread(void)
{
	pthread_t t;

	pthread_create(&t, NULL, thread_execs, NULL);
	pthread_join(t, NULL);
	_exit(1);
}

static void exec_in_thread(void)
{
	pid_t pid = traced(execs_in_thread), thread;

	rq(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC);
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, __WALL);
	thread = (pid_t)message(pid);
	name_it(thread, "thread");
	rq(PTRACE_CONT, pid, 0, 0);
	show(thread, __WALL);
	rq(PTRACE_CONT, thread, 0, 0);
	show(-1, __WALL);
	printf("message %s\n", name_of((pid_t)message(pid)));
	tell(PTRACE_CONT, thread, 0, 0);
	to_the_end(pid, PTRACE_CONT);
	show(-1, __WALL);
}

static void exits_5(void)
{
	_exit(5);
}

static void exit_event(void)
{
	pid_t pid = traced(exits_5);

	rq(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT);
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	printf("message %#lx\n", message(pid));
	show_siginfo(pid);
	to_the_end(pid, PTRACE_CONT);
}

static void aborts(void)
{
	raise(SIGTERM);
}

static void exit_event_killed(void)
{
	pid_t pid = traced(aborts);

	rq(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT);
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	rq(PTRACE_CONT, pid, 0, SIGTERM);
	show(pid, 0);
	printf("message %#lx\n", message(pid));
	to_the_end(pid, PTRACE_CONT);
}

static void *thread_sleeps(void *data)
{
	for (;;)
		usleep(1000);
	return data;
}

static void leaves_thread(void)
{
	pthread_t t;

	pthread_create(&t, NULL, thread_sleeps, NULL);
	moment(20);
	syscall(SYS_exit, 0);
}

static void leader_ends_first(void)
{
	pid_t pid = traced(leaves_thread), thread;

	rq(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE);
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, __WALL);
	thread = (pid_t)message(pid);
	name_it(thread, "thread");
	show(thread, __WALL);
	rq(PTRACE_CONT, thread, 0, 0);
	rq(PTRACE_CONT, pid, 0, 0);
	until(pid, 'Z');
	show(pid, WNOHANG);
	kill(pid, SIGKILL);
	show(thread, __WALL);
	show(pid, __WALL);
}

enum { THREADS = 3 };

static void *sleeps(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

static int goes[2]; /* a pipe: when all of them run */

static void exits_with_threads(void)
{
	pthread_t thread;
	char byte;

	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread, NULL, sleeps, NULL);
	_exit(read(goes[0], &byte, 1) == 1 ? 5 : 6);
}

/* Nothing is said of a leader's end as long as another of its threads has not been waited for. */
static void ends_in_order(void)
{
	pid_t pid, one;
	int status, known = 0;

	if (pipe(goes) < 0)
		return;
	pid = traced(exits_with_threads);
	rq(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE);
	rq(PTRACE_CONT, pid, 0, 0);
	while (known < 2 * THREADS) {
		one = waitpid(-1, &status, __WALL);
		known++;
		rq(PTRACE_CONT, one, 0, 0);
	}
	if (write(goes[1], "", 1) != 1)
		return;
	/* All are dead by then; one may look so before it can be waited for. */
	until(pid, 'Z');
	moment(100);
	printf("leader: %d\n", waitpid(pid, &status, __WALL | WNOHANG));
	for (int i = 0; i <= THREADS; i++) {
		one = waitpid(-1, &status, __WALL);
		printf("%s %x\n", one == pid ? "leader" : "thread", (unsigned)status);
	}
	printf("%d\n", waitpid(-1, &status, __WALL));
}

static void clones_with(unsigned long flags)
{
	pid_t pid = (pid_t)syscall(SYS_clone, flags, 0, 0, 0, 0);
	int status;

	if (pid == 0)
		_exit(21);
	while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
		;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
}

static void clones_traced(void)
{
	clones_with(CLONE_PTRACE | SIGCHLD);
}

static void clones_traced_when_told(void)
{
	pause();
	clones_with(CLONE_PTRACE | SIGCHLD);
}

/* It is attached with no event that tells of it. */
static void of_clone_ptrace(pid_t pid)
{
	int status;
	pid_t below = waitpid(-1, &status, __WALL);

	name_it(below, "grandchild");
	show_status(below, status);
	show_siginfo(below);
	rq(PTRACE_CONT, below, 0, 0);
	show(below, __WALL);
	show(pid, 0);
	to_the_end(pid, PTRACE_CONT);
}

static void clone_ptrace(void)
{
	pid_t pid = traced(clones_traced);

	rq(PTRACE_CONT, pid, 0, 0);
	of_clone_ptrace(pid);
}

static void on_told(int sig)
{
	(void)sig;
}

static void clone_ptrace_seized(void)
{
	pid_t pid;

	signal(SIGUSR1, on_told);
	pid = child(clones_traced_when_told);
	until(pid, 'S');
	rq(PTRACE_SEIZE, pid, 0, 0);
	kill(pid, SIGUSR1);
	show(pid, 0);
	rq(PTRACE_CONT, pid, 0, SIGUSR1);
	of_clone_ptrace(pid);
}

static void alarmed(int sig)
{
	(void)sig;
}

/* Ids come again. Who has one now asks for itself, whatever the one before had asked for last.
 * (Who has no right to choose ids sees a child of any id.) */
static void traceme_id_again(void)
{
	pid_t pid = 0;

	signal(SIGALRM, alarmed);
	for (int i = 0; i < 3; i++) {
		pid_t born = child_as(pid, 0);

		if (born == 0) {
			ptrace(PTRACE_TRACEME, 0, 0, 0);
			if (i)
				raise(SIGSTOP);
			_exit(3);
		}
		pid = born;
		name_it(born, "child");
		show(born, 0);
		if (i)
			to_the_end(born, PTRACE_CONT);
		/* For a moment nobody else takes it. */
		usleep(20000);
	}
}

const struct conform_case cases_births[] = { { "fork-event", fork_event },
					     { "vfork-event", vfork_event },
					     { "fork-unfollowed", fork_unfollowed },
					     { "vfork-unfollowed", vfork_as_fork_unfollowed },
					     { "vfork-done-alone", vfork_done_alone },
					     { "clone-event", clone_event },
					     { "exec-event", exec_event },
					     { "exec-in-thread", exec_in_thread },
					     { "exit-event", exit_event },
					     { "exit-event-killed", exit_event_killed },
					     { "leader-ends-first", leader_ends_first },
					     { "ends-in-order", ends_in_order },
					     { "traceme-id-again", traceme_id_again },
					     { "clone-ptrace", clone_ptrace },
					     { "clone-ptrace-seized", clone_ptrace_seized },
					     { NULL, NULL } };
