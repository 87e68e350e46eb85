#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A tracer with probes in a program is killed at any moment: the program lives, and the next tracer finds and removes what is left.

Usage: survival.py TRAPLINE TRACEES_DIR [--rounds N]
In turn: the tracer alone, its guardian first, both at once, and the program itself.
"""
import argparse
import os
import random
import re
import signal
import subprocess
import sys
import time

from widths import both

ap = argparse.ArgumentParser()
ap.add_argument("trapline")
ap.add_argument("tracees")
ap.add_argument("--rounds", type=int, default=24)
ap.add_argument("--seed", type=int, default=int(time.time()))
ap.add_argument("--threads", default="4")
o = ap.parse_args()
TRAPLINE, TRACEES = os.path.abspath(o.trapline), os.path.abspath(o.tracees)
CHURN = f"{TRACEES}/churn"
random.seed(o.seed)
WAYS = ("tracer", "guardian first", "both", "program")
PROGRAMS = both(TRACEES, "called")


def guardians(program, tracer):
    """Of its churn, whose command line a guardian shares. By that alone: its name it gives itself later."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat, words = open(f"/proc/{pid}/stat").read(), open(f"/proc/{pid}/cmdline").read().split("\0")
        except OSError:
            continue
        if int(pid) != tracer and ") Z" not in stat and words[:2] == [CHURN, str(program)]:
            found.append(int(pid))
    return found


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def status(pid, field):
    return re.search(rf"^{field}:\s*(\S+)", open(f"/proc/{pid}/status").read(), re.M)[1]


def began(pid):
    tids = os.listdir(f"/proc/{pid}/task")
    return len(tids) > int(o.threads) and not any(int(status(f"{pid}/task/{t}", "SigBlk"), 16) & 1 << signal.SIGTRAP - 1 for t in tids)


def ours(pid):
    """Mappings of code without a file."""
    return [line for line in open(f"/proc/{pid}/maps") if re.match(r"\S+ r-xp 00000000 00:00 0 *$", line)]


def program_killed(p, t, program):
    """Nothing of it stays: its tracer ends by itself, and so does the guardian."""
    children = [int(c) for c in open(f"/proc/{p.pid}/task/{p.pid}/children").read().split()]
    kill(p.pid)
    p.wait()
    try:
        left = t.wait(10)
    except subprocess.TimeoutExpired:
        kill(t.pid)
        t.wait()
        return f"{program}: killed, and its tracer waits for it"
    until = time.time() + 5
    while guardians(p.pid, t.pid) and time.time() < until:
        time.sleep(0.01)
    # 1: it was killed before it was attached to.
    if left not in (0, 1) or guardians(p.pid, t.pid):
        return f"{program}: killed, its tracer ended with {left}, guardians {guardians(p.pid, t.pid)}"
    while any(os.path.exists(f"/proc/{c}") and status(c, "State") != "Z" for c in children) and time.time() < until:
        time.sleep(0.01)
    left = [c for c in children if os.path.exists(f"/proc/{c}")]
    return f"{program}: killed, its children {left} are still there" if left and status(left[0], "State") != "Z" else None


