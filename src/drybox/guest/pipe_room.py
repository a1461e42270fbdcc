"""Capacity of the pipes that programs write to, shared so that no host runs out of it.

A pipe holds 64 KiB by default. Some runtimes drop what does not fit when they exit (Node.js at
``process.exit()``), so a program's pipes get room for its whole output where the kernel allows it.
The kernel counts the room of all pipes of a user, and above its limit gives new pipes almost none:
what is given here stays well below that limit.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from drybox.model import KIB, MIB, ResourceLimits

USUAL = 64 * KIB
"""Bytes that a pipe holds anyway."""

PIPES = 2
"""How many a program writes to: standard output and standard error."""

SHARE = 4
"""Of what the kernel lets a user have, programs of one drybox take one part in so many."""

MEMORY_SHARE = 32
"""What is in a pipe counts as its writer's memory: one pipe takes one part in so many at most."""


def _setting(name: str, usual: int) -> int:
    try:
        with open(f"/proc/sys/fs/{name}", encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return usual


class PipeRoom:
    """What the programs that run have of it together. Safe for several threads.

    Args:
        total: Bytes for all of them.
        most: Bytes that one pipe may have.
    """

    def __init__(self, total: int, most: int) -> None:
        self._free = total
        self._most = most
        self._lock = threading.Lock()

    @classmethod
    def of_host(cls) -> PipeRoom:
        """As much as this host's kernel lets an ordinary user have; its own defaults elsewhere."""
        pages = _setting("pipe-user-pages-soft", 16384) or 1 << 20  # 0 is no bound
        return cls(pages * os.sysconf("SC_PAGE_SIZE") // SHARE, _setting("pipe-max-size", MIB))

    @contextmanager
    def taken(self, limits: ResourceLimits) -> Iterator[int]:
        """Bytes for each of a program's outputs while it runs; 0 for what a pipe has anyway."""
        wanted = min(limits.output, limits.memory // MEMORY_SHARE, self._most)
        with self._lock:
            given = wanted if USUAL < wanted <= self._free // PIPES else 0
            self._free -= PIPES * given
        try:
            yield given
        finally:
            with self._lock:
                self._free += PIPES * given


HERE = PipeRoom.of_host()
"""Of all programs of this process."""
