#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Decoding against strace -v: the same program twice, addresses and the like normalised, call by call.

Usage: decoding.py TRAPLINE TRACEES_DIR [--verbose]
"""
import collections
import os
import re
import subprocess
import sys
import tempfile

from widths import runs

SWAPS = [
    (r"0x[0-9a-f]{5,}", "ADDR"), (r"\b\d{3,}\b", "N"), (r"st_(ino|[amc]time(_nsec)?|blocks|size|nlink)=[^,}]*(/\*.*?\*/)?", r"st_\1"),
    (r"stx_\w*time=\{[^}]*\}( /\*.*?\*/)?", "stx_time"), (r"stx_(ino|size|blocks|nlink)=\d+", r"stx_\1"),
    (r"makedev\([^)]*\)", "DEV"), (r"tv_(sec|nsec|usec)=\d+", r"tv_\1"), (r" += ", " = "), (r"ru_\w+=\d+", "ru"),
    (r"\"(\\x[0-9a-f]{2})+\"", '"HEX"'), (r"tms_\w+=\d+( /\*.*?\*/)?", "tms"),
]


def normal(path):
    calls = []
    for line in open(path, errors="replace"):
        line = re.sub(r"^\d+ +", "", line.rstrip("\n"))
        if "unfinished" in line or "resumed" in line or not re.match(r"\w+\(", line):
            continue
        for pattern, by in SWAPS:
            line = re.sub(pattern, by, line)
        calls.append(line)
    return calls


def compare(theirs, mine):
    """How often each call was equal, and what differed."""
    seen, wrong, pool = collections.Counter(), collections.defaultdict(list), collections.Counter(theirs)
    for line in mine:
        call = re.match(r"\w+", line)[0]
        if pool[line]:
            pool[line] -= 1
            seen[call] += 1
        else:
            wrong[call].append(line)
    for line in pool.elements():
        wrong[re.match(r"\w+", line)[0] + " (strace)"].append(line)
    return seen, wrong


def programs(tracees):
    here = os.path.dirname(os.path.abspath(__file__))
    return [["ls", "-la", "/etc"], [f"{tracees}/every_call"], ["/usr/bin/python3", f"{here}/many_calls.py"], ["git", "--version"], ["id"],
            *[[f"{tracees}/{narrow}"] for narrow in ("static_i386", "every_call_32") if runs(tracees, narrow)],
            [f"{tracees}/interrupted"], ["df"], ["busybox", "ls", "-l", "/"]]


def main():
    trapline, tracees = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    seen, wrong = collections.Counter(), collections.defaultdict(list)
    for argv in programs(tracees):
        with tempfile.TemporaryDirectory() as tmp:
            env = dict(os.environ, TMPDIR=tmp, PYTHONHASHSEED="0", PYTHONDONTWRITEBYTECODE="1")
            for name, tool in (("s", ["strace", "-f", "-v", "-o"]), ("t", [trapline, "trace", "-v", "-o"])):
                subprocess.run(tool + [f"{tmp}/{name}", "--"] + argv, cwd=tmp, env=env, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
            equal, differs = compare(normal(f"{tmp}/s"), normal(f"{tmp}/t"))
        seen.update(equal)
        for call, lines in differs.items():
            wrong[call] += lines
    # A call whose every line differs is decoded differently; a few lines differ from run to run.
    bad = sorted(c for c in wrong if not c.endswith("(strace)") and not seen[c])
    print(f"{len(seen)} calls decoded as strace -v does; different in every line: {len(bad)}: {' '.join(bad)}")
    if "--verbose" in sys.argv:
        for c in wrong:
            print(f"{c}:\n   ours {wrong[c][:1]}\n   strace {wrong.get(c + ' (strace)', [])[:1]}")
    return 1 if len(seen) < 250 or len(bad) > 5 else 0


if __name__ == "__main__":
    sys.exit(main())
