#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""strace's own test suite, from Debian's source package, natively and on the broker: what passes natively passes there.

Usage: strace.py TRAPLINE [--jobs N] [--record] [TEST...]

strace.pass are the tests that pass on the broker, and have to; one that does not pass natively on this machine is passed over.
strace.not are those that cannot, each with the reason. --record writes strace.pass anew.
"""
import argparse
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../tools"))
import debian  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("trapline")
parser.add_argument("--jobs", type=int, default=os.cpu_count())
parser.add_argument("--record", action="store_true")
parser.add_argument("tests", nargs="*")
o = parser.parse_args()
TRAPLINE = os.path.abspath(o.trapline)


def built():
    """Its tests' folder; built once."""
    folder = debian.source("strace")
    done = f"{folder}/.built"
    if not os.path.exists(done):
        for command in (["./configure", "--enable-mpers=no", "--disable-gcc-Werror", "CFLAGS=-O1"], ["make", f"-j{o.jobs}"],
                        ["make", f"-j{o.jobs}", "-C", "tests", "check", "TESTS="]):
            p = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if p.returncode:
                debian.fail(f"{' '.join(command)} in {folder}: {p.stdout[-2000:]}", 1)
        open(done, "w").close()
    return f"{folder}/tests"


def outcomes(tests, first, names):
    """What becomes of each, by its name without .test."""
    for name in os.listdir(tests):
        if name.endswith(".trs"):
            os.unlink(f"{tests}/{name}")
    which = [f"TESTS={' '.join(n + '.test' for n in names)}"] if names else []
    with open(f"{tests}/../{'brokered' if first else 'native'}.log", "w") as log:
        subprocess.run(first + ["make", "-k", f"-j{o.jobs}", "check"] + which, cwd=tests, stdin=subprocess.DEVNULL, stdout=log,
                       stderr=subprocess.STDOUT)
    found = {}
    for name in os.listdir(tests):
        if name.endswith(".trs") and name != "test-suite.trs":
            said = re.search(r"^:test-result: (\w+)", open(f"{tests}/{name}").read(), re.M)
            found[name[:-4]] = said[1] if said else "NONE"
    return found


def listed(name):
    path = f"{HERE}/{name}"
    lines = open(path).read().splitlines() if os.path.exists(path) else []
    return {line.split()[0] for line in lines if line and not line.startswith("#")}


def main():
    tests = built()
    run = [TRAPLINE, "run", "--"]
    wanted, excused = listed("strace.pass"), listed("strace.not")
    natively = outcomes(tests, [], o.tests)
    passing = {t for t, r in natively.items() if r == "PASS"} - excused
    brokered = outcomes(tests, run, sorted(passing))
    lost = {t for t in passing if brokered.get(t) != "PASS"}
    # These machines are busy: once more, one by one.
    for t in sorted(lost):
        if outcomes(tests, [], [t]).get(t) != "PASS":
            lost.discard(t)
            passing.discard(t)
        elif outcomes(tests, run, [t]).get(t) == "PASS":
            lost.discard(t)
    if o.record:
        with open(f"{HERE}/strace.pass", "w") as f:
            f.write("".join(t + "\n" for t in sorted((listed("strace.pass") | passing) - lost - excused)))
    for t in sorted(lost):
        print(f"FAIL {t}: passes natively, not on the broker{'' if t in wanted else ', and is in neither list'}: {tests}/{t}.log")
    print(f"strace's suite: {len(natively)} tests, {len(passing)} pass natively, {len(passing - lost)} of them on the broker, "
          f"{len(lost)} lost; {len(excused)} are not run there")
    return bool(lost)


if __name__ == "__main__":
    sys.exit(main())
