#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Small ptrace programs print on the broker what they print natively, alone and with strace on them and all their tracees.

Usage: run.py TRAPLINE CONFORM [CASE...]
       run.py TRAPLINE CONFORM FIRST-LAST    random traces of these seeds, alone
       run.py TRAPLINE CONFORM family:FIRST-LAST    random waits of these seeds, alone
       run.py TRAPLINE CONFORM crowd:FIRST-LAST    the same for a tracee of many threads
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

TRAPLINE, CONFORM = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
LIMIT = 40
# What these do has to be over before they go on: on a busy machine that may take longer than they wait at first.
TIMED = ("family", "crowd")


def output(argv, **env):
    """What it prints; killed with all that it has started if it does not end."""
    with tempfile.TemporaryFile() as out:
        p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, process_group=0, env=os.environ | env)
        try:
            status = p.wait(LIMIT)
        except subprocess.TimeoutExpired:
            status = "did not end"
        try:
            os.killpg(p.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        p.wait()
        out.seek(0)
        return out.read().decode(errors="replace"), status


def main():
    cases = sys.argv[3:] or subprocess.run([CONFORM], capture_output=True, text=True, check=True).stdout.split()
    ways = {"alone": [TRAPLINE, "run", "--"]}
    kind = None
    seeds = re.fullmatch(r"(family:|crowd:)?(\d+)-(\d+)", cases[0])
    if seeds:
        kind = (seeds[1] or "random:")[:-1]
        cases = [f"{kind}-{seed}" for seed in range(int(seeds[2]), int(seeds[3]) + 1)]
    elif shutil.which("strace"):
        ways["with strace"] = [TRAPLINE, "run", "--", "strace", "-f", "-o", "/dev/null"]
    else:
        print("FAIL strace is not there")
    failed = 0
    for case in cases:
        natively = output([CONFORM, case])
        for name, way in ways.items():
            is_there = output(way + [CONFORM, case])
            # The kernel tells a stop that is waited for at once with a status of 0, now and then.
            differs = is_there != natively and is_there != output([CONFORM, case])
            if differs and kind in TIMED:
                differs = output(way + [CONFORM, case], SLOW="8") != output([CONFORM, case], SLOW="8")
            if differs or not natively[0]:
                failed += 1
                print(f"FAIL {case}, {name}\n-- natively ({natively[1]})\n{natively[0]}-- on the broker ({is_there[1]})\n{is_there[0]}")
    failed += len(ways) < 2 and not seeds
    print(f"{len(cases)} cases, each {' and '.join(ways)}: {failed} differ")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
