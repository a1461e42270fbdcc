"""Events that wait for whoever follows a program; its output is joined meanwhile."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

import anyio

PIECE = 16 * 1024
"""Bytes of output that are joined to one event, about."""


class StreamEvent(Protocol):
    """Something that happened, or output."""

    @property
    def type(self) -> str:
        """``stdout`` or ``stderr`` for output."""

    @property
    def data(self) -> str:
        """Text of that output; characters are never split."""

    @property
    def data_bytes(self) -> bytes:
        """Its bytes, which may end in half a character."""


E = TypeVar("E", bound=StreamEvent)


class JoinedEvents(Generic[E]):
    """What nobody has had yet. Output is joined, in however small pieces it was written.

    Args:
        join: Makes one event of output of one stream; it may have come in one piece.

    Attributes:
        waiting: Bytes of output that are here. Whoever puts it here bounds them.
    """

    def __init__(self, join: Callable[[Sequence[E]], E]) -> None:
        self.waiting = 0
        self._join = join
        self._events: deque[_Event[E]] = deque()
        self._news = anyio.Event()
        self._is_over = False
        self._error: Exception | None = None

    def put(self, event: E) -> None:
        """Something has happened."""
        size = max(len(event.data), len(event.data_bytes))
        last = self._events[-1] if self._events else None
        if last is not None and last.takes(event, size):
            last.parts.append(event)
            last.size += size
        else:
            if last is not None and last.is_output:  # objects take more than what they hold
                last.parts = [self._join(last.parts)]
            self._events.append(_Event(event, size))
        self.waiting += size
        self._news.set()

    def end(self, error: Exception | None = None) -> None:
        """Nothing more will happen; an error is what the follower gets last."""
        self._is_over, self._error = True, error
        self._news.set()

    async def get(self) -> E:
        """The next event, waited for.

        Raises:
            StopAsyncIteration: There is none any more.
            Exception: What the program could not be run for, or failed with.
        """
        while not self._events:
            if self._is_over:
                error, self._error = self._error, None
                raise error or StopAsyncIteration
            self._news = anyio.Event()
            await self._news.wait()
        event = self._events.popleft()
        self.waiting -= event.size
        return self._join(event.parts) if event.is_output else event.parts[0]


class _Event(Generic[E]):
    """One that waits, with the output that is joined to it."""

    __slots__ = ("is_output", "parts", "size", "type")

    def __init__(self, event: E, size: int) -> None:
        self.type = event.type
        self.is_output = event.type in ("stdout", "stderr")
        self.parts = [event]
        self.size = size

    def takes(self, event: E, size: int) -> bool:
        """Whether what comes next becomes a part of it."""
        return self.is_output and event.type == self.type and self.size + size <= PIECE
