#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The kernel's selftests that trace, from Debian's linux-source-6.1, natively and on the broker; with --lane arm64, arm64's, and with
--lane x86-6.1 those that are named.

A test is FOLDER/PROGRAM, or FOLDER/PROGRAM:NAME where the program says what becomes of each of its own.
"""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys

from suite import HERE, arguments, compared, debian

HERE_ALL = ("breakpoints", "ptrace", "seccomp", "x86")
ARM64_ALL = ("breakpoints", "ptrace", "seccomp", "arm64/abi", "arm64/fp", "arm64/mte", "arm64/pauth", "arm64/signal", "arm64/tags")
# They measure, suspend the machine, run for ever or too long where it is emulated, or are what others start.
PASSED_OVER = ("seccomp/seccomp_benchmark", "breakpoints/step_after_suspend_test", "arm64/fp/fp-stress", "arm64/fp/vlset",
               "arm64/fp/rdvl-sve", "arm64/fp/rdvl-sme", "arm64/pauth/exec_target", "arm64/mte/check_gcr_el1_cswitch")
LIMIT, MOST = 30, 200
# kselftest.h: what is tested is not there.
LACKS = 4
o = arguments(__doc__)
ARM64 = o.lane and o.lane.startswith("arm64")
FOLDERS = ARM64_ALL if ARM64 else HERE_ALL
NAME = f"selftests-{o.lane}" if ARM64 else "selftests"


def fetched():
    """The folder of the selftests, and of what they include."""
    to = f"{debian.CACHE}/selftests-6.1"
    with debian.alone():
        if os.path.isdir(to):
            return f"{to}/tools/testing/selftests"
        apt, work = debian.Apt(), f"{to}.new"
        apt.update()
        shutil.rmtree(work, ignore_errors=True)
        apt.add(["linux-source-6.1"], "amd64", f"{work}/package")
        p = subprocess.run(["tar", "xf", f"{work}/package/usr/src/linux-source-6.1.tar.xz", "-C", work, "--strip-components=1", "--wildcards",
                            "*/tools/testing/selftests/*", "*/tools/include/*", "*/scripts/*", "*/arch/x86/include/*"])
        if p.returncode:
            debian.fail(f"linux-source-6.1 cannot be unpacked in {work}")
        shutil.rmtree(f"{work}/package")
        os.rename(work, to)
    return f"{to}/tools/testing/selftests"


SELFTESTS = fetched()
BUILT = f"{debian.CACHE}/selftests-6.1-{o.lane}" if ARM64 else SELFTESTS


def make(folder):
    """By its own makefile, as far as it can be."""
    command, env = ["make", "-k", f"-j{o.jobs}", "-C", f"{SELFTESTS}/{folder}", "all"], dict(os.environ)
    if ARM64:
        # As tools/cross compiles; static, and so a lane needs nothing else.
        command += [f"CC=clang --target=aarch64-linux-gnu --sysroot={debian.CACHE}/root-arm64 -fuse-ld=lld -Wno-everything -static -no-pie",
                    "ARCH=arm64", f"OUTPUT={BUILT}/{folder}"]
        env["CFLAGS"] = f"-O2 -I{SELFTESTS}"
    os.makedirs(f"{BUILT}/{folder}", exist_ok=True)
    with open(f"{BUILT}/{folder}/make.log", "w") as log:
        subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, env=env)


def programs():
    found = []
    for folder in FOLDERS:
        make(folder)
        for name in sorted(os.listdir(f"{BUILT}/{folder}")):
            path = f"{folder}/{name}"
            if "." not in name and os.path.isfile(f"{BUILT}/{path}") and os.access(f"{BUILT}/{path}", os.X_OK) and path not in PASSED_OVER:
                found.append(path)
    if not found:
        debian.fail(f"none of the selftests could be built: see the make.log in the folders of {BUILT}")
    return found


PROGRAMS = programs()


def log_of(test):
    return f"{BUILT}/{test.split(':')[0]}.log"


def judged(program, status, text):
    """What a program has said, of each of its own tests or by its status."""
    with open(log_of(program), "w") as log:
        log.write(text)
    # What it cannot do on this machine it says itself, by the kernel's own rules (kselftest.h).
    own = {f"{program}:{what.replace(' ', '_')}": lacks or ("fails" if no else "PASS")
           for no, what, lacks in re.findall(r"^(not )?ok \d+ (\S[^#\n]*?)(?: # (SKIP.*))?$", text, re.M)}
    # One that tries everything with every size of vector is one test.
    if len(own) > MOST:
        return {program: "fails" if "fails" in own.values() else "PASS"}
    why = (text.strip().splitlines() or ["it does not say why"])[-1][:100]
    return own or {program: {0: "PASS", LACKS: f"SKIP: {why}"}.get(status, "fails")}


def outcome(first, program):
    folder, name = os.path.split(program)
    with open(log_of(program), "w") as log:
        try:
            p = subprocess.Popen(first + [f"./{name}"], cwd=f"{BUILT}/{folder}", stdin=subprocess.DEVNULL, stdout=log,
                                 stderr=subprocess.STDOUT, start_new_session=True)
        except OSError as e:
            return judged(program, LACKS, e.strerror)
        try:
            status = p.wait(LIMIT)
        except subprocess.TimeoutExpired:
            status = -1
            subprocess.run(["pkill", "-KILL", "-s", str(p.pid)])
            p.wait()
    return judged(program, status, open(log_of(program), errors="replace").read())


def in_lane(first, wanted):
    """All in one boot: a line before each program, and one behind it with its status."""
    names = [os.path.basename(p) for p in PROGRAMS]
    run = " ".join(["trapline"] + first[1:]) if first else ""
    loop = f"for p in {' '.join(os.path.basename(p) for p in wanted)}; do echo; echo \"== $p\"; timeout -s KILL {2 * LIMIT} {run} ./$p 2>&1; echo; echo \"== $?\"; done"
    command = [f"{HERE}/../../tools/lane", o.lane, "--timeout", "900"]
    for p in PROGRAMS if ARM64 else wanted:
        command += ["--with", f"{BUILT}/{p}"]
    assert len(set(names)) == len(names)
    p = subprocess.run(command + ["--", "sh", "-c", loop], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
    said = {name: (int(status), text) for name, text, status in re.findall(r"^== (\S+)\n(.*?)\n== (\d+)$", p.stdout, re.M | re.S)}
    if not said:
        debian.fail(f"the lane {o.lane} ended with status {p.returncode}: {p.stderr[-2000:]}")
    return [judged(program, *said.get(os.path.basename(program), (-1, ""))) for program in wanted]


def outcomes(first, names):
    named = {n.split(":")[0] for n in names} or PROGRAMS
    wanted = [p for p in PROGRAMS if p in named]
    if o.lane:
        found = in_lane(first, wanted)
    else:
        with concurrent.futures.ThreadPoolExecutor(o.jobs) as pool:
            found = list(pool.map(lambda p: outcome(first, p), wanted))
    return {name: result for some in found for name, result in some.items()}


if __name__ == "__main__":
    sys.exit(compared(NAME, o, outcomes, log_of))
