#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A tool that nobody shares with is the kernel's to serve. When somebody comes its tracees are taken over, whatever they are in the
middle of: the program does all that it would have done, and the tool sees what it would have seen.

Usage: broker_alone.py TRAPLINE TRACEES_DIR [ROUNDS]
"""
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from checks import check, skip, summed_up
from watched import children, field, until
from widths import both

TRAPLINE, TRACEES = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 1
LIMIT, MS = 60, 700 if ROUNDS == 1 else 1500
WHATS = ("sleeps", "spins", "calls", "rings", "filtered", "filtered-sleeps", "threads", "leader", "vforks", "forks", "reads", "stops")
# What strace says when it is told of something that cannot be.
NONSENSE = re.compile(r"syscall_0x|\bop ==|ERESTART|Unexpected|<unavailable")


def below(pid, name):
    """The first process of that name among all that is below."""
    for child in children(pid):
        if field(child, "Name") == name[:15]:
            return child
        found = below(child, name)
        if found:
            return found
    return None


class Alone:
    """strace, alone, on one of the programs."""

    def __init__(self, folder, program, what, *options, follow=True):
        self.log = f"{folder}/log"
        if os.path.exists(self.log):
            os.unlink(self.log)
        self.p = subprocess.Popen([TRAPLINE, "run", "--", "strace", *(["-f"] if follow else []), *options, "-o", self.log, f"{TRACEES}/{program}", what, str(MS)],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, process_group=0)
        self.pid = until(lambda: below(self.p.pid, program))

    def tool(self):
        return below(self.p.pid, "strace")

    def end(self, words=""):
        try:
            out, _ = self.p.communicate(words, timeout=LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(self.p.pid, signal.SIGKILL)
            out = f"did not end: {self.p.communicate()[0]}"
        return out, open(self.log, errors="replace").read()


def join(pid):
    """A look at the registers: it goes by the broker, stops the task, and leaves."""
    p = subprocess.run([TRAPLINE, "regs", str(pid)], capture_output=True, text=True, timeout=LIMIT)
    return p.returncode == 0 and "general" in p.stdout, p.stdout + p.stderr


def join_unseen(pid):
    """A second tracer that asks for no stop: what the first sees of it is the takeover."""
    p = subprocess.run([TRAPLINE, "run", "--", f"{TRACEES}/seizes", str(pid)], capture_output=True, text=True, timeout=LIMIT)
    return p.returncode == 0, p.stdout + p.stderr


def state(program, what):
    with tempfile.TemporaryDirectory() as folder:
        alone = Alone(folder, program, what)
        # It is in the middle of it.
        time.sleep(0.25)
        tool = alone.tool()
        native = field(alone.pid, "TracerPid") == str(tool)
        task = alone.pid
        if what == "leader":
            task = max(int(t) for t in os.listdir(f"/proc/{alone.pid}/task"))
        if what == "vforks":
            task = children(alone.pid)[0]
        joined, seen = join_unseen(task)
        shared = field(task, "TracerPid") != str(tool)
        if what == "stops":
            os.kill(alone.pid, signal.SIGCONT)
        out, log = alone.end("word\n" if what == "reads" else "")
    check(f"{program} {what}: served by the kernel, then shared", native and joined and shared, (native, joined, shared, seen))
    # A wait that is told of and a SIGCHLD that comes meanwhile: so it is without a takeover, too.
    nonsense = [line for line in log.splitlines() if NONSENSE.search(line) and not re.search(r"\bwait4.*ERESTARTSYS", line)]
    check(f"{program} {what}: as if nothing had been", out == "right\n" and "exited with 0" in log and not nonsense,
          f"{out}\n" + "\n".join(nonsense or log.splitlines()[-20:]))


def states(program):
    """Most of them wait for most of the time."""
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(state, program, what) for what in WHATS]:
            done.result()


def log_is_whole(folder):
    """Each call is in the log once, though another joins, leaves, and joins again."""
    alone = Alone(folder, "taken_over", "calls", "-xx", "-e", "trace=write")
    time.sleep(0.1)
    for _ in range(4):
        join(alone.pid)
    out, log = alone.end()
    words = re.findall(r'write\(\d+, "(\S+)", 4\) += 4', log)
    numbers = [int.from_bytes(bytes.fromhex(word.replace("\\x", "")), "little") for word in words]
    check("no call is missing in strace's log, none is there twice", out == "right\n" and len(numbers) > 100 and numbers == list(range(len(numbers))),
          (out, len(numbers), [i for i, n in enumerate(numbers) if i != n][:5]))


def one_of_several(folder):
    """strace has the first thread alone: the others are nobody's, and go on."""
    alone = Alone(folder, "taken_over", "threads", follow=False)
    time.sleep(0.2)
    joined, seen = join_unseen(alone.pid)
    out, log = alone.end()
    check("a thread is taken over, and others of its process are not", joined and out == "right\n" and "exited with 0" in log, (joined, seen, out))


