"""Decides which request gets the next slot: pure, without clock and I/O.

A slot goes to the key of which the fewest run; among equals, to the one that had its last slot
longest ago. So a key that runs nothing waits for at most one execution of each other key, however
many requests those have waiting, and one whose programs take long gets no more than its share.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


class Full(Exception):
    """As many wait as may, and the new request's key has its share of them."""


@dataclass(slots=True)
class _KeyQueue(Generic[T]):
    """One key's requests.

    Attributes:
        most: How many of them may run at once; None for any number.
        waiting: Those that wait, the oldest first.
        running: How many run.
        last_slot: Number of its last slot, over all keys.
    """

    most: int | None
    waiting: deque[T] = field(default_factory=deque)
    running: int = 0
    last_slot: int = 0

    def may_run_more(self) -> bool:
        return self.most is None or self.running < self.most


class FairQueue(Generic[T]):
    """Requests that wait for a place, told apart by key.

    Args:
        slots: How many may run at once.
        size: How many may wait.
        may_begin: Whether the next of a key may run yet, whatever place is free.
    """

    def __init__(
        self, slots: int, size: int, may_begin: Callable[[T], bool] = lambda _: True
    ) -> None:
        self._may_begin = may_begin
        self.slots = slots
        self.size = size
        self.running = 0
        self.waiting = 0
        self._lines: dict[str, _KeyQueue[T]] = {}
        self._slots_given = 0

    def arrive(self, key: str, most: int | None, item: T) -> T | None:
        """Put a request behind those of its key.

        Args:
            key: Whose it is.
            most: How many of this key may run at once.
            item: The request.

        Returns:
            The request that has to leave for it, where all places to wait are taken: the
            newest of the key that has most of them. Else None.

        Raises:
            Full: No key has more waiting than this one would have.
        """
        line = self._lines.setdefault(key, _KeyQueue(most))
        line.most = most
        # Where a place is free and none of its own waits before it, it is the next.
        is_next = (
            self.running < self.slots
            and line.may_run_more()
            and not line.waiting
            and self._may_begin(item)
        )
        pushed = None if is_next or self.waiting < self.size else self._push_out(line)
        line.waiting.append(item)
        self.waiting += 1
        return pushed

    def next(self) -> T | None:
        """The request that gets the next slot, which runs from now on; None if none may."""
        if self.running >= self.slots:
            return None
        ready = [
            line
            for line in self._lines.values()
            if line.waiting and line.may_run_more() and self._may_begin(line.waiting[0])
        ]
        if not ready:
            return None
        line = min(ready, key=lambda line: (line.running, line.last_slot))
        self._slots_given += 1
        line.last_slot = self._slots_given
        line.running += 1
        self.running += 1
        self.waiting -= 1
        return line.waiting.popleft()

    def leave(self, key: str, item: T) -> None:
        """A request that waits gives up."""
        self._lines[key].waiting.remove(item)
        self.waiting -= 1

    def end(self, key: str) -> None:
        """A request that ran has ended."""
        self._lines[key].running -= 1
        self.running -= 1

    def waiting_of(self, key: str) -> int:
        """How many of a key's wait."""
        line = self._lines.get(key)
        return len(line.waiting) if line else 0

    def ahead(self, key: str) -> int:
        """How many slots others get before a new request of this key, about."""
        line = self._lines.get(key)
        own = len(line.waiting) if line else 0
        others = (len(other.waiting) for other in self._lines.values() if other is not line)
        return own + sum(min(count, own + 1) for count in others)

    def _push_out(self, queue: _KeyQueue[T]) -> T:
        longest = max(self._lines.values(), key=lambda line: len(line.waiting))
        if len(longest.waiting) <= len(queue.waiting) + 1:
            raise Full
        self.waiting -= 1
        return longest.waiting.pop()
