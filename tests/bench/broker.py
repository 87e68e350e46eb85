#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the broker costs unmodified tracers, each against itself natively in the same run: medians of several rounds, in turn.

Usage: broker.py TRAPLINE [--rounds N]
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from run import build_of_many_files, measure, medians, report  # noqa: E402

STRACE = ["strace", "-f", "-o", "/dev/null"]


def on(trapline):
    return [trapline, "run", "--"]


def loops(trapline, tmp, rounds):
    calls = 24000
    loop, none = ["./loop", str(calls)], ["./loop", "0"]
    m = medians({"ours": on(trapline) + STRACE + loop, "strace": STRACE + loop, "bound": ["taskset", "-c", "0"] + STRACE + loop,
                 "start": on(trapline) + STRACE + none, "native start": STRACE + none}, rounds, tmp)
    us = {k: 1e6 * v / calls for k, v in m.items()}
    report("a traced call by strace: us, on the broker and natively", f"{us['ours']:.1f}", f"{us['strace']:.1f}",
           us["ours"] / us["strace"], "1 at most")
    report("  of which all that is not the loop: ms", f"{1e3 * m['start']:.0f}", f"{1e3 * m['native start']:.0f}", m["start"] / m['native start'], "")
    report("  natively held on one core", f"{us['ours']:.1f}", f"{us['bound']:.1f}", us["ours"] / us["bound"], "")


def second(trapline, tmp, rounds):
    """One more strace on a program that one traces already, against what the first has added."""
    calls = 8000
    program = f"{tmp}/loop {calls}"

    def together(n):
        # They attach to a program that waits for them.
        attach = "".join("strace -o /dev/null -p $p & " for _ in range(n))
        return on(trapline) + ["sh", "-c", f"(read x < go; exec {program}) & p=$!; {attach} sleep 0.5; echo > go; wait"]
    os.mkfifo(f"{tmp}/go")
    m = medians({n: together(n) for n in (0, 1, 2)}, rounds, tmp)
    report("  a second strace, and the first: us a call", f"{1e6 * (m[2] - m[1]) / calls:.1f}", f"{1e6 * (m[1] - m[0]) / calls:.1f}",
           (m[2] - m[1]) / (m[1] - m[0]), "1 at most")


def builds(trapline, tmp, rounds):
    make, before = build_of_many_files(tmp)
    m = medians({"native": make, "ours": on(trapline) + STRACE + make, "strace": STRACE + make}, rounds, tmp, before)
    over = {k: v - m["native"] for k, v in m.items()}
    report("make -j2 under strace: overhead in s, on the broker", f"{over['ours']:.2f}", f"{over['strace']:.2f}",
           over["ours"] / over["strace"], "1.5 at most")


def steps(trapline, tmp, rounds):
    n = 3000
    gdb = ["gdb", "-q", "-batch", "-ex", "break main", "-ex", "run", "-ex"]
    m = {}
    for name, first in (("ours", on(trapline)), ("gdb", [])):
        times = medians({k: first + gdb + [f"stepi {k}", "--args", "./loop", "100000"] for k in (1, n)}, rounds, tmp)
        m[name] = 1e6 * (times[n] - times[1]) / n
    report("a stepi of gdb's: us, on the broker and natively", f"{m['ours']:.0f}", f"{m['gdb']:.0f}", m["ours"] / m["gdb"], "2 at most")


if __name__ == "__main__":
    measure(loops, second, steps, builds)
