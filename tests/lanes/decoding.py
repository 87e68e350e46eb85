#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Decoding of arm64 and AArch32 calls against strace -v in the guest; see tests/live/decoding.py. Usage: decoding.py BUILD LANE"""
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.environ.get("LANES") or f"{ROOT}/build-lanes"
sys.path = [f"{ROOT}/tests/live"] + [p for p in sys.path if os.path.abspath(p) != os.path.dirname(os.path.abspath(__file__))]
sys.dont_write_bytecode = True
import decoding  # noqa: E402

# How many calls must be equal in some line.
PROGRAMS = {"every_call": 200, "every_call_32": 240, "static_arm": 15}
GUEST = """
for p in every_call every_call_32 static_arm; do
	./strace -f -v -o /tmp/s ./$p >/dev/null 2>&1; trapline trace -v -o /tmp/t ./$p >/dev/null 2>&1
	echo "<<<strace>>>"; cat /tmp/s; echo "<<<ours>>>"; cat /tmp/t; echo "<<<end>>>"
done
"""


def main():
    build, lane = os.path.abspath(sys.argv[1]), sys.argv[2]
    argv = [f"{ROOT}/tools/lane", lane, "--timeout", "600", "--with", f"{CACHE}/root-arm64/usr/bin/strace"]
    for p in PROGRAMS:
        argv += ["--with", f"{build}/tests/{p}"]
    p = subprocess.run(argv + ["--", "sh", "-c", GUEST], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                       env=dict(os.environ, BUILD=build))
    logs = re.findall(r"<<<strace>>>\n(.*?)<<<ours>>>\n(.*?)<<<end>>>", p.stdout, re.S)
    failed, said = len(logs) != len(PROGRAMS), []
    if failed:
        print(p.stdout[-2000:])
    for (name, least), texts in zip(PROGRAMS.items(), logs):
        calls = []
        for text in texts:
            with tempfile.NamedTemporaryFile("w") as f:
                f.write(text)
                f.flush()
                calls.append(decoding.normal(f.name))
        seen, wrong = decoding.compare(*calls)
        # Numbers that AArch32 never had have names in strace only.
        bad = sorted(c for c in wrong if not c.endswith("(strace)") and not seen[c] and not c.startswith("syscall_0x"))
        said.append(f"{len(seen)} of {name}, different in every line: {' '.join(bad) or 'none'}")
        if len(seen) < least or len(bad) > 10:
            failed = True
            print("\n".join(f"ours {wrong[c][:1]}\nstrace {wrong.get(c + ' (strace)', [])[:1]}" for c in bad))
    print("calls decoded as strace -v does: " + "; ".join(said))
    return failed


if __name__ == "__main__":
    sys.exit(main())
