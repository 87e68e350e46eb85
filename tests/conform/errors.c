/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is refused, and how. */
#include "conform.h"

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

static const int of_stopped[] = { PTRACE_CONT,       PTRACE_SYSCALL,    PTRACE_SINGLESTEP,
				  PTRACE_DETACH,     PTRACE_SETOPTIONS, PTRACE_GETEVENTMSG,
				  PTRACE_GETSIGINFO, PTRACE_LISTEN,     PTRACE_INTERRUPT,
				  PTRACE_GETREGSET };

static void all_of(pid_t pid)
{
	unsigned long word;

	for (size_t i = 0; i < sizeof(of_stopped) / sizeof(of_stopped[0]); i++)
		tell(of_stopped[i], pid, 0,
		     of_stopped[i] == (int)PTRACE_GETEVENTMSG ? (unsigned long)&word : 0);
	tell(PTRACE_PEEKDATA, pid, 8, (unsigned long)&word);
	tell(PTRACE_KILL, pid, 0, 0);
}

static void not_traced(void)
{
	pid_t pid = child(sleeps);

	all_of(pid);
	end(pid);
}

static void running(void)
{
	pid_t pid = traced(sleeps);

	rq(PTRACE_CONT, pid, 0, 0);
	until(pid, 'S');
	tell(PTRACE_CONT, pid, 0, 0);
	tell(PTRACE_SETOPTIONS, pid, 0, 0);
	tell(PTRACE_DETACH, pid, 0, 0);
	tell(PTRACE_INTERRUPT, pid, 0, 0);
	tell(PTRACE_LISTEN, pid, 0, 0);
	end(pid);
}

static void dead(void)
{
	pid_t pid = traced(sleeps);

	kill(pid, SIGKILL);
	until(pid, 'Z');
	tell(PTRACE_CONT, pid, 0, 0);
	tell(PTRACE_ATTACH, pid, 0, 0);
	show(pid, 0);
	tell(PTRACE_CONT, pid, 0, 0);
	tell(PTRACE_ATTACH, pid, 0, 0);
	tell(PTRACE_SEIZE, pid, 0, 0);
}

static void wrong_targets(void)
{
	tell(PTRACE_ATTACH, getpid(), 0, 0);
	tell(PTRACE_SEIZE, getpid(), 0, 0);
	tell(PTRACE_ATTACH, 0, 0, 0);
	tell(PTRACE_ATTACH, (pid_t)-5, 0, 0);
	tell(PTRACE_CONT, 0, 0, 0);
	tell(PTRACE_CONT, getpid(), 0, 0);
	tell(0x7777, getpid(), 0, 0);
}

static void bad_arguments(void)
{
	pid_t pid = traced(sleeps);

	tell(PTRACE_CONT, pid, 0, 65);
	tell(PTRACE_CONT, pid, 0, 1000000);
	tell(PTRACE_DETACH, pid, 0, 65);
	tell(PTRACE_SETOPTIONS, pid, 0, 1ul << 25);
	tell(PTRACE_SETOPTIONS, pid, 0, ~0ul);
	tell(PTRACE_GETEVENTMSG, pid, 0, 8);
	tell(PTRACE_GETSIGINFO, pid, 0, 8);
	tell(PTRACE_SETSIGINFO, pid, 0, 8);
	tell(PTRACE_LISTEN, pid, 0, 0);
	tell(PTRACE_INTERRUPT, pid, 0, 0);
	tell(0x7777, pid, 0, 0);
	end(pid);
}

static void bad_seize(void)
{
	pid_t pid = child(sleeps);

	tell(PTRACE_SEIZE, pid, 1, 0);
	tell(PTRACE_SEIZE, pid, 0, 1ul << 25);
	tell(PTRACE_SEIZE, pid, 0, ~0ul);
	tell(PTRACE_SEIZE, pid, 0, 0);
	tell(PTRACE_SEIZE, pid, 0, 0);
	end(pid);
}

static void asks_twice(void)
{
	_exit(ptrace(PTRACE_TRACEME, 0, 0, 0) < 0 ? errno : 0);
}

static void traceme_twice(void)
{
	to_the_end(traced(asks_twice), PTRACE_CONT);
}

static void info_without(void)
{
	pid_t pid = traced(sleeps);
	siginfo_t si;

	kill(pid, SIGSTOP);
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	rq(PTRACE_CONT, pid, 0, SIGSTOP);
	show(pid, 0);
	tell(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&si);
	end(pid);
}

const struct conform_case cases_errors[] = { { "error-not-traced", not_traced },
					     { "error-running", running },
					     { "error-dead", dead },
					     { "error-targets", wrong_targets },
					     { "error-arguments", bad_arguments },
					     { "error-seize", bad_seize },
					     { "error-traceme-twice", traceme_twice },
					     { "error-no-siginfo", info_without },
					     { NULL, NULL } };