def by_name():
    """ps knows tools that are alone, and who is served by the broker's ask."""
    with tempfile.TemporaryDirectory() as folder:
        alone = Alone(folder, "taken_over", "calls")
        time.sleep(0.1)
        seen = subprocess.run([TRAPLINE, "ps"], capture_output=True, text=True)
        check("ps shows what a tool traces alone", re.search(rf"^ +{alone.pid} +{alone.pid} taken_over +{alone.tool()} strace ", seen.stdout, re.M), seen)
        alone.end()


def killed(folder, rounds, who, what):
    """One of them is killed while it takes over, or is taken from, or just after: the program goes on, with its tool or without."""
    wrong = []
    for i in range(rounds):
        state = random.choice(("calls", "threads", "rings", "spins", "sleeps"))
        alone = Alone(folder, "taken_over", state)
        time.sleep(0.1)
        victim = who(alone)
        joiner = subprocess.Popen([TRAPLINE, "regs", str(alone.pid)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.02 + random.random() * 0.04)
        os.kill(victim, signal.SIGKILL)
        joiner.wait(LIMIT)
        out, _ = alone.end()
        if "right" not in out:
            wrong.append((state, out))
    check(f"{rounds} {what} killed meanwhile: the program has its result", not wrong, wrong)


def hostile(folder, rounds):
    """A tool that forges what it says while its tracees are taken over: its own loss. One beside it in the same run sees nothing of it."""
    wrong, joined = [], 0
    for seed in range(rounds):
        # In a group of its own: its victims execute what it has forged, which may be a signal to all of theirs.
        line = f"timeout -s KILL {LIMIT // 3} {TRACEES}/hostile_alone 2 {seed + 1} 2> /dev/null & h=$!; strace -o {folder}/log {TRACEES}/taken_over calls 1500; wait $h; true"
        p = subprocess.Popen([TRAPLINE, "run", "--", "sh", "-c", line], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, process_group=0)
        tool = until(lambda: (t := below(p.pid, "hostile_alone")) and children(t) and t, 2)
        end = time.monotonic() + LIMIT
        while tool and time.monotonic() < end and (victims := children(tool)):
            joined += join_unseen(random.choice(victims))[0]
        try:
            out, _ = p.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            out = "did not end"
        if out != "right\n":
            wrong.append((seed, out))
    check(f"{rounds} hostile tools, whose tracees were joined", not wrong and joined, (wrong, joined))


if not shutil.which("strace"):
    skip("all", "strace is not there")
elif os.uname().machine != "x86_64":
    skip("all", "tools are left alone on x86-64")
else:
    with tempfile.TemporaryDirectory() as tmp:
        for _ in range(ROUNDS):
            for program in both(TRACEES, "taken_over"):
                states(program)
            log_is_whole(tmp)
            one_of_several(tmp)
        by_name()
        killed(tmp, 5 * ROUNDS, lambda alone: children(alone.p.pid)[0], "servers")
        killed(tmp, 5 * ROUNDS, Alone.tool, "tools")
        hostile(tmp, 2 * ROUNDS)
sys.exit(summed_up())
