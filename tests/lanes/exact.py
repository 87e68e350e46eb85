#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Exactness in an arm64 lane: every call of a program as the kernel's own tracepoints saw it, as in tests/live/oracle.py.

The guest runs the programs and prints both logs; they are compared here. Usage: exact.py BUILD LANE
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.environ.get("LANES") or f"{ROOT}/build-lanes"
sys.path.insert(0, f"{ROOT}/tests/live")
sys.dont_write_bytecode = True
import oracle  # noqa: E402

EXECVE = (221, 11)
PERL = "my @l = map { lc } sort qw(c B a); if (!fork) { exec '/bin/busybox', 'true' } wait; print @l; opendir D, '/'; print readdir D"
PROGRAMS = [
    ("busybox", "busybox sh -c 'ls / | sort | wc -l; for i in 1 2 3; do (cat /proc/version >/dev/null) & done; wait'"),
    ("perl", f'./perl -e "{PERL}"'),
    ("bash", "./bash -c 'for i in 1 2 3; do x=$(echo $i | ./mawk \'{print $1*2}\'); done; trap true USR1; kill -USR1 $$; echo $x'"),
    ("gzip", "./gzip -c ./perl | ./gzip -dc | wc -c"),
    ("busybox, AArch32", "./busybox32 sh -c 'ls / | sort | wc -l; for i in 1 2 3; do (cat /proc/version >/dev/null) & done; wait'"),
    ("mawk, AArch32", "./mawk32 'BEGIN { while ((\"ls /\" | getline x) > 0) n++; system(\"true\"); print n }'"),
    ("threads and exec", "./exec_thread"),
    ("clones", "./clone_kinds"),
    ("signals", "./signal_storm"),
    ("timers", "./interrupted"),
    ("killed", "./killed_threads"),
    ("numbers", "./odd_numbers"),
]
GUEST = r"""
T=/sys/kernel/tracing
echo 16384 > $T/buffer_size_kb; echo 1 > $T/options/event-fork
run() {
	echo > $T/trace
	sh -c 'echo $$ > /sys/kernel/tracing/set_event_pid; echo 1 > /sys/kernel/tracing/events/raw_syscalls/enable; exec "$@"' \
		sh trapline trace -s 4 --format=json -o /tmp/ours -- sh ./one.sh >/dev/null 2>&1
	echo 0 > $T/events/raw_syscalls/enable; echo > $T/set_event_pid
	grep overrun $T/per_cpu/cpu*/stats | grep -v 'overrun: 0'
	echo '<<<kernel>>>'; sed -n 's/\(sys_enter: NR -*[0-9]* (\).*/\1/p;/sys_exit/p' $T/trace
	echo '<<<ours>>>'; cat /tmp/ours; echo '<<<end>>>'
}
"""


ENOSYS = 38


def made(threads):
    """Without those of threads that were killed in their entry stop, by another thread's exec say: arm64 tells of such a call as of
    number -1, with its first argument as the result (syscall_trace_enter). A program's own -1 has ENOSYS."""
    return {tid: [c for c in calls if c[0] != -1 or c[1] in (None, -ENOSYS)] for tid, calls in threads.items()}


def main():
    build, lane = os.path.abspath(sys.argv[1]), sys.argv[2]
    roots = {"": f"{CACHE}/root-arm64", "32": f"{CACHE}/root-armhf"}
    script, files = GUEST, [f"{build}/tests/{t}" for t in ("exec_thread", "clone_kinds", "signal_storm", "interrupted", "killed_threads",
                                                            "odd_numbers")]
    work = f"{CACHE}/exact.{os.getpid()}"
    os.makedirs(work)
    for name, path, bits in (("perl", "usr/bin/perl", ""), ("bash", "bin/bash", ""), ("mawk", "usr/bin/mawk", ""), ("gzip", "bin/gzip", ""),
                             ("busybox32", "bin/busybox", "32"), ("mawk32", "usr/bin/mawk", "32")):
        os.link(f"{roots[bits]}/{path}", f"{work}/{name}")
        files.append(f"{work}/{name}")
    for _, command in PROGRAMS:
        script += f"cat > one.sh <<'EOF'\nexec {command}\nEOF\nrun\n" if "|" not in command.split("'")[0] else \
            f"cat > one.sh <<'EOF'\n{command}\nEOF\nrun\n"
    with open(f"{work}/all.sh", "w") as f:
        f.write(script)
    argv = [f"{ROOT}/tools/lane", lane, "--timeout", "600", "--with", f"{work}/all.sh"]
    for f in files:
        argv += ["--with", f]
    p = subprocess.run(argv + ["--", "sh", "./all.sh"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       env=dict(os.environ, BUILD=build))
    for f in os.listdir(work):
        os.unlink(f"{work}/{f}")
    os.rmdir(work)
    logs = re.findall(rb"<<<kernel>>>\n(.*?)<<<ours>>>\n(.*?)<<<end>>>", p.stdout, re.S)
    failed, total = len(logs) != len(PROGRAMS), 0
    if failed:
        print(f"only {len(logs)} of {len(PROGRAMS)} programs ran\n{p.stdout[-2000:].decode(errors='replace')}")
    for (name, _), (theirs, mine) in zip(PROGRAMS, logs):
        why, calls = oracle.compare(made(oracle.calls_of(theirs.splitlines(), EXECVE)), *oracle.ours(mine.decode(errors="replace").splitlines()),
                                    "stops", execve=EXECVE)
        total += calls
        failed |= bool(why) or calls < 10
        print(f"FAIL {name}: {why}" if why else f"   {name}: {calls} calls")
    print(f"{total} calls of {len(logs)} programs")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
