#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Figures, each as a ratio against the peer measured in the same run: medians of several rounds, in turn.

Usage: run.py TRAPLINE [--rounds N]
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

LOOP = r"""
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void allow_all(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { 1, &allow };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void time_itself(long n)
{
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (long i = 0; i < n; i++)
		syscall(SYS_getppid);
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%.2f\n", ((b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec)) / n);
}

int main(int argc, char **argv)
{
	long n = atol(argv[1]);
	int tasks = argc > 2 ? atoi(argv[2]) : 1;

	if (argc > 2 && !strncmp(argv[2], "time", 4)) {
		if (!strcmp(argv[2], "time-filtered"))
			allow_all();
		time_itself(n);
		return 0;
	}
	for (int i = 1; i < tasks; i++)
		if (!fork())
			break;
	while (n--)
		syscall(SYS_getppid);
	while (wait(NULL) > 0)
		;
	return 0;
}
"""


def seconds(argv, cwd):
    start = time.monotonic()
    subprocess.run(argv, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.monotonic() - start


def medians(commands, rounds, cwd, before=None):
    times = {name: [] for name in commands}
    for _ in range(rounds):
        for name, argv in commands.items():
            if before:
                before()
            times[name].append(seconds(argv, cwd))
    return {name: statistics.median(t) for name, t in times.items()}


def report(what, ours, peer, ratio, want):
    print(f"{what:58} {ours:>12} {peer:>12}   {ratio:6.2f}  {want}", flush=True)


def loops(trapline, tmp, rounds):
    ours, strace = [trapline, "trace", "-o", "/dev/null", "--"], ["strace", "-f", "-o", "/dev/null"]
    for tasks, n, want in ((1, 20000, "4 wanted"), (2, 15000, "2.5 wanted"), (8, 8000, "1 wanted")):
        loop = ["./loop", str(n), str(tasks)]
        m = medians({"ours": ours + loop, "strace": strace + loop}, rounds, tmp)
        us = {k: 1e6 * v / (n * tasks) for k, v in m.items()}
        report(f"a traced call, {tasks} busy task(s): us, ours and strace -f", f"{us['ours']:.1f}", f"{us['strace']:.1f}",
               us["strace"] / us["ours"], want)
        if tasks == 1:
            m = medians({"ours": ours + loop, "strace": ["taskset", "-c", "0"] + strace + loop}, rounds, tmp)
            us = {k: 1e6 * v / n for k, v in m.items()}
            report("  against strace held on one core", f"{us['ours']:.1f}", f"{us['strace']:.1f}", us["ours"] / us["strace"],
                   "1.1 at most")


def driving(trapline, tmp, rounds):
    """Both ways to drive a session, with an engine that only counts."""
    drive = os.path.join(os.path.dirname(trapline), "../tests/bench-drive")
    us = {"run": [], "turn": []}
    for _ in range(rounds):
        for way, list_ in us.items():
            p = subprocess.run([drive, way, "20000"], cwd=tmp, stdout=subprocess.PIPE, check=True, text=True)
            list_.append(float(p.stdout) / 1000)
    m = {way: statistics.median(v) for way, v in us.items()}
    report("a stop by turn() and a polled descriptor, and by run(): us", f"{m['turn']:.1f}", f"{m['run']:.1f}",
           m["turn"] / m["run"], "the cost of turn()")


def unselected(trapline, tmp, rounds):
    """The loop times itself. An empty filter of the program's own is the least that the kernel makes a filter cost."""
    loop = ["./loop", "3000000", "time"]
    commands = {"native": loop, "empty": loop[:2] + ["time-filtered"],
                "filtered": [trapline, "trace", "-e", "kexec_load", "-o", "/dev/null", "--"] + loop}
    ns = {name: [] for name in commands}
    for _ in range(rounds * 3):
        for name, argv in commands.items():
            ns[name].append(float(subprocess.run(argv, cwd=tmp, stdout=subprocess.PIPE, check=True, text=True).stdout))
    m = {name: statistics.median(v) for name, v in ns.items()}
    report("a call that is not selected: ns, filtered and native", f"{m['filtered']:.0f}", f"{m['native']:.0f}",
           m["filtered"] - m["native"], "60 ns more at most")
    report("  with an empty filter of its own instead", f"{m['empty']:.0f}", f"{m['native']:.0f}", m["empty"] - m["native"],
           "ns, the kernel's own cost")


def build_of_many_files(tmp):
    """make's command line, and what goes before each."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../src")
    files = ["decode/stat.c", "decode/process.c", "decode/net.c", "decode/file.c"]
    inc = f"-I{source}/decode -I{source}/base -I{source}/../include"
    names = [f"f{i}" for i in range(40)]
    with open(f"{tmp}/Makefile", "w") as f:
        f.write("all: " + " ".join(n + ".o" for n in names) + "\n")
        for i, n in enumerate(names):
            f.write(f"{n}.o:\n\tgcc -O2 {inc} -c {source}/{files[i % len(files)]} -o {n}.o\n")

    def before():
        for n in names:
            if os.path.exists(f"{tmp}/{n}.o"):
                os.unlink(f"{tmp}/{n}.o")
    return ["make", "-s", "-j2"], before


def build(trapline, tmp, rounds):
    make, before = build_of_many_files(tmp)
    m = medians({"native": make, "ours": [trapline, "trace", "-o", "/dev/null", "--"] + make,
                 "strace": ["strace", "-f", "-o", "/dev/null"] + make,
                 "filtered": [trapline, "trace", "-e", "kexec_load", "-o", "/dev/null", "--"] + make}, rounds, tmp, before)
    over = {k: v - m["native"] for k, v in m.items()}
    report("make -j2, -O2: overhead in s, ours and strace -f", f"{over['ours']:.2f}", f"{over['strace']:.2f}",
           over["ours"] / over["strace"], "0.5 at most")
    report("  with a filter that matches nothing: s, and native", f"{m['filtered']:.2f}", f"{m['native']:.2f}",
           m["filtered"] / m["native"], "1.02 at most")


def memory(trapline, tmp, _):
    calls = 5000000
    p = subprocess.Popen([trapline, "trace", "-o", "/dev/null", "--", "./loop", str(calls)], cwd=tmp, stderr=subprocess.DEVNULL)
    sizes = []
    while p.poll() is None:
        try:
            text = open(f"/proc/{p.pid}/status").read()
            sizes.append(int(text.split("VmRSS:")[1].split()[0]))
        except (FileNotFoundError, IndexError, ProcessLookupError):
            pass
        time.sleep(0.2)
    report("memory over 10 million events: KiB at the end and early", str(sizes[-2]), str(sizes[3]), sizes[-2] / sizes[3], "1 wanted")


def measure(*what):
    """Each by its own, with the loop built, in a folder of theirs."""
    trapline = os.path.abspath(sys.argv[1])
    rounds = int(sys.argv[sys.argv.index("--rounds") + 1]) if "--rounds" in sys.argv else 5
    with tempfile.TemporaryDirectory(prefix="bench-") as tmp:
        with open(f"{tmp}/loop.c", "w") as f:
            f.write(LOOP)
        subprocess.run(["gcc", "-O2", "loop.c", "-o", "loop"], cwd=tmp, check=True)
        print(f"{'what':58} {'ours':>12} {'peer':>12}   {'ratio':>6}")
        for one in what:
            one(trapline, tmp, rounds)


if __name__ == "__main__":
    measure(loops, driving, unselected, build, memory)
