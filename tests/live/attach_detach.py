#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Attaching to and detaching from a process with 200 threads, over and over.

No thread is missed, none is left stopped or traced, and none sees an EINTR that it would not have seen.

Usage: attach_detach.py TRAPLINE TRACEES_DIR [--rounds N]
"""
import os
import re
import signal
import subprocess
import sys
import time


def statuses(pid):
    for tid in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{tid}/status") as f:
                yield tid, f.read()
        except (FileNotFoundError, ProcessLookupError):
            pass


def field(text, key):
    return re.search(rf"^{key}:\s*(.*)$", text, re.M)[1]


# Under nohup, or in a script's background, the tracer would rightly ignore them.
for sig in (signal.SIGHUP, signal.SIGINT):
    signal.signal(sig, signal.SIG_DFL)


def main():
    trapline, tracees = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    rounds = int(sys.argv[sys.argv.index("--rounds") + 1]) if "--rounds" in sys.argv else 20
    victim = subprocess.Popen([f"{tracees}/many_threads"], stdout=subprocess.PIPE)
    victim.stdout.readline()
    failures = []
    for i in range(rounds):
        t = subprocess.Popen([trapline, "trace", "-p", str(victim.pid), "-o", "/dev/null"]
                             + (["-e", "trace=none"] if i % 4 == 3 else []),
                             stderr=subprocess.PIPE, text=True)
        # Attached when every thread says so; a slow machine takes its time, a missed thread forever.
        # Every other round asks for the end in the midst of the beginning.
        for _ in range(500):
            if i % 2:
                if t.stderr.readline().startswith("trapline: attached to"):
                    break
                continue
            tracers = {field(s, "TracerPid") for _, s in statuses(victim.pid)}
            if tracers == {str(t.pid)}:
                break
            time.sleep(0.01)
        else:
            failures.append(f"round {i}: traced by {tracers}, not by {t.pid} alone")
        time.sleep(0.05 * (i % 5))
        t.send_signal([signal.SIGINT, signal.SIGTERM, signal.SIGHUP][i % 3])
        # The tracer's own end may take long on a busy machine, behind locks of the kernel's.
        for _ in range(2000):
            if t.poll() is not None or {field(s, "TracerPid") for _, s in statuses(victim.pid)} == {"0"}:
                break
            time.sleep(0.01)
        else:
            t.kill()
            failures.append(f"round {i}: does not detach")
            break
        t.communicate(timeout=120)
        time.sleep(0.02)
        for tid, s in statuses(victim.pid):
            if field(s, "TracerPid") != "0" or field(s, "State")[0] in "Tt":
                failures.append(f"round {i}: thread {tid}: {field(s, 'State')}, tracer {field(s, 'TracerPid')}")
        if victim.poll() is not None:
            failures.append(f"round {i}: the process died: {victim.returncode}")
            break
    victim.terminate()
    status = victim.wait(timeout=20)
    if status:
        failures.append(f"the process saw calls broken: exit status {status}")
    for f in failures[:20]:
        print("FAIL", f)
    print(f"{rounds} rounds, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
