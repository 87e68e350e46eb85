#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""User Mode Linux as a tool: its guest forks, takes signals and steps as it does without a broker, while strace joins the host's
threads of its processes, and leaves.

Usage: uml_on_broker.py TRAPLINE TRACEES_DIR [SECONDS of a parallel build in the guest]
"""
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{ROOT}/tests/live")
from checks import check, summed_up  # noqa: E402
from watched import children, field, until  # noqa: E402

TRAPLINE, TRACEES = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
SECONDS = int(sys.argv[3]) if len(sys.argv) > 3 else 0
CASES = "steps step-to-the-end step-into-handler syscalls-good signal-delivered group-stop-attached fork-event exec-event"

# What a shell needs of its kernel, again and again.
SHELL = """
n=0
while [ $n -lt 25 ]; do
	n=$((n + 1))
	sh -c 'exit 3'; [ $? = 3 ] || echo "status of round $n"
	[ "$(echo a b c | tr a-z A-Z | cut -d" " -f2)" = B ] || echo "pipe of round $n"
	(trap 'exit 7' USR1; sh -c 'kill -USR1 $PPID'; exit 8); [ $? = 7 ] || echo "signal of round $n"
	(sleep 60 & p=$!; kill -KILL $p; wait $p) 2>/dev/null; [ $? = 137 ] || echo "kill of round $n"
done
echo "$n rounds"
for c in CASES; do echo "== $c"; ./conform $c; done
"""

# The host's files, its compiler and its make.
BUILD = """
mkdir /tmp/host
mount -t hostfs none /tmp/host -o / || exit 1
mount -t proc proc /tmp/host/proc
end=$(($(date +%s) + SECONDS)) n=0
while [ $(date +%s) -lt $end ]; do
	n=$((n + 1))
	chroot /tmp/host /bin/sh -c 'cd FOLDER && rm -f *.o all && make -s -j3 all && ./all' > /tmp/said 2>&1
	[ "$(cat /tmp/said)" = EXPECTED ] || { echo "round $n:"; cat /tmp/said; }
done
echo "$n builds"
"""
PARTS = 24


def project(folder):
    """A program of some parts; what it prints."""
    for i in range(PARTS):
        with open(f"{folder}/part{i}.c", "w") as f:
            f.write(f"#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\nint part{i}(int x);\n"
                    f"int part{i}(int x)\n{{\n\tint a[64], n = 0;\n\tfor (int i = 0; i < 64; i++)\n\t\ta[i] = (x * {i + 3} + i) % 97;\n"
                    f"\tfor (int i = 0; i < 64; i++)\n\t\tn += a[i] ^ i;\n\treturn n;\n}}\n")
    with open(f"{folder}/main.c", "w") as f:
        f.write("#include <stdio.h>\n" + "".join(f"int part{i}(int x);\n" for i in range(PARTS)) +
                "int main(void)\n{\n\tlong n = 0;\n" + "".join(f"\tn += part{i}({i});\n" for i in range(PARTS)) + '\tprintf("%ld\\n", n);\n\treturn 0;\n}\n')
    with open(f"{folder}/Makefile", "w") as f:
        f.write("all: main.o " + " ".join(f"part{i}.o" for i in range(PARTS)) + "\n\tgcc -o $@ $^\n.c.o:\n\tgcc -O1 -c -o $@ $<\n")
    p = subprocess.run(["sh", "-c", "make -s -j3 all && ./all"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return p.stdout.strip()


def lane(script, limit, first=(), **more):
    return subprocess.Popen([*first, f"{ROOT}/tools/lane", "uml-guest", "--timeout", str(limit), "--with", f"{TRACEES}/conform", "--", "sh", "-c", script],
                            stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, text=True, errors="replace", **more)


def below(pid):
    found = children(pid)
    for p in found:
        found += children(p)
    return found


def traced(top):
    """What the guest's kernel traces, below its processes on the host."""
    return [p for p in below(top) if field(p, "Name") == "linux.uml" and field(p, "TracerPid") not in (None, "0")]


def visit(pids, log):
    """strace for a second; whether it joined, and how much it has seen.

    It is killed: where it is interrupted it may drop the signal that it has just seen, without a broker too (47 of 346 times)."""
    p = subprocess.Popen([TRAPLINE, "run", "--", "strace", "-o", log, "-p", " ".join(map(str, pids))], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.PIPE, text=True, start_new_session=True)
    until(lambda: [q for q in below(p.pid) if field(q, "Name") == "strace"])
    time.sleep(1)
    for q in [q for q in below(p.pid) if field(q, "Name") == "strace"]:
        os.kill(q, signal.SIGKILL)
    said = p.communicate(timeout=60)[1]
    lines = open(log, errors="replace").read().count("\n") if os.path.exists(log) else 0
    return "attached" in said, lines


def visited(guest):
    """strace joins one process after the other, until the guest has ended: how often, and what it has seen."""
    joined, seen = 0, 0
    with tempfile.TemporaryDirectory() as d:
        while guest.poll() is None:
            now = traced(guest.pid)
            if not now:
                time.sleep(0.2)
                continue
            was, lines = visit(now, f"{d}/log")
            joined += was
            seen += lines
            time.sleep(10 if SECONDS else 0.2)
    return joined, seen


def shell():
    script = SHELL.replace("CASES", CASES)
    natively = lane(script, 120, stdout=subprocess.PIPE).communicate()[0]
    with tempfile.TemporaryFile("w+") as out:
        guest = lane(script, 240, (TRAPLINE, "run", "--"), stdout=out)
        joined, seen = visited(guest)
        out.seek(0)
        said = out.read()
    check("a guest's shell and tracers on the broker: as without it", guest.returncode == 0 and "25 rounds" in said and said == natively, (guest.returncode, natively, said))
    check("strace joins the host's threads of its processes", joined >= 3 and seen > 20, (joined, seen))


def build():
    with tempfile.TemporaryDirectory() as d:
        os.chmod(d, 0o755)
        script = BUILD.replace("SECONDS", str(SECONDS)).replace("FOLDER", d).replace("EXPECTED", project(d))
        with tempfile.TemporaryFile("w+") as out:
            guest = lane(script, SECONDS + 300, (TRAPLINE, "run", "--"), stdout=out)
            joined, seen = visited(guest)
            out.seek(0)
            said = out.read()
    print(f"     {said.strip()[-300:]}; strace joined {joined} times and has seen {seen} lines")
    check("parallel builds in a guest on the broker", guest.returncode == 0 and re.fullmatch(r"[1-9]\d* builds\n", said), said[-3000:])
    check("strace joins its processes, and leaves", joined > 0 and seen > 0, (joined, seen))


if __name__ == "__main__":
    build() if SECONDS else shell()
    sys.exit(summed_up())
