/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals on their way to a tracee, and the SIGCHLD that its tracer gets. */
#include "conform.h"

#include <sys/mman.h>

static volatile int got;
static volatile siginfo_t last;

static void handler(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	got = sig;
	last = *si;
}

static void handle(int sig, int flags)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags };

	sigaction(sig, &sa, NULL);
}

static void counts(void)
{
	handle(SIGUSR1, 0);
	handle(SIGUSR2, 0);
	raise(SIGUSR1);
	_exit(got == SIGUSR1 ? 1 : got == SIGUSR2 ? 2 : 3);
}

static void delivered(void)
{
	pid_t pid = traced(counts);

	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	show_siginfo(pid);
	rq(PTRACE_CONT, pid, 0, SIGUSR1);
	show(pid, 0);
}

static void dropped(void)
{
	pid_t pid = traced(counts);

	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
}

static void replaced(void)
{
	pid_t pid = traced(counts);

	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	rq(PTRACE_CONT, pid, 0, SIGUSR2);
	show(pid, 0);
}

static void replaced_deadly(void)
{
	pid_t pid = traced(counts);

	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	rq(PTRACE_CONT, pid, 0, SIGTERM);
	show(pid, 0);
}

static void tells_pid(void)
{
	handle(SIGUSR1, 0);
	handle(SIGUSR2, 0);
	raise(SIGUSR1);
	_exit(got == SIGUSR1 ? (last.si_pid == 4321 && last.si_code == SI_QUEUE ? 10 : 11)
			     : (last.si_pid == getppid() && last.si_code == SI_USER ? 20 : 21));
}

static void info_set(void)
{
	pid_t pid = traced(tells_pid);
	siginfo_t si = { .si_signo = SIGUSR1, .si_code = SI_QUEUE };

	si.si_pid = 4321;
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	tell(PTRACE_SETSIGINFO, pid, 0, (unsigned long)&si);
	rq(PTRACE_CONT, pid, 0, SIGUSR1);
	show(pid, 0);
}

static void traps_first(void)
{
	handle(SIGUSR1, 0);
	raise(SIGTRAP);
	_exit(got != SIGUSR1 ? 12 : last.si_pid == 4321 && last.si_code == SI_QUEUE ? 10 : 11);
}

/* Another signal in a stop's place, with a siginfo of its own; and one that is not that signal's.
 */
static void info_set_for_another(void)
{
	siginfo_t si = { .si_signo = SIGUSR1, .si_code = SI_QUEUE };

	si.si_pid = 4321;
	for (int signo = SIGUSR1; signo <= SIGUSR2; signo += SIGUSR2 - SIGUSR1) {
		pid_t pid = traced(traps_first);

		rq(PTRACE_CONT, pid, 0, 0);
		show(pid, 0);
		si.si_signo = signo;
		tell(PTRACE_SETSIGINFO, pid, 0, (unsigned long)&si);
		rq(PTRACE_CONT, pid, 0, SIGUSR1);
		show(pid, 0);
	}
}

/* Traps that say of themselves that they are what only the kernel tells a tracer. */
static void forges(void)
{
	static const int codes[] = { SIGTRAP | PTRACE_EVENT_EXIT << 8,
				     SIGTRAP | 0x80,
				     SIGTRAP,
				     SIGTRAP | PTRACE_EVENT_EXEC << 8,
				     SIGTRAP | PTRACE_EVENT_STOP << 8,
				     TRAP_TRACE,
				     TRAP_HWBKPT };

	handle(SIGTRAP, 0);
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		siginfo_t si = { .si_signo = SIGTRAP, .si_code = codes[i] };

		syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGTRAP, &si);
		if (got != SIGTRAP || last.si_code != codes[i])
			_exit(2);
		got = 0;
	}
	_exit(7);
}

static void forged(void)
{
	pid_t pid = traced(forges);
	int status;

	rq(PTRACE_CONT, pid, 0, 0);
	while (status = show(pid, 0), WIFSTOPPED(status)) {
		show_siginfo(pid);
		rq(PTRACE_CONT, pid, 0, (unsigned long)WSTOPSIG(status));
	}
}

static void info_of_replaced(void)
{
	pid_t pid = traced(tells_pid);

	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	rq(PTRACE_CONT, pid, 0, SIGUSR2);
	show(pid, 0);
}

static void faults(void)
{
	*(volatile int *)64 = 1;
}

static void fault(void)
{
	pid_t pid = traced(faults);
	siginfo_t si;

	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	rq(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&si);
	printf("code %d address %lu\n", si.si_code, (unsigned long)si.si_addr);
	rq(PTRACE_CONT, pid, 0, SIGSEGV);
	show(pid, 0);
}

static void step_into_handler(void)
{
	pid_t pid = traced(counts);

	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	rq(PTRACE_SINGLESTEP, pid, 0, SIGUSR1);
	show(pid, 0);
	show_siginfo(pid);
	rq(PTRACE_SINGLESTEP, pid, 0, 0);
	show(pid, 0);
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
}

static void blocked(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	raise(SIGSTOP);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	_exit(0);
}

