#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command as a person meets it: output, exit status, bad input, pipes that close, disks that fill.

Usage: command.py TRAPLINE TRACEES_DIR
"""
import collections
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

TRAPLINE, TRACEES = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
failures = []


def run(*args, **kw):
    kw.setdefault("timeout", 30)
    return subprocess.run([TRAPLINE] + list(args), capture_output=True, text=True, errors="replace", **kw)


def check(name, ok, detail=""):
    if not ok:
        failures.append(name)
        print(f"FAIL {name}: {detail}", flush=True)


def says(name, p, status, *words):
    text = p.stderr + p.stdout
    check(name, p.returncode == status and all(w in text for w in words), f"status {p.returncode}, said: {text[-600:]!r}")


SOCKETS = """
import os, socket, sys
listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
six = socket.create_server(("::1", 0), family=socket.AF_INET6)
bare = socket.socket()
a, b = socket.socketpair()
named = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); named.bind("\\0trapline-" + str(os.getpid()))
route = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); route.bind((0, 0))
memfd = os.memfd_create("gone"); null = os.open("/dev/null", os.O_RDWR); pid = os.pidfd_open(os.getpid())
for i in (listener, client, six, bare, a, named, route): os.fstat(i.fileno())
for i in (memfd, null, pid): os.fstat(i)
print(os.getpid(), client.getsockname()[1], listener.getsockname()[1], six.getsockname()[1],
      *(os.fstat(i.fileno()).st_ino for i in (bare, a, b, named)), flush=True)
