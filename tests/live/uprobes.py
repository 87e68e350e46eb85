#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts of libc's functions against the kernel's own uprobes, in the same run of a real program.

Usage: uprobes.py TRAPLINE. The program has a copy of libc of its own, so that nobody else comes by the kernel's probes. They
stand on the second instruction of each function, ours on the first: on one instruction only one breakpoint can be.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

TRAPLINE = os.path.abspath(sys.argv[1])
TRACING = "/sys/kernel/tracing"
FUNCTIONS = ("malloc", "free", "realloc", "calloc", "getenv", "fopen", "fclose", "opendir", "readdir64",
             "closedir", "fwrite", "qsort", "mktime", "write")
WANTED = 10


def run(*args, **kw):
    return subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, **kw)


def write(name, text):
    """Not truncated, which would remove all events there are; and these files cannot be sought in."""
    fd = os.open(f"{TRACING}/{name}", os.O_WRONLY | os.O_APPEND)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def libc():
    return re.search(r"libc\.so\.6 => (\S+)", run("ldd", "/bin/ls").stdout)[1]


def symbols(path):
    """Of a function its address, which in glibc's text is its place in the file, too."""
    return {m[2]: int(m[1], 16) for m in re.finditer(r": ([0-9a-f]+) +\d+ FUNC +(?:GLOBAL|WEAK) +DEFAULT +\d+ (\w+)@@", run("readelf", "-Ws", "--dyn-syms", path).stdout)}


def offset_is_address(path):
    m = re.search(r"LOAD +(0x\w+) (0x\w+) .* R E ", run("readelf", "-Wl", path).stdout)
    return int(m[1], 16) == int(m[2], 16)


def profile(group):
    return {m[1]: int(m[2]) for m in re.finditer(rf"^\s*\S+ {group}_(\w+) +(\d+)", open(f"{TRACING}/uprobe_profile").read(), re.M)}


def main():
    if os.geteuid() == 0 and not os.path.exists(f"{TRACING}/uprobe_events"):
        run("mount", "-t", "tracefs", "tracefs", TRACING)
    if os.geteuid() != 0 or not os.access(f"{TRACING}/uprobe_events", os.W_OK):
        print("no uprobes here: this takes root and tracefs")
        return 77
    own = tempfile.mkdtemp()
    os.chmod(own, 0o755)
    path = shutil.copy(libc(), own)
    group = f"trapline{os.getpid()}"
    program = ["env", f"LD_LIBRARY_PATH={own}", "ls", "-lRt", "/etc", "/usr/share/doc"]
    try:
        assert offset_is_address(path)
        at, used = symbols(path), []
        listed = run(TRAPLINE, "probe", "-l", *[a for f in FUNCTIONS for a in ("-e", f"{path}:{f}+*")], "--", *program[:2], "ls", "/etc/hostname").stderr
        for f in FUNCTIONS:
            steps = sorted(int(m, 16) for m in re.findall(rf"^0x\w+ libc\.so\.6:{f}\+(0x\w+)$", listed, re.M))
            if f in at and steps:
                write("uprobe_events", f"p:{group}/{group}_{f} {path}:{at[f] + steps[0]:#x}\n")
                used.append(f)
        write(f"events/{group}/enable", "1")
        p = run(TRAPLINE, "probe", "-c", *[a for f in used for a in ("-e", f"{path}:{f}")], "--", *program)
        kernel = profile(group)
        ours = {m[2]: int(m[1]) for m in re.finditer(r"^ *(\d+)  libc\.so\.6:(\w+)$", p.stderr, re.M)}
        alone = run(*program)
        called = [f for f in used if kernel.get(f)]
        for f in used:
            print(f"{'ok  ' if kernel.get(f) == ours.get(f) else 'FAIL'} {f}: {ours.get(f)}, the kernel's {kernel.get(f)}")
        same = all(kernel.get(f) == ours.get(f) for f in used)
        print(f"{len(called)} functions called, {sum(ours.values())} hits, output {'the same' if p.stdout == alone.stdout else 'differs'}")
        return 0 if same and len(called) >= WANTED and p.returncode == alone.returncode and p.stdout == alone.stdout else 1
    finally:
        if os.path.exists(f"{TRACING}/events/{group}"):
            write(f"events/{group}/enable", "0")
        for line in open(f"{TRACING}/uprobe_events").read().splitlines():
            if f":{group}/" in line:
                write("uprobe_events", "-" + line.split()[0][1:] + "\n")
        shutil.rmtree(own)


if __name__ == "__main__":
    sys.exit(main())
