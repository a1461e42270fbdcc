"""Buffers events of an execution for a client that may read slowly."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import anyio

from drybox.model import Event

MOST = 16 * 1024
"""Characters of output that are joined to one event, about."""

ROOM = 1 << 20
"""Characters of output that may wait before the program waits for its client."""


class EventBuffer:
    """What happened and the client has not been told.

    Output that waits is joined, in however small pieces it was written. Where much waits, the
    program waits for its client; but no longer than until its own end, which is not the client's to
    move.
    """

    def __init__(self) -> None:
        self._waiting = 0
        self._taken = anyio.Event()
        self._events: deque[Event] = deque()
        self._parts: list[str] = []  # of the text of the last one
        self._size = 0
        self._news = anyio.Event()
        self._is_over = False
        self._error: Exception | None = None

    async def put(self, event: Event, deadline: float) -> None:
        """Something has happened.

        Args:
            event: What.
            deadline: By the event loop's clock; until then it waits for room.
        """
        with anyio.CancelScope(deadline=deadline):
            while self._waiting > ROOM:
                self._taken = anyio.Event()
                await self._taken.wait()
        if event.type not in ("stdout", "stderr"):
            self._seal()
            self._events.append(event)
        elif event.data:  # bytes that are half a character are no text yet
            last = self._events[-1] if self._parts else None
            if (
                last is None
                or (last.type, last.phase) != (event.type, event.phase)
                or self._size + len(event.data) > MOST
            ):
                self._seal()
                self._events.append(replace(event, data="", data_bytes=b""))
            self._parts.append(event.data)
            self._size += len(event.data)
            self._waiting += len(event.data)
        self._news.set()

    def end(self, error: Exception | None = None) -> None:
        """Nothing more will happen; an error is what the follower gets last."""
        self._is_over = True
        self._error = error
        self._news.set()

    async def get(self) -> Event:
        """The next event, waited for.

        Raises:
            StopAsyncIteration: There is none any more.
            Exception: What the execution failed with.
        """
        while not self._events:
            if self._is_over:
                error, self._error = self._error, None
                raise error or StopAsyncIteration
            self._news = anyio.Event()
            await self._news.wait()
        if len(self._events) == 1:
            self._seal()
        event = self._events.popleft()
        self._waiting -= len(event.data)
        self._taken.set()
        return event

    def _seal(self) -> None:
        """Make the output that was joined an event."""
        if self._parts:
            self._events[-1] = replace(self._events[-1], data="".join(self._parts))
            self._parts, self._size = [], 0