"""


def descriptors():
    """What -y and -yy say a descriptor is open on, against what the program itself knows."""
    with tempfile.NamedTemporaryFile("r") as out:
        p = run("trace", "-yy", "-e", "%fstat,newfstatat", "-o", out.name, "--", sys.executable, "-c", SOCKETS)
        pid, port, server, six, bare, a, b, named = p.stdout.split()
        text = out.read()
    for want in (f"<TCP:[127.0.0.1:{server}]>", f"<TCP:[127.0.0.1:{port}->127.0.0.1:{server}]>", f"<TCPv6:[[::1]:{six}]>",
                 f"<TCP:[{bare}]>", f"<UNIX-STREAM:[{a}->{b}]>", f'<UNIX:[{named},@"trapline-{pid}"]>',
                 f"<NETLINK:[ROUTE:{pid}]>", "</memfd:gone>(deleted)", "</dev/null<char 1:3>>", f"<pid:{pid}>"):
        check(f"-yy shows {want}", want in text, text[-1500:])
    p = run("trace", "-y", "-e", "%fstat,newfstatat", "--", sys.executable, "-c", SOCKETS)
    for want in ("<socket:[", "</dev/null>", "</memfd:gone>(deleted)"):
        check(f"-y shows {want}", want in p.stderr, p.stderr[-1500:])


def recycled_tids():
    """One thread id, forty times. (The kernel's event filter loses a task when its number's former owner is freed.)"""
    for mode in ([], ["--via=stops"], ["--check-stops"], ["--pretend=no-syscall-info,no-syscall-eventmsg"]):
        with tempfile.NamedTemporaryFile("r") as out:
            p = run("trace", "--format=json", *mode, "-o", out.name, "--", f"{TRACEES}/recycled_tids", "40")
            events = [json.loads(line) for line in out]
        tids = collections.Counter(e["tid"] for e in events if e.get("ev") == "exit")
        tid = tids.most_common(1)[0][0]
        of_tid = [e for e in events if e.get("tid") == tid]
        calls = [e["name"] for e in of_tid if e["ev"] == "syscall" and e["name"] in ("getpgid", "exit_group")]
        status = [e["status"] for e in of_tid if e["ev"] == "exit"]
        check(f"recycled tids {mode}", p.returncode == 0 and calls == ["exit_group"] + ["getpgid", "exit_group"] * 40 and
              status == [0] + [i % 7 for i in range(40)], (p.returncode, len(calls), status))


def dead_leader():
    """Let go of a process whose leader has ended since we attached."""
    with tempfile.NamedTemporaryFile("r") as out:
        p = subprocess.Popen([f"{TRACEES}/dead_leader"], stdout=subprocess.PIPE)
        p.stdout.readline()
        t = subprocess.Popen([TRAPLINE, "trace", "-p", str(p.pid), "-o", out.name], stderr=subprocess.DEVNULL)
        while "sigtimedwait" not in open(out.name).read():
            time.sleep(0.01)
        p.send_signal(signal.SIGUSR1)
        while open(f"/proc/{p.pid}/stat").read().split()[2] != "Z":
            time.sleep(0.01)
        time.sleep(0.05)
        t.terminate()
        try:
            t.wait(timeout=5)
            check("a dead leader does not hold us", p.poll() is None, p.returncode)
        except subprocess.TimeoutExpired:
            check("a dead leader does not hold us", False, "still there after SIGTERM")
            t.kill()
        p.kill()


def registers():
    """Shown for all threads, written and read back, refused with a reason; the process goes on as it was."""
    p = subprocess.Popen([f"{TRACEES}/asleep"], stdout=subprocess.PIPE)
    time.sleep(0.3)
    threads = {int(t) for t in os.listdir(f"/proc/{p.pid}/task")}

    def status(key):
        return re.search(rf"^{key}:\s*(\S*)", open(f"/proc/{p.pid}/status").read(), re.M)[1]

    def shown(*args):
        return [json.loads(line) for line in run("regs", "--json", *args).stdout.splitlines()]
    all_of = shown(str(p.pid))
    check("regs: all threads", {t["tid"] for t in all_of} == threads, f"{threads}: {all_of}")
    check("regs: sets", all(t["view"] == "x86_64" and len(t["fp"]["data"]) == 2 * t["fp"]["size"] == 1024 and
                            "rip" in t["general"] for t in all_of), all_of)
    other = max(threads)
    one = shown(str(other), "--set", "rbx=0x1234", "--set", "r12=7") if other != p.pid else []
    if one:
        check("regs: one thread", [t["tid"] for t in one] == [other], one)
        check("regs: written", (one[0]["general"]["rbx"], one[0]["general"]["r12"]) == ("0x1234", "0x7"), one)
        old = next(t for t in all_of if t["tid"] == other)["general"]
        check("regs: kept", shown(str(other))[0]["general"]["rbx"] == "0x1234", "")
        shown(str(other), "--set", f"rbx={old['rbx']}", "--set", f"r12={old['r12']}")
    says("regs: unknown name", run("regs", str(p.pid), "--set", "eggs=1"), 1, "no general register 'eggs'", "rip")
    says("regs: refused", run("regs", str(p.pid), "--set", "cs=0"), 1, "cannot set cs")
    says("regs: no value", run("regs", str(p.pid), "--set", "rax="), 2, "not NAME=VALUE")
    says("regs: no process", run("regs", "999999999"), 1, "no such process")
    says("regs: nothing", run("regs"), 2, "which process?")
    # A reader that goes away must not end us with threads held: their calls would stay broken.
    for _ in range(5):
        end, writing = os.pipe()
        os.close(end)
        subprocess.run([TRAPLINE, "regs", str(p.pid)], stdout=writing, stderr=subprocess.PIPE)
        os.close(writing)
    # (Stopping and continuing wakes sleepers without a tracer too: signal(7).)
    check("regs: nobody was woken", p.poll() is None, p.returncode)
    p.send_signal(signal.SIGSTOP)
    time.sleep(0.1)
    says("regs: stopped", run("regs", str(p.pid)), 0, "rip")
    # Each thread goes back into the stop by itself, when it next runs.
    for _ in range(200):
        if status("State") == "T":
            break
        time.sleep(0.01)
    check("regs: still stopped", status("State") == "T" and status("TracerPid") == "0", status("State"))
    p.kill()
    p.wait()


def main():
    descriptors()
    dead_leader()
    registers()
    recycled_tids()
    says("exit status", run("trace", "-o", "/dev/null", "--", "sh", "-c", "exit 7"), 7)
    p = run("trace", "-o", "/dev/null", "--", "sh", "-c", "kill -SEGV $$")
    check("dies as the program did", p.returncode == -signal.SIGSEGV, p.returncode)
    says("no command", run(), 2, "Usage:")
    says("unknown command", run("ls"), 2, "no such command", "trapline trace -- ls")
    says("nothing to trace", run("trace"), 2, "nothing to trace")
    says("no such program", run("trace", "--", "no-such-program-here"), 1, "no such command in PATH")
    says("not executable", run("trace", "--", "/etc/passwd"), 1, "not executable", "chmod +x")
    says("a directory", run("trace", "--", "/etc"), 1, "cannot run /etc")
    says("unknown call", run("trace", "-e", "opneat", "--", "true"), 2, "unknown system call: opneat", "openat")
    says("unknown class", run("trace", "-e", "%nope", "--", "true"), 2, "%file")
    says("unknown signal", run("trace", "-e", "signal=NOPE", "--", "true"), 2, "unknown signal")
    says("bad inject", run("trace", "--inject=write:wat=1", "--", "true"), 2, "error=, retval=")
    says("bad register", run("trace", "--regs=eggs", "--", "true"), 2, "no register 'eggs'", "rax rbx")
    says("no register", run("trace", "--regs=", "--", "true"), 2, "which registers?")
    says("registers", run("trace", "--regs=rdi,orig_rax", "-e", "close", "--", "sh", "-c", "exec 7</dev/null; exec 7<&-"), 0, "[ rdi=0x7 orig_rax=0x3 -> rdi=0x7 orig_rax=0x3 ]")
    p = run("trace", "--regs=rdi,rax", "--format=json", "-e", "close", "--", "sh", "-c", "exec 7</dev/null; exec 7<&-")
    calls = [json.loads(line) for line in p.stderr.splitlines() if '"args":["0x7"' in line]
    check("registers in JSON", calls and calls[-1]["regs_in"] == {"rdi": "0x7", "rax": hex(2**64 - 38)} and
          calls[-1]["regs_out"] == {"rdi": "0x7", "rax": "0"}, p.stderr[-400:])
    says("bad pid", run("trace", "-p", "abc"), 2, "not a process id")
    says("dead pid", run("trace", "-p", "999999"), 1, "no such process")
    says("bad option", run("trace", "--frobnicate"), 2)
    says("unwritable output", run("trace", "-o", "/no/such/dir/x", "--", "true"), 1, "cannot write to /no/such/dir/x")
    says("unknown feature", run("trace", "--pretend=no-wings", "--", "true"), 1, "doctor --kernel")
    with tempfile.TemporaryDirectory() as tmp:
        foreign = f"{tmp}/foreign"
        with open(foreign, "wb") as f:
            f.write(b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00\x01\x00\x00\x00" + bytes(100))
        os.chmod(foreign, 0o755)
        says("another architecture", run("trace", "-o", "/dev/null", "--", foreign), 127, "arm64")
        script = f"{tmp}/script"
        open(script, "w").write("echo hi\n")
        os.chmod(script, 0o755)
        says("no interpreter line", run("trace", "-o", "/dev/null", "--", script), 127, "For a shell script: -- sh ")
    # The disk is full: said, and the program runs on to its end.
    p = run("trace", "-o", "/dev/full", "--", "sh", "-c", "for i in 1 2 3; do ls /usr/bin >/dev/null; done; echo done")
    check("full disk", "No space left" in p.stderr and "done" in p.stdout, p.stderr[-300:])
    # The reader of the pipe leaves: the program runs on.
    p = subprocess.run(f"{TRAPLINE} trace -- sh -c 'ls /usr/bin >/dev/null; echo done >&3' 2>&1 3>&1 >/dev/null | head -1 >/dev/null",
                       shell=True, timeout=30)
    check("closed pipe", p.returncode == 0, p.returncode)
    victim = subprocess.Popen(["sleep", "100"])
    first = subprocess.Popen([TRAPLINE, "trace", "-p", str(victim.pid), "-o", "/dev/null"], stderr=subprocess.PIPE)
    first.stderr.readline()
    says("traced already", run("trace", "-p", str(victim.pid)), 1, f"traced by process {first.pid}", "trapline")
    first.terminate()
    first.wait(timeout=10)
    check("detached program lives", victim.poll() is None)
    # A stopped process stays stopped across attach and detach.
    victim.send_signal(signal.SIGSTOP)
    time.sleep(0.1)
    t = subprocess.Popen([TRAPLINE, "trace", "-p", str(victim.pid), "-o", "/dev/null"], stderr=subprocess.PIPE)
    time.sleep(0.3)
    t.terminate()
    t.wait(timeout=10)
    state = re.search(r"State:\s*(\S)", open(f"/proc/{victim.pid}/status").read())[1]
    check("still group-stopped", state == "T", state)
    victim.kill()
    victim.wait()
    p = run("trace", "--format=json", "--", "sh", "-c", "ls / >/dev/null; kill -USR1 $$")
    lines = [json.loads(l) for l in p.stderr.splitlines() if l.startswith("{")]
    check("json begins with its version", lines and lines[0].get("v") == 1, lines[:1])
    kinds = {l["ev"] for l in lines}
    check("json has all kinds", {"syscall", "clone", "exec", "exit", "signal", "killed"} <= kinds, kinds)
    p = run("trace", "-c", "--", "ls", "/")
    check("summary", "p99 us" in p.stderr and "total" in p.stderr and "openat" in p.stderr, p.stderr[-400:])
    p = run("trace", "--inject=getuid,geteuid:retval=77", "-o", "/dev/null", "--", "id", "-u")
    check("injected result", p.stdout.strip() == "77", p.stdout)
    p = run("trace", "--inject=write:error=ENOSPC:when=1", "-o", "/dev/null", "--", "echo", "x")
    check("injected error", p.returncode == 1 and "No space left" in p.stderr, p.stderr)
    start = time.time()
    p = run("trace", "--inject=getppid,geteuid:delay_enter=200ms:when=1", "-o", "/dev/null", "--", "id", "-u")
    check("injected delay", time.time() - start > 0.2 and p.returncode == 0, time.time() - start)
    p = run("trace", "--inject=geteuid:signal=TERM", "-o", "/dev/null", "--", "id", "-u")
    check("injected signal", p.returncode == -signal.SIGTERM, p.returncode)
    p = run("trace", "-e", "openat", "-y", "-T", "-tt", "-z", "--", "cat", "/etc/hostname")
    check("letters", re.search(r"^\d\d:\d\d:\d\d\.\d{6} openat\(AT_FDCWD<.*>, \"/etc/hostname\", O_RDONLY\) = 3<\S+hostname> <\d\.\d{6}>$", p.stderr, re.M), p.stderr)
    check("only successes", "ENOENT" not in p.stderr, p.stderr)
    p = run("trace", "-P", "/etc/hostname", "--", "cat", "/etc/hostname")
    calls = re.findall(r"^(\w+)\(", p.stderr, re.M)
    check("one path", calls[:1] == ["openat"] and "read" in calls and "mmap" not in calls, calls)
    p = run("trace", "-E", "TL_TEST=1", "-E", "HOME", "-o", "/dev/null", "--", "env")
    check("environment", "TL_TEST=1" in p.stdout and "\nHOME=" not in p.stdout, p.stdout[-200:])
    p = run("trace", "-k", "-e", "write", "--", "echo", "x")
    check("stacks", re.search(r"^ > \S*libc\S*\(\w*write\w*\+0x", p.stderr, re.M), p.stderr[-500:])
    p = run("trace", "-e", "sched_getaffinity", "--", "nproc")
    check("its own cores", p.stdout.strip() == str(len(os.sched_getaffinity(0))), p.stdout)
    p = run("trace", "-o", "/dev/null", "--", "nproc")
    check("its own cores, all calls traced", p.stdout.strip() == str(len(os.sched_getaffinity(0))), p.stdout)
    with tempfile.TemporaryDirectory() as tmp:
        p = run("trace", "-ff", "-o", f"{tmp}/t", "--", "sh", "-c", "/bin/true; /bin/true")
        check("a file each", len(os.listdir(tmp)) == 3, os.listdir(tmp))
        run("trace", "--record", f"{tmp}/rec", "-o", f"{tmp}/a", "--", "/bin/echo", "x")
        p = run("trace", "--replay", f"{tmp}/rec", "-o", f"{tmp}/b")
        a, b = open(f"{tmp}/a").read(), open(f"{tmp}/b").read()
        check("a recording replays", a and a == b, f"{len(a)} and {len(b)} bytes, status {p.returncode}, {p.stderr[-200:]}")
        says("not a recording", run("trace", "--replay", f"{tmp}/a"), 1, "not a recording")
    # Killed tracer: the program runs on, and gets its cores back.
    p = subprocess.Popen([TRAPLINE, "trace", "-o", "/dev/null", "--", "sh", "-c", "i=0; while [ $i -lt 400000 ]; do i=$((i+1)); [ $((i % 50)) = 0 ] && cd /; done; echo end"],
                         stdout=subprocess.PIPE, text=True)
    time.sleep(0.5)
    children = subprocess.run(["pgrep", "-P", str(p.pid)], capture_output=True, text=True).stdout.split()
    p.kill()
    time.sleep(0.3)
    masks = [os.sched_getaffinity(int(c)) for c in children if os.path.exists(f"/proc/{c}")]
    check("cores given back", all(m == os.sched_getaffinity(0) for m in masks), masks)
    check("runs on", p.stdout.read() == "end\n", "")
    p.wait()
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
