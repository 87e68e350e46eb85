/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program that acts at random and its tracer, which asks, writes and lets go at random: all that
 * a seed makes of it is the same each time, so the kernel itself says what the broker has to
 * answer.
 *
 * The tracee is waited for before anything is asked of it, and does nothing that depends on time.
 */
#include "conform.h"

#include <setjmp.h>
#include <time.h>

enum { ACTS = 24, STOPS = 160, PATIENCE_S = 3, ALL_OPTIONS = 0x7f };

/* The tracee. */

static volatile unsigned signals;
static sigjmp_buf behind_fault;

static void counts(int sig)
{
	(void)sig;
	signals++;
}

static void faulted(int sig)
{
	(void)sig;
	signals++;
	siglongjmp(behind_fault, 1);
}

static void handle(int sig, void (*handler)(int), int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };

	sigaction(sig, &sa, NULL);
}

static void block(int how, int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(how, &set, NULL);
}

static void signal_while_blocked(int sig)
{
	block(SIG_BLOCK, sig);
	raise(sig);
	block(SIG_UNBLOCK, sig);
}

/* Its SIGCHLD comes when it has been waited for. */
static void has_child(int vforks)
{
	int status = 0;
	pid_t pid;

	block(SIG_BLOCK, SIGCHLD);
	pid = vforks ? vfork() : fork();
	if (pid == 0)
		_exit(3);
	waitpid(pid, &status, 0);
	signals += status == 3 << 8;
	block(SIG_UNBLOCK, SIGCHLD);
}

static void faults(void)
{
	char *volatile nowhere = (char *)8;

	if (!sigsetjmp(behind_fault, 1))
		*nowhere = 1;
}

static void executes(uint32_t state, int done)
{
	char a[16], b[16], c[16];

	snprintf(a, sizeof(a), "%u", state);
	snprintf(b, sizeof(b), "%d", done);
	snprintf(c, sizeof(c), "%u", signals);
	execl("/proc/self/exe", "conform", "acts", a, b, c, NULL);
	_exit(99);
}

static void queues(void)
{
	union sigval value = { .sival_int = 77 };

	sigqueue(getpid(), SIGRTMIN, value);
}

static void traps(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__asm__ volatile("int3");
#else
	raise(SIGTRAP);
#endif
}

static void sleeps(void)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	nanosleep(&ms, NULL);
}

static void act(uint32_t *state, int i)
{
	switch (at_random(state, 16)) {
	case 0:
		raise(SIGUSR1);
		break;
	case 1:
		raise(SIGUSR2);
		break;
	case 2:
		raise(SIGSTOP);
		break;
	case 3:
		raise(SIGTSTP);
		break;
	case 4:
		signal_while_blocked(SIGUSR1);
		break;
	case 5:
		has_child(0);
		break;
	case 6:
		has_child(1);
		break;
	case 7:
		faults();
		break;
	case 8:
		executes(*state, i + 1);
		break;
	case 9:
		traps();
		break;
	case 10:
		queues();
		break;
	case 11:
		sleeps();
		break;
	default:
		syscall(SYS_getppid);
	}
}

static void handle_all(void)
{
	handle(SIGUSR1, counts, SA_RESTART);
	handle(SIGUSR2, SIG_IGN, 0);
	/* Where it is blocked a step natively unblocks it, and takes the handler away. */
	handle(SIGTRAP, counts, SA_NODEFER);
	handle(SIGRTMIN, counts, SA_SIGINFO);
	handle(SIGSEGV, faulted, 0);
}

static void acts(uint32_t state, int done, unsigned so_far)
{
	signals = so_far;
	handle_all();
	for (int i = done; i < ACTS; i++)
		act(&state, i);
	_exit((int)(signals & 0x7f));
}

void random_acts(char **args)
{
	acts((uint32_t)strtoul(args[0], NULL, 10), atoi(args[1]),
	     (unsigned)strtoul(args[2], NULL, 10));
}

