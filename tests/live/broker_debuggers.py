#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debuggers on one program: breakpoints in the same place, threads that each of them stops, and what the others see of it.

Usage: broker_debuggers.py TRAPLINE TRACEES_DIR [SECONDS, about, of three tools on one program, alone]
"""
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

from checks import check, summed_up

TRAPLINE, TRACEES = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
LIMIT = 90


def run(script, folder, first=(TRAPLINE, "run", "--"), limit=LIMIT):
    """A shell on the broker; its output and status."""
    with tempfile.TemporaryFile() as out:
        p = subprocess.Popen([*first, "bash", "-c", script], cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                             process_group=0)
        try:
            status = p.wait(limit)
        except subprocess.TimeoutExpired:
            status = "did not end"
            os.killpg(p.pid, signal.SIGKILL)
            subprocess.run(["pkill", "-KILL", "-f", folder], check=False)
            p.wait()
        out.seek(0)
        return out.read().decode(errors="replace"), status


def logs_of(folder, *names):
    return {n: open(f"{folder}/{n}", errors="replace").read() if os.path.exists(f"{folder}/{n}") else "" for n in names}


def gdb(log, *commands, of="$p"):
    words = " ".join(f"-ex '{c}'" for c in ("set breakpoint pending on", "set confirm off", *commands))
    return f"gdb -q -batch -p {of} {words} > {log} 2>&1"


COUNT = ("break hot", "ignore 1 1000000", "continue", "info breakpoints")


def hits(log):
    found = re.search(r"already hit (\d+) times", log)
    return int(found[1]) if found else 0


def waits_for_go(program, out="/dev/null"):
    return f"mkfifo go; (read x < go; exec {program} > {out}) & p=$!\n"


def until_attached(number):
    """gdb goes on when it has attached; then nobody but the program is waited for."""
    return f'for i in $(seq 200); do [ $(cat g1 g2 2>/dev/null | grep -c "pending") -ge {number} ] && break; sleep 0.1; done; sleep 1; echo > go\n'


def in_one_place():
    threads, calls = 4, 60
    with tempfile.TemporaryDirectory() as d:
        out, status = run(waits_for_go(f"{TRACEES}/called {threads} {calls}") + gdb("g1", *COUNT) + " & g1=$!\n" + gdb("g2", *COUNT) + " & g2=$!\n" +
                          until_attached(2) + "wait $p; echo program $?; wait $g1 $g2", d)
        logs = logs_of(d, "g1", "g2")
        check("two debuggers with a breakpoint in one place: the program is right", status == 0 and "program 0" in out, (out, logs))
        check("both meet it each time", [hits(g) for g in logs.values()] == 2 * [threads * calls], logs)


def from_two_runs():
    """The second one's server is not the one that holds the program."""
    threads, calls = 2, 40
    with tempfile.TemporaryDirectory() as d:
        script = waits_for_go(f"{TRACEES}/called {threads} {calls}") + f"{TRAPLINE} run -- sh -c '''" + gdb("g1", *COUNT).replace("'", '"') + "''' & g1=$!\n"
        script += f"sleep 2; {TRAPLINE} run -- sh -c '''" + gdb("g2", *COUNT).replace("'", '"') + "''' & g2=$!\n"
        script = "export p\n" + script.replace("& p=$!\n", "& p=$!; export p\n", 1)
        out, status = run(script + until_attached(2) + "wait $p; echo program $?; wait $g1 $g2", d, first=())
        logs = logs_of(d, "g1", "g2")
        check("debuggers of two runs: the program is right", status == 0 and "program 0" in out, (out, logs))
        check("both meet the breakpoint each time", [hits(g) for g in logs.values()] == 2 * [threads * calls], logs)


def one_is_killed():
    """What it had written is lifted, but for what the other has there, too, which goes on."""
    for victim in (1, 2):
        with tempfile.TemporaryDirectory() as d:
            script = f"{TRACEES}/called 4 0 > /dev/null & p=$!; sleep 0.2\n" + gdb("g1", *COUNT) + " & g1=$!\n" + gdb("g2", *COUNT) + " & g2=$!\n"
            script += f"sleep 3; kill -KILL $(pgrep -P $g{victim} gdb) $g{victim}; sleep 1.5; kill -TERM $p; wait $p; echo program $?; wait $g{3 - victim}; echo other $?"
            out, status = run(script, d)
            logs = logs_of(d, "g1", "g2")
            check(f"debugger {victim} of two is killed: the program is right", status == 0 and "program 0" in out, (status, out, logs))
            check("the other goes on", "other 0" in out and hits(logs[f"g{3 - victim}"]) > 100, (out, logs))


