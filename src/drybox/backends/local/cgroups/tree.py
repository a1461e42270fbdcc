"""The folders below which a supervisor's sandboxes have their cgroups, and their end.

The supervisor loads this as it starts, so it imports next to nothing.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator

from drybox.host.processes import identity, is_gone, is_identity

CONTROLLERS = {"memory": "memory", "cpus": "cpu", "pids": "pids"}
"""The guarantee as ``allow_weaker`` names it, and the kernel's controller for it."""

FREEZER = "freezer.state"
"""What version 1 freezes a cgroup by; version 2 has ``cgroup.freeze``."""

PREFIX = "drybox-"

USUAL_WEIGHT = 100
"""A cgroup's share of the CPUs beside its neighbours, as version 2 counts: the kernel's default."""

INSTANCE_WEIGHT = USUAL_WEIGHT // 4
"""That of all sandboxes together: what the host itself has to do, drybox included, goes first."""

SHARES_FOR_WEIGHT = 1024 / 100  # version 1 has other numbers for the same


def instance_name(pid: int) -> str:
    """Name of the cgroup that holds all sandboxes of one supervisor; says whose it is."""
    return f"{PREFIX}{identity(pid)}"


def make_instance(folder: str, pid: int) -> str:
    """Make the cgroup that holds all sandboxes of one supervisor, and return its folder.

    Raises:
        OSError: It could not be made.
    """
    instance = f"{folder}/{instance_name(pid)}"
    os.mkdir(instance)
    enable(instance)
    weigh(instance, INSTANCE_WEIGHT)
    return instance


def weigh(folder: str, weight: int) -> None:
    """Set a cgroup's share of the CPUs beside its neighbours, if it is one that has any.

    Args:
        folder: Its folder.
        weight: As version 2 counts it.
    """
    if os.path.exists(f"{folder}/cpu.weight"):
        try_write(f"{folder}/cpu.weight", str(weight))
    elif os.path.exists(f"{folder}/cpu.shares"):
        try_write(f"{folder}/cpu.shares", str(int(weight * SHARES_FOR_WEIGHT)))


def enable(folder: str) -> None:
    """Hand the controllers of version 2 down, one by one: one may be missing."""
    if os.path.exists(f"{folder}/cgroup.subtree_control"):
        for controller in CONTROLLERS.values():
            try_write(f"{folder}/cgroup.subtree_control", f"+{controller}")


def abandoned(folders: Iterable[str]) -> Iterator[str]:
    """Folders that a supervisor left behind which is provably no more."""
    for folder in folders:
        for name in os.listdir(folder):
            owner = name.removeprefix(PREFIX)
            if name.startswith(PREFIX) and is_identity(owner) and is_gone(owner):
                yield f"{folder}/{name}"


def enter(folders: Iterable[str]) -> None:
    """Move the calling process in.

    Raises:
        OSError: The kernel refused.
    """
    for folder in folders:
        write(f"{folder}/cgroup.procs", "0")


def thaw(folder: str) -> None:
    """Let go on what version 1 has frozen: till then no signal ends it, as version 2's does."""
    if os.path.exists(f"{folder}/{FREEZER}"):
        try_write(f"{folder}/{FREEZER}", "THAWED")


def kill_all(folder: str) -> None:
    """Kill every process in a cgroup and below."""
    if try_write(f"{folder}/cgroup.kill", "1"):
        return
    for at, _, _ in os.walk(folder):
        thaw(at)
        for pid in map(int, read(f"{at}/cgroup.procs").split()):
            with contextlib.suppress(OSError):
                if pid:  # else one of another PID namespace; 0 would be this process's own group
                    os.kill(pid, 9)


def remove(folder: str) -> bool:
    """Take a cgroup and all below away; False while a process is still dying in it."""
    with contextlib.suppress(OSError):  # mostly nothing is below it
        os.rmdir(folder)
        return True
    for at, _, _ in os.walk(folder, topdown=False):
        try:
            os.rmdir(at)
        except FileNotFoundError:
            continue
        except OSError:
            return False
    return True


def read(path: str) -> str:
    """The text of a kernel file, or "" if there is none."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        pieces = []
        while piece := os.read(file, 65536):
            pieces.append(piece)
        return b"".join(pieces).decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        os.close(file)


def write(path: str, value: str) -> None:
    """Write a kernel file.

    Raises:
        OSError: The kernel refused.
    """
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        os.write(file, value.encode())
    except OSError as error:
        error.filename = path
        raise
    finally:
        os.close(file)


def try_write(path: str, value: str) -> bool:
    """Write a kernel file; whether it took."""
    try:
        write(path, value)
    except OSError:
        return False
    return True


def cpu_seconds(folders: Iterable[str]) -> float | None:
    """CPU time of everything that ever ran in a cgroup; None if nobody counts it.

    Args:
        folders: Its folders.
    """
    for folder in folders:
        nanos = read(f"{folder}/cpuacct.usage").strip()
        if nanos.isdigit():
            return int(nanos) / 1e9
        for line in read(f"{folder}/cpu.stat").splitlines():
            name, _, micros = line.partition(" ")
            if name == "usage_usec" and micros.isdigit():
                return int(micros) / 1e6
    return None
