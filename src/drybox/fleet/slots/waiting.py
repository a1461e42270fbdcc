"""Executions that wait at a front door: fair between the keys whose they are."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Collection, Iterator

from drybox.fleet.member import Member
from drybox.job import Job


class Waiter:
    """An execution that waits for a slot.

    Args:
        job: What it is.
        refused: Ids of nodes that cannot run it.
        owner: Name of the key whose it is; "" where there are none.

    Attributes:
        called: Its node, once it has a slot.
        waited: Seconds that it has waited while there was no node.
    """

    def __init__(self, job: Job, refused: Collection[str], owner: str) -> None:
        self.job = job
        self.refused = refused
        self.owner = owner
        self.waited = 0.0
        self.called: asyncio.Future[Member] = asyncio.get_running_loop().create_future()


class WaitingRoom:
    """Those that wait, and what of each key has a slot.

    The next is of the key of which the fewest run; among equals, the one that has waited longest.
    """

    def __init__(self) -> None:
        self._queues: dict[str, deque[tuple[int, Waiter]]] = {}
        self._running: Counter[str] = Counter()
        self._arrived = 0

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def add(self, waiter: Waiter) -> None:
        """One more."""
        self._arrived += 1
        self._queues.setdefault(waiter.owner, deque()).append((self._arrived, waiter))

    def remove(self, waiter: Waiter) -> bool:
        """One waits no longer; whether it did."""
        queue = self._queues.get(waiter.owner, deque())
        for item in queue:
            if item[1] is waiter:
                queue.remove(item)
                if not queue:
                    del self._queues[waiter.owner]
                return True
        return False

    def begin(self, owner: str) -> None:
        """One of a key's has a slot."""
        self._running[owner] += 1

    def end(self, owner: str) -> None:
        """One of a key's has given its slot back."""
        self._running[owner] -= 1
        if not self._running[owner]:
            del self._running[owner]

    def in_order(self) -> Iterator[Waiter]:
        """Those that wait, the next one first, each key's by age. May be changed meanwhile."""
        while self._queues:
            skipped: set[int] = set()
            heads = self._heads(skipped)
            while heads:
                number, waiter = min(heads, key=self._rank)
                before = len(self)
                yield waiter
                if len(self) == before:
                    skipped.add(number)
                heads = self._heads(skipped)
            return

    def _heads(self, skipped: set[int]) -> list[tuple[int, Waiter]]:
        found = []
        for queue in self._queues.values():
            head = next((item for item in queue if item[0] not in skipped), None)
            if head is not None:
                found.append(head)
        return found

    def _rank(self, item: tuple[int, Waiter]) -> tuple[int, int]:
        return self._running[item[1].owner], item[0]