def bytes_at(pid, addr, n):
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        mem.seek(addr)
        return mem.read(n)


def sees_what_lies_under():
    """One has a breakpoint; memory has it; the other reads the program's own instruction, and so does a tool by PEEK.

    The program ends by itself: gdb 13 crashes or spins, without a broker too, where its program is killed while it handles a stop."""
    with tempfile.TemporaryDirectory() as d:
        subprocess.Popen(["sleep", "0"]).wait()
        script = f"{TRACEES}/called 1 0 > /dev/null & p=$!; echo $p > pid; sleep 0.3\n" + gdb("g1", *COUNT) + " & g1=$!\nsleep 2\n"
        script += gdb("g2", "print/x &hot", "print/x *(unsigned int *)&hot", "shell touch asks; while [ ! -e seen ]; do sleep 0.1; done")
        script += "\nkill -TERM $p; wait $p $g1"
        with tempfile.TemporaryFile() as out:
            p = subprocess.Popen([TRAPLINE, "run", "--", "bash", "-c", script], cwd=d, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
            for _ in range(300):
                if os.path.exists(f"{d}/asks"):
                    break
                time.sleep(0.1)
            log = logs_of(d, "g2")["g2"]
            addr = re.search(r"\$1 = (0x[0-9a-f]+)", log)
            real = bytes_at(int(open(f"{d}/pid").read()), int(addr[1], 16), 4) if addr else b""
            open(f"{d}/seen", "w").close()
            p.wait(LIMIT)
        symbol = subprocess.run(["gdb", "-q", "-batch", "-ex", "print/x *(unsigned int *)&hot", f"{TRACEES}/called"], capture_output=True, text=True)
        program = re.search(r"(0x[0-9a-f]+)$", symbol.stdout.strip())
        other = re.search(r"\$2 = (0x[0-9a-f]+)", log)
        check("memory has one debugger's breakpoint", program and real and int.from_bytes(real, "little") != int(program[1], 16), (real, symbol, log))
        check("another reads what lies under it", other and program and other[1] == program[1], (log, symbol))


def watching():
    """Each has debug registers of its own, and strace sees no hit of theirs."""
    if not os.path.exists(f"{TRACEES}/watched"):
        return
    turns = 30
    with tempfile.TemporaryDirectory() as d:
        script = waits_for_go(f"{TRACEES}/watched {turns}", "sum")
        for n, what in ((1, "first"), (2, "second")):
            commands = ("break turn", "continue", "delete", f"watch {what}", "ignore 2 1000000", "continue", "info breakpoints")
            script += gdb(f"g{n}", *commands) + f" & g{n}=$!\n"
        script += "strace -o s -p $p & s=$!\n" + until_attached(2) + "wait $p; echo program $?; wait $g1 $g2 $s"
        out, status = run(script, d)
        logs = logs_of(d, "g1", "g2", "s", "sum")
        check("two debuggers that watch: the program is right", status == 0 and "program 0" in out and logs["sum"] == f"{turns} {2 * turns}\n", (status, out, logs))
        # A machine without them takes the registers all the same.
        want = (0,) if os.environ.get("NO_WATCHPOINTS") else (turns, turns + 1)
        check("each meets its watchpoint each time, in hardware",
              all(hits(logs[g]) in want and "hw watchpoint" in logs[g] for g in ("g1", "g2")), logs)
        check("strace sees none", "SIGTRAP" not in logs["s"] and "exited with 0" in logs["s"], logs["s"])


def calls_of(log):
    """By thread: the names of its calls in order, without what a stop adds: signals, and calls that are made again."""
    names = {}
    for line in log.split("\n"):
        found = re.match(r"(\d+) +(?:<\.\.\. )?(\w+)(\(| resumed)(.*)", line)
        if not found or found[2] == "restart_syscall" or "resuming interrupted" in line:
            continue
        names.setdefault(found[1], []).append((found[2], found[3] == "("))
    return names


def sleeps(log):
    """How many calls to sleep each thread has begun."""
    return sorted(sum(1 for name, begins in calls if begins and name == "clock_nanosleep") for calls in calls_of(log).values())


def first_nonsense(log):
    """What strace has seen of a thread before it took an exit for an entry, or a breakpoint for a signal; else how it ended."""
    lines = log.split("\n")
    at = next((i for i, line in enumerate(lines) if "syscall_0x" in line or "SIGTRAP" in line), None)
    if at is None:
        return log[-2000:]
    return "\n".join([line for line in lines[:at] if line.split(" ")[0] == lines[at].split(" ")[0]][-25:] + lines[at:at + 5])


def three_tools(seconds):
    """ltrace -f, gdb and strace on 8 threads. (ltrace has to start the program: where it attaches, threads that it has not come to yet
    die of its breakpoints, natively, too.)"""
    if not os.path.exists(f"{TRACEES}/many_calls"):
        return
    threads, calls = 8, 40 * seconds
    with tempfile.TemporaryDirectory() as d:
        script = f"""
            ltrace -f -e getenv -o l {TRACEES}/many_calls {calls} {threads} > sum & l=$!
            for i in 1 2 3 4 5 6 7 8 9; do p=$(pgrep -P $l many_calls) && break; sleep 0.1; done
            strace -f -o s -p $p 2> said & s=$!
            sleep 0.5; {gdb("g1", *COUNT)} & g1=$!
            wait $l; echo ltrace $?; wait $g1 $s"""
        out, status = run(script, d, limit=LIMIT + 5 * seconds)
        logs = logs_of(d, "g1", "l", "s", "said", "sum")
        check("gdb, ltrace -f and strace on 8 threads: the program is right", status == 0 and "ltrace 0" in out and logs["sum"] == f"sum {4 * calls * threads}\n",
              (status, out, logs))
        seen = len(re.findall(r"getenv\(", logs["l"]))
        # A thread that ltrace has let go, and gdb not yet, meets the breakpoint that ltrace sets again meanwhile: it makes little of that.
        check("ltrace sees the calls", 0.98 * calls * threads < seen <= calls * threads, (seen, calls * threads, logs))
        check("gdb meets its breakpoint", 0 < hits(logs["g1"]) <= calls * threads, logs)
        slept = sleeps(logs["s"])[-threads:]
        check("strace sees no call twice, and none of the tools' breakpoints",
              len(slept) == threads and all(0.5 * calls < n <= calls for n in slept) and
              "SIGTRAP" not in logs["s"] and "syscall_0x" not in logs["s"] and "exiting, ptrace_syscall_info" not in logs["said"],
              (slept, calls, logs["said"], first_nonsense(logs["s"])))
        print(f"  {seen} of {calls * threads} calls by ltrace, {hits(logs['g1'])} by gdb, {sum(slept)} by strace")


def the_programs_own():
    """Its own breakpoints are everybody's, a debugger's are not."""
    own = 100
    commands = ["handle SIGSEGV SIGILL SIGFPE nostop noprint pass", "break faults", "continue", "ignore 1 1000000", "continue"]
    commands += own * ["signal SIGTRAP"] + ["info breakpoints"]
    with tempfile.TemporaryDirectory() as d:
        script = waits_for_go(f"{TRACEES}/faulting") + gdb("g1", *commands) + " & g1=$!\n"
        script += "strace -o s -p $p & s=$!\n" + until_attached(1) + "wait $p; echo program $?; wait $g1 $s"
        out, status = run(script, d)
        logs = logs_of(d, "g1", "s")
        seen = len(re.findall(r"--- SIGTRAP", logs["s"]))
        check("the program does what it does alone", status == 0 and "program 0" in out, (status, out, logs))
        check("gdb meets its breakpoint, and the program's own", hits(logs["g1"]) > own and logs["g1"].count("received signal SIGTRAP") == own,
              (hits(logs["g1"]), logs["g1"]))
        check("strace beside it sees the program's own alone", seen == own, (seen, logs["s"]))


def main():
    if len(sys.argv) > 3:
        three_tools(int(sys.argv[3]))
    else:
        for test in (in_one_place, from_two_runs, one_is_killed, sees_what_lies_under, the_programs_own, watching):
            test()
        three_tools(4)
    return summed_up()


if __name__ == "__main__":
    sys.exit(main())
