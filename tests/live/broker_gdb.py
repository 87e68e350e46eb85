#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What gdb says of a program natively it says on the broker, alone and with strace on gdb and the program; gdbserver and LeakSanitizer, too.

Usage: broker_gdb.py TRAPLINE TRACEES_DIR
"""
import os
import re
import signal
import subprocess
import sys
import tempfile

from checks import check, skip, summed_up

TRAPLINE, TRACEES = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
PROGRAM = f"{TRACEES}/debugged"
LIMIT = 60
WAYS = {"alone": [TRAPLINE, "run", "--"], "with strace": [TRAPLINE, "run", "--", "strace", "-f", "-o", "/dev/null"]}
# strace beside each is a server's work several times over, which sanitizers make slower than a test may take.
if os.environ.get("SANITIZED"):
    del WAYS["with strace"]

# What gdb is told, and of which of the program's ways.
CASES = {
    "breakpoints": ("calls", ["break add", "run", "bt", "finish", "continue", "delete", "continue"]),
    "a condition, and commands": ("calls", ["break add if n == 2", "run", "print n", "tbreak getppid", "continue", "continue"]),
    "steps": ("calls", ["break add", "run", "next", "step", "stepi", "info line", "up", "print i", "continue 2", "continue"]),
    "a watchpoint": ("calls", ["break main", "run", "watch counter", "continue", "continue", "continue", "delete", "continue"]),
    "a watchpoint in software": ("calls", ["set can-use-hw-watchpoints 0", "break add", "run", "watch counter", "continue", "continue", "delete", "continue"]),
    "calling functions": ("calls", ["break add", "run", "delete", "print add(40)", "print add(1) + add(1)", "call in_child()", "print counter",
                                    "break in_parent", "call in_parent()", "bt 1", "finish", "delete", "continue"]),
    "changing registers and memory": ("calls", ["break add", "run", "set var n = 7", "next", "print counter", "set var counter = 50", "delete", "continue",
                                                "print $_exitcode"]),
    "following the parent": ("forks", ["set follow-fork-mode parent", "break in_parent", "break in_child", "run", "bt 1", "continue"]),
    "following the child": ("forks", ["set follow-fork-mode child", "break in_parent", "break in_child", "run", "bt 1", "continue"]),
    "both": ("forks", ["set detach-on-fork off", "set follow-fork-mode child", "break in_child", "break in_parent", "run", "bt 1", "continue",
                       "info inferiors", "inferior 1", "continue", "bt 1", "continue"]),
    "catching forks": ("forks", ["catch fork", "run", "continue"]),
    "catching calls": ("calls", ["catch syscall getppid", "run", "continue", "continue"]),
    "catching exec": ("execs", ["catch exec", "run", "break add", "continue", "delete", "continue"]),
    "catching signals": ("signals", ["catch signal SIGUSR1", "run", "delete", "handle SIGUSR1 nostop noprint pass", "continue"]),
    "signals": ("signals", ["run", "print $_siginfo.si_signo", "signal 0", "signal SIGUSR1", "continue"]),
    "threads": ("threads", ["break work", "run", "continue", "continue", "continue"]),
    "one thread alone": ("threads", ["break work", "run", "set scheduler-locking on", "next", "print counter", "set scheduler-locking off",
                                     "delete", "continue"]),
    "non-stop": ("calls", ["set non-stop on", "break add", "run", "continue", "info threads", "continue", "delete", "continue"]),
    "a core": ("calls", ["break add", "run", "generate-core-file core", "delete", "continue", "file " + PROGRAM, "core-file core", "bt", "print counter"]),
    "a stopped program is killed": ("calls", ["break add", "run", "kill", "info inferiors", "run", "delete", "continue"]),
    "gdbserver": ("", ["set sysroot /", f"target remote | gdbserver --once - {PROGRAM} calls 2>/dev/null", "break add", "continue", "bt", "watch counter", "continue",
                       "delete", "continue"]),
}
KEPT = re.compile(r"(Breakpoint|Catchpoint|atchpoint|\$\d+ = |exited|Old value|New value|Saved|received|^#\d|Run till|Value returned|Inferior|Program|"
                  r"Num|^[* ] +\d|= \d|The program|Kill|main|return|counter|Line|signal)")


def run(argv, folder):
    with tempfile.TemporaryFile() as out:
        p = subprocess.Popen(argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, process_group=0)
        try:
            status = p.wait(LIMIT)
        except subprocess.TimeoutExpired:
            status = "did not end"
            os.killpg(p.pid, signal.SIGKILL)
            p.wait()
        out.seek(0)
        return out.read().decode(errors="replace"), status


def told(text, in_order):
    """Without what differs from run to run."""
    text = re.sub(r"0x[0-9a-f]+|\b\d{3,}\b", "N", text)
    lines = [line for line in text.splitlines() if KEPT.search(line)]
    # Of threads: gdb may see in /proc that the leader is dead before the others' ends are waited for, and says so.
    return lines if in_order else sorted(re.sub(r"Thread \S+|\d+", "M", line) for line in lines if not line.startswith(("[Thread", "[New", "[Sw")))


def gdb(way, mode, commands, folder):
    words = [w for c in ("set confirm off", "set width 0", *commands) for w in ("-ex", c)]
    text, status = run([*way, "gdb", "-nx", "-q", "-batch", *words, *(["--args", PROGRAM, mode] if mode else [PROGRAM])], folder)
    return text, (told(text, mode != "threads"), status)


def cases():
    for name, (mode, commands) in CASES.items():
        with tempfile.TemporaryDirectory() as d:
            text, natively = gdb([], mode, commands, d)
            for way, first in WAYS.items():
                brokered = gdb(first, mode, commands, d)
                # Threads come in another order, now and then.
                same = natively == brokered[1] or brokered[1] == gdb([], mode, commands, d)[1]
                check(f"gdb, {name}: {way}", same and len(natively[0]) > 2, f"{text}\n-- on the broker\n{brokered[0]}")


def attached():
    """To a program that runs, by which another tool has come, too."""
    commands = ["print counter", "set var go = 1", "break add", "continue", "bt 1", "delete", "detach", "print go"]
    words = " ".join(f"-ex '{c}'" for c in commands)

    def said(way, strace=""):
        script = f"{PROGRAM} waits & p=$!; {strace} gdb -nx -q -batch -p $p {words} 2>&1; wait $p; echo ended $?"
        with tempfile.TemporaryDirectory() as d:
            text, status = run([*way, "sh", "-c", script], d)
            return told(text, True) + [text[-8:]], status
    natively = said([])
    check("gdb, attached", natively[0][-1].strip() == "ended 0" and len(natively[0]) > 4, natively)
    brokered = said(WAYS["alone"], "strace -o log -p $p & sleep 0.5;")
    check("gdb, attached beside strace", natively[0] == [line for line in brokered[0] if "strace" not in line], (natively, brokered))


def leaks():
    """Natively LeakSanitizer cannot trace what strace traces."""
    program = f"{TRACEES}/leaks"
    if not os.path.exists(program):
        skip("a leak's finder under strace", "leaks is not built")
        return
    with tempfile.TemporaryDirectory() as d:
        natively, status = run([program, "leaks"], d)
        check("a leak is found", "detected memory leaks" in natively and "123 byte(s)" in natively and status == 23, (natively, status))
        for options in ([], ["-f"]):
            out, status = run([TRAPLINE, "run", "--", "strace", *options, "-o", f"{d}/log", program, "leaks"], d)
            check(f"and under strace {' '.join(options)}", "detected memory leaks" in out and "123 byte(s)" in out and status == 23, (out, status))
            check("which sees it end", "exited with 23" in open(f"{d}/log").read(), open(f"{d}/log").read())


def main():
    cases()
    attached()
    leaks()
    return summed_up()


if __name__ == "__main__":
    sys.exit(main())