static void blocked_signal(void)
{
	pid_t pid = traced(blocked);
	uint64_t mask = 0;

	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	rq(PTRACE_GETSIGMASK, pid, sizeof(mask), (unsigned long)&mask);
	printf("mask %#llx\n", (unsigned long long)mask);
	mask |= 1u << (SIGUSR2 - 1);
	rq(PTRACE_SETSIGMASK, pid, sizeof(mask), (unsigned long)&mask);
	mask = 0;
	rq(PTRACE_GETSIGMASK, pid, sizeof(mask), (unsigned long)&mask);
	printf("mask %#llx\n", (unsigned long long)mask);
	tell(PTRACE_GETSIGMASK, pid, 4, (unsigned long)&mask);
	to_the_end(pid, PTRACE_CONT);
}

static void queued(void)
{
	pid_t pid = traced(blocked);
	struct __ptrace_peeksiginfo_args args = { .nr = 4 };
	siginfo_t si[4];
	long n;

	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	n = rq(PTRACE_PEEKSIGINFO, pid, (unsigned long)&args, (unsigned long)si);
	printf("queued %ld\n", n);
	for (long i = 0; i < n; i++)
		show_info("queued", &si[i]);
	kill(pid, SIGKILL);
	show(pid, 0);
}

enum { QUEUED = 40 };

static void blocks_many(void)
{
	int sig = SIGRTMIN + 3;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < QUEUED; i++)
		sigqueue(getpid(), sig, (union sigval){ .sival_int = i });
	raise(SIGSTOP);
	_exit(0);
}

/* More than is fetched at once; from the middle; into what cannot be written any more. */
static void queued_many(void)
{
	enum { SHARED = 1 };
	pid_t pid = traced(blocks_many);
	struct __ptrace_peeksiginfo_args args = { .nr = 64, .flags = SHARED };
	static siginfo_t si[64];
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *end = pages + 4096 - 2 * sizeof(siginfo_t);
	long n;

	mprotect(pages + 4096, 4096, PROT_READ);
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	n = rq(PTRACE_PEEKSIGINFO, pid, (unsigned long)&args, (unsigned long)si);
	printf("queued %ld: %d to %d\n", n, si[0].si_int, si[n > 0 ? n - 1 : 0].si_int);
	args.off = QUEUED - 5;
	n = rq(PTRACE_PEEKSIGINFO, pid, (unsigned long)&args, (unsigned long)si);
	printf("queued %ld: %d\n", n, si[0].si_int);
	tell(PTRACE_PEEKSIGINFO, pid, (unsigned long)&args, (unsigned long)end);
	n = rq(PTRACE_PEEKSIGINFO, pid, (unsigned long)&args, (unsigned long)end);
	printf("queued %ld: %d\n", n, ((siginfo_t *)end)[1].si_int);
	tell(PTRACE_PEEKSIGINFO, pid, (unsigned long)&args, (unsigned long)(pages + 4096));
	args.nr = 0;
	tell(PTRACE_PEEKSIGINFO, pid, (unsigned long)&args, (unsigned long)si);
	args.flags = 2;
	tell(PTRACE_PEEKSIGINFO, pid, (unsigned long)&args, (unsigned long)si);
	kill(pid, SIGKILL);
	show(pid, 0);
}

static void waits_for_signal(void)
{
	for (;;)
		pause();
}

static void tracers_sigchld(void)
{
	pid_t pid;

	handle(SIGCHLD, SA_RESTART);
	pid = traced(waits_for_signal);
	printf("%d\n", got);
	show_info("sigchld", (const siginfo_t *)&last);
	got = 0;
	rq(PTRACE_CONT, pid, 0, 0);
	kill(pid, SIGUSR1);
	show(pid, 0);
	moment(10);
	show_info("sigchld", (const siginfo_t *)&last);
	kill(pid, SIGKILL);
	show(pid, 0);
	moment(10);
	show_info("sigchld", (const siginfo_t *)&last);
}

static void no_sigchld_of_stops(void)
{
	pid_t pid;

	handle(SIGCHLD, SA_RESTART | SA_NOCLDSTOP);
	pid = traced(waits_for_signal);
	printf("%d\n", got);
	kill(pid, SIGKILL);
	show(pid, 0);
	moment(10);
	printf("%s\n", got == SIGCHLD ? "told of the death" : "told of nothing");
}

static void sigchld_breaks_pause(void)
{
	pid_t pid;
	int r;

	handle(SIGCHLD, SA_RESTART);
	pid = traced(waits_for_signal);
	got = 0;
	rq(PTRACE_CONT, pid, 0, 0);
	kill(pid, SIGUSR1);
	while (!got)
		usleep(1000);
	r = show(pid, WNOHANG);
	printf("%d\n", r > 0);
	kill(pid, SIGKILL);
	show(pid, 0);
}

const struct conform_case cases_signals[] = { { "signal-delivered", delivered },
					      { "signal-dropped", dropped },
					      { "signal-replaced", replaced },
					      { "signal-replaced-deadly", replaced_deadly },
					      { "siginfo-set", info_set },
					      { "info-set-for-another", info_set_for_another },
					      { "siginfo-of-replaced", info_of_replaced },
					      { "forged-siginfos", forged },
					      { "fault", fault },
					      { "step-into-handler", step_into_handler },
					      { "blocked-signal", blocked_signal },
					      { "queued-signals", queued },
					      { "queued-many", queued_many },
					      { "sigchld", tracers_sigchld },
					      { "sigchld-not-of-stops", no_sigchld_of_stops },
					      { "sigchld-comes-first", sigchld_breaks_pause },
					      { NULL, NULL } };
