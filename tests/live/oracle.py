#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Exactness: the trace of a run against what the kernel's own tracepoints saw of the same run.

raw_syscalls:sys_enter and sys_exit work beside ptrace. They are limited to one process with set_event_pid,
follow its children with event-fork, and write to an instance of their own. Per thread, the sequence of
(number, result) must be equal to ours, every call. Without tracefs the programs that always do the same
are compared with strace.

Usage: oracle.py TRAPLINE TRACEES_DIR [--only NAME] [--mode MODE] [--list]
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

from widths import runs

TRACEFS = "/sys/kernel/tracing"
LINE = re.compile(rb"-(\d+)\s+\[\d+\].*?: sys_(enter|exit): NR (-?\d+) (?:= (-?\d+)|\()")
# The numbers of execve in the two ABIs: a spawned program's trace begins there.
EXECVE = (59, 11)


class Kernel:
    """One instance of tracefs, recording one process and its children."""

    def __init__(self):
        self.dir = f"{TRACEFS}/instances/trapline-{os.getpid()}"
        # Of one who was killed, and had our number.
        if os.path.isdir(self.dir):
            os.rmdir(self.dir)
        os.mkdir(self.dir)
        self.put("buffer_size_kb", "65536")
        self.put("options/event-fork", "1")

    def put(self, name, value):
        with open(f"{self.dir}/{name}", "w") as f:
            f.write(value)

    def start(self, pid):
        self.put("trace", "")
        self.put("set_event_pid", str(pid))
        self.put("events/raw_syscalls/enable", "1")

    def stop(self):
        self.put("events/raw_syscalls/enable", "0")

    def calls(self):
        with open(f"{self.dir}/trace", "rb") as f:
            return calls_of(f)

    def overrun(self):
        lost = 0
        for cpu in os.listdir(f"{self.dir}/per_cpu"):
            with open(f"{self.dir}/per_cpu/{cpu}/stats") as f:
                lost += int(re.search(r"overrun: (\d+)", f.read())[1])
        return lost

    def close(self):
        self.put("set_event_pid", "")
        os.rmdir(self.dir)


def calls_of(lines, execve=EXECVE):
    """What tracefs printed, per thread: a list of [number, result or None]."""
    threads, open_call = {}, {}
    for line in lines:
        m = LINE.search(line)
        if not m:
            continue
        tid, nr = int(m[1]), int(m[3])
        if m[2] == b"enter":
            open_call[tid] = [nr, None]
            threads.setdefault(tid, []).append(open_call[tid])
        elif tid in open_call and (open_call[tid][0] in execve) == (nr in execve):
            # rt_sigreturn comes back as number -1
            open_call.pop(tid)[1] = int(m[4])
        elif nr in execve:
            # Under the new program's number; or begun by a thread that has become the leader.
            was = open_call.pop(tid, None)
            if was and was[0] in execve:
                was[1] = int(m[4])
            else:
                threads.setdefault(tid, []).append([nr, int(m[4])])
    return threads


def ours(lines):
    threads, former = {}, set()
    for line in lines:
        ev = json.loads(line)
        if ev.get("ev") == "syscall":
            threads.setdefault(ev["tid"], []).append([ev["nr"], ev.get("ret"), ev["abi"]])
        elif ev.get("ev") == "exec" and "former" in ev:
            former.add(ev["former"])
    return threads, former


def ours_in(path):
    with open(path) as f:
        return ours(f)


