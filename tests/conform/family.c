/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tool of two threads with tracees and other children, that makes, traces, stops and kills some
 * at random, and waits for them in all ways: what the kernel says to a seed is what the broker has
 * to say. All waits are made when what has been done is over, and none blocks.
 */
#include "conform.h"

#include <pthread.h>

enum { MEMBERS = 6, ROUNDS = 60, SETTLED_MS = 2, BY_PIDFD = 3 };

static struct member {
	pid_t pid;
	bool traced; /* so it was asked for */
	int sig;     /* that tells of its end; 0: none */
} members[MEMBERS];

static const char *const called[MEMBERS] = { "a", "b", "c", "d", "e", "f" };
static void exits_7(int sig)
{
	(void)sig;
	_exit(7);
}

static void lives(bool is_traced)
{
	signal(SIGUSR2, exits_7);
	if (is_traced && ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
		_exit(99);
	if (is_traced)
		raise(SIGSTOP);
	for (;;)
		pause();
}

/* Most are made by fork, some by a clone that tells of their ends by another signal, or by none. */
static void is_born(struct member *m, bool is_traced)
{
	static const int signals[] = { SIGCHLD, SIGCHLD, SIGCHLD, SIGCHLD, 0, SIGURG };
	int sig = is_traced ? SIGCHLD : signals[roll(6)];

	fflush(stdout);
	m->pid = (pid_t)syscall(SYS_clone, (unsigned long)sig, 0ul, 0ul, 0ul, 0ul);
	if (m->pid == 0)
		lives(is_traced);
	name_it(m->pid, called[m - members]);
	m->traced = is_traced;
	m->sig = sig;
	until(m->pid, is_traced ? 't' : 'S');
	printf("%s is born, %s, tells by %d\n", called[m - members], is_traced ? "traced" : "free",
	       sig);
}

static void is_told(const struct member *m, int sig)
{
	printf("kill %s %d -> %d\n", name_of(m->pid), sig, kill(m->pid, sig));
}

static void is_sent(const struct member *m)
{
	static const int some[] = { SIGSTOP, SIGCONT, SIGTERM, SIGUSR2, SIGKILL, SIGSTOP, SIGCONT };

	is_told(m, some[roll(7)]);
}

static void is_asked(const struct member *m)
{
	static const int signals[] = { 0, 0, 0, SIGUSR2, SIGTERM, SIGURG };

	switch (roll(7)) {
	case 0:
		tell(PTRACE_INTERRUPT, m->pid, 0, 0);
		break;
	case 1:
		tell(PTRACE_DETACH, m->pid, 0, 0);
		break;
	case 2:
		tell(PTRACE_SYSCALL, m->pid, 0, 0);
		break;
	default:
		tell(PTRACE_CONT, m->pid, 0, (unsigned long)signals[roll(6)]);
	}
}

/* Not one that is stopped: of a tracee's group stop the kernel tells the parent, too, if that is
 * not its tracer; and what it has to tell of a stop or its end is told before. */
static void is_traced_now(struct member *m)
{
	/* Traced by somebody else, too, it shows a 't'. */
	if (state_of(m->pid) == 'T' || state_of(m->pid) == 't')
		return;
	waitpid(m->pid, NULL, WNOHANG | WUNTRACED | WCONTINUED | __WALL);
	m->traced |= tell(roll(2) ? PTRACE_SEIZE : PTRACE_ATTACH, m->pid, 0, 0) == 0;
}

static pid_t anybody(void)
{
	return members[roll(MEMBERS)].pid;
}

static bool has_dead_tracee(void)
{
	for (int i = 0; i < MEMBERS; i++)
		if (members[i].pid && members[i].traced && state_of(members[i].pid) == 'Z')
			return true;
	return false;
}

static bool has_ready_tracee(void)
{
	for (int i = 0; i < MEMBERS; i++) {
		siginfo_t si = { .si_pid = 0 };

		if (members[i].pid && members[i].traced &&
		    waitid(P_PID, (id_t)members[i].pid, &si,
			   WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL) == 0 &&
		    si.si_pid)
			return true;
	}
	return false;
}

/* Whether a child's stop has been told already nobody but the kernel knows: it is told of last.
 *
 * A tracee that is a child, too, the kernel gives to its tracer whoever is asked for. Here it is a
 * child like others once it is dead. */
static int some_of(const int *flags, uint32_t n)
{
	int is = WNOHANG;

	for (uint32_t i = 0; i < n; i++)
		if (roll(3) == 0)
			is |= flags[i];
	if (is & (WUNTRACED | WCONTINUED) && has_ready_tracee())
		is &= ~(WUNTRACED | WCONTINUED);
	if (has_dead_tracee())
		is = (is & ~(int)(__WCLONE | __WNOTHREAD)) | (is & (int)__WCLONE ? __WALL : 0);
	return is;
}

static void waits_by_pid(void)
{
	static const int flags[] = { WUNTRACED, WCONTINUED, __WALL, (int)__WCLONE, __WNOTHREAD };
	static const char *const whom[] = { "any", "any", "my group", "one", "one", "a group" };
	uint32_t what = roll(6);
	pid_t pid = what < 2 ? -1 : what == 2 ? 0 : what < 5 ? anybody() : -anybody();
	int options = some_of(flags, 5);

	if (pid == 0 && what > 2)
		return;
	printf("waitpid %s %s %#x: ", whom[what], pid > 0 ? name_of(pid) : "", (unsigned)options);
	show(pid, options);
}

static void waits_by_id(void)
{
	static const int flags[] = { WEXITED, WSTOPPED,      WCONTINUED, WNOWAIT,
				     __WALL,  (int)__WCLONE, __WNOTHREAD };
	static const char *const whom[] = { "any", "one", "a group", "a pidfd" };
	uint32_t kind = roll(4);
	pid_t pid = kind ? anybody() : 0;
	int options = some_of(flags, 7) | (roll(3) ? WEXITED : 0), fd = -1;
	siginfo_t si;

	memset(&si, 0, sizeof(si));
	if (kind && !pid)
		return;
	if (kind == BY_PIDFD)
		fd = (int)syscall(434 /* pidfd_open */, pid, 0);
	printf("waitid %s %s %#x: ", whom[kind], pid ? name_of(pid) : "", (unsigned)options);
	if (waitid((idtype_t)kind, kind == BY_PIDFD ? (id_t)fd : (id_t)pid, &si, options) < 0)
		printf("%s\n", error_name(errno));
	else
		show_info("says", &si);
	if (fd >= 0)
		close(fd);
}

/* Twice none of them runs. */
static void settles(void)
{
	for (int quiet = 0, i = 0; quiet < 2 && i < 60; i++) {
		pid_t pids[MEMBERS];

		for (int k = 0; k < MEMBERS; k++)
			pids[k] = members[k].pid;
		moment(SETTLED_MS);
		quiet = are_quiet(pids, MEMBERS) ? quiet + 1 : 0;
	}
}

static void joins_a_group(const struct member *m)
{
	printf("setpgid %s -> %d\n", name_of(m->pid), setpgid(m->pid, roll(2) ? m->pid : getpid()));
}

static void acts(void)
{
	struct member *m = &members[roll(MEMBERS)];
	bool is_there = m->pid && kill(m->pid, 0) == 0;

	switch (roll(14)) {
	case 0:
	case 1:
	case 2:
		if (!is_there)
			is_born(m, roll(2));
		break;
	case 3:
		if (is_there && !m->traced && m->sig == SIGCHLD)
			is_traced_now(m);
		break;
	case 4:
	case 5:
		if (is_there)
			is_sent(m);
		break;
	case 6:
	case 7:
		if (is_there)
			is_asked(m);
		break;
	case 8:
		if (is_there)
			joins_a_group(m);
		break;
	case 9:
	case 10:
	case 11:
		waits_by_pid();
		break;
	default:
		waits_by_id();
	}
	settles();
}

/* The other thread acts when it has its turn. */
static pthread_barrier_t turn, done;

static void *other_thread(void *arg)
{
	for (;;) {
		pthread_barrier_wait(&turn);
		printf("2: ");
		acts();
		pthread_barrier_wait(&done);
	}
	return arg;
}

static void lets_other_act(void)
{
	pthread_barrier_wait(&turn);
	pthread_barrier_wait(&done);
}

/* One after the other: of those that are killed at once it is not said who is met first. */
static void ends(void)
{
	for (int i = 0; i < MEMBERS; i++) {
		int n = 0;

		if (!members[i].pid || kill(members[i].pid, SIGKILL) < 0)
			continue;
		until(members[i].pid, 'Z');
		settles();
		while (show(members[i].pid, __WALL) >= 0 && n++ < 3)
			;
	}
}

void random_family(uint32_t seed)
{
	bool two = seed % 2;
	pthread_t thread;

	dice_of(seed);
	if (seed / 2 % 2)
		catch_children();
	setpgid(0, 0);
	pthread_barrier_init(&turn, NULL, 2);
	pthread_barrier_init(&done, NULL, 2);
	if (two && pthread_create(&thread, NULL, other_thread, NULL) != 0)
		return;
	/* Before it has had a child besides its tracees a tool is told of these first. */
	is_born(&members[0], true);
	is_born(&members[1], false);
	show(members[0].pid, 0);
	show(-1, WNOHANG | __WALL);
	for (int i = 0; i < ROUNDS; i++)
		if (two && roll(3) == 0)
			lets_other_act();
		else
			acts();
	ends();
}
