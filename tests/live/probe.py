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

from widths import both

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
    check("times are counted", re.search(r"^ +800 +[\d.]+ +[\d.]+ +[\d.]+ \|.*\|  called:hot$", err, re.M), err)


def returns_together():
    out = f"/tmp/trapline-probe.{os.getpid()}"
    seen = []
    for _ in range(5):
        rc, printed, err = probe("-c", "--format=json", "-o", out, "-r", "gathered", "--", f"{TRACEES}/call_sites")
        total = [e for e in map(json.loads, open(out)) if e.get("site") == "call_sites:gathered"][0]
        seen.append((rc, printed, total["hits"], total["returns"]))
    os.unlink(out)
    check("threads that return to a new place at the same time", seen == [(0, "384 calls\n", 384, 384)] * 5, seen)


def returns_to_traps():
    rc, out, err = probe("-r", "called", "--", f"{TRACEES}/returns_to_trap")
    check("returns to a breakpoint of the program's own are none, and counted", rc == 0 and out == "3 traps\n" and
          err.count("called()\n") == 4 and err.count(" returned <") == 1 and "3 calls return to where no breakpoint can be" in err, (rc, out, err))


def moving_stacks():
    rc, out, err = probe("-r", "main.add", "-r", "plain", "--", f"{TRACEES}/go_like")
    check("returns of Go are refused, those of C beside it are not", rc == 0 and out == "6\n" and "main.add in process" in err and
          "a function of Go" in err and "plain = 4 <" in err, (rc, out, err))
    rc, out, err = probe("-e", "main.add", "--", f"{TRACEES}/go_like")
    check("calls of Go", "go_like:main.add(a=1)\n" in err, err)


def addresses():
    p = subprocess.Popen([f"{TRACEES}/jitted"], stdout=subprocess.PIPE, text=True)
    at = p.stdout.readline().strip()
    rc, out, err = probe("-c", "-e", at, "--max-hits", "100", "-p", str(p.pid))
    check("code that a program has written itself, by its address", rc == 0 and counts(err).get(f"[memory]:{at}") == 100, err)
    rc, out, err = probe("-l", "-e", "main", "-p", str(p.pid))
    start = re.search(r"^(0x[0-9a-f]+) jitted:main$", err, re.M)[1]
    heap = "0x" + re.search(r"^(\w+)-.*\[heap\]$", open(f"/proc/{p.pid}/maps").read(), re.M)[1]
    for spec, said in ((start, " jitted:0x"), (hex(int(start, 16) + 1), "inside an instruction"), ("0x10", "not executable"),
                       (heap, "not executable")):
        rc, out, err = probe("-l", "-e", spec, "-p", str(p.pid))
        check(f"{spec}: {said}", said in err, err)
    p.terminate()
    check("it runs on", p.wait(10) == 0 and "calls" in p.stdout.read(), p.returncode)
    rc, out, err = probe("-e", at, "--", "true")
    check("an address that is nothing", rc == 0 and "no such place was ever loaded" in err, err)


def faults():
    for name in both(TRACEES, "faulting"):
        alone = subprocess.run([f"{TRACEES}/{name}"], stdout=subprocess.PIPE, text=True)
        rc, printed, err = probe("-c", "-e", "faults+*", "--", f"{TRACEES}/{name}")
        got = sorted(v for k, v in counts(err).items() if k != "total")
        check(f"{name}: faults are where they are, and counted", rc == 0 and printed == alone.stdout and "left" in printed and
              set(got) == {100, 200} and got.count(200) == 2, (rc, printed, err))


def attached():
    p = running("4", "0")
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
    for thread, some in (("calle*", True), (str(p.pid), False), ("nobody", False)):
        rc, out, err = probe("-c", "-e", "hot", "--duration", "0.2", "--thread", thread, "-p", str(p.pid))
        check(f"only of threads {thread}", rc == 0 and (counts(err).get("called:hot", 0) > 0) == some, (rc, err))
    p.kill()
    p.wait()
    rc, out, err = probe("-c", "-r", "hot", "--format=json", "--", f"{TRACEES}/called", "2", "100")
    row = [e for e in map(json.loads, err.splitlines()) if e["ev"] == "summary"]
    check("how times are spread", len(row) == 1 and sum(n for _, n in row[0]["histogram"]) == row[0]["returns"] == 200, err)