/* The tracer. */

static uint32_t tracees_dice;

static void works(void)
{
	acts(tracees_dice, 0, 0);
}

/* Seized or attached to while it sleeps in a call. */
static int gate[2];

static void waits_and_works(void)
{
	char byte;

	if (read(gate[0], &byte, 1) < 0)
		_exit(98);
	works();
}

/* Children are traced, too: whether the parent's stop or the child's comes first is not said. */
static unsigned long follows;

/* Attached to while it sleeps, is stopped, or both. */
static void attaches(pid_t pid)
{
	if (roll(2)) {
		follows = roll(2) ? roll(ALL_OPTIONS + 1) : 0;
		tell(PTRACE_SEIZE, pid, 0, follows);
		tell(PTRACE_INTERRUPT, pid, 0, 0);
	} else {
		follows = 0;
		tell(PTRACE_ATTACH, pid, 0, 0);
	}
}

static pid_t begin(void)
{
	pid_t pid;

	if (roll(2))
		return traced(works);
	if (pipe(gate) < 0)
		exit(1);
	pid = child(waits_and_works);
	until(pid, 'S');
	attaches(pid);
	show(pid, 0);
	if (write(gate[1], "", 1) < 0)
		exit(1);
	return pid;
}

static void queries_call(pid_t pid)
{
	struct {
		uint8_t op, pad[3];
		uint32_t arch;
		uint64_t ip, sp, nr;
	} info = { 0 };

	if (tell(0x420e, pid, sizeof(info), (unsigned long)&info) > 0)
		printf("op %d nr %d\n", info.op, info.op == 1 ? (int)info.nr : -1);
}

static void queries_mask(pid_t pid)
{
	uint64_t mask = 0;

	if (tell(0x420a, pid, sizeof(mask), (unsigned long)&mask) == 0)
		printf("mask %#llx\n", (unsigned long long)mask);
}

enum { QUEUE = 8 };

static long peek(pid_t pid, uint32_t shared, siginfo_t infos[QUEUE])
{
	struct {
		uint64_t off;
		uint32_t flags;
		int32_t n;
	} of = { 0, shared, QUEUE };

	return ptrace(0x4209, pid, &of, infos);
}

static bool is_pending(pid_t pid, int sig)
{
	siginfo_t infos[QUEUE];

	for (uint32_t shared = 0; shared < 2; shared++)
		for (long n = peek(pid, shared, infos); n > 0; n--)
			if (infos[n - 1].si_signo == sig)
				return true;
	return false;
}

static void queries_pending(pid_t pid)
{
	siginfo_t infos[QUEUE];
	long n = peek(pid, roll(2), infos);

	/* A SIGTRAP of its own the broker keeps to itself, and the SIGSTOP of ATTACH is none there;
	 * when a child ends is not said. */
	for (long i = 0; i < n; i++)
		if (infos[i].si_signo != SIGTRAP && infos[i].si_signo != SIGCHLD &&
		    (infos[i].si_signo != SIGSTOP || infos[i].si_code != SI_KERNEL))
			show_info("pending", &infos[i]);
}

/* In this stop. */
static bool was_continued, was_sent_signals, was_interrupted;
/* For so many stops: it was attached to while it was stopped. */
static int came_back;

/* Of a call that a signal may break, or not, as it happens. */
static bool is_entry(pid_t pid)
{
	unsigned long m = 0;
	siginfo_t si = { .si_code = 0 };

	ptrace(PTRACE_GETSIGINFO, pid, 0, &si);
	ptrace(PTRACE_GETEVENTMSG, pid, 0, &m);
	return (si.si_code & 0x7f) == SIGTRAP && si.si_code < 0x100 && m == 1;
}

