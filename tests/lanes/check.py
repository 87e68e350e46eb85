#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same tests in the lanes: on other kernels, and on arm64. A line a result, "ok" or "FAIL".

Usage: check.py BUILD [LANE...]
What this machine lacks for tests/live (ONLY_64, NO_WATCHPOINTS: tests/meson.build) is tested in lane x86-6.1.
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(sys.argv[1])
TRACEES = ["clone_kinds", "exec_thread", "interrupted", "killed_threads", "leader_exits", "mixed_abi", "odd_numbers", "recycled_tids",
           "restarted", "restarted_32", "faulting", "own_filter", "own_filter_32", "group_stop", "signal_storm", "static_i386", "static_arm", "static_64", "vfork_exec", "asleep", "marked", "vectors"]
RAW = ["hidden_register", "hidden_register_a32", "hidden_register_t32"]
STEPS = ["test-steps", "step_cells", "step_target", "step_cells_32", "step_target_32"]
# Each program alone and in each mode: its status, and whether every task's death was told.
PROGRAMS = r"""
for p in vfork_exec exec_thread clone_kinds odd_numbers killed_threads leader_exits mixed_abi interrupted recycled_tids group_stop static_i386 static_arm signal_storm; do
	[ -x $p ] || continue
	./$p >/dev/null 2>&1; want=$?
	for mode in '' --via=stops --check-stops --pretend=no-syscall-info,no-set-syscall-info \
		--pretend=no-syscall-info,no-syscall-eventmsg --no-place '-e trace=execve,exit_group,clone,wait4'; do
		case "$SHORT $mode" in yes*--pretend*|yes*--no-place|yes*--via=stops) continue;; esac
		timeout 60 trapline trace $mode -o /tmp/t ./$p >/dev/null 2>/tmp/e; got=$?
		calls=$(grep -c '(' /tmp/t)
		if [ $got != $want ] || [ $calls = 0 ]; then echo "FAIL $p $mode: status $got, wanted $want, $calls lines"; tail -3 /tmp/t /tmp/e
		else echo "ok $p $mode"; fi
	done
done
# User Mode Linux tells a SIGFPE's address wrong, by itself.
./faulting >/tmp/w 2>/dev/null; want=$?
trapline probe -c -e 'faults+*' -o /tmp/o -- ./faulting > /tmp/t 2>/tmp/e; got=$?
[ $got = $want ] && cmp -s /tmp/w /tmp/t && { [ $want != 0 ] || grep -q ' 200  faulting:faults$' /tmp/o; } &&
	echo "ok faults in slots" || { echo "FAIL faults in slots"; cat /tmp/t /tmp/o /tmp/e; }
n=$(trapline doctor --kernel | grep -c -E '^(ok|note) ') && [ $n -ge 9 ] && echo "ok doctor" || echo "FAIL doctor: $n features"
case $(uname -m) in aarch64) r=x7,x8;; *) r=rdi,orig_rax;; esac
trapline trace --regs=$r --format=json -o /tmp/t ./marked >/dev/null 2>/tmp/e
trapline trace --regs=$r -o /tmp/u ./marked >/dev/null 2>>/tmp/e
regs="\"${r%,*}\":\"0x*[0-9a-f]*\",\"${r#*,}\":\"0x*[0-9a-f]*\""
grep '"name":"execve"' /tmp/t | grep -q "\"regs_in\":{$regs},\"regs_out\":{$regs}}" && grep -q "\[ ${r%,*}=.* -> .*${r#*,}=.* \]" /tmp/u &&
	echo "ok regs" || { echo "FAIL --regs=$r"; tail -2 /tmp/t /tmp/u /tmp/e; }
# Attached to sleepers, and let go: none comes back early.
./asleep & pid=$!; sleep 0.3
for i in 1 2 3; do trapline trace -o /tmp/t -p $pid 2>/dev/null & t=$!; sleep 0.3; kill -INT $t; kill -TERM $t; wait $t; done
kill -0 $pid && echo "ok attach" || echo "FAIL attach: a sleeper came back"
case $(uname -m) in aarch64) r=x19;; *) r=rbx;; esac
old=$(trapline regs $pid | sed -n "s/.*\\b$r  *\\(0x[0-9a-f]*\\).*/\\1/p" | head -1)
trapline regs $pid --set $r=0x1234567 | grep -q "$r  *0x1234567" && trapline regs $pid --set $r=$old >/dev/null &&
	kill -0 $pid && echo "ok regs" || echo "FAIL regs: $r was $old"
kill $pid
# Calls that it makes for sites leave it its vectors.
if [ -x vectors ]; then
	./vectors > /tmp/t & pid=$!; sleep 0.3
	for i in 1 2 3 4 5 6 7 8; do trapline probe -c -e hot --max-hits 1 -p $pid >/dev/null 2>&1; done
	kill $pid; wait $pid && echo "ok vectors" || { echo "FAIL vectors"; cat /tmp/t; }
fi
"""
# Judged by its own filter all the time, by what it asks for itself.
OWN_FILTER = r"""
./own_filter alone 0 & pid=$!; sleep 0.3
for i in 1 2 3 4 5 6; do trapline trace -o /tmp/t -p $pid 2>/dev/null & t=$!; sleep 1.$i; kill -TERM $t; wait $t; grep -q 'close(1000' /tmp/t && echo "traced"; done
kill $pid; wait $pid; echo "status $?"
"""
YAMA = r"""
cat > /tmp/as.sh <<'EOF'
trapline trace -o /dev/null -e trace=getppid ./marked >/dev/null 2>&1 || true
echo "ok own child $?"
trapline trace -p $1 2>&1
trapline run -- ./strace -o /dev/null -p $1 2>&1
EOF
sleep 30 & pid=$!
chmod 755 /tmp/as.sh; chmod 777 /tmp
busybox su -s /bin/sh nobody -c "sleep 30 & sh /tmp/as.sh \$!" 2>&1
"""


