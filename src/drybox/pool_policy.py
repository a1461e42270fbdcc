"""What a pool of idle sandboxes does next: numbers in, decisions out. No clock, no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drybox.settings import PoolSettings

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
"""Seconds until the next try after one failure, and after many in a row."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the pool knows of one kind of sandbox.

    Attributes:
        wanted_at: When one was last asked for.
        born: When each idle one began to wait, oldest first.
        size: Bytes that one takes.
        failures: Tries in a row that made none.
        failed_at: When the last of them was.
        opening: How many are being made.
    """

    wanted_at: float
    born: tuple[float, ...]
    size: int
    failures: int = 0
    failed_at: float = 0.0
    opening: int = 0


@dataclass(frozen=True, slots=True)
class Steps:
    """What to do now, and when to ask again.

    Attributes:
        close: How many of the oldest on each shelf are to be closed.
        open: The shelf to put a new one on, or None.
        wait: Seconds until time alone changes the answer; None for never.
    """

    close: tuple[int, ...]
    open: int | None
    wait: float | None


def pause(failures: int) -> float:
    """Seconds to wait after so many failures in a row."""
    return min(FIRST_PAUSE * 2.0 ** min(failures - 1, 32), LONGEST_PAUSE)


def next_steps(settings: PoolSettings, shelves: Sequence[Shelf], now: float) -> Steps:
    """Decide what the pool does next: close first, then open one and ask again."""
    close: list[int] = []
    waits: list[float] = []
    chosen: int | None = None
    fewest = settings.min_idle
    for at, (shelf, wanted) in enumerate(
        zip(shelves, _wanted(settings, shelves, now), strict=True)
    ):
        young = sum(now - born < settings.max_age for born in shelf.born)
        kept = min(young, max(0, wanted - shelf.opening))
        close.append(len(shelf.born) - kept)
        if kept:
            waits.append(min(shelf.born[-kept], shelf.wanted_at) + settings.max_age - now)
        stock = kept + shelf.opening
        if stock >= min(wanted, fewest):
            continue
        ready = shelf.failed_at + pause(shelf.failures) if shelf.failures else now
        if ready > now:
            waits.append(ready - now)
        else:
            chosen, fewest = at, stock
    return Steps(tuple(close), chosen, min(waits, default=None))


def _wanted(settings: PoolSettings, shelves: Sequence[Shelf], now: float) -> list[int]:
    """How many each shelf should hold: those asked for last come first, within the bounds."""
    wanted = [0] * len(shelves)
    places, memory = settings.max_total, settings.memory
    for at in sorted(range(len(shelves)), key=lambda at: -shelves[at].wanted_at):
        shelf = shelves[at]
        if now - shelf.wanted_at < settings.max_age:
            wanted[at] = max(0, min(settings.min_idle, places, memory // max(shelf.size, 1)))
            places -= wanted[at]
            memory -= wanted[at] * shelf.size
    return wanted


def most_lacking(asked: Sequence[object], idle: Sequence[object]) -> int:
    """Which of the last requests the next idle sandbox is made after.

    Args:
        asked: The forms of sandbox that the last requests would have liked, oldest first.
        idle: The forms of those that wait.

    Returns:
        The place in ``asked`` of the form whose share of those that wait is furthest below
        its share of those asked for; the latest of several.
    """

    def lack(at: int) -> float:
        return asked.count(asked[at]) / len(asked) - idle.count(asked[at]) / (len(idle) + 1)

    return max(reversed(range(len(asked))), key=lack)
