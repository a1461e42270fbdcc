"""Buffers events of an execution for a client that may read slowly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import anyio

from drybox.execution.joined_events import JoinedEvents
from drybox.model import Event

ROOM = 1 << 20
"""Bytes of output that may wait before the program waits for its client."""


class EventBuffer:
    """What happened and the client has not been told.

    Where much waits, the program waits for its client; but no longer than until its own end, which
    is not the client's to move.
    """

    def __init__(self) -> None:
        self._taken = anyio.Event()
        self._events = JoinedEvents(_joined)

    async def put(self, event: Event, deadline: float) -> None:
        """Something has happened.

        Args:
            event: What.
            deadline: By the event loop's clock; until then it waits for room.
        """
        with anyio.CancelScope(deadline=deadline):
            while self._events.waiting > ROOM:
                self._taken = anyio.Event()
                await self._taken.wait()
        if event.data or event.type not in ("stdout", "stderr"):
            self._events.put(event)  # bytes that are half a character are no text yet

    def end(self, error: Exception | None = None) -> None:
        """Nothing more will happen; an error is what the follower gets last."""
        self._events.end(error)

    async def get(self) -> Event:
        """The next event, waited for.

        Raises:
            StopAsyncIteration: There is none any more.
            Exception: What the execution failed with.
        """
        event = await self._events.get()
        self._taken.set()
        return event


def _joined(parts: Sequence[Event]) -> Event:
    """Output as one event. A client is told its text alone."""
    text = parts[0].data if len(parts) == 1 else "".join(part.data for part in parts)
    return replace(parts[0], data=text, data_bytes=b"")
