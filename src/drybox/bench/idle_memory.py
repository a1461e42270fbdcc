"""The memory of idle local sandboxes of this process."""

from __future__ import annotations

import os
from pathlib import Path

_INIT = "drybox-init"
_LAUNCHERS = ("bwrap", "spawner-")
"""How the names of init and of what may stand between it and the supervisor begin."""


def idle_sizes() -> list[int]:
    """Proportional set size, in bytes, of each of them: what they share is shared out.

    A template that others are forked from counts as one of them.
    """
    parents = _parents()
    roots = set()
    for pid in _below(os.getpid(), parents):
        if _name(pid).startswith(_INIT):
            while _name(parents.get(pid, 0)).startswith(_LAUNCHERS):
                pid = parents[pid]
            roots.add(pid)
    sizes = (sum(map(process_size, _below(pid, parents))) for pid in sorted(roots))
    return [size for size in sizes if size]


def _parents() -> dict[int, int]:
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                text = (folder / "stat").read_text()
            except OSError:
                continue
            found[int(folder.name)] = int(text.rpartition(")")[2].split()[1])
    return found


def _below(pid: int, parents: dict[int, int]) -> list[int]:
    children = [child for child, parent in parents.items() if parent == pid]
    return [pid, *(item for child in children for item in _below(child, parents))]


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def process_size(pid: int) -> int:
    """Its proportional set size, in bytes; 0 if it is gone."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return int(text.partition("\nPss:")[2].split()[0]) * 1024