def arguments():
    for name in both(TRACEES, "called"):
        rc, out, err = probe("-r", "outer(long) = long", "-e", "hot(int, uint)", "--", f"{TRACEES}/{name}", "1", "2")
        want = [f"{name}:outer(0)", f"{name}:hot(0, 7)", f"{name}:outer = 8", f"{name}:outer(1)", f"{name}:hot(1, 7)", f"{name}:outer = 11"]
        check(f"arguments and results, {name}", re.findall(r"^\[pid \d+\] (.*?)(?: <[\d.]+>)?$", err, re.M) == want, err)
    rc, out, err = probe("-r", "libc:fopen(str, str) = ptr", "--format=json", "--", "python3", "-c",
                         "import ctypes; ctypes.CDLL(None).fopen(b'/no \"\\n\\x01' + b'x' * 100, b'r')")
    lines = [json.loads(line) for line in err.splitlines()]
    mine = [[a["text"] for a in e["args"]] for e in lines if e["ev"] == "probe" and "/no" in e["args"][0]["text"]]
    check("strings, quoted and cut", mine == [['"/no \\"\\n\\1' + "x" * 57 + '"...', '"r"']] and any(e["ev"] == "return" and int(e["ret"], 16) == 0 for e in lines), mine)
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


def held():
    """On the tracer's core, where it comes by all the time; and sees nothing of it."""
    rc, out, err = probe("-c", "-e", "hot", "--", f"{TRACEES}/own_affinity", "20000")
    check("a hot program sees its own affinity", rc == 0 and counts(err).get("own_affinity:hot") == 20000, (rc, err))
    mask = open("/proc/self/status").read().split("Cpus_allowed_list:")[1].split()[0]
    for way in ("let go", "killed"):
        p = subprocess.Popen([f"{TRACEES}/called", "1", "0"])
        t = subprocess.Popen([TRAPLINE, "probe", "-c", "-e", "hot", "-p", str(p.pid)], stderr=subprocess.PIPE, text=True)
        tids, narrow, until = [], False, time.time() + 10
        while not narrow and time.time() < until:
            time.sleep(0.05)
            tids = os.listdir(f"/proc/{p.pid}/task")
            narrow = any(f"Cpus_allowed_list:\t{mask}\n" not in open(f"/proc/{p.pid}/task/{t_}/status").read() for t_ in tids)
        t.send_signal(signal.SIGINT if way == "let go" else signal.SIGKILL)
        t.communicate(timeout=20)
        time.sleep(0.3)
        after = [open(f"/proc/{p.pid}/task/{t_}/status").read().split("Cpus_allowed_list:")[1].split()[0] for t_ in tids]
        check(f"it was held, and is as it was: {way}", (narrow or "-" not in mask) and after == [mask] * len(tids) and p.poll() is None, (narrow, mask, after))
        p.terminate()
        p.wait(20)


