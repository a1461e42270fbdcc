"""README's two commands on a machine made anew: ``./dev newroot [--suite SUITE] [ARGUMENTS]``.

Makes a root of Debian's packages with Python and git, in which every cache is empty, and runs
``./dev run`` and ``./dev test ARGUMENTS`` in it. Of this machine it has the kernel, the package
sources and what the clients of registries are set up with; of this checkout, what is committed.
Debian's suite is this machine's; another one has another Python. Needs root and mmdebstrap, and
only the standard library.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
INSIDE = Path("/srv/drybox")
PACKAGES = ("python3", "ca-certificates", "git")
"""What the user of README has: ``./dev`` installs everything else."""

STALE = 'Acquire::Check-Valid-Until "false";'
"""For another suite: a mirror's copy of sid is valid for a week only. Signatures are still checked,
and the root does not outlive the tests."""

APT = ("apt.conf.d", "auth.conf.d", "keyrings", "trusted.gpg.d")
CLIENTS = ("/etc/pip.conf", "/etc/npmrc", "/usr/etc/npmrc", "/etc/ssl/certs", "/etc/resolv.conf")
OF_HOME = (".config/pip", ".config/go/env", ".pip", ".npmrc")
SETTING = re.compile(
    r"\w+_proxy|\w+_PROXY|(PIP|UV|NPM|npm|NODE|GO)\w*|\w*(CERT|CA_BUNDLE|CAINFO)\w*|DEBIAN_FRONTEND"
)
"""Variables that clients of registries are set up with."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
HELLO = "Hello from a sealed sandbox!\n"


def main(arguments: list[str]) -> int:
    """Make the root, enter it, remove it."""
    if os.getuid():
        print("Only root can enter another root: sudo ./dev newroot", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="drybox-newroot-", dir="/var/tmp") as place:
        root = Path(place, "root")
        _say("A new root")
        suite, arguments = _suite(arguments)
        _make(root, Path(place, "sources.list"), suite)
        _do("git", "clone", "--quiet", "--no-hardlinks", str(CHECKOUT), f"{root}{INSIDE}")
        command = [sys.executable, __file__, "--inside", str(root), *arguments]
        # Its mounts end with the last process in it.
        return subprocess.run(["unshare", "--mount", "--propagation=private", *command]).returncode


def _suite(arguments: list[str]) -> tuple[str, list[str]]:
    """The suite, "" for this machine's, and the other arguments."""
    if arguments[:1] == ["--suite"] and len(arguments) > 1:
        return arguments[1], arguments[2:]
    return "", arguments


def _make(root: Path, sources: Path, suite: str) -> None:
    own = platform.freedesktop_os_release()["VERSION_CODENAME"]
    target = "$(ORIGIN)|$(RELEASE)|deb $(REPO_URI) {} $(COMPONENT)".format(suite or "$(RELEASE)")
    command = ["apt-get", "indextargets", "--format", target, "Created-By: Packages"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    known = [line.split("|") for line in dict.fromkeys(listed.splitlines())]
    lines = [
        line
        for origin, release, line in known
        if origin == "Debian" and release.startswith(own) and (not suite or release == own)
    ]
    sources.write_text("".join(f"{line}\n" for line in lines))
    options = [f"--aptopt={path}" for path in sorted(Path("/etc/apt/apt.conf.d").iterdir())]
    included = f"--include={','.join(PACKAGES)}"
    options += ["--quiet", "--variant=minbase", included]
    if suite:
        options += [f"--aptopt={STALE}"]
    _do("mmdebstrap", *options, suite or own, str(root), str(sources))
    for name in APT:
        _copy(Path("/etc/apt", name), root)
    if suite:
        Path(root, "etc/apt/apt.conf.d/99stale").write_text(f"{STALE}\n")
    for path in (*map(Path, CLIENTS), *(Path.home() / name for name in OF_HOME)):
        _copy(path, root)
    for value in _settings().values():  # a bundle of certificates, a folder of packages
        if os.path.isabs(value):
            _copy(Path(value), root)


def _copy(path: Path, root: Path) -> None:
    """Give the root a file or folder of this machine, at its own place."""
    if path.exists():
        target = root / path.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        how = "-a" if path.is_dir() else "-aL"
        _do("cp", how, "--remove-destination", "--no-target-directory", str(path), str(target))


def _settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if SETTING.fullmatch(name)}


def inside(root: str, arguments: list[str]) -> int:
    """Enter the root, in a mount namespace of this process's own, and run both commands."""
    _do("mount", "--bind", root, root)
    os.chdir(root)
    _do("mount", "-t", "proc", "proc", "proc")
    for name in ("sys", "dev"):
        _do("mount", "--rbind", f"/{name}", name)
    for name in ("run", "tmp"):
        _do("mount", "-t", "tmpfs", "-o", "mode=1777" if name == "tmp" else "mode=755", name, name)
    Path("old").mkdir()
    _do("pivot_root", ".", "old")
    os.chdir("/")
    _do("umount", "--lazy", "/old")
    env = {"HOME": str(Path.home()), "LANG": "C.UTF-8", "PATH": PATH, **_settings()}
    env["TESTS_OWN_ROOT"] = root  # for what the machine starts outside it
    os.chdir(INSIDE)
    _say("./dev run")
    done = subprocess.run(["./dev", "run"], env=env, stdout=subprocess.PIPE, text=True)
    if (done.returncode, done.stdout) != (0, HELLO):
        _say(f"./dev run exited with {done.returncode} and printed {done.stdout!r}")
        return 1
    _say(f"./dev test {' '.join(arguments)}")
    code = subprocess.run(["./dev", "test", *arguments], env=env).returncode
    _say("Both are green" if not code else f"./dev test exited with {code}")
    return code


def _do(*command: str) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def _say(text: str) -> None:
    print(f"== {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        sys.exit(inside(sys.argv[2], sys.argv[3:]))
    sys.exit(main(sys.argv[1:]))
