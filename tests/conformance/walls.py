"""The walls that the suite runs behind; a new one is one more line in ``WALLS``."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

from tests.support import host


@dataclass(frozen=True)
class Wall:
    """One wall, and how it is seen from outside.

    Attributes:
        name: What ``isolation`` takes, and what a result says.
        runs: Whether a program with this word among its arguments is alive on the host.
        end: Destroys the sandbox of that program from outside, as a crash would.
    """

    name: str
    runs: Callable[[str], bool]
    end: Callable[[str], None]


def _runs(marker: str) -> bool:
    return bool(host.running(marker))


def _end_bubblewrap(marker: str) -> None:
    everything = {process.pid: process for process in host.processes()}
    at = host.running(marker)[0]
    while "bwrap" not in os.path.basename(at.cmdline[0]):
        at = everything[at.ppid]
    os.kill(at.pid, signal.SIGKILL)


WALLS = (Wall("local", _runs, _end_bubblewrap),)
