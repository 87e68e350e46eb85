# SPDX-License-Identifier: LGPL-2.1-or-later
"""What /proc says of processes that a test has started, and waiting for it to say something."""
import os
import re
import time


def field(pid, name):
    """Of its status: the first word; None where there is none."""
    try:
        return re.search(rf"^{name}:\s*(\S+)", open(f"/proc/{pid}/status").read(), re.M)[1]
    except (OSError, TypeError):
        return None


def children(pid, name=None):
    try:
        pids = [p for t in os.listdir(f"/proc/{pid}/task") for p in open(f"/proc/{pid}/task/{t}/children").read().split()]
        return [int(p) for p in pids if not name or open(f"/proc/{p}/comm").read().strip() == name[:15]]
    except OSError:
        return []


def until(what, seconds=20):
    """What it says, once it is something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = what()
        if got:
            return got
        time.sleep(0.01)
    return None
