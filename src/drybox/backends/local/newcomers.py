"""Programs that have just begun go first: a short one need not wait for a long one."""

from __future__ import annotations

import time
from collections import deque

import anyio

from drybox.backends.local.cgroup import Cgroup
from drybox.backends.local.cgroup_tree import USUAL_WEIGHT

YOUTH = 0.05
"""Seconds that a program goes first; most that are run again and again take less."""

WEIGHT = 10 * USUAL_WEIGHT
"""Its share of the CPUs in that time, beside sandboxes whose programs are older."""


class Newcomers:
    """Gives sandboxes their weight, and takes it away in time."""

    def __init__(self) -> None:
        self._young: deque[tuple[float, Cgroup]] = deque()
        self._until: dict[Cgroup, float] = {}
        self._more = anyio.Event()

    def expect(self, cgroup: Cgroup) -> None:
        """Give a sandbox its weight already, while it waits for its program."""
        cgroup.weigh(WEIGHT)

    def begin(self, cgroup: Cgroup) -> None:
        """A program begins in it."""
        cgroup.weigh(WEIGHT)
        until = self._until[cgroup] = time.monotonic() + YOUTH
        self._young.append((until, cgroup))
        self._more.set()

    async def grow_up(self) -> None:
        """See to it that nobody stays young; runs until it is cancelled."""
        while True:
            while self._young:
                until, cgroup = self._young[0]
                left = until - time.monotonic()
                if left > 0:
                    await anyio.sleep(left)
                else:
                    self._young.popleft()
                    if self._until[cgroup] == until:  # no later phase has begun in it
                        del self._until[cgroup]
                        cgroup.weigh(USUAL_WEIGHT)
            self._more = anyio.Event()
            await self._more.wait()