static void sends(pid_t pid)
{
	static const int some[] = { SIGUSR1, SIGCONT, SIGSTOP, SIGTSTP, SIGUSR2, SIGURG };
	int sig = some[roll(sizeof(some) / sizeof(some[0]))];

	/* The SIGSTOP of ATTACH is gone then; and of two whose trap it was natively that an
	 * interrupt's is, too, cannot be seen, nor of one that a stop has taken away. */
	if (sig == SIGCONT && (came_back || is_pending(pid, SIGCONT)))
		sig = SIGURG;
	if ((sig == SIGSTOP || sig == SIGTSTP) && is_pending(pid, SIGCONT))
		sig = SIGURG;

	was_sent_signals = true;
	was_continued |= sig == SIGCONT;
	printf("kill %d -> %d\n", sig, kill(pid, sig));
}

static void sets_options(pid_t pid, unsigned long options)
{
	if (tell(PTRACE_SETOPTIONS, pid, 0, options) == 0)
		follows = options;
}

/* In a stop that has been waited for. */
static void asks(pid_t pid)
{
	unsigned long word = 0;

	switch (roll(14)) {
	case 0:
	case 1:
		show_siginfo(pid);
		break;
	case 2:
		queries_call(pid);
		break;
	case 3:
		queries_mask(pid);
		break;
	case 4:
		queries_pending(pid);
		break;
	case 5:
		if (!is_entry(pid))
			sends(pid);
		break;
	case 6:
		sets_options(pid, roll(ALL_OPTIONS + 1) | (roll(8) ? 0 : 1u << 15));
		break;
	case 7:
		if (!is_entry(pid))
			was_interrupted |= tell(PTRACE_INTERRUPT, pid, 0, 0) == 0;
		break;
	case 8:
		show(pid, WNOHANG | __WALL);
		break;
	case 9:
		tell(PTRACE_CONT, pid, 0, 65 + roll(1000));
		break;
	case 10:
	case 11:
		tell(PTRACE_PEEKDATA, pid, 8, (unsigned long)&word);
		break;
	case 12:
		tell(roll(2) ? PTRACE_SEIZE : PTRACE_ATTACH, pid, 0, 0);
		break;
	default:
		tell(0x42ff, pid, 0, 0);
	}
}

/* A child of the tracee's that is traced, too, is at its end before the tracee goes on. */
static void meets_child(pid_t pid)
{
	static int requests[] = { PTRACE_CONT, PTRACE_SYSCALL };
	pid_t born = (pid_t)message(pid);
	int status;

	name_it(born, "born");
	status = show(born, __WALL);
	if (status >= 0 && WIFSTOPPED(status))
		to_the_end(born, requests[roll(2)]);
}

static void tells_event(pid_t pid, int event)
{
	switch (event) {
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		meets_child(pid);
		break;
	case PTRACE_EVENT_EXIT:
		printf("message %#lx\n", message(pid));
		break;
	case PTRACE_EVENT_EXEC:
	case PTRACE_EVENT_VFORK_DONE:
		printf("message %s\n", name_of((pid_t)message(pid)));
		break;
	default:
		break;
	}
}

static int at_random_request(void)
{
	static const int often[] = { PTRACE_CONT, PTRACE_SYSCALL, PTRACE_SYSCALL,
				     PTRACE_SINGLESTEP };

	return often[roll(4)];
}

/* A call's stop, a handler's and an event's are none: a signal that is put in there is sent. */
static bool is_signal(pid_t pid, int status)
{
	siginfo_t si = { .si_code = SIGTRAP };

	if (status >> 16 || WSTOPSIG(status) & 0x80)
		return false;
	ptrace(PTRACE_GETSIGINFO, pid, 0, &si);
	if (WSTOPSIG(status) == SIGTRAP)
		show_info(si.si_code == SIGTRAP && message(pid) == 1 ? "entry" : "siginfo", &si);
	return WSTOPSIG(status) != SIGTRAP || (si.si_code & 0xff) != SIGTRAP;
}

static void lets_go_with(int request, pid_t pid, unsigned long sig)
{
	printf("%lu: ", sig);
	tell(request, pid, 0, sig);
}

