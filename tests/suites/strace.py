#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""strace's own tests, from Debian's source package, natively and on the broker."""
import os
import re
import subprocess
import sys

from suite import arguments, compared, debian

o = arguments(__doc__)


def built():
    """Its tests' folder; built once."""
    folder = debian.source("strace")
    done = f"{folder}/.built"
    if not os.path.exists(done):
        for command in (["./configure", "--enable-bundled=yes", "--enable-mpers=no", "--disable-gcc-Werror", "CFLAGS=-O1"], ["make", f"-j{o.jobs}"],
                        ["make", f"-j{o.jobs}", "-C", "tests", "check", "TESTS="]):
            p = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if p.returncode:
                debian.fail(f"{' '.join(command)} in {folder}: {p.stdout[-2000:]}", 1)
        open(done, "w").close()
    return f"{folder}/tests"


TESTS = built()


def outcomes(first, names):
    """By its name without .test."""
    for name in os.listdir(TESTS):
        if name.endswith(".trs"):
            os.unlink(f"{TESTS}/{name}")
    which = [f"TESTS={' '.join(n + '.test' for n in names)}"] if names else []
    with open(f"{TESTS}/../{'brokered' if first else 'native'}.log", "w") as log:
        subprocess.run(first + ["make", "-k", f"-j{o.jobs}", "check"] + which, cwd=TESTS, stdin=subprocess.DEVNULL, stdout=log,
                       stderr=subprocess.STDOUT)
    found = {}
    for name in os.listdir(TESTS):
        if name.endswith(".trs") and name != "test-suite.trs":
            said = re.search(r"^:test-result: (\w+)", open(f"{TESTS}/{name}").read(), re.M)
            found[name[:-4]] = said[1] if said else "NONE"
    return found


if __name__ == "__main__":
    sys.exit(compared("strace", o, outcomes, lambda t: f"{TESTS}/{t}.log"))
