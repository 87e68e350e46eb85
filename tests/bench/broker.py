#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the broker costs unmodified tracers, each against itself natively in the same run: medians of several rounds, in turn.

Usage: broker.py TRAPLINE [--rounds N]
"""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from run import LOOP, build_of_many_files, medians, report  # noqa: E402

STRACE = ["strace", "-f", "-o", "/dev/null"]


def loops(run, tmp, rounds):
    calls = 8000
    loop = ["./loop", str(calls)]
    m = medians({"ours": run + STRACE + loop, "strace": STRACE + loop, "bound": ["taskset", "-c", "0"] + STRACE + loop}, rounds, tmp)
    us = {k: 1e6 * v / calls for k, v in m.items()}
    report("a traced call by strace: us, on the broker and natively", f"{us['ours']:.1f}", f"{us['strace']:.1f}",
           us["ours"] / us["strace"], "1 at most")
    report("  natively held on one core", f"{us['ours']:.1f}", f"{us['bound']:.1f}", us["ours"] / us["bound"], "")


def second(run, tmp, rounds):
    """One more strace on a program that one traces already, against what the first has added."""
    calls = 8000
    program = f"{tmp}/loop {calls}"

    def together(n):
        # They attach to a program that waits for them.
        attach = "".join("strace -o /dev/null -p $p & " for _ in range(n))
        return run + ["sh", "-c", f"(read x < go; exec {program}) & p=$!; {attach} sleep 0.5; echo > go; wait"]
    os.mkfifo(f"{tmp}/go")
    m = medians({n: together(n) for n in (0, 1, 2)}, rounds, tmp)
    report("  a second strace, and the first: us a call", f"{1e6 * (m[2] - m[1]) / calls:.1f}", f"{1e6 * (m[1] - m[0]) / calls:.1f}",
           (m[2] - m[1]) / (m[1] - m[0]), "1 at most")


def builds(run, tmp, rounds):
    make, before = build_of_many_files(tmp)
    m = medians({"native": make, "ours": run + STRACE + make, "strace": STRACE + make}, rounds, tmp, before)
    over = {k: v - m["native"] for k, v in m.items()}
    report("make -j2 under strace: overhead in s, on the broker", f"{over['ours']:.2f}", f"{over['strace']:.2f}",
           over["ours"] / over["strace"], "1.5 at most")


def steps(run, tmp, rounds):
    n = 3000
    gdb = ["gdb", "-q", "-batch", "-ex", "break main", "-ex", "run", "-ex"]
    m = {}
    for name, first in (("ours", run), ("gdb", [])):
        times = medians({k: first + gdb + [f"stepi {k}", "--args", "./loop", "100000"] for k in (1, n)}, rounds, tmp)
        m[name] = 1e6 * (times[n] - times[1]) / n
    report("a stepi of gdb's: us, on the broker and natively", f"{m['ours']:.0f}", f"{m['gdb']:.0f}", m["ours"] / m["gdb"], "2 at most")


def main():
    run = [os.path.abspath(sys.argv[1]), "run", "--"]
    rounds = int(sys.argv[sys.argv.index("--rounds") + 1]) if "--rounds" in sys.argv else 5
    with tempfile.TemporaryDirectory(prefix="bench-") as tmp:
        with open(f"{tmp}/loop.c", "w") as f:
            f.write(LOOP)
        subprocess.run(["gcc", "-O2", "loop.c", "-o", "loop"], cwd=tmp, check=True)
        print(f"{'what':58} {'ours':>12} {'peer':>12}   {'ratio':>6}")
        loops(run, tmp, rounds)
        second(run, tmp, rounds)
        steps(run, tmp, rounds)
        builds(run, tmp, rounds)


if __name__ == "__main__":
    main()
