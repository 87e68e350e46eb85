/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /proc/PID/mem of a tracee: descriptors, reads and writes of any kind, and what is wrong. */
#include "conform.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>

static char text[64] = "what is written here";

static void prints(void)
{
	printf("tracee: %s\n", text);
	fflush(stdout);
	_exit(0);
}

static int open_mem(pid_t pid, bool by_task, int flags)
{
	char path[64];

	if (by_task)
		snprintf(path, sizeof(path), "/proc/%d/task/%d/mem", (int)pid, (int)pid);
	else
		snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	return open(path, flags);
}

static void tell_io(const char *what, ssize_t n)
{
	printf("%s: %zd%s%s\n", what, n, n < 0 ? " " : "", n < 0 ? error_name(errno) : "");
}

static off_t at(const void *addr)
{
	return (off_t)(uintptr_t)addr;
}

static void reads_and_writes(void)
{
	pid_t pid = traced(prints);
	int fd = open_mem(pid, false, O_RDWR | O_CLOEXEC), other = open_mem(pid, true, O_RDWR);
	char buf[64] = "";

	printf("%d %d\n", fcntl(fd, F_GETFD), fcntl(other, F_GETFD));
	tell_io("pread", pread(fd, buf, 7, at(text)));
	printf("%s\n", buf);
	tell_io("pwrite", pwrite(other, "that", 4, at(text)));
	tell_io("pread", pread(fd, buf, 8, at(text)));
	printf("%s\n", buf);
	tell_io("lseek", lseek(fd, at(text + 5), SEEK_SET) == at(text + 5));
	tell_io("write", write(fd, "was", 3));
	tell_io("read", read(fd, buf, 9));
	printf("%.9s\n", buf);
	tell_io("where", lseek(fd, 0, SEEK_CUR) - at(text));
	tell_io("nothing", pread(fd, buf, 0, at(text)));
	close(fd);
	tell_io("closed", pread(fd, buf, 1, at(text)));
	fd = open_mem(pid, true, O_RDWR);
	tell_io("opened again", pread(fd, buf, 4, at(text)));
	printf("%.4s\n", buf);
	to_the_end(pid, PTRACE_CONT);
	tell_io("of the dead", pread(fd, buf, 4, at(text)));
	tell_io("of the dead", pwrite(fd, buf, 4, at(text)));
}

static void bad_places(void)
{
	pid_t pid = traced(prints);
	int fd = open_mem(pid, false, O_RDWR);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *two =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *volatile nowhere = (char *)8;
	char buf[8] = "";

	tell_io("nothing there", pread(fd, buf, 8, 8));
	tell_io("nothing there", pwrite(fd, buf, 8, 8));
	tell_io("no buffer", pread(fd, nowhere, 8, at(text)));
	tell_io("no buffer", pwrite(fd, nowhere, 8, at(text)));
	tell_io("read-only text", pwrite(fd, buf, 0, at(prints)));
	munmap(two + page, page);
	tell_io("over a page's end", pread(fd, two + page - 8, 16, at(text)));
	to_the_end(pid, PTRACE_CONT);
}

static void end_of_mapping(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *two =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char buf[64];
	pid_t pid;
	int fd;

	munmap(two + page, page);
	pid = traced(prints);
	fd = open_mem(pid, false, O_RDWR);
	tell_io("read over the end", pread(fd, buf, 64, at(two + page - 16)));
	tell_io("write over the end", pwrite(fd, buf, 64, at(two + page - 24)));
	to_the_end(pid, PTRACE_CONT);
}

static void much(void)
{
	enum { MUCH = 300000 };
	static char from[MUCH], to[MUCH];
	pid_t pid;
	int fd;

	for (int i = 0; i < MUCH; i++)
		from[i] = (char)(i * 31);
	pid = traced(prints);
	fd = open_mem(pid, false, O_RDWR);
	tell_io("pread", pread(fd, to, MUCH, at(from)));
	printf("%s\n", memcmp(from, to, MUCH) ? "differs" : "the same");
	for (int i = 0; i < MUCH; i++)
		to[i] = (char)~to[i];
	tell_io("pwrite", pwrite(fd, to, MUCH, at(from)));
	memset(to, 0, MUCH);
	tell_io("pread", pread(fd, to, MUCH, at(from)));
	for (int i = 0; i < MUCH; i++)
		to[i] = (char)~to[i];
	printf("%s\n", memcmp(from, to, MUCH) ? "differs" : "the same");
	to_the_end(pid, PTRACE_CONT);
}

/* Whatever number it gets: the program's own limit stays as it is. */
static void few_descriptors(void)
{
	struct rlimit few = { 64, 64 }, is;
	pid_t pid = traced(prints);
	char buf[8] = "";
	int fd;

	getrlimit(RLIMIT_NOFILE, &is);
	few.rlim_max = is.rlim_max;
	setrlimit(RLIMIT_NOFILE, &few);
	fd = open_mem(pid, false, O_RDWR);
	tell_io("pread", pread(fd, buf, 4, at(text)));
	getrlimit(RLIMIT_NOFILE, &is);
	printf("%s %u\n", buf, (unsigned)is.rlim_cur);
	few.rlim_max = 64;
	setrlimit(RLIMIT_NOFILE, &few);
	fd = open_mem(pid, false, O_RDWR);
	tell_io("pread", pread(fd, buf, 4, at(text)));
	to_the_end(pid, PTRACE_CONT);
}