def statics():
    """Those of Debian's python, which counts who listens."""
    python = os.path.realpath("/usr/bin/python3")
    name = os.path.basename(python)
    if "stapsdt" not in subprocess.run(["readelf", "-n", python], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout:
        print("     no static probes in this python: values.sh has some of its own")
        return
    rc, out, err = probe("-e", f"{name}:python:gc__*", "--", python, "-c", "import gc; print('now'); gc.collect(1)")
    check("static probes, with their arguments", rc == 0 and f"{name}:python:gc__start(1)" in err and f"{name}:python:gc__done(0)" in err, err)
    rc, out, err = probe("-e", f"{name}:python:line(str, str, int)", "--", python, "-c", "def f():\n  pass\nf()")
    check("static probes, by types", rc == 0 and f'{name}:python:line("<string>", "f", 2)' in err, err)
    p = subprocess.Popen([python, "-c", "import time\nfor i in range(1000): time.sleep(0.01); (lambda: 0)()"])
    time.sleep(0.3)
    rc, out, err = probe("-c", "-e", f"{name}:python:line", "--max-hits", "5", "-p", str(p.pid))
    n = counts(err).get(f"{name}:python:line")
    rc2, out, err2 = probe("-c", "-e", f"{name}:python:line", "--max-hits", "5", "-p", str(p.pid))
    check("static probes of a running program", n == 5 and rc == rc2 == 0, (err, err2))
    m = re.search(r"Name: line\n\s+Location: (\w+), Base: \w+, Semaphore: (\w+)", subprocess.run(["readelf", "-n", python], stdout=subprocess.PIPE, text=True).stdout)
    base = int(open(f"/proc/{p.pid}/maps").readline().split("-")[0], 16)
    with open(f"/proc/{p.pid}/mem", "rb", 0) as mem:
        mem.seek(int(m[2], 16) if base == 0x400000 else base + int(m[2], 16))
        left = mem.read(2)
    check("nobody listens any more", left == b"\0\0", left)
    p.kill()
    p.wait()


def stacks():
    rc, out, err = probe("-k", "-e", "hot", "--max-hits", "1", "--", f"{TRACEES}/called", "1", "1")
    check("-k: the stack", rc == 0 and re.search(r"called:hot\(.*\)\n > \S*/called\(hot\+0\).*\n > \S*/called\(outer\+0x", err), err)
    rc, out, err = probe("-k", "--format=json", "-e", "hot", "--max-hits", "1", "--", f"{TRACEES}/called", "1", "1")
    got = [e for e in map(json.loads, err.splitlines()) if e["ev"] == "stack"]
    check("-k: in JSON", len(got) == 1 and [f.get("symbol") for f in got[0]["frames"][:2]] == ["hot", "outer"], err)


def names():
    rc, out, err = probe("-c", "-e", "libc:strlen", "--", "ls", "/etc/hostname")
    check("an IFUNC is the one that was picked", rc == 0 and counts(err).get("libc.so.6:strlen", 0) > 10, err)
    rc, out, err = probe("-e", "strlen", "--", f"{TRACEES}/workload_static", "memory")
    check("an IFUNC that has not been picked yet", rc == 0 and "IFUNC" in err, err)
    for spec in ("deeper", "*::deeper", "_ZN12_GLOBAL__N_16deeperEii"):
        rc, out, err = probe("-e", spec, "--max-hits", "1", "--", f"{TRACEES}/throws")
        check(f"C++: {spec}", "throws:(anonymous namespace)::deeper(n=1, kind=0)" in err, err)
    rc, out, err = probe("-e", "deepr", "--", f"{TRACEES}/throws")
    check("C++: the nearest", "Is it throws:" in err or "no such place" in err, err)


def refusals():
    called = [f"{TRACEES}/called", "1", "1"]
    for spec, said in (("nosuch", "no such place was ever loaded"), ("nosuch:main", "no such place was ever loaded"),
                       ("hot+1", "inside an instruction"), ("libc:environ", "data, not a function"), ("called:0x10", "not executable"), ("libc:memcpy", "is one of several functions with this name"),
                       ("a.c:7", "no such place"), ("hot if nosuch == 1", "no argument or variable"), ("libz:crc32 if x", "no such place")):
        rc, out, err = probe("-e", spec, "--", *called)
        check(f"{spec}: {said}", rc == 0 and said in err, (rc, err))
    for args, said in ((["-e", "+", "--", "true"], "not a SPEC"), (["--", "true"], "which place"), (["-e", "x"], "a program to run"),
                       (["-e", "x(foo)", "--", "true"], "not a SPEC"),
                       (["-e", "x(int", "--", "true"], "not a SPEC"), (["-e", "x(int) foo", "--", "true"], "not a SPEC"),
                       (["-e", "x+4(int)", "--", "true"], "not a SPEC"),
                       (["-e", "x if", "--", "true"], "not a SPEC"), (["-e", "x if a >", "--", "true"], "not a SPEC"),
                       (["-e", "a.c:0", "--", "true"], "not a SPEC"),
                       (["-e", "x", "-p", "0"], "not a number"), (["-e", "x", "--format=xml", "--", "true"], "text or json"),
                       (["-e", "x", "--", "/nosuch"], "no such file"), (["-e", "main", "-p", "1999999999"], "no such process")):
        rc, out, err = probe(*args)
        check(f"{' '.join(args)}: {said}", rc in (1, 2) and said in err, (rc, err))
    rc, out, err = probe("-e", "x if", "--", "true")
    check("a wrong SPEC is a wrong command line", rc == 2, (rc, err))
    rc, out, err = probe("-e", "hot+1 if *nosuch == 3", "--", *called)
    check("a condition makes no pattern of it: refusals are told", "no probe at" in err, err)
    rc, out, err = probe("-e", "ho?+1", "--", *called)
    check("refusals of a pattern are counted", "1 of 1 places refused" in err, err)
    for spec, near in (("malloc", "libc.so.6:malloc"), ("libc:mallco", "libc.so.6:malloc"), ("houter", "called:outer"), ("libc:qqqqqqqqqq", None)):
        rc, out, err = probe("-e", spec, "--", *called)
        check(f"{spec}: {near}", f"Is it {near}?" in err if near else "Is it" not in err, err)
    rc, out, err = probe("-l", "-e", "hot+*", "--", *called)
    rc, out, json_err = probe("-l", "--format=json", "-e", "hot", "-e", "hot+1", "--", *called)
    places = [e for e in map(json.loads, json_err.splitlines()) if e["ev"] == "place"]
    check("-l lists in JSON", [(e["site"], e.get("refused")) for e in places] ==
          [("called:hot", None), ("called:hot+0x1", "inside an instruction")], json_err)
    check("-l lists", rc == 0 and len(re.findall(r"^0x[0-9a-f]+ called:hot", err, re.M)) >= 2, err)


def main():
    programs()
    returns()
    returns_together()
    returns_to_traps()
    moving_stacks()
    addresses()
    arguments()
    faults()
    attached()
    blocked()
    sandboxed()
    held()
    stacks()
    statics()
    names()
    refusals()
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
