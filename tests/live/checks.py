# SPDX-License-Identifier: LGPL-2.1-or-later
"""A line for each check, and what was seen where it does not hold."""
failed, skipped = [], []
SKIPPED = 77  # as meson knows it


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
