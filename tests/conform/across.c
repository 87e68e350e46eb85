/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every request that has to do with memory of its caller, and process_vm_readv and _writev, on a
 * process that another may hold. Prints what each returns, and whether it has written more or less
 * than it should.
 *
 * Usage: across [PID]    (without: it is the process)
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROOM = 8192, EMPTY = 0x5a };

static unsigned char room[ROOM];
static pid_t pid;

static long ask(const char *name, long request, unsigned long addr, void *data)
{
	long r = syscall(SYS_ptrace, request, pid, addr, data);

	printf("%s %ld", name, r < 0 ? -(long)errno : r);
	return r;
}

/* How much it has written: what comes behind is untouched. */
static void written(void)
{
	size_t n = ROOM;

	while (n && room[n - 1] == EMPTY)
		n--;
	printf(" %zu\n", (n + 7) / 8 * 8);
}

static void gets(const char *name, long request, unsigned long addr)
{
	memset(room, EMPTY, sizeof(room));
	ask(name, request, addr, room);
	written();
}

/* What a request before has put there. */
static void sets(const char *name, long request, unsigned long addr)
{
	ask(name, request, addr, room);
	puts("");
}

static void vector(const char *name, long request, unsigned long addr, size_t len)
{
	struct iovec iov = { room, len };

	if (request == PTRACE_GETREGSET)
		memset(room, EMPTY, sizeof(room));
	ask(name, request, addr, &iov);
	printf(" %zu", iov.iov_len);
	written();
}

static void queued(void)
{
	struct {
		uint64_t off;
		uint32_t flags;
		int32_t nr;
	} args = { 0, 1, 3 };

	memset(room, EMPTY, sizeof(room));
	ask("peeksiginfo", PTRACE_PEEKSIGINFO, (unsigned long)&args, room);
	written();
}

static void general(void)
{
#if defined(__x86_64__) || defined(__i386__)
	gets("peekuser", PTRACE_PEEKUSER, 0);
	gets("getregs", PTRACE_GETREGS, 0);
	sets("setregs", PTRACE_SETREGS, 0);
	gets("getfpregs", PTRACE_GETFPREGS, 0);
	sets("setfpregs", PTRACE_SETFPREGS, 0);
	gets("get_thread_area", PTRACE_GET_THREAD_AREA, 12);
	sets("set_thread_area", PTRACE_SET_THREAD_AREA, 12);
#endif
#if defined(__i386__)
	gets("getfpxregs", 18, 0);
	sets("setfpxregs", 19, 0);
#endif
#if defined(__x86_64__)
	memset(room, EMPTY, sizeof(room));
	printf("arch_prctl %ld", syscall(SYS_ptrace, 30, pid, room, 0x1003));
	written();
#endif
}

/* In both: a page to write, one to read, and none. */
enum { PAGE = 4096, THERE = 0x20000000 };

