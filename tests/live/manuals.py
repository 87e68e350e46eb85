#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Manual pages: every command's option is in its page, every public call has one, mandoc has no complaint.

Usage: manuals.py TRAPLINE BUILD
"""
import glob
import os
import re
import subprocess
import sys

trapline, build = sys.argv[1:3]
bad = []
for command in ("trace", "doctor", "regs", "probe"):
    text = subprocess.run([trapline, command, "--help"], capture_output=True, text=True).stdout
    page = re.sub(r"\\f[BIR]", "", open(f"{build}/man/trapline-{command}.1").read()).replace("\\-", "-")
    for long in re.findall(r"--([a-z][a-z-]+)", text):
        short = re.search(rf"-(\w), --{long}\b", text)
        if long in ("help", "usage", "version"):
            continue
        if f"--{long}" not in page and not (short and re.search(rf"-{short[1]}\b", page)):
            bad.append(f"trapline-{command}(1) does not have --{long}")
root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
calls = re.findall(r"^\t(tl_\w+);", open(f"{root}/libtrapline.map").read(), re.M)
for call in calls:
    if not os.path.exists(f"{build}/man/man3/{call}.3"):
        bad.append(f"{call}(3) is missing")
for page in glob.glob(f"{build}/man/*.1") + glob.glob(f"{build}/man/man3/*.3"):
    lint = subprocess.run(["mandoc", "-T", "lint", "-W", "error", page], capture_output=True, text=True)
    if lint.returncode:
        bad.append(f"{page}: {lint.stdout.strip()[:300]}")
print("\n".join(bad) or f"{len(calls)} calls and 4 commands have their pages")
sys.exit(1 if bad else 0)
