#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The probe command, as a person uses it.

Usage: probe.py TRAPLINE TRACEES_DIR
"""
import json
import os
import re
import signal
import subprocess
import sys
import time

TRAPLINE, TRACEES = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
failures = []


def check(what, ok, seen=""):
    print(("ok   " if ok else "FAIL ") + what)
    if not ok:
        failures.append(what)
        print("     " + str(seen)[-1500:].replace("\n", "\n     "))


def probe(*args, **kw):
    p = subprocess.run([TRAPLINE, "probe", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, **kw)
    return p.returncode, p.stdout, p.stderr


def running(*args):
    p = subprocess.Popen([f"{TRACEES}/called", *args])
    # Its threads are there.
    while len(os.listdir(f"/proc/{p.pid}/task")) <= int(args[0]):
        time.sleep(0.01)
    return p


def mapped(pid):
    return [line.split()[0] for line in open(f"/proc/{pid}/maps")]


def counts(text):
    return {m[2]: int(m[1]) for m in re.finditer(r"^ *(\d+)  (\S+)$", text, re.M)}


def programs():
    rc, out, err = probe("-c", "-e", "hot", "-e", "outer", "--", f"{TRACEES}/called", "2", "300")
    got = counts(err)
    check("a program's own functions are counted", rc == 0 and got.get("called:hot") == 600 and got.get("called:outer") == 600, err)
    rc, out, err = probe("-c", "-e", "libc:_exit", "--", "/bin/sh", "-c", "/bin/true; (exit 3); exit 7")
    check("children and execs are followed, and the status is the program's",
          rc == 7 and sum(v for k, v in counts(err).items() if k.endswith(":_exit")) == 3, (rc, err))
    rc, out, err = probe("-c", "-e", "libz:crc32", "--", "python3", "-c", "import ctypes; z=ctypes.CDLL('libz.so.1'); "
                         "[z.crc32(0, b'abc', 3) for i in range(5)]")
    check("a probe waits for its file", counts(err).get("libz.so.1.2.13:crc32", counts(err).get("total")) == 5, err)
    rc, out, err = probe("--format=json", "-e", "hot", "--", f"{TRACEES}/called", "1", "3")
    lines = [json.loads(line) for line in err.splitlines()]
    check("JSON, a line each", lines[0]["v"] == 1 and [e["ev"] for e in lines[1:]] == ["probe"] * 3 and
          all(e["site"] == "called:hot" and e["tid"] and e["ts"] for e in lines[1:]), err)


def returns():
    functions = ("recursive", "jumps_out", "first", "last", "unwound", "switches", "in_between", "handled")
    args = [a for f in functions for a in ("-r", f)]
    alone = subprocess.run([f"{TRACEES}/returning"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out = f"/tmp/trapline-probe.{os.getpid()}"
    rc, printed, err = probe("--format=json", "-o", out, *args, "--", f"{TRACEES}/returning")
    seen = {f: [0, 0, 0] for f in functions}
    for e in map(json.loads, open(out)):
        if e["ev"] in ("probe", "return"):
            s = seen[e["site"].split(":")[1]]
            s[e["ev"] == "return"] += 1
            s[2] += int(e.get("ret", "0"), 16)
    os.unlink(out)
    want = {line.split()[0]: [int(n) for n in line.split()[1:]] for line in printed.splitlines()}
    check("calls, returns and results, of recursion, longjmp, tail calls, coroutines, handlers", rc == 0 and seen == want, (seen, want, err))
    check("a backtrace through probed functions is the same", (printed, err) == (alone.stdout, alone.stderr), (err, alone.stderr))
    rc, printed, err = probe("-c", "-r", "hot", "--", f"{TRACEES}/called", "4", "200")
    check("times are counted", re.search(r"^ +800 +[\d.]+ +[\d.]+ +[\d.]+  called:hot$", err, re.M), err)


def faults():
    for name in ("faulting", "faulting_32"):
        alone = subprocess.run([f"{TRACEES}/{name}"], stdout=subprocess.PIPE, text=True)
        rc, printed, err = probe("-c", "-e", "faults+*", "--", f"{TRACEES}/{name}")
        got = sorted(v for k, v in counts(err).items() if k != "total")
        check(f"{name}: faults are where they are, and counted", rc == 0 and printed == alone.stdout and "left" in printed and
              set(got) == {100, 200} and got.count(200) == 2, (rc, printed, err))


def attached():
    p = running("4", "100000000")
    before = mapped(p.pid)
    for i in range(12):
        rc, out, err = probe("-c", "-e", "hot+*", "-e", "outer+*", "-p", str(p.pid), "--max-hits", str(i * 37 + 1))
        if rc or p.poll() is not None or mapped(p.pid) != before:
            check(f"attached to and let go, round {i}", False, (rc, err, p.poll()))
            break
    else:
        check("attached to and let go, its memory as it was", True)
    # In its text, too.
    rc = subprocess.run([TRAPLINE, "doctor", str(p.pid)], stdout=subprocess.PIPE, text=True)
    check("no breakpoint is left", "as in its files" in rc.stdout, rc.stdout)
    t = subprocess.Popen([TRAPLINE, "probe", "-c", "-e", "hot", "-p", str(p.pid)], stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    t.send_signal(signal.SIGINT)
    err = t.communicate(timeout=30)[1]
    check("an interrupt ends it", t.returncode == 0 and counts(err).get("called:hot", 0) > 100 and p.poll() is None, (t.returncode, err))
    p.kill()
    p.wait()


def arguments():
    for name in ("called", "called_32"):
        rc, out, err = probe("-r", "outer(long) = long", "-e", "hot(int, uint)", "--", f"{TRACEES}/{name}", "1", "2")
        want = [f"{name}:outer(0)", f"{name}:hot(0, 7)", f"{name}:outer = 8", f"{name}:outer(1)", f"{name}:hot(1, 7)", f"{name}:outer = 11"]
        check(f"arguments and results, {name}", re.findall(r"^\[pid \d+\] (.*?)(?: <[\d.]+>)?$", err, re.M) == want, err)
    rc, out, err = probe("-r", "libc:fopen(str, str) = ptr", "--format=json", "--", "python3", "-c",
                         "import ctypes; ctypes.CDLL(None).fopen(b'/no \"\\n\\x01' + b'x' * 100, b'r')")
    lines = [json.loads(line) for line in err.splitlines()]
    mine = [e for e in lines if e["ev"] == "probe" and "/no" in e["text"][0]]
    check("strings, quoted and cut", len(mine) == 1 and mine[0]["text"] == ['"/no \\"\\n\\x01' + "x" * 57 + '"...', '"r"'] and
          len(mine[0]["args"]) == 2 and any(e["ev"] == "return" and int(e["ret"], 16) == 0 for e in lines), mine)
    for i in range(10):
        p = subprocess.Popen([TRAPLINE, "probe", "-r", "libc:fopen", "--", "ls", "-l", "/usr/share/doc/bash"], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        p.stderr.readline()
        p.stderr.close()
        try:
            p.wait(20)
        except subprocess.TimeoutExpired:
            check("it ends when nobody reads", False)
            p.kill()
            break
    else:
        check("it ends when nobody reads", True)


def blocked():
    """SIGTRAP blocked at a breakpoint, and ignored when it is sent: nothing of it is changed."""
    rc, out, err = probe("-c", "-e", "hot", "--", "sh", "-c", f"trap '' TRAP; exec {TRACEES}/blocks_trap 300")
    check("a mask with SIGTRAP in it stays, and ignored it stays, too", rc == 0 and counts(err).get("blocks_trap:hot") == 900, (rc, err))


def sandboxed():
    """A filter of its own would have it killed for the mmap: suspended, or nothing is done."""
    drop = ["setpriv", "--reuid=65534", "--clear-groups"]
    for who, drop in (("root", []), ("somebody", drop if os.geteuid() == 0 else [])):
        p = subprocess.Popen([*drop, f"{TRACEES}/sandboxed"])
        while "Seccomp:\t2" not in open(f"/proc/{p.pid}/status").read():
            time.sleep(0.01)
        before = mapped(p.pid) if os.geteuid() == 0 else None
        t = subprocess.run([*drop, TRAPLINE, "probe", "-c", "-e", "hot", "-p", str(p.pid), "--duration", "1"], stderr=subprocess.PIPE, text=True)
        hits = counts(t.stderr).get("sandboxed:hot", 0)
        if who == "root" and os.geteuid() == 0:
            check("a filter is suspended", t.returncode == 0 and hits > 100 and p.poll() is None and mapped(p.pid) == before, (t, p.poll()))
        else:
            check("a filter that cannot be suspended", "CAP_SYS_ADMIN" in t.stderr and hits == 0 and p.poll() is None, (t, p.poll()))
        # And is in force again.
        check("the filter is still there", "Seccomp:\t2" in open(f"/proc/{p.pid}/status").read())
        p.kill()
        p.wait()


def refusals():
    called = [f"{TRACEES}/called", "1", "1"]
    for spec, said in (("nosuch", "no such place was ever loaded"), ("nosuch:main", "no such place was ever loaded"),
                       ("hot+1", "inside an instruction"), ("called:0x10", "not executable"), ("libc:strlen", "IFUNC")):
        rc, out, err = probe("-e", spec, "--", *called)
        check(f"{spec}: {said}", rc == 0 and said in err, (rc, err))
    for args, said in ((["-e", "+", "--", "true"], "not a SPEC"), (["--", "true"], "which place"), (["-e", "x"], "a program to run"),
                       (["-e", "x(foo)", "--", "true"], "each is one of"),
                       (["-e", "x(int", "--", "true"], "each is one of"), (["-e", "x(int) foo", "--", "true"], "each is one of"),
                       (["-e", "x", "-p", "0"], "not a number"), (["-e", "x", "--format=xml", "--", "true"], "text or json"),
                       (["-e", "x", "--", "/nosuch"], "no such file"), (["-e", "main", "-p", "1999999999"], "no such process")):
        rc, out, err = probe(*args)
        check(f"{' '.join(args)}: {said}", rc in (1, 2) and said in err, (rc, err))
    for spec, near in (("malloc", "libc.so.6:malloc"), ("libc:mallco", "libc.so.6:malloc"), ("houter", "called:outer"), ("libc:qqqqqqqqqq", None)):
        rc, out, err = probe("-e", spec, "--", *called)
        check(f"{spec}: {near}", f"Is it {near}?" in err if near else "Is it" not in err, err)
    rc, out, err = probe("-l", "-e", "hot+*", "--", *called)
    check("-l lists", rc == 0 and len(re.findall(r"^0x[0-9a-f]+ called:hot", err, re.M)) >= 2, err)


def main():
    programs()
    returns()
    arguments()
    faults()
    attached()
    blocked()
    sandboxed()
    refusals()
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
