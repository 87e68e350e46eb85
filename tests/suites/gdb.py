#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""gdb's own tests, from Debian's source package, with Debian's gdb, natively and on the broker.

A test is a file, gdb.base/break.exp; it passes where nothing in it fails. Without TEST: those of gdb.pass.
"""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys

from suite import arguments, compared, debian, listed

LIMIT = 240
o = arguments(__doc__)


def configured():
    """The folder with what dejagnu has to know; made once."""
    folder = f"{debian.source('gdb')}/tests-build"
    if not os.path.exists(f"{folder}/site.exp"):
        os.makedirs(folder, exist_ok=True)
        for command in (["../gdb/testsuite/configure"], ["make", "site.exp"]):
            p = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if p.returncode:
                debian.fail(f"{' '.join(command)} in {folder}: {p.stdout[-2000:]}", 1)
    return folder


FOLDER = configured()


def folder_of(test):
    return f"{FOLDER}/{test.removesuffix('.exp')}"


def outcome(first, test):
    folder = folder_of(test)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    shutil.copy(f"{FOLDER}/site.exp", folder)
    with open(f"{folder}/out.log", "w") as log:
        p = subprocess.Popen(first + ["runtest", "--tool", "gdb", "GDB=/usr/bin/gdb", test], cwd=folder, stdin=subprocess.DEVNULL,
                             stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            p.wait(LIMIT)
        except subprocess.TimeoutExpired:
            # What it has started is in sessions of its own.
            subprocess.run(["pkill", "-KILL", "-s", str(p.pid)])
            subprocess.run(["pkill", "-KILL", "-f", folder])
            p.wait()
            return "FAIL"
    said = open(f"{folder}/gdb.sum", errors="replace").read() if os.path.exists(f"{folder}/gdb.sum") else ""
    shutil.rmtree(f"{folder}/outputs", ignore_errors=True)
    counts = dict(re.findall(r"^# of (.*?)\t+(\d+)$", said, re.M))
    bad = re.search(r"^(FAIL|ERROR|UNRESOLVED): ", said, re.M)
    return "PASS" if "expected passes" in counts and not bad else "FAIL"


def outcomes(first, names):
    with concurrent.futures.ThreadPoolExecutor(o.jobs) as pool:
        return dict(zip(names, pool.map(lambda t: outcome(first, t), names)))


if __name__ == "__main__":
    o.tests = o.tests or sorted(listed("gdb.pass"))
    sys.exit(compared("gdb", o, outcomes, lambda t: f"{folder_of(t)}/gdb.log"))
