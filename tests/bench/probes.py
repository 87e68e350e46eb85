#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a probe's hit costs, against a bare ptrace stop, gdb and the kernel's own uprobes in the same run.

Usage: probes.py TRAPLINE [--rounds N]. The uprobes need root.
"""
import argparse
import os
import re
import shutil
import statistics
import subprocess
import tempfile

CALLED = r"""
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

__attribute__((noinline)) long hot(long a)
{
	__asm__ volatile("" ::: "memory");
	return a * 3 + 1;
}

__asm__(".text\n.type pushed, %function\n.globl pushed\npushed:\n push %rbp\n mov %rsp, %rbp\n pop %rbp\n ret\n.size pushed, .-pushed\n");
long pushed(long a);

int main(int argc, char **argv)
{
	long n = atol(argv[1]), sum = 0;
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (long i = 0; i < n; i++)
		sum += argc > 2 ? pushed(i) : hot(i);
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%.1f\n", ((b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec)) / n);
	return sum == -1;
}
"""

# The least that any tracer does at a breakpoint: wait, read the registers, write them, go on.
BARE = r"""
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	long n = atol(argv[1]);
	struct user_regs_struct regs;
	struct timespec a, b;
	int status;
	pid_t pid = fork();

	(void)argc;
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		for (;;)
			__asm__ volatile("int3");
	}
	waitpid(pid, &status, 0);
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (long i = 0; i < n; i++) {
		ptrace(PTRACE_GETREGS, pid, 0, &regs);
		ptrace(PTRACE_SETREGS, pid, 0, &regs);
		ptrace(PTRACE_CONT, pid, 0, 0);
		waitpid(pid, &status, 0);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%.1f\n", ((b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec)) / n);
	ptrace(PTRACE_KILL, pid, 0, 0);
	return 0;
}
"""

TRACING = "/sys/kernel/tracing"


def build(tmp, name, code):
    open(f"{tmp}/{name}.c", "w").write(code)
    subprocess.run(["gcc", "-O2", "-no-pie", "-o", f"{tmp}/{name}", f"{tmp}/{name}.c"], check=True)
    return f"{tmp}/{name}"


def ns(argv):
    return float(subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout.split("\n")[0])


def gdb(called):
    script = f"{called}.gdb"
    open(script, "w").write("break *hot\ncommands\nsilent\ncontinue\nend\nrun 2000\n")
    out = subprocess.run(["gdb", "-nx", "-batch", "-x", script, called], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                         stdin=subprocess.DEVNULL, timeout=120).stdout
    return float(re.search(r"^([\d.]+)$", out, re.M)[1])


def address(called, symbol):
    out = subprocess.run(["nm", called], stdout=subprocess.PIPE, text=True, check=True).stdout
    return int(re.search(rf"^(\w+) T {symbol}$", out, re.M)[1], 16) - 0x400000


def write(path, text):
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def uprobe(called, symbol, kinds, args):
    """kinds: p for an entry, r for a return, or both."""
    on = []
    try:
        for kind in kinds:
            name = f"{kind}_{symbol}"
            write(f"{TRACING}/uprobe_events", f"{kind}:tlbench/{name} {called}:{address(called, symbol):#x}\n")
            on.append(name)
            write(f"{TRACING}/events/tlbench/{name}/enable", "1")
        return ns(args)
    except OSError:
        return None
    finally:
        for name in on:
            write(f"{TRACING}/events/tlbench/{name}/enable", "0")
            write(f"{TRACING}/uprobe_events", f"-:tlbench/{name}\n")


def sites(trapline, tracee):
    """How long a program with so many sites takes, and how many those are."""
    import time
    args = [trapline, "probe", "-c"] + [a for s in ("_IO_*+*", "_dl_*+*", "str*+*") for a in ("-e", s)] + ["--", tracee, "memory"]
    start = time.monotonic()
    out = subprocess.run(args, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True).stderr
    return time.monotonic() - start, len(out.splitlines()) - 2


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("trapline")
    ap.add_argument("--rounds", type=int, default=5)
    o = ap.parse_args()
    trapline = os.path.abspath(o.trapline)
    rows = {}
    with tempfile.TemporaryDirectory(dir="/var/tmp") as tmp:
        called, bare = build(tmp, "called", CALLED), build(tmp, "bare", BARE)
        ways = {
            "hit": lambda: ns([trapline, "probe", "-c", "-e", "hot", "--", called, "20000"]),
            "hit and return": lambda: ns([trapline, "probe", "-c", "-r", "hot", "--", called, "20000"]),
            "bare stop": lambda: ns([bare, "20000"]),
            "bare, one core": lambda: ns(["taskset", "-c", "0", bare, "20000"]),
            "gdb": lambda: gdb(called) if shutil.which("gdb") else None,
            "uprobe": lambda: uprobe(called, "hot", "p", [called, "100000"]),
            "uprobe, emulated": lambda: uprobe(called, "pushed", "p", [called, "100000", "x"]),
            "uprobe, uretprobe": lambda: uprobe(called, "hot", "pr", [called, "100000"]),
            "ltrace": lambda: ns(["ltrace", "-o", "/dev/null", "-x", "hot", called, "2000"]) if shutil.which("ltrace") else None,
        }
        for _ in range(o.rounds):
            for name, way in ways.items():
                rows.setdefault(name, []).append(way())
        tracee = os.path.join(os.path.dirname(trapline), "../tests/workload_static")
        many = [sites(trapline, tracee) for _ in range(o.rounds)]
    m = {name: statistics.median(v) if None not in v else None for name, v in rows.items()}
    for name, v in m.items():
        print(f"{name:18} {v / 1000:8.2f} us" if v else f"{name:18} not here")
    for peer, want in (("bare, one core", "at most 1.25"), ("gdb", "at most 1/15"), ("ltrace", "at most 1/15, and that has the return in it"),
                       ("uprobe", "at most 1.5")):
        if m[peer]:
            print(f"a hit is {m['hit'] / m[peer]:.3f} of {peer} (wanted: {want})")
    # ltrace tells of both whether they are wanted or not. Since 6.11 the kernel's return is no trap on x86-64.
    m["two bare stops"] = 2 * m["bare, one core"]
    for peer, want in (("two bare stops", "at most 1.25"), ("ltrace", "at most 1/15"), ("uprobe, uretprobe", "at most 1.5")):
        if m[peer]:
            print(f"a pair of entry and return is {m['hit and return'] / m[peer]:.3f} of {peer} (wanted: {want})")
    print(f"{many[0][1]} sites in a program, with its run: {statistics.median(t for t, _ in many):.2f} s (wanted: 10,000 in under 3)")


if __name__ == "__main__":
    main()
