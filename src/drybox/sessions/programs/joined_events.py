"""Events that wait for whoever follows code in a session."""

from __future__ import annotations

from collections import deque

import anyio

from drybox.sessions.results import SessionEvent

PIECE = 16 * 1024
"""Bytes of output that are joined to one event, about."""


class JoinedEvents:
    """What nobody has had yet. Output is joined, in however small pieces it was written.

    What waits is bounded by whoever puts it here: by the limits of the code's output.
    """

    def __init__(self) -> None:
        self._events: deque[SessionEvent] = deque()
        self._parts: list[SessionEvent] = []  # of the last one
        self._size = 0
        self._news = anyio.Event()
        self._is_over = False
        self._error: Exception | None = None

    def put(self, event: SessionEvent) -> None:
        """Something has happened."""
        if event.type not in ("stdout", "stderr"):
            self._seal()
            self._events.append(event)
        else:
            size = len(event.data_bytes)
            is_alike = self._parts and self._events[-1].type == event.type
            if not is_alike or self._size + size > PIECE:
                self._seal()
                self._events.append(event)
            self._parts.append(event)
            self._size += size
        self._news.set()

    def end(self, error: Exception | None = None) -> None:
        """Nothing more will happen; an error is what the follower gets last."""
        self._is_over, self._error = True, error
        self._news.set()

    async def get(self) -> SessionEvent:
        """The next event, waited for.

        Raises:
            StopAsyncIteration: There is none any more.
            Exception: What the code could not be run for.
        """
        while not self._events:
            if self._is_over:
                error, self._error = self._error, None
                raise error or StopAsyncIteration
            self._news = anyio.Event()
            await self._news.wait()
        if len(self._events) == 1:
            self._seal()
        return self._events.popleft()

    def _seal(self) -> None:
        """Make the output that was joined an event."""
        if len(self._parts) > 1:
            text = "".join(part.data for part in self._parts)
            data = b"".join(part.data_bytes for part in self._parts)
            self._events[-1] = SessionEvent(self._parts[0].type, text, data)
        self._parts, self._size = [], 0
