#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A storm of SIGKILL, exec and fork under trace: nothing hangs, nothing is left, every trace is whole JSON.

Usage: storm.py TRAPLINE TRACEES_DIR [--seconds N]
"""
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

SCRIPT = r"""
i=0
while [ $i -lt 30 ]; do
  i=$((i+1))
  (exec "$1/exec_thread" 1) &
  "$1/killed_threads" 1 &
  sh -c 'kill -KILL $$' &
  (sleep 0.00$((i % 9)); kill -KILL $! 2>/dev/null) &
done
wait
"""


def end_session(sid):
    """Kills what is left, until nothing is: what forks meanwhile escapes a single pass."""
    while os.system(f"pkill -KILL -r D,R,S,T,t -s {sid}") == 0:
        time.sleep(0.01)


def one(trapline, tracees, modes, rng):
    with tempfile.TemporaryDirectory(prefix="storm-") as tmp:
        out = f"{tmp}/trace"
        with open(f"{tmp}/err", "w") as stderr:
            p = subprocess.Popen([trapline, "trace", "--format=json", "-o", out] + modes +
                                 ["--", "sh", "-c", SCRIPT, "sh", tracees],
                                 stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True)
        kill_it = rng.random() < 0.3
        try:
            if kill_it:
                time.sleep(rng.uniform(0.05, 1.0))
                p.send_signal(rng.choice([signal.SIGKILL, signal.SIGTERM]))
            # Only trapline is waited for: a signal that it had in hand when it was killed is lost, and
            # the program that waits for that signal's effect goes on for ever.
            p.wait(timeout=100)
        except subprocess.TimeoutExpired:
            end_session(p.pid)
            return "hangs"
        err = open(f"{tmp}/err").read()
        if not kill_it and p.returncode != 0:
            return f"exit status {p.returncode}: {err[-500:]}"
        if not kill_it:
            born, dead = set(), set()
            for line in open(out):
                ev = json.loads(line)
                if "tid" in ev:
                    born.add(ev["tid"])
                if ev["ev"] in ("exit", "killed", "superseded"):
                    dead.add(ev["tid"])
                if "former" in ev:
                    dead.add(ev["former"])  # it goes on under the leader's id
            if born - dead:
                return f"never reported dead: {sorted(born - dead)}"
        # Whatever became of trapline, no program may be left stopped.
        time.sleep(0.05)
        left = subprocess.run(["ps", "-o", "pid,stat,comm", "-s", str(p.pid)], capture_output=True, text=True).stdout
        stopped = [l for l in left.splitlines()[1:] if l.split()[1][0] in "tT"]
        end_session(p.pid)
        return f"left stopped: {stopped}" if stopped else None


def main():
    trapline, tracees = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    seconds = float(sys.argv[sys.argv.index("--seconds") + 1]) if "--seconds" in sys.argv else 60
    rng, end, n = random.Random(4711), time.time() + seconds, 0
    while time.time() < end:
        modes = rng.choice([[], ["--no-place"], ["--pretend=no-syscall-info"], ["--check-stops"], ["-e", "trace=execve,wait4"]])
        if "-e" in modes:
            modes += ["--via=stops"]
        why = one(trapline, tracees, modes, rng)
        n += 1
        if why:
            print(f"FAIL storm {n} {modes}: {why}")
            return 1
    print(f"{n} storms survived")
    return 0


if __name__ == "__main__":
    sys.exit(main())
