# SPDX-License-Identifier: LGPL-2.1-or-later
"""Somebody else's test suite, natively and on the broker: what passes natively has to pass there.

NAME.pass are the tests that pass on the broker; NAME.not are those that cannot, each with the rule that forces it. NAME.short are the
few that are run each time, of suites that take an hour; selftests.virtual those that some virtual machines fail.
"""
import argparse
import collections
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../tools"))
import debian  # noqa: E402

# The suites' makefiles are nobody's sub-makes, though `make check` may have started us: the kernel's build nowhere then.
for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"):
    os.environ.pop(name, None)


def arguments(what):
    """TRAPLINE [--jobs N] [--lane LANE] [--record] [--short] [TEST...]"""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("trapline")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--lane", help="on the machine of this lane, where the suite knows how")
    parser.add_argument("--record", action="store_true", help="write the pass set anew")
    parser.add_argument("--short", action="store_true", help="the tests of NAME.short")
    parser.add_argument("tests", nargs="*")
    options = parser.parse_intermixed_args()
    if options.short:
        options.tests = sorted(listed(f"{os.path.basename(sys.argv[0]).removesuffix('.py')}.short"))
    return options


def lacks(test):
    """What this machine, but no lane's, lacks for it, as `make check` has found."""
    if os.environ.get("ONLY_64") and test.endswith("_32"):
        return "this kernel runs no 32-bit programs"
    if os.environ.get("NO_WATCHPOINTS") and ("watchpoint" in test or "breakpoint_test" in test):
        return "this machine has no watchpoints"
    if (os.environ.get("ONLY_64") or os.environ.get("NO_WATCHPOINTS")) and test in listed("selftests.virtual"):
        return "this machine's processor fails them by itself"
    return None


def listed(name):
    path = f"{HERE}/{name}"
    lines = open(path).read().splitlines() if os.path.exists(path) else []
    return {line.split()[0] for line in lines if line and not line.startswith("#")}


def one_by_one(tests, options):
    """In a lane each would be a boot: all at once."""
    tests = sorted(tests)
    return [tests] if options.lane and tests else [[t] for t in tests]


def compared(name, options, outcomes, log_of):
    """outcomes(first, names) runs tests behind the command `first` and says what becomes of each: PASS, or why not.

    names: which, or none for all. 77, a skip, where some that are to pass do not pass natively: a failure in CI.
    """
    run = [os.path.abspath(options.trapline), "run", "--"]
    missing = lacks if not options.lane else lambda test: None
    # What cannot pass cannot on any machine.
    wanted, excused = listed(f"{name}.pass"), listed(f"{name.split('-')[0]}.not")
    natively = outcomes([], options.tests)
    passing = {t for t, r in natively.items() if r == "PASS"} - excused
    brokered = outcomes(run, sorted(passing)) if passing else {}
    lost = {t for t in passing if brokered.get(t) != "PASS"}
    # These machines are busy: once more, one by one.
    for some in one_by_one(lost, options):
        again = outcomes([], some)
        unsteady = {t for t in some if again.get(t) != "PASS"}
        again = outcomes(run, some)
        passing -= unsteady
        lost -= unsteady | {t for t in some if again.get(t) == "PASS"}
    gone = sorted((wanted & set(options.tests) if options.tests else wanted) - set(natively))
    # What is to pass, and cannot be tried: it fails without a broker.
    untried = {t for t in (wanted & set(natively)) - passing if not missing(t)}
    for some in one_by_one(untried, options):
        again = outcomes([], some)
        untried -= {t for t in some if again.get(t) == "PASS"}
    if options.record:
        with open(f"{HERE}/{name}.pass", "w") as f:
            f.write("".join(t + "\n" for t in sorted((wanted | passing) - lost - excused - set(gone))))
    for t in sorted(lost):
        print(f"FAIL {t}: passes natively, not on the broker{'' if t in wanted else ', and is in neither list'}: {log_of(t)}")
    for t in gone:
        print(f"FAIL {t}: is to pass on the broker, and is not there")
    for t in sorted(untried):
        print(f"skip {t}: is to pass on the broker, and does not pass without it on this machine ({natively[t]}): {log_of(t)}")
    for reason, n in collections.Counter(filter(None, map(missing, (wanted & set(natively)) - passing))).most_common():
        print(f"{n} left out: {reason}")
    # What neither list has: it says itself what it lacks here, or fails without a broker.
    others = collections.Counter(r for t, r in natively.items() if r != "PASS" and t not in wanted | excused)
    for reason, n in others.most_common():
        print(f"{n} not passed natively: {reason}")
    print(f"{name}: {len(natively)} tests, {len(passing)} pass natively, {len(passing - lost)} of them on the broker, "
          f"{len(lost)} lost; {len(excused)} are not run there")
    return 1 if lost or gone else 77 if untried else 0