def lane(name, *command, files):
    argv = [f"{ROOT}/tools/lane", name, "--timeout", "900"]
    for f in files:
        argv += ["--with", f]
    for _ in range(2):
        p = subprocess.run(argv + ["--"] + list(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           errors="replace", env=dict(os.environ, BUILD=BUILD))
        # Now and then an emulated arm64's kernel hangs by itself: that machine is started again, once.
        if p.returncode != 125 or "soft lockup" not in p.stdout:
            break
        print(f"note {name}: the guest's kernel hung and was started again", flush=True)
    return p


def returns(name):
    """What returning says of itself, and what probes found."""
    functions = "recursive jumps_out first last unwound switches in_between handled".split()
    p = lane(name, "sh", "-c", "trapline probe --format=json -o /tmp/o " + " ".join(f"-r {f}" for f in functions) +
             " -- ./returning; cat /tmp/o; trapline probe -c --format=json -r gathered -- ./call_sites",
             files=[f"{BUILD}/tests/{t}" for t in ("returning", "call_sites")])
    together = '"site":"call_sites:gathered","hits":384,"returns":384' in p.stdout
    seen, want = {f: [0, 0, 0] for f in functions}, {}
    for line in p.stdout.splitlines():
        m = re.match(r'{.*"ev":"(probe|return)","site":"returning:(\w+)"(?:,"ret":"(\w+)")?', line)
        if m:
            seen[m[2]][m[1] == "return"] += 1
            seen[m[2]][2] += int(m[3] or "0", 16)
        elif re.match(r"\w+ \d+ \d+ \d+$", line):
            want[line.split()[0]] = [int(n) for n in line.split()[1:]]
    return f"{name} returns of {len(want)} functions", p.returncode == 0 and want and seen == want and together, f"{seen}\n{want}\n{p.stdout}"


def narrow(name):
    """What tests/live cannot do with 32-bit programs here: a result for each."""
    programs = "faulting_32 called_32 across_32 workload_32 throws_32 conform_32 churn test-crowd test-torture"
    scripts = ("tests/lanes/narrow.sh", "tests/lanes/survive.sh", "tests/conform/run.sh")
    p = lane(name, "sh", "./narrow.sh", files=[f"{BUILD}/tests/{t}" for t in programs.split()] + [f"{ROOT}/{s}" for s in scripts] + ["/usr/bin/strace"])
    found = re.findall(r"^(ok  |FAIL) (.*)((?:\n(?!ok  |FAIL).*)*)", p.stdout, re.M)
    for verdict, what, text in found:
        yield f"{name} 32 bits: {what}", verdict == "ok  ", text
    if p.stdout.split()[-1:] != ["over"]:
        yield f"{name} 32 bits: ended early", False, p.stdout


def selftests_left_out(name):
    def listed(which):
        return [t for t in open(f"{ROOT}/tests/suites/selftests.{which}").read().splitlines() if not t.startswith("#")]

    tests = [t for t in listed("pass") if t.endswith("_32")] + listed("virtual") + ["breakpoints/breakpoint_test"]
    p = subprocess.run([f"{ROOT}/tests/suites/selftests.py", f"{BUILD}/src/trapline", "--lane", name, *tests], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = re.search(r" (\d+) pass natively, \1 of them on the broker", p.stdout)
    # qemu does not pass it by itself.
    skipped = set(re.findall(r"^skip (\S+): ", p.stdout, re.M)) - {"breakpoints/breakpoint_test:Test_icebp"}
    return (f"{name} the kernel's selftests that this machine cannot run: {said[1] if said else 'ended early'}",
            p.returncode in (0, 77) and said and not skipped, p.stdout)


def main():
    failed = 0
    tracees = [f"{BUILD}/tests/{t}" for t in TRACEES if os.path.exists(f"{BUILD}/tests/{t}")]

    def result(what, ok, text):
        nonlocal failed
        print(f"{'ok  ' if ok else 'FAIL'} {what}", flush=True)
        if not ok:
            failed += 1
            print("     " + text.strip()[-3000:].replace("\n", "\n     "), flush=True)

    only_64 = [t for t in tracees if not t.endswith(("_i386", "_32", "mixed_abi"))]
    for name in [n for n in sys.argv[2:] if n != "x86-yama"] or ["x86-6.1", "x86-newest", "uml-guest"]:
        less = {"calls": ["only-64"], "restarts": ["only-64"]} if name == "uml-guest" else {}
        for test in (() if name == "arm64-old" else ("engines",)) + ("calls", "restarts"):
            p = lane(name, f"./test-{test}", ".", *less.get(test, []), files=(only_64 if name == "uml-guest" else tracees) + [f"{BUILD}/tests/test-{test}"])
            result(f"{name} {test}", p.returncode == 0 and "PASSED" in p.stdout, p.stdout)
        if name.startswith("arm64"):
            p = lane(name, "./facts-arm64", files=[f"{BUILD}/tests/facts-arm64"])
            result(f"{name} facts", p.returncode == 0 and "0 failed" in p.stdout, p.stdout)
            p = lane(name, "./test-raw", ".", "460", files=[f"{BUILD}/tests/{t}" for t in ["test-raw"] + RAW])
            result(f"{name} hidden registers", p.returncode == 0 and "PASSED" in p.stdout, p.stdout)
        steps = STEPS[:3] if name == "uml-guest" else STEPS
        options = {"uml-guest": ["only-64"], "arm64-old": ["own-filter"]}.get(name, [])
        p = lane(name, "./test-steps", ".", *options, files=[f"{BUILD}/tests/{t}" for t in steps])
        cells = re.findall(r"^\d+ cells.*", p.stdout, re.M)
        result(f"{name} steps: {'; '.join(cells) or 'ended early'}", p.returncode == 0 and len(cells) == len(steps) // 2, p.stdout)
        called = [f"{BUILD}/tests/{t}" for t in ["test-sites", "called"] + (["called_32"] if name.startswith("x86") else [])]
        if name not in ("x86-newest", "arm64-6.12", "arm64-old"):
            p = lane(name, "./test-sites", ".", "50" if name.startswith("arm64") else "10", *(["only-64"] if name == "uml-guest" else []), files=called)
            result(f"{name} sites", p.returncode == 0 and "PASSED" in p.stdout, p.stdout)
        if name in ("x86-6.1", "arm64", "uml-guest"):
            result(*returns(name))
        if name in ("x86-6.1", "arm64"):
            files = [f"{BUILD}/tests/{t}" for t in ("called", "churn")] + [f"{ROOT}/tests/lanes/survive.sh"]
            p = lane(name, "sh", "./survive.sh", "6", files=files)
            result(f"{name} survival", p.returncode == 0 and "6 rounds, 0 failed" in p.stdout, p.stdout)
        if name in ("x86-6.1", "arm64"):
            p = lane(name, "./test-mappings", ".", files=[f"{BUILD}/tests/{t}" for t in ("test-mappings", "remapped")])
            result(f"{name} mappings", p.returncode == 0 and "[  PASSED  ] 2" in p.stdout, p.stdout)
            described = ["described", "described_fast", "noted"] + (["described_32", "noted_32"] if name.startswith("x86") else [])
            files = [f"{BUILD}/tests/{t}" for t in described] + [f"{ROOT}/tests/live/values.sh"]
            p = lane(name, "sh", "./values.sh", "trapline", ".", *described, files=files)
            result(f"{name} values", p.returncode == 0 and re.search(r"^[1-9][0-9]+ passed, 0 failed$", p.stdout, re.M), p.stdout)
        if name in ("x86-6.1", "arm64"):
            breakpoints = [f"breakpoints{b}" for b in (("", "_a32", "_t32") if name == "arm64" else ("", "_32"))]
            files = [f"{BUILD}/tests/{t}" for t in ["conform", "raw_option", "set_call", "debug_regs", "killed_when_left", "mid_call", "cross_steps", "facts-notify"] + breakpoints]
            files.append(f"{ROOT}/tests/conform/run.sh")
            p = lane(name, "sh", "-c", "./facts-notify && sh ./run.sh ./conform", files=files)
            said = re.search(r"^\d+ cases: \d+ differ$", p.stdout, re.M)
            # What has held says nothing, and there is much of it.
            wrong = "\n".join(line for line in p.stdout.splitlines() if not line.startswith("ok "))
            result(f"{name} broker: {said[0] if said else 'ended early'}", p.returncode == 0, wrong)
        if name == "x86-6.1" and os.environ.get("ONLY_64"):
            for what in narrow(name):
                result(*what)
        if name == "x86-6.1" and (os.environ.get("ONLY_64") or os.environ.get("NO_WATCHPOINTS")):
            result(*selftests_left_out(name))
        if name in ("x86-6.1", "x86-newest"):
            programs = ["taken_over", "taken_over_32"] if name == "x86-6.1" else ["taken_over"]
            files = ["/usr/bin/strace", f"{ROOT}/tests/lanes/taken_over.sh"] + [f"{BUILD}/tests/{t}" for t in programs]
            p = lane(name, "sh", "./taken_over.sh", "./strace", *programs, files=files)
            said = re.search(r"^\d+ taken over, \d+ failed$", p.stdout, re.M)
            result(f"{name} tracees of strace's: {said[0] if said else 'ended early'}", p.returncode == 0, p.stdout)
            for program, what in (("shortcuts", "way"), ("told_ahead", "ahead")):
                p = lane(name, "trapline", "run", "--", f"./{program}", what, files=[f"{BUILD}/tests/{program}"])
                result(f"{name} a debugger's calls past the filter: {program}", p.returncode == 0 and p.stdout.endswith("ok\n"), p.stdout)
        if name != "uml-guest":
            p = lane(name, "sh", "-c", OWN_FILTER, files=tracees)
            result(f"{name} own filter", p.returncode == 0 and p.stdout.count("traced") == 6 and "status 0" in p.stdout, p.stdout)
        if name == "arm64-old":
            continue
        if name == "arm64":
            p = subprocess.run([f"{ROOT}/tests/suites/selftests.py", f"{BUILD}/src/trapline", "--lane", name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            result(f"{name} the kernel's selftests on the broker", p.returncode == 0, p.stdout)
            p = subprocess.run([f"{ROOT}/tests/lanes/exact.py", BUILD, name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            calls = re.search(r"^\d+ calls of.*", p.stdout, re.M)
            result(f"{name} exactness: {calls[0] if calls else 'ended early'}", p.returncode == 0, p.stdout)
            p = subprocess.run([f"{ROOT}/tests/lanes/decoding.py", BUILD, name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            result(f"{name} decoding: {p.stdout.strip()[-600:]}", p.returncode == 0, p.stdout)
        if name == "uml-guest":
            p = subprocess.run([f"{ROOT}/tests/lanes/uml_on_broker.py", f"{BUILD}/src/trapline", f"{BUILD}/tests"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            result(f"{name} on the broker", p.returncode == 0, p.stdout)
            p = subprocess.run([f"{ROOT}/tests/live/own_log.py", BUILD, name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            calls = re.search(r"^\d+ calls of.*", p.stdout, re.M)
            result(f"{name} exactness: {calls[0] if calls else 'ended early'}", p.returncode == 0, p.stdout)
        # An emulated machine is slow, and the modes do not differ by kernel.
        short = "SHORT=yes\n" if name in ("x86-newest", "arm64-6.12") else ""
        p = lane(name, "sh", "-c", short + PROGRAMS, files=only_64 if name == "uml-guest" else tracees)
        bad = re.findall(r"^FAIL.*(?:\n(?!ok|FAIL).*)*", p.stdout, re.M)
        good = len(re.findall(r"^ok ", p.stdout, re.M))
        result(f"{name} programs: {good} runs", p.returncode == 0 and not bad and good > (30 if short else 60), "\n".join(bad) or p.stdout)
    if len(sys.argv) < 3 or "x86-yama" in sys.argv[2:]:
        p = lane("x86-yama", "sh", "-c", YAMA, files=tracees + ["/usr/bin/strace"])
        result("x86-yama: a child is traced, another's is refused with the reason",
               "ok own child" in p.stdout and len(re.findall("^trapline: .*ptrace_scope is 1", p.stdout, re.M)) == 2, p.stdout)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
