/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Small ptrace programs whose output natively is what it has to be on the broker.
 *
 * A case prints what it sees, by names instead of numbers that differ from run to run.
 */
#ifndef CONFORM_H
#define CONFORM_H

#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

struct conform_case {
	const char *name;
	void (*run)(void);
};

/* Ended by one without a name. */
extern const struct conform_case cases_stops[], cases_calls[], cases_signals[], cases_births[],
	cases_waits[], cases_requests[], cases_errors[], cases_many[], cases_filters[],
	cases_rain[], cases_memory[];

/* Numbers that a seed makes, each time the same. */
uint32_t at_random(uint32_t *state, uint32_t below);
uint32_t dice_of(uint32_t seed); /* roll()'s from now on; what they begin with */
uint32_t roll(uint32_t below);

/* random.c: no case by its name, but by a seed; and what its tracee executes. */
void random_trace(uint32_t seed);
void random_acts(char **args);
/* family.c: by a seed, too. */
void random_family(uint32_t seed);
/* crowd.c: the same; and what its tracee executes. */
void random_crowd(uint32_t seed);
void crowd_obeys(void);

/* Gives a process or thread a name in what is printed. */
void name_it(pid_t pid, const char *name);
const char *name_of(pid_t pid);

/* A child that calls TRACEME, stops itself with SIGSTOP and then does its work. */
pid_t traced(void (*work)(void));
/* fork, with this id if it is free and may be chosen; flags: CLONE_PARENT, or 0. */
pid_t child_as(pid_t id, uint64_t flags);
/* A child that only does its work. */
pid_t child(void (*work)(void));
/* For so long (ms), or longer where SLOW says so many times that: what others do meanwhile is done
 * then. */
void moment(unsigned ms);
/* As /proc says it; 0: it is not there. */
char state_of(pid_t pid);
/* Whether none of them runs. */
bool are_quiet(const pid_t *pids, int n);
/* Until it sleeps in a call, is stopped, or is a zombie ('S', 'T', 't', 'Z'). */
void until(pid_t pid, char state);
/* SIGCHLD, as debuggers do: some waits that find nothing are the kernel's then. */
void catch_children(void);

/* ptrace, told when it fails; tell: in any case. */
long rq(int request, pid_t pid, unsigned long addr, unsigned long data);
long tell(int request, pid_t pid, unsigned long addr, unsigned long data);
/* waitpid, and what it says. */
int show(pid_t pid, int options);
void show_status(pid_t pid, int status);
void show_info(const char *what, const siginfo_t *si);
void show_siginfo(pid_t pid);
const char *error_name(int err);
unsigned long message(pid_t pid);

/* Lets it run to its end, by a request, with signals delivered; tells each stop. */
void to_the_end(pid_t pid, int request);

#endif
