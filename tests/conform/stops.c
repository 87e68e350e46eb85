/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attaching, interrupting, group stops, steps, and letting go. */
#include "conform.h"

static void nothing(void)
{
}

static void exits_7(void)
{
	_exit(7);
}

static void sleeps(void)
{
	for (;;)
		usleep(1000);
}

static void spins(void)
{
	for (;;)
		__asm__ volatile("" ::: "memory");
}

static void stops_itself(void)
{
	raise(SIGSTOP);
	_exit(3);
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	show(pid, __WALL);
}

static void traceme(void)
{
	pid_t pid = traced(exits_7);

	show_siginfo(pid);
	to_the_end(pid, PTRACE_CONT);
}

static void execs(void)
{
	execl("/bin/true", "true", NULL);
}

static void traceme_exec(void)
{
	pid_t pid = traced(execs);

	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	show_siginfo(pid);
	to_the_end(pid, PTRACE_CONT);
}

static void attach(void)
{
	pid_t pid = child(sleeps);

	until(pid, 'S');
	tell(PTRACE_ATTACH, pid, 0, 0);
	show(pid, 0);
	show_siginfo(pid);
	printf("message %lu\n", message(pid));
	tell(PTRACE_DETACH, pid, 0, 0);
	tell(PTRACE_CONT, pid, 0, 0);
	end(pid);
}

static void attach_spinning(void)
{
	pid_t pid = child(spins);

	tell(PTRACE_ATTACH, pid, 0, 0);
	show(pid, 0);
	rq(PTRACE_CONT, pid, 0, 0);
	kill(pid, SIGSTOP);
	show(pid, 0);
	tell(PTRACE_DETACH, pid, 0, SIGKILL);
	show(pid, 0);
}

static void attach_twice(void)
{
	pid_t pid = child(sleeps);

	tell(PTRACE_ATTACH, pid, 0, 0);
	tell(PTRACE_ATTACH, pid, 0, 0);
	tell(PTRACE_SEIZE, pid, 0, 0);
	show(pid, 0);
	end(pid);
}

static void seize(void)
{
	pid_t pid = child(sleeps);

	until(pid, 'S');
	tell(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD);
	show(pid, WNOHANG);
	tell(PTRACE_CONT, pid, 0, 0);
	tell(PTRACE_INTERRUPT, pid, 0, 0);
	show(pid, 0);
	show_siginfo(pid);
	printf("message %lu\n", message(pid));
	tell(PTRACE_LISTEN, pid, 0, 0);
	end(pid);
}

static void interrupt_twice(void)
{
	pid_t pid = child(sleeps);

	rq(PTRACE_SEIZE, pid, 0, 0);
	tell(PTRACE_INTERRUPT, pid, 0, 0);
	show(pid, 0);
	tell(PTRACE_INTERRUPT, pid, 0, 0);
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	rq(PTRACE_CONT, pid, 0, 0);
	moment(20);
	show(pid, WNOHANG);
	end(pid);
}

static void group_stop_seized(void)
{
	pid_t pid = child(sleeps);

	rq(PTRACE_SEIZE, pid, 0, 0);
	kill(pid, SIGSTOP);
	show(pid, 0);
	show_siginfo(pid);
	rq(PTRACE_CONT, pid, 0, SIGSTOP);
	show(pid, 0);
	show_siginfo(pid);
	tell(PTRACE_LISTEN, pid, 0, 0);
	show(pid, WNOHANG);
	tell(PTRACE_CONT, pid, 0, 0);
	kill(pid, SIGCONT);
	show(pid, 0);
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	rq(PTRACE_CONT, pid, 0, SIGCONT);
	end(pid);
}

static void group_stop_attached(void)
{
	pid_t pid = traced(stops_itself);

	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	show_siginfo(pid);
	rq(PTRACE_CONT, pid, 0, SIGSTOP);
	show(pid, 0);
	show_siginfo(pid);
	kill(pid, SIGCONT);
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	to_the_end(pid, PTRACE_CONT);
}

/* Let go by CONT it runs, stopped or not. */
static void group_stop_continued(void)
{
	pid_t pid = traced(stops_itself);

	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	rq(PTRACE_CONT, pid, 0, SIGSTOP);
	show(pid, 0);
	to_the_end(pid, PTRACE_CONT);
}

/* An interrupt and a SIGCONT in one stop are one trap, and no group stop any more. */
static void group_stop_interrupted(void)
{
	pid_t pid = child(stops_itself);

	until(pid, 'T');
	rq(PTRACE_SEIZE, pid, 0, 0);
	until(pid, 't');
	show(pid, 0);
	tell(PTRACE_INTERRUPT, pid, 0, 0);
	kill(pid, SIGCONT);
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	show_siginfo(pid);
	tell(PTRACE_INTERRUPT, pid, 0, 0);
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	to_the_end(pid, PTRACE_CONT);
}

