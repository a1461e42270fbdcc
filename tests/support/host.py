"""The host as it looks from outside the sandboxes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from drybox.backends.local.cgroup import find_place
from drybox.backends.local.cgroup_tree import PREFIX


@dataclass(frozen=True)
class Process:
    """A process as /proc shows it."""

    pid: int
    ppid: int
    uid: int
    cmdline: tuple[str, ...]


def processes() -> list[Process]:
    """Every process of the host that is not a zombie."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            status = dict(
                line.split(":\t", 1) for line in (entry / "status").read_text().splitlines()
            )
            cmdline = (entry / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        except (OSError, ValueError):
            continue
        if not status["State"].startswith("Z"):
            uid = int(status["Uid"].split()[0])
            found.append(Process(int(entry.name), int(status["PPid"]), uid, tuple(cmdline[:-1])))
    return found


def running(marker: str) -> list[Process]:
    """Processes with the marker in their command line, this one and its kind left out."""
    return [p for p in processes() if any(marker in word for word in p.cmdline)]


def descendants(pid: int) -> list[Process]:
    """Every process that came of this one and has not been given to another parent."""
    everything = processes()
    family, size = {pid}, 0
    while len(family) > size:
        size = len(family)
        family |= {p.pid for p in everything if p.ppid in family}
    return [p for p in everything if p.pid in family and p.pid != pid]


def cgroups(uid: int | None = None) -> set[str]:
    """Folders of drybox's cgroups, each sandbox's own among them; of one owner if given."""
    found = set()
    for folder in find_place().folders:
        for at, names, _ in os.walk(folder):
            for name in names:
                path = f"{at}/{name}"
                try:
                    if PREFIX in path and uid in (None, os.stat(path).st_uid):
                        found.add(path)
                except OSError:
                    continue
    return found


def mounts() -> list[str]:
    """The mount table of this process."""
    return Path("/proc/self/mounts").read_text().splitlines()


def eventually(condition: Callable[[], object], seconds: float = 5.0) -> bool:
    """Whether the condition comes true in time; asks again and again."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return bool(condition())
