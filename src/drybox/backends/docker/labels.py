"""Labels that tell which drybox owns a container, so that leftovers of a dead one are found."""

from __future__ import annotations

import os
import platform
import uuid
from collections.abc import Mapping

from drybox.host.processes import identity, is_gone, is_identity

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
    if not os.path.isdir("/proc/self"):
        return f"{_machine()}:{pid}"
    return f"{_machine()}:{identity(pid)}"


def is_orphan(container_labels: Mapping[str, str]) -> bool:
    """Whether nobody uses a container any more.

    The process that made it is provably no more, or has given it up when the daemon did not
    answer.
    """
    if container_labels.get(OWNER) == owner():
        return container_labels.get(SANDBOX) not in _live
    machine, _, process = container_labels.get(OWNER, "").partition(":")
    if machine != _machine():
        return False
    if is_identity(process):
        return is_gone(process)
    return process.isdigit() and not _is_there(int(process))


def _machine() -> str:
    """This boot of this machine."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return f"{platform.node()}-{uuid.getnode():x}"


def _is_there(pid: int) -> bool:
    """Whether there is such a process; a system without /proc tells no more than this."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
