"""What a pool of idle sandboxes does next: pure decisions, without clock and I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drybox.settings import PoolSettings

FIRST_RETRY_DELAY, LONGEST_RETRY_DELAY = 0.5, 60.0
"""Seconds until the next try after one failure, and after many in a row."""


@dataclass(frozen=True, slots=True)
class PoolState:
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
        close: How many of the oldest on each state are to be closed.
        open: The state to put a new one on, or None.
        wait: Seconds until time alone changes the answer; None for never.
    """

    close: tuple[int, ...]
    open: int | None
    wait: float | None


def retry_delay(failures: int) -> float:
    """Seconds to wait after so many failures in a row."""
    return min(FIRST_RETRY_DELAY * 2.0 ** min(failures - 1, 32), LONGEST_RETRY_DELAY)


def next_steps(settings: PoolSettings, states: Sequence[PoolState], now: float) -> Steps:
    """Decide what the pool does next: close first, then open one and ask again."""
    close: list[int] = []
    waits: list[float] = []
    chosen: int | None = None
    fewest = settings.min_idle
    for at, (state, wanted) in enumerate(zip(states, _wanted(settings, states, now), strict=True)):
        young = sum(now - born < settings.max_age for born in state.born)
        kept = min(young, max(0, wanted - state.opening))
        close.append(len(state.born) - kept)
        if kept:
            waits.append(min(state.born[-kept], state.wanted_at) + settings.max_age - now)
        stock = kept + state.opening
        if stock >= min(wanted, fewest):
            continue
        ready = state.failed_at + retry_delay(state.failures) if state.failures else now
        if ready > now:
            waits.append(ready - now)
        else:
            chosen, fewest = at, stock
    return Steps(tuple(close), chosen, min(waits, default=None))


def _wanted(settings: PoolSettings, states: Sequence[PoolState], now: float) -> list[int]:
    """How many each state should hold: those asked for last come first, within the bounds."""
    wanted = [0] * len(states)
    places, memory = settings.max_total, settings.memory
    for at in sorted(range(len(states)), key=lambda at: -states[at].wanted_at):
        state = states[at]
        if now - state.wanted_at < settings.max_age:
            wanted[at] = max(0, min(settings.min_idle, places, memory // max(state.size, 1)))
            places -= wanted[at]
            memory -= wanted[at] * state.size
    return wanted
