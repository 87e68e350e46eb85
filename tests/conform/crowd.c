/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tracee of several threads that do what they are told, one after the other, and a tracer that
 * asks, stops, lets go and waits for them at random: what the kernel says to a seed is what the
 * broker has to say. Nothing is asked before what was done is over, and no wait blocks.
 */
#include "conform.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>

enum { THREADS = 4, KNOWN = 16, ROUNDS = 50, SETTLED_MS = 2, FIRST_FD = 40 };

/* The tracee: each thread reads what it is to do from a pipe of its own. */

static void counts(int sig)
{
	(void)sig;
}

static void *obeys(void *slot);

static void makes_thread(int slot)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_create(&thread, &attr, obeys, (void *)(intptr_t)slot);
}

static void makes_child(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, (unsigned long)SIGCHLD, 0ul, 0ul, 0ul, 0ul);

	if (pid == 0)
		syscall(SYS_exit_group, 3);
	syscall(SYS_wait4, pid, NULL, __WALL, NULL);
}

static void does(char what)
{
	switch (what) {
	case 'g':
		syscall(SYS_getppid);
		break;
	case 's':
		syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1);
		break;
	case 'S':
		kill(getpid(), SIGSTOP);
		break;
	case 'e':
		syscall(SYS_exit, 4);
		break;
	case 'x':
		execl("/proc/self/exe", "conform", "obeys", NULL);
		break;
	case 'q':
		syscall(SYS_exit_group, 5);
		break;
	case 'f':
		makes_child();
		break;
	default:
		makes_thread(what - '0');
	}
}

static void *obeys(void *slot)
{
	int fd = FIRST_FD + (int)(intptr_t)slot;
	char what;

	while (read(fd, &what, 1) == 1)
		does(what);
	return NULL;
}

void crowd_obeys(void)
{
	struct sigaction sa = { .sa_handler = counts, .sa_flags = SA_RESTART };
	sigset_t set;

	/* Its children's ends are nobody's business. */
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigaction(SIGUSR1, &sa, NULL);
	obeys(0);
	_exit(0);
}

/* The tracer. */

static pid_t leader;
static int orders[THREADS];
static pid_t known[KNOWN];
static int knows;

static void find_all(void)
{
	static const char *const numbered[KNOWN] = { "leader", "t1",  "t2",  "t3", "t4",  "t5",
						     "t6",     "t7",  "t8",  "t9", "t10", "t11",
						     "t12",    "t13", "t14", "t15" };
	char path[64];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", leader);
	dir = opendir(path);
	/* They are there in the order of their births. */
	while (dir && (entry = readdir(dir))) {
		pid_t tid = (pid_t)atoi(entry->d_name);
		bool is_known = tid == 0 || knows == KNOWN;

		for (int i = 0; i < knows; i++)
			is_known |= known[i] == tid;
		if (is_known)
			continue;
		name_it(tid, numbered[knows]);
		known[knows++] = tid;
	}
	if (dir)
		closedir(dir);
}

static void settles(void)
{
	for (int quiet = 0, i = 0; quiet < 2 && i < 60; i++) {
		moment(SETTLED_MS);
		find_all();
		quiet = are_quiet(known, knows) ? quiet + 1 : 0;
	}
}

static bool any_is(char state)
{
	for (int i = 0; i < knows; i++)
		if (state_of(known[i]) == state)
			return true;
	return false;
}

static pid_t somebody(void)
{
	return known[roll((uint32_t)knows)];
}

/*
 * The SIGSTOP of ATTACH is no signal on the broker, that a SIGCONT takes back, or that is one with
 * another. And whether the trap of an interrupt is that of a SIGCONT, too, which another thread has
 * taken, is not seen. So each seed has but one of them.
 */
static bool attaches, interrupts;

/*
 * Natively an exec waits until its threads' ends have been waited for; on the broker it does not.
 * So from the first on they are waited for at once, before the leader, who may execute it.
 */
static bool execs;

static void waits_for_ends(void)
{
	for (int i = knows - 1; i >= 0; i--) {
		siginfo_t si = { .si_pid = 0 };

		if (waitid(P_PID, (id_t)known[i], &si, WEXITED | WNOHANG | __WALL) < 0 ||
		    !si.si_pid)
			continue;
		printf("%s: %d %d\n", name_of(si.si_pid), si.si_code, si.si_status);
		settles();
		i = knows;
	}
}

static void orders_something(void)
{
	static const char often[] = "ggsssff123123SSexq";
	int slot = (int)roll(THREADS);
	char what = often[roll(roll(4) ? sizeof(often) - 4 : sizeof(often) - 1)];

	/* An exec of a thread that is not traced takes a leader away that is, without a word. */
	if (what == 'x')
		slot = 0;
	/* Where others have been told something meanwhile it is not said who is first. */
	if (what == 'S') {
		slot = 0;
		if (attaches || any_is('T') || any_is('t'))
			what = 'g';
	}
	execs |= what == 'x';
	if (write(orders[slot], &what, 1) == 1)
		printf("%d is told '%c'\n", slot, what);
}