/*
 * With the signal, most often; or without, or with another. But not where the broker's way is not
 * the kernel's: where a signal may break a call that is stepped over, the step does not end in that
 * (docs/step.md), nor at the trap of a SIGCONT; a SIGTRAP may be one with a step's that is pending;
 * a SIGSTOP that was never sent is not taken back by a SIGCONT; what is put in behind a step over
 * a call is sent, and comes behind the trap of a SIGCONT.
 */
static void goes_on(pid_t pid, int status)
{
	bool is = is_signal(pid, status);
	int sig = is && (WSTOPSIG(status) != SIGTRAP || roll(3) == 0) ? WSTOPSIG(status) : 0;
	int request = at_random_request();

	if (roll(8) == 0)
		sig = roll(2) && !is_entry(pid) && !is_pending(pid, SIGUSR1) ? SIGUSR1 : 0;
	if (was_continued && (sig == SIGSTOP || sig == SIGTSTP || WSTOPSIG(status) == SIGTRAP))
		sig = 0;
	if (!is && request == PTRACE_SINGLESTEP && (sig || was_sent_signals || was_interrupted))
		request = PTRACE_SYSCALL;
	lets_go_with(request, pid, (unsigned long)(status >> 16 ? 0 : sig));
}

/* It is stopped then, so that it is known where it is attached to again. */
static void leaves_and_comes_back(pid_t pid)
{
	tell(PTRACE_DETACH, pid, 0, SIGSTOP);
	until(pid, 'T');
	attaches(pid);
	came_back = 3;
}

static void lets_go(pid_t pid, int status)
{
	if (roll(100) == 0)
		kill(pid, SIGKILL);
	else if (!(status >> 16) && !is_pending(pid, SIGCONT) && !came_back &&
		 WSTOPSIG(status) != SIGTRAP && roll(20) == 0 && is_signal(pid, status))
		leaves_and_comes_back(pid);
	else if (status >> 16 == 128 && WSTOPSIG(status) != SIGTRAP && roll(2) &&
		 rq(PTRACE_LISTEN, pid, 0, 0) == 0)
		printf("listens, SIGCONT -> %d\n", was_continued ? 0 : kill(pid, SIGCONT));
	else
		goes_on(pid, status);
}

static int next(pid_t pid)
{
	siginfo_t si;

	was_continued = was_sent_signals = was_interrupted = false;
	came_back -= came_back > 0;
	alarm(PATIENCE_S);
	switch (roll(4)) {
	case 0:
		memset(&si, 0, sizeof(si));
		if (waitid(P_PID, (id_t)pid, &si, WEXITED | WSTOPPED | WNOWAIT) == 0)
			show_info("waitid", &si);
		alarm(PATIENCE_S);
		return show(pid, 0);
	case 1:
		return show(follows & (PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK) ? pid : -1,
			    __WALL);
	default:
		return show(pid, __WALL);
	}
}

static void gives_up(int sig)
{
	(void)sig;
}

void random_trace(uint32_t seed)
{
	pid_t pid;
	int status = SIGSTOP << 8 | 0x7f;

	tracees_dice = dice_of(seed) ^ 0x5bd1e995;
	/* Before it is there: a signal may come first. */
	handle_all();
	handle(SIGALRM, gives_up, 0);
	pid = begin();
	/* Else SIGTSTP stops it or not by who has started us (is_current_pgrp_orphaned). */
	setpgid(pid, pid);
	for (int i = 0; i < STOPS; i++) {
		for (uint32_t n = roll(4); n > 0; n--)
			asks(pid);
		lets_go(pid, status);
		status = next(pid);
		/* Nothing came, or it is over. */
		if (status < 0 || !WIFSTOPPED(status))
			break;
		tells_event(pid, status >> 16);
	}
	alarm(PATIENCE_S);
	kill(pid, SIGKILL);
	while (show(pid, __WALL) >= 0)
		ptrace(PTRACE_CONT, pid, 0, 0);
}
