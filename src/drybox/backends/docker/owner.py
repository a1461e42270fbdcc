"""Whose a container is, so that what a dead drybox left can be told from a live one's."""

from __future__ import annotations

import os
import platform
import uuid
from collections.abc import Mapping

SANDBOX = "dev.drybox.sandbox"
"""Label of every container of drybox's; its value is a word of its own."""

OWNER = "dev.drybox.owner"
"""Label that names the process which made the container."""

IMAGE = "dev.drybox.image"
"""Label of images that drybox derived; its value is the source image."""

VERSION = "dev.drybox.version"
"""Label of such an image: the full version of its toolchain."""

PACKAGES = "dev.drybox.packages"
"""Label of such an image with packages in it: the folder that they came from."""


_live: set[str] = set()


def new_name() -> str:
    """A word for a new container, which is in use until :func:`forget`."""
    name = uuid.uuid4().hex
    _live.add(name)
    return name


def forget(name: str) -> None:
    """Say that nobody uses a container any more."""
    _live.discard(name)


def labels(name: str) -> dict[str, str]:
    """Labels of a new container of this process.

    Args:
        name: Its word, of :func:`new_name`.
    """
    return {SANDBOX: name, OWNER: owner()}


def owner(pid: int | None = None) -> str:
    """A word for a process that no other process has, before or after it, on any machine."""
    pid = os.getpid() if pid is None else pid
    return f"{_machine()}:{pid}:{_start_time(pid)}"


def is_orphan(container_labels: Mapping[str, str]) -> bool:
    """Whether nobody uses a container any more.

    The process that made it is no more, or has given it up when the daemon did not answer.
    """
    if container_labels.get(OWNER) == owner():
        return container_labels.get(SANDBOX) not in _live
    machine, _, rest = container_labels.get(OWNER, "").partition(":")
    pid, _, _ = rest.partition(":")
    if machine != _machine() or not pid.isdigit():
        return False
    return owner(int(pid)) != container_labels[OWNER]


def _machine() -> str:
    """This boot of this machine, and the PID namespace that a process id belongs to."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot = file.read().strip()
        return f"{boot}-{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return f"{platform.node()}-{uuid.getnode():x}"


def _start_time(pid: int) -> str:
    """When the process began, in whatever the system counts; "" if there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            state, *fields = file.read().rpartition(")")[2].split()
        return "" if state in "ZX" else fields[18]
    except OSError:
        if os.path.isdir("/proc/self"):
            return ""
    try:  # a system without /proc tells no more than this
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except OSError:
        pass
    return "alive"
