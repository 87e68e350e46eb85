/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs one case: conform NAME, or random-SEED, or family-SEED; or lists them: conform. */
#include "conform.h"

static struct {
	pid_t pid;
	const char *name;
} names[64];

void name_it(pid_t pid, const char *name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!names[i].name || names[i].pid == pid) {
			names[i].pid = pid;
			names[i].name = name;
			return;
		}
}

const char *name_of(pid_t pid)
{
	if (pid == getpid())
		return "me";
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].name && names[i].pid == pid)
			return names[i].name;
	return pid == 0 ? "0" : "somebody";
}

const char *error_name(int err)
{
	return strerrorname_np(err) ? strerrorname_np(err) : "?";
}

static pid_t born_as(pid_t id, uint64_t flags)
{
	struct {
		uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
		uint64_t set_tid, set_tid_size;
	} args = { .flags = flags,
		   .exit_signal = flags ? 0 : SIGCHLD,
		   .set_tid = id ? (uintptr_t)&id : 0,
		   .set_tid_size = id != 0 };

	return (pid_t)syscall(435 /* clone3 */, &args, sizeof(args));
}

pid_t child_as(pid_t id, uint64_t flags)
{
	pid_t pid = born_as(id, flags);

	return pid < 0 ? born_as(0, flags) : pid;
}

pid_t child(void (*work)(void))
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		work();
		_exit(0);
	}
	name_it(pid, "child");
	return pid;
}

static void (*work_of_traced)(void);

static void be_traced(void)
{
	if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
		_exit(99);
	raise(SIGSTOP);
	work_of_traced();
}

void moment(unsigned ms)
{
	const char *times = getenv("SLOW");

	usleep(ms * 1000 * (times ? (unsigned)atoi(times) : 1));
}

static void noted(int sig)
{
	(void)sig;
}

void catch_children(void)
{
	struct sigaction sa = { .sa_handler = noted, .sa_flags = SA_RESTART };

	sigaction(SIGCHLD, &sa, NULL);
}

pid_t traced(void (*work)(void))
{
	pid_t pid;

	work_of_traced = work;
	pid = child(be_traced);
	show(pid, 0);
	return pid;
}

char state_of(pid_t pid)
{
	char path[64], text[512] = "";
	const char *at;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	at = fgets(text, sizeof(text), f) ? strrchr(text, ')') : NULL;
	fclose(f);
	return at ? at[2] : '\0';
}

bool are_quiet(const pid_t *pids, int n)
{
	for (int i = 0; i < n; i++)
		if (pids[i] && (state_of(pids[i]) == 'R' || state_of(pids[i]) == 'D'))
			return false;
	return true;
}

void until(pid_t pid, char state)
{
	for (int i = 0; i < 2000; i++) {
		char is = state_of(pid);

		if (!is || is == state)
			return;
		usleep(1000);
	}
}

uint32_t at_random(uint32_t *state, uint32_t below)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state % below;
}

static uint32_t dice;

uint32_t roll(uint32_t below)
{
	return at_random(&dice, below);
}

uint32_t dice_of(uint32_t seed)
{
	uint32_t first = seed * 2654435761u | 1;

	dice = first;
	for (int i = 0; i < 8; i++)
		roll(2);
	return first;
}

static const char *request_name(int request)
{
	static const struct {
		int request;
		const char *name;
	} known[] = { { 0, "TRACEME" },
		      { 1, "PEEKTEXT" },
		      { 2, "PEEKDATA" },
		      { 3, "PEEKUSER" },
		      { 4, "POKETEXT" },
		      { 5, "POKEDATA" },
		      { 6, "POKEUSER" },
		      { 7, "CONT" },
		      { 8, "KILL" },
		      { 9, "SINGLESTEP" },
		      { 12, "GETREGS" },
		      { 13, "SETREGS" },
		      { 16, "ATTACH" },
		      { 17, "DETACH" },
		      { 24, "SYSCALL" },
		      { 31, "SYSEMU" },
		      { 32, "SYSEMU_SINGLESTEP" },
#ifdef __aarch64__
		      { 33, "PEEKMTETAGS" },
		      { 34, "POKEMTETAGS" },
#else
		      { 30, "ARCH_PRCTL" },
		      { 33, "SINGLEBLOCK" },
#endif
		      { 0x4200, "SETOPTIONS" },
		      { 0x4201, "GETEVENTMSG" },
		      { 0x4202, "GETSIGINFO" },
		      { 0x4203, "SETSIGINFO" },
		      { 0x4204, "GETREGSET" },
		      { 0x4205, "SETREGSET" },
		      { 0x4206, "SEIZE" },
		      { 0x4207, "INTERRUPT" },
		      { 0x4208, "LISTEN" },
		      { 0x4209, "PEEKSIGINFO" },
		      { 0x420a, "GETSIGMASK" },
		      { 0x420b, "SETSIGMASK" },
		      { 0x420e, "GET_SYSCALL_INFO" } };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].request == request)
			return known[i].name;
	return "request";
}

