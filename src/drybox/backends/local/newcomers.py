"""Programs that have just begun go first: a short one need not wait for a long one."""

from __future__ import annotations

import time
from collections import deque

import anyio

from drybox.backends.local.cgroup import Cgroup
from drybox.backends.local.cgroup_tree import USUAL_WEIGHT
from drybox.backends.local.ticker import Ticker

YOUTH = 0.05
"""Seconds that a program goes first; most that are run again and again take less."""

WEIGHT = 10 * USUAL_WEIGHT
"""Its share of the CPUs in that time, beside sandboxes whose programs are older."""


class Newcomers:
    """Gives sandboxes their weight, and takes it away in time.

    Args:
        ticker: Ticks for those that begin while older ones run.
    """

    def __init__(self, ticker: Ticker) -> None:
        self._ticker = ticker
        self._queue: deque[tuple[float, Cgroup]] = deque()
        self._young: dict[Cgroup, float] = {}
        self._old: set[Cgroup] = set()
        self._more = anyio.Event()

    def expect(self, cgroup: Cgroup) -> None:
        """Give a sandbox its weight already, while it waits for its program."""
        cgroup.weigh(WEIGHT)

    def begin(self, cgroup: Cgroup) -> None:
        """A program begins in it."""
        self._old.discard(cgroup)
        if self._old:
            self._ticker.tick()
        cgroup.weigh(WEIGHT)
        until = self._young[cgroup] = time.monotonic() + YOUTH
        self._queue.append((until, cgroup))
        self._more.set()

    def end(self, cgroup: Cgroup) -> None:
        """No program runs in it any more."""
        self._young.pop(cgroup, None)
        self._old.discard(cgroup)

    async def grow_up(self) -> None:
        """See to it that nobody stays young; runs until it is cancelled."""
        while True:
            while self._queue:
                until, cgroup = self._queue[0]
                left = until - time.monotonic()
                if left > 0:
                    await anyio.sleep(left)
                else:
                    self._queue.popleft()
                    if self._young.get(cgroup) == until:  # it still runs, and in the same phase
                        del self._young[cgroup]
                        self._old.add(cgroup)
                        cgroup.weigh(USUAL_WEIGHT)
            self._more = anyio.Event()
            await self._more.wait()
