# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's packages, fetched and unpacked for other machines than this one by apt with lists of its own."""
import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CACHE = os.environ.get("LANES") or f"{ROOT}/build-lanes"
SUITES = ["bookworm", "bookworm-updates", "bookworm-backports", "trixie", "trixie-backports"]
SECURITY = ["bookworm-security", "trixie-security"]
KERNELS = "[arch=amd64,arm64]"


def fail(text, status=2):
    sys.stderr.write(f"{os.path.basename(sys.argv[0])}: {text}\n")
    sys.exit(status)


def mirrors():
    """Where this machine's own apt finds Debian, and its security updates (or None). DEBIAN_MIRROR and DEBIAN_SECURITY_MIRROR say
    otherwise."""
    found = {"SUITES": os.environ.get("DEBIAN_MIRROR"), "SECURITY": os.environ.get("DEBIAN_SECURITY_MIRROR")}
    p = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE) $(CODENAME)", "Created-By: Packages"],
                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in p.stdout.splitlines():
        site, _, suite = line.partition(" ")
        for kind, suites in (("SUITES", SUITES), ("SECURITY", SECURITY)):
            # A mirror that was named may carry no security updates: then there are none.
            if suite in suites and not os.environ.get("DEBIAN_MIRROR"):
                found[kind] = found[kind] or site
    if not found["SUITES"]:
        fail("no Debian mirror in this machine's apt sources: set DEBIAN_MIRROR")
    return found["SUITES"].rstrip("/"), (found["SECURITY"] or "").rstrip("/") or None


@contextlib.contextmanager
def alone():
    """Lanes run side by side; apt's lists and what is unpacked are one's at a time."""
    os.makedirs(CACHE, exist_ok=True)
    with open(f"{CACHE}/.lock", "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


class Apt:
    """apt with lists and a cache of its own."""

    def __init__(self, arch=None):
        """Of the machines that lanes need; or of one other, for few need it and its lists are long."""
        self.arch = arch
        self.dir = f"{CACHE}/apt{f'-{arch}' if arch else ''}"
        self.options = ["-q", "-o", f"Dir::Etc::sourcelist={self.dir}/sources.list", "-o", "Dir::Etc::sourceparts=/dev/null",
                        "-o", f"Dir::State::lists={self.dir}/lists", "-o", f"Dir::Cache={self.dir}/cache",
                        "-o", "Dir::State::status=/dev/null", "-o", f"APT::Architectures=amd64,{arch or 'arm64,armhf'}",
                        "-o", "APT::Architecture=amd64", "-o", "APT::Sandbox::User=root",
                        "-o", "APT::Default-Release=bookworm"]

    def run(self, tool, *args, **kw):
        return subprocess.run([tool] + self.options + list(args), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kw)

    def update(self):
        os.makedirs(f"{self.dir}/lists/partial", exist_ok=True)
        os.makedirs(f"{self.dir}/cache/archives/partial", exist_ok=True)
        site, security = mirrors()
        with open(f"{self.dir}/sources.list", "w") as f:
            if self.arch:
                f.write(f"deb [arch={self.arch}] {site} bookworm main\n" if self.arch != "source" else f"deb-src {site} bookworm main\n")
            else:
                # Only kernels are wanted of the others. A list that is out of step on a mirror takes its whole suite with it.
                f.writelines(f"deb {'' if suite == 'bookworm' else KERNELS} {site} {suite} main\n" for suite in SUITES)
                f.writelines(f"deb {KERNELS} {security} {suite} main\n" for suite in SECURITY if security)
        # Whether what is needed was found is told later.
        return self.run("apt-get", "update").stderr.strip()[-400:]

    def kernels(self, pattern, arch):
        """Names that match, oldest first; signed images only."""
        p = self.run("apt-cache", "search", "--names-only", "^linux-image-[0-9]")
        names = [line.split()[0] for line in p.stdout.splitlines()]
        names = [n for n in names if re.fullmatch(pattern, n) and not n.endswith(("-dbg", "-unsigned"))]

        def version(name):
            return [int(x) for x in re.findall(r"\d+", name)]
        return sorted(names, key=version)

    def add(self, names, arch, folder):
        """Unpacks packages into a folder, beside what is there."""
        work = f"{folder}.debs"
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)
        os.makedirs(folder, exist_ok=True)
        p = self.run("apt-get", "download", *(f"{n}:{arch}" for n in names), cwd=work)
        debs = [f for f in os.listdir(work) if f.endswith(".deb")]
        if p.returncode or len(debs) != len(names):
            fail(f"not all of {' '.join(names)} can be fetched for {arch}: {p.stderr.strip()[-400:]}")
        for deb in debs:
            subprocess.run(["dpkg-deb", "-x", f"{work}/{deb}", folder], check=True)
        shutil.rmtree(work)

    def binaries(self, name, arch):
        """Kernels from 7.1 on come in parts; the image itself is in linux-binary."""
        p = self.run("apt-cache", "show", f"{name}:{arch}")
        depends = re.search(r"^Depends: (.*)", p.stdout, re.M)
        return re.findall(r"\blinux-binary-\S+", depends[1]) if depends else []

    def fetch_kernel(self, name, arch, to):
        """Unpacks a kernel into a folder of its own, which appears only when it is whole."""
        if os.path.isdir(to):
            return
        shutil.rmtree(f"{to}.new", ignore_errors=True)
        self.add([name] + self.binaries(name, arch), arch, f"{to}.new")
        os.rename(f"{to}.new", to)


def source(name):
    """The folder of a source package, unpacked once with Debian's patches."""
    to = f"{CACHE}/source-{name}"
    with alone():
        if not os.path.isdir(to):
            apt = Apt("source")
            said = apt.update()
            shutil.rmtree(f"{to}.new", ignore_errors=True)
            os.makedirs(f"{to}.new")
            p = apt.run("apt-get", "source", "--only-source", name, cwd=f"{to}.new")
            folders = [f for f in os.listdir(f"{to}.new") if os.path.isdir(f"{to}.new/{f}")]
            if p.returncode or len(folders) != 1:
                fail(f"the source of {name} cannot be fetched: {said} {p.stderr.strip()[-400:]}")
            os.rename(f"{to}.new/{folders[0]}", to)
            shutil.rmtree(f"{to}.new")
    return to