static void sends(void)
{
	static const int some[] = { SIGUSR1, SIGUSR1, SIGSTOP, SIGCONT, SIGURG };
	int sig = some[roll(5)];
	pid_t tid = somebody();

	if ((attaches && sig == SIGSTOP) || ((attaches || interrupts) && sig == SIGCONT))
		sig = SIGURG;
	/* A thread that is dead and not waited for takes a signal natively. */
	if (roll(2) || !state_of(tid) || state_of(tid) == 'Z')
		printf("kill %d -> %d\n", sig, kill(leader, sig));
	else
		printf("tgkill %s %d -> %ld\n", name_of(tid), sig,
		       syscall(SYS_tgkill, leader, tid, sig));
}

static unsigned long some_options(void)
{
	return roll(3) ? PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
				 (roll(2) ? PTRACE_O_TRACEEXIT : 0) | PTRACE_O_TRACESYSGOOD
		       : roll(0x80) & ~(unsigned long)(PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK);
}

static void asks(pid_t tid)
{
	unsigned long m = 0;

	switch (roll(6)) {
	case 0:
		show_siginfo(tid);
		break;
	case 1:
		if (tell(PTRACE_GETEVENTMSG, tid, 0, (unsigned long)&m) == 0)
			printf("message %s %lu\n", name_of((pid_t)m),
			       m < 0x10000 && m % 256 == 0 ? m : 0);
		break;
	case 2:
		tell(PTRACE_SETOPTIONS, tid, 0, some_options());
		break;
	default:
		/* In a stop it may be one trap with that of a group stop that begins meanwhile. */
		if (interrupts && state_of(tid) != 't')
			tell(PTRACE_INTERRUPT, tid, 0, 0);
	}
}

static void lets_go(pid_t tid)
{
	siginfo_t si = { .si_signo = 0 };
	int sig = 0;

	/* With its signal, if it is in a signal's stop. */
	if (ptrace(PTRACE_GETSIGINFO, tid, 0, &si) == 0 && si.si_signo != SIGTRAP && roll(4))
		sig = si.si_signo;
	if (attaches && sig == SIGSTOP)
		sig = 0;
	printf("%d: ", sig);
	tell(roll(3) ? PTRACE_CONT : PTRACE_SYSCALL, tid, 0, (unsigned long)sig);
}

/* Not while one waits in exec for a thread that we hold: we would wait for it (ptrace_attach). */
static void traces(pid_t tid)
{
	if (any_is('D'))
		return;
	if (attaches && roll(2))
		tell(PTRACE_ATTACH, tid, 0, 0);
	else
		tell(PTRACE_SEIZE, tid, 0, some_options());
}

static void waits(void)
{
	pid_t pid = roll(2) ? -1 : somebody();
	int options = WNOHANG | (roll(4) ? (int)__WALL : 0);

	/* (A leader is a child, too.) */
	if (pid > 0 && pid != leader && roll(2))
		options = WNOHANG | (int)__WCLONE;
	printf("waitpid %s %#x: ", pid < 0 ? "any" : name_of(pid), (unsigned)options);
	show(pid, options);
}

static void acts(void)
{
	switch (roll(12)) {
	case 0:
	case 1:
	case 2:
		orders_something();
		break;
	case 3:
		sends();
		break;
	case 4:
		traces(somebody());
		break;
	case 5:
		asks(somebody());
		break;
	case 6:
	case 7:
		lets_go(somebody());
		break;
	case 8:
		if (roll(3) == 0)
			tell(PTRACE_DETACH, somebody(), 0, 0);
		break;
	default:
		waits();
	}
	settles();
	if (execs)
		waits_for_ends();
}

static void begins(void)
{
	int pair[2];

	for (int i = 0; i < THREADS; i++) {
		if (pipe(pair) < 0)
			exit(1);
		orders[i] = fcntl(pair[1], F_DUPFD_CLOEXEC, FIRST_FD + 2 * THREADS);
		dup2(pair[0], FIRST_FD + i);
		close(pair[0]);
		close(pair[1]);
	}
	leader = child(crowd_obeys);
	settles();
	/* Traced before it has threads, or when it has some. */
	if (roll(2))
		tell(PTRACE_SEIZE, leader, 0, some_options());
	for (char what = '1'; what < '1' + (char)roll(4); what++)
		if (write(orders[0], &what, 1) == 1)
			settles();
	for (int i = 0; i < knows; i++, settles())
		if (roll(4))
			traces(known[i]);
}

void random_crowd(uint32_t seed)
{
	int status;
	pid_t tid;

	dice_of(seed);
	attaches = roll(3) == 0;
	interrupts = attaches || roll(2);
	setpgid(0, 0);
	begins();
	for (int i = 0; i < ROUNDS && kill(leader, 0) == 0; i++)
		acts();
	kill(leader, SIGKILL);
	settles();
	/* Their ends come in any order. */
	alarm(10);
	for (int i = 0; i < knows; i++)
		ptrace(PTRACE_CONT, known[i], 0, 0);
	while ((tid = waitpid(-1, &status, __WALL)) > 0)
		if (WIFSTOPPED(status))
			ptrace(PTRACE_CONT, tid, 0, 0);
}