def programs(tracees):
    t = lambda name: [f"{tracees}/{name}"]
    py = "/usr/bin/python3"
    list_ = [
        ("true", ["/bin/true"]),
        ("pipeline", ["sh", "-c", "ls -l /usr/bin | sort | head -50 | wc -l; for i in 1 2 3; do /bin/echo $i; done"]),
        ("git", ["git", "-C", "/", "--no-pager", "help", "-a"]),
        ("python-threads", [py, "-c", "import threading,os\ndef f():\n  for i in range(200): os.getppid(); os.stat('/')\n"
                            "t=[threading.Thread(target=f) for _ in range(6)]\n[x.start() for x in t]\n[x.join() for x in t]"]),
        ("python-subprocess", [py, "-c", "import subprocess\nfor i in range(5): subprocess.run(['ls','/'],capture_output=True)"]),
        ("gcc", ["sh", "-c", "cd $TMPDIR && printf '#include <stdio.h>\\nint main(void){puts(\"x\");return 0;}' > a.c && gcc -O2 a.c -o a && ./a"]),
        ("vfork-exec", t("vfork_exec")),
        ("exec-thread", t("exec_thread")),
        ("signals", t("signal_storm")),
        ("timers", t("interrupted")),
        ("clones", t("clone_kinds")),
        ("numbers", t("odd_numbers")),
        ("killed", t("killed_threads")),
        ("leader-exits", t("leader_exits")),
        ("pid-namespace", ["unshare", "-pf", "sh", "-c", "ls / >/dev/null; (true) | cat; echo $$ >/dev/null"]),
    ]
    for name in ("static_i386", "mixed_abi"):
        if runs(tracees, name):
            list_.append((name.replace("_", "-"), t(name)))
    node = shutil.which("node")
    if node:
        list_.append(("node", [node, "-e", "require('fs').readdirSync('/'); setTimeout(()=>0, 20)"]))
    busybox = shutil.which("busybox")
    if busybox:
        list_.append(("busybox", [busybox, "sh", "-c", "busybox ls / >/dev/null; busybox date"]))
    return list_


MODES = {
    "auto": [],
    "stops": ["--via=stops"],
    "check-stops": ["--check-stops"],
    "no-info": ["--pretend=no-syscall-info"],
    "tracker": ["--pretend=no-syscall-info,no-syscall-eventmsg"],
    "no-place": ["--no-place"],
    "selected": ["-e", "trace=openat,close,read,execve,exit_group,wait4,clone,clone3,open,waitpid"],
}
SELECTED = {"x86_64": {257, 3, 0, 59, 231, 61, 56, 435, 2}, "i386": {295, 6, 3, 11, 252, 114, 120, 435, 5, 7}}


def run(kernel, trapline, argv, mode, tmp):
    out = os.path.join(tmp, "trace.json")
    command = [trapline, "trace", "--format=json", "-o", out] + MODES[mode] + ["--"] + argv
    env = dict(os.environ, TMPDIR=tmp)
    # The shell waits until the kernel follows it, then becomes trapline.
    p = subprocess.Popen(["sh", "-c", 'read x; exec "$@"', "sh"] + command, stdin=subprocess.PIPE,
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env)
    kernel.start(p.pid)
    try:
        _, err = p.communicate(b"go\n", timeout=120)
    except subprocess.TimeoutExpired:
        p.kill()
        _, err = p.communicate()
        return "timed out", 0
    finally:
        kernel.stop()
    if kernel.overrun():
        return "the kernel's buffer overran: nothing can be said", 0
    if b"trapline:" in err:
        return err.decode(errors="replace"), 0
    return compare(kernel.calls(), *ours_in(out), mode)


MARK = 140  # getpriority: made once a thread, when the tracer is there


def attached(kernel, trapline, tracees, mode, tmp):
    """A running process: compared from each thread's mark on."""
    out = os.path.join(tmp, "trace.json")
    victim = subprocess.Popen([f"{tracees}/marked"], stdin=subprocess.PIPE)
    kernel.start(victim.pid)
    victim.stdin.write(b"go\n")
    victim.stdin.flush()
    time.sleep(0.2)
    tracer = subprocess.Popen([trapline, "trace", "--format=json", "-o", out, "-p", str(victim.pid)] + MODES[mode],
                              stderr=subprocess.DEVNULL)
    try:
        status = victim.wait(timeout=60)
        tracer.wait(timeout=20)
    except subprocess.TimeoutExpired:
        victim.kill()
        tracer.kill()
        return "timed out", 0
    finally:
        kernel.stop()
    theirs, (mine, former) = kernel.calls(), ours_in(out)
    from_mark = lambda calls: calls[next((i for i, c in enumerate(calls) if c[0] == MARK), len(calls)):]
    theirs = {tid: from_mark(calls) for tid, calls in theirs.items()}
    mine = {tid: from_mark(calls) for tid, calls in mine.items()}
    if status or len(mine) != 4 or not all(mine.values()):
        return f"exit status {status}, {len(mine)} threads of 4, marks in {sum(map(bool, mine.values()))}", 0
    return compare(theirs, mine, former, mode, spawned=False)


