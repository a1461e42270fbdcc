"""Gives new programs more CPU weight, so that a short one need not wait for a long one."""

from __future__ import annotations

import time
from collections import deque

import anyio

from drybox.backends.local.cgroups.cgroup import Cgroup
from drybox.backends.local.cgroups.reschedule_timer import RescheduleTimer
from drybox.backends.local.cgroups.tree import USUAL_WEIGHT

BOOST_SECONDS = 0.05
"""Seconds that a program goes first; most that are run again and again take less."""

WEIGHT = 10 * USUAL_WEIGHT
"""Its share of the CPUs in that time, beside sandboxes whose programs are older."""


class StartupBoost:
    """Gives sandboxes their weight, and takes it away in time.

    Args:
        reschedule_timer: Ticks for those that begin while older ones run.
    """

    def __init__(self, reschedule_timer: RescheduleTimer) -> None:
        self._reschedule_timer = reschedule_timer
        self._queue: deque[tuple[float, Cgroup]] = deque()
        self._boosted: dict[Cgroup, float] = {}
        self._expired: set[Cgroup] = set()
        self._more = anyio.Event()

    def expect(self, cgroup: Cgroup) -> None:
        """Give a sandbox its weight already, while it is made or waits for its program.

        Until then nothing in it is anybody's. Beside hundreds of sandboxes that compute it would
        else not be made in time.
        """
        cgroup.weigh(WEIGHT)

    def prepare(self, cgroup: Cgroup) -> None:
        """Take it away while a sandbox is prepared for nobody yet, which may take long."""
        cgroup.weigh(USUAL_WEIGHT)

    def begin(self, cgroup: Cgroup) -> None:
        """A program begins in it."""
        self._expired.discard(cgroup)
        if self._expired:
            self._reschedule_timer.wake()
        cgroup.weigh(WEIGHT)
        until = self._boosted[cgroup] = time.monotonic() + BOOST_SECONDS
        self._queue.append((until, cgroup))
        self._more.set()

    def end(self, cgroup: Cgroup) -> None:
        """No program runs in it any more."""
        self._boosted.pop(cgroup, None)
        self._expired.discard(cgroup)

    async def expire_loop(self) -> None:
        """End each boost in time; runs until it is cancelled."""
        while True:
            while self._queue:
                until, cgroup = self._queue[0]
                left = until - time.monotonic()
                if left > 0:
                    await anyio.sleep(left)
                else:
                    self._queue.popleft()
                    if self._boosted.get(cgroup) == until:  # it still runs, and in the same phase
                        del self._boosted[cgroup]
                        self._expired.add(cgroup)
                        cgroup.weigh(USUAL_WEIGHT)
            self._more = anyio.Event()
            await self._more.wait()
