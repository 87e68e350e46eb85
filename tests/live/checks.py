# SPDX-License-Identifier: LGPL-2.1-or-later
"""A line for each check, and what was seen where it does not hold."""
import os

failed, skipped = [], []
SKIPPED = 77  # as meson knows it
# What a test starts has it in its environment: others may trace on this machine, too.
MARK = f"TRAPLINE_TEST_{os.getpid()}"
os.environ[MARK] = "1"


def is_ours(pid):
    try:
        return f"{MARK}=1".encode() in open(f"/proc/{pid}/environ", "rb").read().split(b"\0")
    except OSError:
        return False


def check(what, holds, seen=""):
    print(f"{'ok  ' if holds else 'FAIL'} {what}")
    if not holds:
        failed.append(what)
        print("     " + str(seen)[-4000:].replace("\\n", "\n").replace("\n", "\n     "))


def skip(what, why):
    print(f"skip {what}: {why}")
    skipped.append(what)


def summed_up():
    """The last line, and the status that the script has to end with."""
    print(f"{len(failed)} failures, {len(skipped)} skipped")
    return 1 if failed else SKIPPED if skipped else 0