static void many_descriptors(void)
{
	enum { MANY = 80 };
	pid_t pid = traced(prints);
	int fds[MANY], wrong = 0;
	char buf[8] = "";

	for (int i = 0; i < MANY; i++)
		fds[i] = open_mem(pid, i & 1, O_RDWR);
	for (int i = 0; i < MANY; i++)
		wrong += pread(fds[i], buf, 4, at(text)) != 4 || memcmp(buf, "what", 4) != 0;
	for (int i = 0; i < MANY; i += 2)
		close(fds[i]);
	for (int i = 1; i < MANY; i += 2)
		wrong += pread(fds[i], buf, 4, at(text)) != 4;
	printf("%d wrong\n", wrong);
	to_the_end(pid, PTRACE_CONT);
}

/* Another file under the number of a closed one; which may lie above what is usual. */
static void another_file(void)
{
	pid_t pid = traced(prints);
	int fd = open_mem(pid, false, O_RDWR), copy = dup(fd), pair[2];
	struct rlimit most;
	char buf[8] = "";

	getrlimit(RLIMIT_NOFILE, &most);
	most.rlim_cur = most.rlim_max;
	setrlimit(RLIMIT_NOFILE, &most);
	tell_io("pipe", pipe(pair));
	dup2(pair[1], fd);
	tell_io("write", write(fd, "pipe", 4));
	tell_io("read", read(pair[0], buf, 4));
	printf("%s\n", buf);
	tell_io("copy", pread(copy, buf, 4, at(text)));
	printf("%s\n", buf);
	to_the_end(pid, PTRACE_CONT);
}

static void executes(void)
{
	execl("/bin/true", "true", NULL);
	_exit(9);
}

static void after_exec(void)
{
	pid_t pid = traced(executes);
	int fd = open_mem(pid, false, O_RDWR);
	char buf[8] = "";

	rq(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXEC);
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	tell_io("the old memory", pread(fd, buf, 4, at(text)));
	tell_io("the old memory", pwrite(fd, buf, 4, at(text)));
	to_the_end(pid, PTRACE_CONT);
}

/* As it sees it: its own, and what lay under it when that is put back. */
static void breakpoint(void)
{
	static const unsigned char code[2][4] = { { 0xcc }, { 0, 0, 0x20, 0xd4 } };
	pid_t pid = traced(prints);
	int fd = open_mem(pid, false, O_RDWR);
	unsigned char was[4], is[4];
	unsigned long value[2] = { 0 };
	size_t len = 1;
	int arm = 0;

#ifdef __aarch64__
	len = 4;
	arm = 1;
#endif
	pread(fd, was, len, at(prints));
	tell_io("set", pwrite(fd, code[arm], len, at(prints)));
	pread(fd, is, len, at(prints));
	printf("%s\n", memcmp(is, code[arm], len) ? "is not there" : "is there");
	rq(PTRACE_PEEKTEXT, pid, (unsigned long)prints, (unsigned long)value);
	printf("%s\n", memcmp(value, code[arm], len) ? "is not there" : "is there");
	rq(PTRACE_CONT, pid, 0, 0);
	show(pid, 0);
	tell_io("lifted", pwrite(fd, was, len, at(prints)));
	pread(fd, is, len, at(prints));
	printf("%s\n", memcmp(is, was, len) ? "differs" : "the same");
	rq(PTRACE_KILL, pid, 0, 0);
	show(pid, 0);
}

/* Of a process that it does not trace. */
static void of_others(void)
{
	pid_t pid = traced(prints), ours = getpid();
	int fd = open_mem(ours, false, O_RDWR);
	char buf[8] = "";

	tell_io("its own", pread(fd, buf, 4, at(text)));
	tell_io("no process", open_mem(0x3fffffff, false, O_RDWR));
	fd = open_mem(pid, false, O_RDONLY);
	tell_io("for reading", pread(fd, buf, 4, at(text)));
	tell_io("for reading", pwrite(fd, buf, 4, at(text)));
	fd = open_mem(pid, false, O_WRONLY);
	tell_io("for writing", pwrite(fd, "When", 4, at(text)));
	tell_io("for writing", pread(fd, buf, 4, at(text)));
	to_the_end(pid, PTRACE_CONT);
}

const struct conform_case cases_memory[] = { { "mem-io", reads_and_writes },
					     { "mem-bad", bad_places },
					     { "mem-end", end_of_mapping },
					     { "mem-much", much },
					     { "mem-few-fds", few_descriptors },
					     { "mem-many-fds", many_descriptors },
					     { "mem-another-file", another_file },
					     { "mem-exec", after_exec },
					     { "mem-breakpoint", breakpoint },
					     { "mem-of-others", of_others },
					     { NULL, NULL } };