def same(a, b, last):
    """The last call of a thread that is killed never returns to it, though the kernel's exit path runs."""
    if a == b:
        return True
    # Killed in our entry stop, which comes before the kernel's tracepoint: never made (arm64: as number -1).
    if last and a and a[1] is None and (b is None or b[0] in (a[0], -1)):
        return True
    return last and a is None and b[0] == -1


def compare(theirs, mine, former, mode, spawned=True, execve=EXECVE):
    total = 0
    for tid in former:
        # Its execve came back under the leader's id.
        if theirs.get(tid, []) and theirs[tid][-1][0] in execve and theirs[tid][-1][1] is None:
            theirs[tid].pop()
    if not mine:
        return "nothing was traced", 0
    # Whose execve the trace begins with: not the lowest, where numbers have begun anew meanwhile.
    main = next(iter(mine))
    for tid, calls in sorted(mine.items()):
        want = theirs.get(tid, [])
        if spawned and tid == main:
            at = next((i for i, c in enumerate(want) if c[0] in execve), 0)
            want = want[at:]
        if mode == "selected":
            # The kernel's view has no ABI: filter it by what ours says this thread uses.
            numbers = set().union(*(SELECTED.get(c[2], set()) for c in calls))
            want = [c for c in want if c[0] in numbers]
            calls = [c for c in calls if c[0] in numbers]
        got = [[c[0], c[1]] for c in calls]
        for i in range(len(got) - 1, 0, -1):
            # A leader that another thread's exec has killed in our entry stop: the id goes on with that execve.
            if got[i][0] in execve and got[i - 1][1] is None and want[i - 1:i] == [got[i]]:
                del got[i - 1]
        if got != want:
            for i in range(max(len(got), len(want))):
                a = got[i] if i < len(got) else None
                b = want[i] if i < len(want) else None
                dies = i + 1 >= len(got) or got[i + 1][0] in execve
                if not same(a, b, dies):
                    return (f"thread {tid}: call {i}: ours {a}, the kernel's {b} "
                            f"(of {len(got)} and {len(want)})\n  before: {want[max(0, i - 3):i]}\n  "
                            f"after: {want[i:i + 3]} ours {got[i:i + 3]}"), total
        total += len(got)
    return None, total


def main():
    trapline, tracees = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    args = sys.argv[3:]
    only = args[args.index("--only") + 1] if "--only" in args else None
    modes = [args[args.index("--mode") + 1]] if "--mode" in args else list(MODES)
    if not os.path.isdir(f"{TRACEFS}/events/raw_syscalls"):
        subprocess.run(["mount", "-t", "tracefs", "tracefs", TRACEFS], stderr=subprocess.DEVNULL)
    if not os.path.isdir(f"{TRACEFS}/events/raw_syscalls"):
        print("SKIP: no tracefs here (root and CONFIG_FTRACE_SYSCALLS are needed)")
        return 77
    kernel, failed = Kernel(), 0
    try:
        for name, argv in programs(tracees):
            if only and name != only:
                continue
            for mode in modes:
                with tempfile.TemporaryDirectory(prefix="oracle-") as tmp:
                    why, calls = run(kernel, trapline, argv, mode, tmp)
                if why:
                    failed += 1
                    print(f"FAIL {name} {mode}: {why}", flush=True)
                else:
                    print(f"ok   {name} {mode}: {calls} calls", flush=True)
        for mode in modes:
            if mode == "selected" or (only and only != "attached"):
                continue
            with tempfile.TemporaryDirectory(prefix="oracle-") as tmp:
                why, calls = attached(kernel, trapline, tracees, mode, tmp)
            failed += bool(why)
            print(f"FAIL attached {mode}: {why}" if why else f"ok   attached {mode}: {calls} calls", flush=True)
    finally:
        kernel.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
