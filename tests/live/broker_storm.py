#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""SIGKILL to random tools, servers and fronts while several tracers share a busy program: it is never lost, stopped or wrong.

Usage: broker_storm.py TRAPLINE TRACEES_DIR [--rounds N] [--seed N]
"""
import argparse
import os
import random
import signal
import subprocess
import sys
import time

from checks import is_ours

parser = argparse.ArgumentParser()
parser.add_argument("trapline")
parser.add_argument("tracees")
parser.add_argument("--rounds", type=int, default=12)
parser.add_argument("--seed", type=int, default=int(time.time()))
o = parser.parse_args()
TRAPLINE, TRACEES = os.path.abspath(o.trapline), os.path.abspath(o.tracees)
TOOLS = [["strace", "-f", "-o", "/dev/null", "-p"], ["strace", "-o", "/dev/null", "-e", "trace=none", "-p"],
         ["strace", "-f", "-c", "-o", "/dev/null", "-p"]]


def status(pid, key):
    try:
        for line in open(f"/proc/{pid}/status"):
            if line.startswith(key + ":"):
                return line.split()[1]
    except OSError:
        pass
    return None


def below(pid):
    found = []
    try:
        for t in os.listdir(f"/proc/{pid}/task"):
            for c in open(f"/proc/{pid}/task/{t}/children").read().split():
                found += [int(c)] + below(int(c))
    except OSError:
        pass
    return found


def of_program(pid):
    """All that it was given to."""
    found = []
    for p in filter(str.isdigit, os.listdir("/proc")):
        try:
            if open(f"/proc/{p}/cmdline").read().split("\0")[-2:-1] == [str(pid)]:
                found.append(int(p))
        except OSError:
            pass
    return found


def threads(pid):
    return [int(t) for t in os.listdir(f"/proc/{pid}/task")]


def free(pid):
    """Traced by nobody, and no thread stopped."""
    try:
        return all(status(t, "TracerPid") == "0" and status(t, "State") not in "tT" for t in threads(pid))
    except (OSError, TypeError):
        return False


def switches(pid):
    return sum(int(status(t, "voluntary_ctxt_switches") or 0) + int(status(t, "nonvoluntary_ctxt_switches") or 0) for t in threads(pid))


def cpu(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def one_round(rng):
    program = subprocess.Popen([f"{TRACEES}/called", "4", "0", "signals"], stdout=subprocess.DEVNULL)
    time.sleep(0.1)
    runs = [subprocess.Popen([TRAPLINE, "run", "--", *rng.choice(TOOLS), str(program.pid)], process_group=0,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(rng.randint(1, 3))]
    time.sleep(rng.uniform(0.05, 0.6))
    killed = []
    for _ in range(rng.randint(1, 3)):
        # Never a server and its front at once: that is the exception which is documented.
        run = rng.choice(runs)
        parts = [p for p in below(run.pid) if status(p, "Name") in ("strace", "trapline-server")] or [run.pid]
        part = rng.choice(parts)
        killed.append((part, status(part, "Name")))
        try:
            os.kill(part, signal.SIGKILL)
        except ProcessLookupError:
            pass
        time.sleep(rng.uniform(0, 0.1))
    for run in runs:
        run.terminate()
    # Those whose front was killed, too.
    for p in of_program(program.pid):
        if status(p, "Name") == "strace":
            try:
                os.kill(p, signal.SIGTERM)
            except ProcessLookupError:
                pass
    late = []
    for run in runs:
        try:
            run.wait(10)
        except subprocess.TimeoutExpired:
            late.append([(p, status(p, "Name"), status(p, "State")) for p in [run.pid] + below(run.pid)])
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()
    end = time.monotonic() + 5
    while not free(program.pid) and time.monotonic() < end:
        time.sleep(0.02)
    wrong = []
    if late:
        wrong.append(f"did not end: {late}")
    if program.poll() is not None:
        wrong.append(f"the program died: {program.returncode}")
    elif not free(program.pid):
        wrong.append(f"the program is traced or stopped: {[(t, status(t, 'State'), status(t, 'TracerPid')) for t in threads(program.pid)]}")
    else:
        before, end = cpu(program.pid), time.monotonic() + 5
        while cpu(program.pid) == before and time.monotonic() < end:
            time.sleep(0.02)
        if cpu(program.pid) == before:
            wrong.append("the program does not go on")
    program.terminate()
    try:
        if program.wait(10):
            wrong.append(f"the program's result is wrong: {program.returncode}")
    except subprocess.TimeoutExpired:
        wrong.append("the program did not end")
        program.kill()
        program.wait()
    return wrong and f"{wrong}, killed {killed}"


def straces():
    return set(subprocess.run(["pgrep", "-x", "strace"], capture_output=True, text=True).stdout.split())


def main():
    failed = 0
    others = straces()
    for i in range(o.rounds):
        wrong = one_round(random.Random(o.seed * 1000 + i))
        if wrong:
            failed += 1
            print(f"FAIL seed {o.seed}, round {i}: {wrong}", flush=True)
    # strace tries the kernel out on a child, which stops itself, or pauses: killed in that moment it leaves it so, without a broker too.
    for pid in straces() - others:
        if (status(pid, "State") or "").startswith(("T", "S")) and status(pid, "PPid") == "1" and status(pid, "TracerPid") == "0":
            os.kill(int(pid), signal.SIGKILL)
    time.sleep(2)
    left = subprocess.run(["pgrep", "-x", "trapline-server"], capture_output=True, text=True).stdout.split()
    left = [p for p in left if is_ours(p) and status(p, "State") not in (None, "Z")]
    print(f"{o.rounds} rounds, {failed} failed; {len(left)} servers left")
    return failed > 0 or len(left) > 0


if __name__ == "__main__":
    sys.exit(main())
