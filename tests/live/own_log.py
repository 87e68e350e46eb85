#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Exactness where the kernel has no tracepoints: programs that write down their own calls, each with its arguments and result.

Usage: own_log.py BUILD [LANE]    (without a lane: here)
"""
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCENES = ("calls", "threads", "processes", "signals")
GUEST = r"""
export PATH=$PATH:$BUILD/src
for scene in calls threads processes signals; do
	trapline trace MODE --format=json -o /tmp/own_log.out $DIR/own_log $scene /tmp/own_log.log >/dev/null || echo "status $?"
	echo "<<<log>>>"; cat /tmp/own_log.log; echo "<<<ours>>>"; grep -v '"ev":"signal"' /tmp/own_log.out | sed 's/"text":.*],"ret"/"ret"/'; echo "<<<end>>>"
	rm -f /tmp/own_log.out /tmp/own_log.log
done
"""
MODES = ("", "--via=stops", "--no-place")
BEGIN, END = -7001, -7002
EINTR, ERESTART = -4, (-512, -513, -514, -516)


def logged(text):
    calls = {}
    for line in text.splitlines():
        tid, nr, *args, ret = line.split()
        calls.setdefault(int(tid), []).append((int(nr), tuple(int(a, 16) for a in args), int(ret)))
    return calls


def traced(text):
    """The same of our trace: between the marks, as the program saw them: a call that came again is one, one that was broken EINTR."""
    calls, inside = {}, set()
    for line in text.splitlines():
        e = json.loads(line)
        if e["ev"] != "syscall" or "ret" not in e:
            continue
        tid, args, ret = e["tid"], tuple(int(a, 0) for a in e["args"]), e["ret"]
        mark = args[0] - (1 << 64) if args[0] >> 63 else args[0]
        mark = mark - (1 << 32) if mark >> 31 == 1 else mark
        if e["name"] == "write" and mark in (BEGIN, END):
            (inside.add if mark == BEGIN else inside.discard)(tid)
        elif tid in inside and e["name"] != "rt_sigreturn":
            calls.setdefault(tid, []).append((e["nr"], args, ret, e["name"]))
    return {tid: as_seen(list_) for tid, list_ in calls.items()}


def as_seen(calls):
    """In the order in which they began."""
    seen, broken = [], None
    for nr, args, ret, name in calls:
        if broken is not None and (seen[broken][:2] == (nr, args) or name == "restart_syscall"):
            seen[broken] = seen[broken][:2] + (ret,)
            broken = None if ret not in ERESTART else broken
            continue
        if name != "getuid" and broken is not None:
            # Nothing but the handler's own call came between: it was not made again.
            seen[broken], broken = seen[broken][:2] + (EINTR,), None
        broken = len(seen) if ret in ERESTART else broken
        seen.append((nr, args, ret))
    return seen


def run(build, lane, mode):
    script = GUEST.replace("MODE", mode)
    if lane:
        argv = [f"{ROOT}/tools/lane", lane, "--timeout", "600", "--with", f"{build}/tests/own_log", "--", "sh", "-c", "DIR=.;" + script]
    else:
        argv = ["sh", "-c", f"BUILD={build}; DIR=$BUILD/tests;" + script]
    p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=dict(os.environ, BUILD=build))
    logs = re.findall(r"<<<log>>>\n(.*?)<<<ours>>>\n(.*?)<<<end>>>", p.stdout, re.S)
    if len(logs) != len(SCENES):
        print(f"only {len(logs)} of {len(SCENES)} programs ran\n{p.stdout[-2000:]}")
        return 0, True
    total, failed = 0, False
    for scene, (log, ours) in zip(SCENES, logs):
        want, got = logged(log), traced(ours)
        total += sum(map(len, want.values()))
        if want == got and want:
            continue
        failed = True
        print(f"{scene} {mode}: {sum(map(len, want.values()))} calls logged, {sum(map(len, got.values()))} traced")
        for tid in want:
            theirs, mine = want[tid], got.get(tid, [])
            i = next((i for i, (a, b) in enumerate(zip(theirs, mine)) if a != b), min(len(theirs), len(mine)))
            if theirs != mine:
                print(f"  {tid}, call {i}: logged {theirs[i:i + 2]}, traced {mine[i:i + 2]}")
    return total, failed


def main():
    build, lane = os.path.abspath(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None
    total, failed = 0, False
    for mode in MODES[:1] if lane else MODES:
        n, bad = run(build, lane, mode)
        total, failed = total + n, failed or bad
    print(f"{total} calls of {len(SCENES)} programs, {'not ' if failed else ''}as they logged them")
    return failed


if __name__ == "__main__":
    sys.exit(main())