def one(round_):
    program, way = PROGRAMS[round_ % len(PROGRAMS)], WAYS[round_ // len(PROGRAMS) % len(WAYS)]
    p = subprocess.Popen([f"{TRACEES}/{program}", o.threads, "0", random.choice(["alone", "signals", "both"])])
    time.sleep(0.1)
    # A thread that begins has all signals blocked, and start_thread is one of libc:s*: an exception, as below.
    until = time.time() + 10
    while not began(p.pid) and time.time() < until:
        time.sleep(0.01)
    caught = status(p.pid, "SigCgt")
    t = subprocess.Popen([CHURN, str(p.pid)])
    time.sleep(random.choice([0.02, 0.1, 0.4]) * random.random() * 2)
    if way == "program":
        return program_killed(p, t, program)
    new = guardians(p.pid, t.pid)
    if way == "guardian first":
        for g in new:
            kill(g)
        time.sleep(0.02 * random.random())
    kill(t.pid)
    if way == "both":
        for g in new:
            kill(g)
    t.wait()
    until = time.time() + 5
    while way == "tracer" and guardians(p.pid, t.pid) and time.time() < until:
        time.sleep(0.01)
    if p.poll() is not None:
        return f"{program}, {way}: died, {p.returncode}"
    text = subprocess.run([TRAPLINE, "doctor", str(p.pid)], stdout=subprocess.PIPE, text=True).stdout
    if way == "tracer" and "as in its files" not in text:
        return f"{program}, {way}: the guardian has not restored the text, still there: {guardians(p.pid, t.pid)}\n{text}"
    r = subprocess.run([TRAPLINE, "probe", "-c", "-e", "hot", "--max-hits", "3", "-p", str(p.pid)], stderr=subprocess.PIPE, text=True)
    if r.returncode or not re.search(r"^ +3  total", r.stderr, re.M):
        return f"{program}, {way}: attached to again: {r}, {p.poll()}"
    # A thread may have been in a signal's handler, and its frame in a slot.
    for _ in range(5):
        if ours(p.pid):
            subprocess.run([TRAPLINE, "doctor", "--repair", str(p.pid)], stdout=subprocess.DEVNULL)
    text = subprocess.run([TRAPLINE, "doctor", str(p.pid)], stdout=subprocess.PIPE, text=True).stdout
    if "as in its files" not in text:
        return f"{program}, {way}: its text is not as it was\n{text}"
    # A handler of its own may be running.
    until = time.time() + 2
    while (blocked := int(status(p.pid, "SigBlk"), 16)) and time.time() < until:
        time.sleep(0.001)
    if ours(p.pid) or status(p.pid, "SigCgt") != caught or blocked:
        return f"{program}, {way}: left {ours(p.pid)}, signals {caught} then {status(p.pid, 'SigCgt')}, blocked {blocked:x}"
    p.terminate()
    if p.wait(20) != 0:
        return f"{program}, {way}: ended with {p.returncode}"
    return None


def probed(mode):
    p = subprocess.Popen([f"{TRACEES}/excepted", mode], stdout=subprocess.PIPE, text=True)
    p.stdout.readline()
    t = subprocess.Popen([TRAPLINE, "probe", "--format=json", "-e", "hot", "-p", str(p.pid)], stderr=subprocess.PIPE, text=True)
    t.stderr.readline()
    t.stderr.readline()
    return p, t


def guardians_of(tracer):
    """Their command line is its own."""
    words, found = open(f"/proc/{tracer}/cmdline").read(), []
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        try:
            if pid != tracer and open(f"/proc/{pid}/cmdline").read() == words:
                found.append(pid)
        except OSError:
            pass
    return found


def exceptions():
    """What the promise leaves out, and what happens then: as trapline-probe(1) says."""
    said = []
    for mode, killed, want in (("blocked", True, -signal.SIGTRAP), ("handler", True, 3), ("alone", False, 4), ("ignored", False, 5)):
        p, t = probed(mode)
        if killed:
            for g in guardians_of(t.pid) + [t.pid]:
                kill(g)
        elif mode == "ignored":
            os.kill(p.pid, signal.SIGUSR1)
        try:
            got = p.wait(10)
        except subprocess.TimeoutExpired:
            got = "nothing"
        kill(p.pid)
        kill(t.pid)
        t.communicate()
        p.wait()
        print(f"{'ok  ' if got == want else 'FAIL'} {mode}: {got}")
        if got != want:
            said.append(mode)
    return len(said)


def masks_of(p):
    return {status(f"{p.pid}/task/{t}", "SigBlk") for t in os.listdir(f"/proc/{p.pid}/task")} if p.poll() is None else set()


def in_a_call(program, masks):
    """Killed while a thread makes a call for it: that comes back alone, with its registers and mask."""
    p = subprocess.Popen([f"{TRACEES}/{program}", "1", "0", "alone"])
    time.sleep(0.1)
    try:
        killed = subprocess.run([CHURN, str(p.pid), str(masks)], timeout=10).returncode == -signal.SIGKILL
    except subprocess.TimeoutExpired:
        killed = False
    # It may be on its way yet.
    until = time.time() + 5
    while (blocked := masks_of(p)) != {"0" * 16} and time.time() < until:
        time.sleep(0.01)
    probed = subprocess.run([TRAPLINE, "probe", "-c", "-e", "hot", "--max-hits", "3", "-p", str(p.pid)], stderr=subprocess.PIPE, text=True)
    text = subprocess.run([TRAPLINE, "doctor", str(p.pid)], stdout=subprocess.PIPE, text=True).stdout
    p.terminate()
    said = [killed, blocked, probed.returncode, "as in its files" in text, p.wait(20)]
    if said == [True, {"0" * 16}, 0, True, 0]:
        return 0
    print(f"FAIL {program}, killed when it had changed a mask {masks} times: {said}")
    return 1


failed = exceptions() + sum(in_a_call(p, masks) for p in PROGRAMS for masks in range(1, 5))
for i in range(o.rounds):
    what = one(i)
    if what:
        failed += 1
        print(f"FAIL round {i}: {what}", flush=True)
        subprocess.run(["pkill", "-9", "-x", "called(_32)?"])
print(f"{o.rounds} rounds, {failed} failed, seed {o.seed}")
sys.exit(failed > 0)
