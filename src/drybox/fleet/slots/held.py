"""A node's slots for several front doors: one that is full tells who wants the next slot.

Front doors see at once that something of their own has ended, and only later that something of
others has. So a front door that finds a node full wants its next slot, and the node holds that for
it: for the one whose key has the fewest running there.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

HOLD_TIMEOUT = 2.0
"""Seconds in which a front door uses a slot that is held for it; then it is anybody's."""


@dataclass(slots=True, eq=False)
class _Want:
    """A front door that wants a slot.

    Attributes:
        door: The front door.
        owner: Name of the key whose execution waits there.
        told: Whether a slot is held for it.
    """

    door: str
    owner: str
    told: asyncio.Future[bool] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class HeldSlots:
    """Those who want a slot, and slots that are held.

    Args:
        slots: How many there are.
        taken: How many executions run in them.
        running: The keys whose executions these are, one word for each.
        clock: Seconds that only go forward.
    """

    def __init__(
        self,
        slots: Callable[[], int],
        taken: Callable[[], int],
        running: Callable[[], Iterable[str]],
        clock: Callable[[], float],
    ) -> None:
        self._slots = slots
        self._taken = taken
        self._running = running
        self._clock = clock
        self._wants: list[_Want] = []
        self._held: list[tuple[str, float]] = []  # for whom, and until when

    def take(self, door: str) -> bool:
        """Whether a front door may have a slot now: one held for it, or one that nobody wants."""
        for item in self._held:
            if item[0] == door:
                self._held.remove(item)
                return True
        return self._free() > 0

    async def want(self, door: str, owner: str) -> bool:
        """Wait until a slot is held for a front door; whether one is."""
        want = _Want(door, owner)
        self._wants.append(want)
        self.offer()
        try:
            return await want.told
        finally:
            if want in self._wants:
                self._wants.remove(want)

    def give_back(self, door: str) -> None:
        """A front door has no use for what is held for it, or wants."""
        self._held = [item for item in self._held if item[0] != door]
        self._refuse(lambda other: other == door)
        self.offer()

    def offer(self) -> None:
        """Hold what is free for those who want it; to be called when something has ended."""
        if not self._wants:
            return
        running = Counter(self._running())
        while self._wants and self._free() > 0:
            want = min(self._wants, key=lambda item: running[item.owner])  # the oldest of equals
            self._wants.remove(want)
            running[want.owner] += 1
            self._held.append((want.door, self._clock() + HOLD_TIMEOUT))
            if not want.told.done():
                want.told.set_result(True)

    def forget_doors(self, gone: Callable[[str], bool]) -> None:
        """Hold nothing for front doors that have gone, or that do not come for it."""
        now = self._clock()
        self._held = [item for item in self._held if item[1] > now and not gone(item[0])]
        self._refuse(gone)
        self.offer()

    def _refuse(self, whom: Callable[[str], bool]) -> None:
        for want in [item for item in self._wants if whom(item.door)]:
            self._wants.remove(want)
            if not want.told.done():
                want.told.set_result(False)

    def _free(self) -> int:
        return self._slots() - self._taken() - len(self._held)