long tell(int request, pid_t pid, unsigned long addr, unsigned long data)
{
	long r = syscall(SYS_ptrace, (long)request, (long)pid, addr, data);

	if (r < 0)
		printf("%s %s -> %s\n", request_name(request), name_of(pid), error_name(errno));
	else
		printf("%s %s -> %ld\n", request_name(request), name_of(pid), r);
	return r;
}

long rq(int request, pid_t pid, unsigned long addr, unsigned long data)
{
	long r = syscall(SYS_ptrace, (long)request, (long)pid, addr, data);

	if (r < 0)
		printf("%s %s -> %s\n", request_name(request), name_of(pid), error_name(errno));
	return r;
}

static const char *signal_name(int sig)
{
	const char *name = sigabbrev_np(sig);

	return name ? name : "?";
}

void show_status(pid_t pid, int status)
{
	if (WIFEXITED(status))
		printf("%s exited %d\n", name_of(pid), WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		printf("%s killed %s\n", name_of(pid), signal_name(WTERMSIG(status)));
	else if (WIFSTOPPED(status))
		printf("%s stopped %s%s event %d\n", name_of(pid),
		       signal_name(WSTOPSIG(status) & 0x7f), WSTOPSIG(status) & 0x80 ? "|80" : "",
		       status >> 16);
	else
		printf("%s continued\n", name_of(pid));
}

int show(pid_t pid, int options)
{
	int status = 0;
	pid_t r = waitpid(pid, &status, options);

	if (r < 0)
		printf("wait -> %s\n", error_name(errno));
	else if (r == 0)
		printf("wait -> nothing\n");
	else
		show_status(r, status);
	return r > 0 ? status : -1;
}

void show_info(const char *what, const siginfo_t *si)
{
	printf("%s: signo %s code %#x", what, si->si_signo ? signal_name(si->si_signo) : "0",
	       si->si_code);
	if (si->si_signo == SIGCHLD)
		printf(" pid %s status %#x", name_of(si->si_pid), si->si_status);
	else if (si->si_code <= 0 || (si->si_code & 0xff) == SIGTRAP ||
		 (si->si_code & 0x7f) == SIGTRAP)
		printf(" pid %s", name_of(si->si_pid));
	printf("\n");
}

void show_siginfo(pid_t pid)
{
	siginfo_t si;

	memset(&si, 0, sizeof(si));
	if (rq(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&si) == 0)
		show_info("siginfo", &si);
}

unsigned long message(pid_t pid)
{
	unsigned long m = ~0ul;

	rq(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&m);
	return m;
}

void to_the_end(pid_t pid, int request)
{
	int sig = 0;

	for (int i = 0; i < 1000; i++) {
		int status;

		if (rq(request, pid, 0, (unsigned long)sig) < 0)
			return;
		status = show(pid, __WALL);
		if (status < 0 || !WIFSTOPPED(status))
			return;
		sig = WSTOPSIG(status);
		if (sig & 0x80 || sig == SIGTRAP || status >> 16)
			sig = 0;
	}
}

static const struct conform_case *const groups[] = { cases_stops,  cases_calls, cases_signals,
						     cases_births, cases_waits, cases_requests,
						     cases_errors, cases_many,  cases_filters,
						     cases_rain,   cases_memory };

int main(int argc, char **argv)
{
	for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++)
		for (const struct conform_case *c = groups[g]; c->name; c++) {
			if (argc < 2) {
				puts(c->name);
			} else if (!strcmp(c->name, argv[1])) {
				alarm(20);
				c->run();
				return 0;
			}
		}
	if (argc == 5 && !strcmp(argv[1], "acts"))
		random_acts(argv + 2);
	if (argc == 2 && !strcmp(argv[1], "obeys"))
		crowd_obeys();
	if (argc >= 2 && !strncmp(argv[1], "crowd-", 6))
		random_crowd((uint32_t)strtoul(argv[1] + 6, NULL, 10));
	else if (argc >= 2 && !strncmp(argv[1], "random-", 7))
		random_trace((uint32_t)strtoul(argv[1] + 7, NULL, 10));
	else if (argc >= 2 && !strncmp(argv[1], "family-", 7))
		random_family((uint32_t)strtoul(argv[1] + 7, NULL, 10));
	else
		return argc < 2 ? 0 : 2;
	return 0;
}