static int maps(void)
{
	char *at = mmap((void *)THERE, 3ul * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (at == MAP_FAILED)
		return -1;
	for (int i = 0; i < 2 * PAGE; i++)
		at[i] = (char)(i * 7);
	return mprotect(at + PAGE, PAGE, PROT_READ) || munmap(at + 2l * PAGE, PAGE) ? -1 : 0;
}

static void moves(const char *name, long call, const struct iovec *ours, unsigned long n,
		  const struct iovec *theirs, unsigned long m, unsigned long flags)
{
	unsigned sum = 0;
	long r;

	for (size_t i = 0; i < ROOM; i++)
		room[i] = (unsigned char)(i * 3);
	r = syscall(call, pid, ours, n, theirs, m, flags);
	for (size_t i = 0; i < ROOM; i++)
		sum = sum * 31 + room[i];
	printf("%s %ld %x\n", name, r < 0 ? -(long)errno : r, sum);
}

static struct iovec piece(unsigned long at, size_t len)
{
	return (struct iovec){ (void *)at, len };
}

/* The same for each run on one process: the one before has written there. */
static void fills(void)
{
	struct iovec ours = piece((unsigned long)room, PAGE), theirs = piece(THERE, PAGE);

	moves("fills", SYS_process_vm_writev, &ours, 1, &theirs, 1, 0);
}

/* process_vm_readv and _writev, in pieces and with all that is wrong. */
static void pieces(long call)
{
	unsigned long here = (unsigned long)room, end = THERE + 2ul * PAGE;
	struct iovec one = piece(here, 100), other = piece(THERE + 16ul, 100);
	struct iovec ours[3] = { piece(here + 7, 10), piece(8, 0), piece(here + 100, 5000) };
	struct iovec theirs[3] = { piece(THERE, 3), piece(THERE + PAGE - 500ul, 400),
				   piece(THERE + 600ul, 999) };
	struct iovec over = piece(end - 20, 100), nowhere = piece(8, 8);
	struct iovec negative = piece(here, (size_t)-1), edge = piece(THERE + PAGE - 10ul, 20);
	struct iovec our_edge = piece(end - 20, 100), many[1025];

	for (int i = 0; i < 1025; i++)
		many[i] = piece(here + (unsigned)i * 2, 1);
	moves("one", call, &one, 1, &other, 1, 0);
	moves("pieces", call, ours, 3, theirs, 3, 0);
	moves("none of ours", call, ours, 0, theirs, 3, 0);
	moves("none of theirs", call, ours, 3, theirs, 0, 0);
	moves("many", call, many, 1024, theirs, 3, 0);
	moves("too many", call, many, 1025, theirs, 3, 0);
	moves("too many of theirs", call, ours, 3, many, 1025, 0);
	moves("flags", call, &one, 1, &other, 1, 1);
	moves("negative", call, &negative, 1, &other, 1, 0);
	moves("negative of theirs", call, &one, 1, &negative, 1, 0);
	moves("nowhere", call, &nowhere, 1, &other, 1, 0);
	moves("nowhere of theirs", call, &one, 1, &nowhere, 1, 0);
	moves("over the end", call, &one, 1, &over, 1, 0);
	moves("over our end", call, &our_edge, 1, &other, 1, 0);
	moves("over a page to read", call, &one, 1, &edge, 1, 0);
	moves("no vector", call, (void *)8, 1, &other, 1, 0);
	moves("no vector of theirs", call, &one, 1, (void *)8, 1, 0);
}

int main(int argc, char **argv)
{
	int status;

	if (maps() < 0) {
		perror("maps");
		return 1;
	}
	if (argc < 2) {
		alarm(60);
		puts("ready");
		fflush(stdout);
		for (;;)
			pause();
	}
	pid = atoi(argv[1]);
	if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0 ||
	    waitpid(pid, &status, __WALL) != pid) {
		perror("seize");
		return 1;
	}
	printf("%x\n", status);
	gets("peekdata", PTRACE_PEEKDATA, 4096);
	general();
	vector("getregset", PTRACE_GETREGSET, NT_PRSTATUS, ROOM);
	vector("setregset", PTRACE_SETREGSET, NT_PRSTATUS, 8);
	vector("getregset of floats", PTRACE_GETREGSET, NT_PRFPREG, ROOM);
	vector("getregset, a part", PTRACE_GETREGSET, NT_PRSTATUS, 16);
	vector("getregset, none", PTRACE_GETREGSET, 0x7777, ROOM);
	gets("getsiginfo", PTRACE_GETSIGINFO, 0);
	sets("setsiginfo", PTRACE_SETSIGINFO, 0);
	gets("geteventmsg", PTRACE_GETEVENTMSG, 0);
	gets("getsigmask", PTRACE_GETSIGMASK, 8);
	sets("setsigmask", PTRACE_SETSIGMASK, 8);
	kill(pid, SIGURG);
	kill(pid, SIGCONT);
	queued();
	gets("get_syscall_info", PTRACE_GET_SYSCALL_INFO, 88);
	gets("get_syscall_info, a part", PTRACE_GET_SYSCALL_INFO, 12);
	gets("seccomp_get_filter", PTRACE_SECCOMP_GET_FILTER, 0);
	gets("rseq", 0x420f, 24);
	gets("dispatch", 0x4211, 32);
	fills();
	puts("process_vm_readv");
	pieces(SYS_process_vm_readv);
	puts("process_vm_writev, and what it has written");
	pieces(SYS_process_vm_writev);
	pieces(SYS_process_vm_readv);
	ptrace(PTRACE_DETACH, pid, 0, 0);
	return 0;
}
