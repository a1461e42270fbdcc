"""How long a server's event loop is held: asked from outside, over one open connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.server import Server

PAUSE = 0.005
"""Seconds between two questions."""


@dataclass
class Holds:
    """How long each question waited while the server's process worked, in seconds."""

    waits: list[float] = field(default_factory=list)

    @property
    def longest(self) -> float:
        """The longest one."""
        return max(self.waits, default=0.0)


@contextmanager
def watching(server: Server) -> Iterator[Holds]:
    """Ask ``/healthz`` again and again.

    A wait counts as far as the server's own process computed meanwhile: what else the machine
    does keeps everybody waiting, and is not the server's.
    """
    holds, is_over = Holds(), threading.Event()
    thread = threading.Thread(target=_ask, args=(server, holds, is_over))
    thread.start()
    try:
        yield holds
    finally:
        is_over.set()
        thread.join()


def _ask(server: Server, holds: Holds, is_over: threading.Event) -> None:
    with closing(server.connect()) as connection:
        while not is_over.wait(PAUSE):
            began, used = time.monotonic(), computed(server.process.pid)
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            holds.waits.append(min(time.monotonic() - began, computed(server.process.pid) - used))


def computed(pid: int) -> float:
    """Seconds that a process's threads have computed so far."""
    total = 0
    for stat in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            total += int(stat.read_text().split()[0])
        except (OSError, IndexError, ValueError):
            continue
    return total / 1e9