static void stops_and_ends(void)
{
	raise(SIGSTOP);
	_exit(4);
}

/* As a debugger finds it. */
static void group_stop_found(bool seize)
{
	pid_t pid = child(stops_and_ends);

	until(pid, 'T');
	rq(seize ? PTRACE_SEIZE : PTRACE_ATTACH, pid, 0, 0);
	/* On a busy machine an interrupt might come before the stop has become a tracer's. */
	until(pid, 't');
	if (seize)
		rq(PTRACE_INTERRUPT, pid, 0, 0);
	show(pid, 0);
	show_siginfo(pid);
	to_the_end(pid, PTRACE_CONT);
}

static void found_attached(void)
{
	group_stop_found(false);
}

static void found_seized(void)
{
	group_stop_found(true);
}

static void interrupt_listening(void)
{
	pid_t pid = child(sleeps);

	rq(PTRACE_SEIZE, pid, 0, 0);
	kill(pid, SIGSTOP);
	show(pid, 0);
	rq(PTRACE_CONT, pid, 0, SIGSTOP);
	show(pid, 0);
	rq(PTRACE_LISTEN, pid, 0, 0);
	tell(PTRACE_INTERRUPT, pid, 0, 0);
	show(pid, 0);
	end(pid);
}

static void steps(void)
{
	pid_t pid = traced(nothing);

	for (int i = 0; i < 5; i++) {
		rq(PTRACE_SINGLESTEP, pid, 0, 0);
		show(pid, 0);
	}
	show_siginfo(pid);
	printf("message %lu\n", message(pid));
	to_the_end(pid, PTRACE_CONT);
}

static void step_to_the_end(void)
{
	pid_t pid = traced(exits_7);
	int status = 0;
	long n = 0;

	do {
		if (rq(PTRACE_SINGLESTEP, pid, 0, 0) < 0)
			break;
		n++;
	} while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) &&
		 WSTOPSIG(status) == SIGTRAP);
	printf("steps: %s\n", n > 10 ? "many" : "few");
	show_status(pid, status);
}

static void kills(void)
{
	pid_t pid = traced(sleeps);

	tell(PTRACE_KILL, pid, 0, 0);
	show(pid, 0);
}

static void killed_in_stop(void)
{
	pid_t pid = traced(sleeps);

	kill(pid, SIGKILL);
	show(pid, 0);
	tell(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
}

static void detach_with_signal(void)
{
	pid_t pid = traced(sleeps);

	tell(PTRACE_DETACH, pid, 0, SIGTERM);
	show(pid, 0);
}

static void detach_stopped(void)
{
	pid_t pid = traced(exits_7);

	rq(PTRACE_CONT, pid, 0, SIGSTOP);
	show(pid, 0);
	tell(PTRACE_DETACH, pid, 0, SIGSTOP);
	show(pid, WUNTRACED);
	kill(pid, SIGCONT);
	show(pid, 0);
}

static void attach_stopped(void)
{
	pid_t pid = child(stops_itself);

	show(pid, WUNTRACED);
	tell(PTRACE_ATTACH, pid, 0, 0);
	show(pid, 0);
	rq(PTRACE_DETACH, pid, 0, 0);
	kill(pid, SIGCONT);
	show(pid, 0);
}

static void seize_stopped(void)
{
	pid_t pid = child(stops_itself);

	show(pid, WUNTRACED);
	tell(PTRACE_SEIZE, pid, 0, 0);
	rq(PTRACE_INTERRUPT, pid, 0, 0);
	show(pid, 0);
	show_siginfo(pid);
	rq(PTRACE_LISTEN, pid, 0, 0);
	kill(pid, SIGCONT);
	show(pid, 0);
	to_the_end(pid, PTRACE_CONT);
}

const struct conform_case cases_stops[] = { { "traceme", traceme },
					    { "traceme-exec", traceme_exec },
					    { "attach", attach },
					    { "attach-spinning", attach_spinning },
					    { "attach-twice", attach_twice },
					    { "attach-stopped", attach_stopped },
					    { "seize", seize },
					    { "seize-stopped", seize_stopped },
					    { "interrupt-twice", interrupt_twice },
					    { "interrupt-listening", interrupt_listening },
					    { "group-stop-seized", group_stop_seized },
					    { "group-stop-attached", group_stop_attached },
					    { "group-stop-continued", group_stop_continued },
					    { "group-stop-interrupted", group_stop_interrupted },
					    { "group-stop-found", found_attached },
					    { "group-stop-found-seized", found_seized },
					    { "steps", steps },
					    { "step-to-the-end", step_to_the_end },
					    { "kill", kills },
					    { "killed-in-stop", killed_in_stop },
					    { "detach-with-signal", detach_with_signal },
					    { "detach-stopped", detach_stopped },
					    { NULL, NULL } };
