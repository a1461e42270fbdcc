"""A deadline for reading each response, which a slow client cannot extend."""

from __future__ import annotations

import asyncio

LEAST_RATE = 64 * 1024
"""Bytes a second that a client has to take of what waits for it, on average."""


LINGER = 5.0
"""Seconds that a client may go on sending after its last answer, so that it comes to read that."""


class WriteDeadline:
    """Ends a connection whose client reads too slowly.

    All the time that the server waits for the client counts, in sum. There is ``deadline``, and
    more for each byte that was written: who reads at :data:`LEAST_RATE` is never ended.

    Args:
        transport: The connection's.
        deadline: Seconds.
        loop: The event loop.
    """

    def __init__(
        self, transport: asyncio.Transport, deadline: float, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._transport = transport
        self._drain_scope = deadline
        self._loop = loop
        self._allowed = deadline
        self._began: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._lingering: asyncio.TimerHandle | None = None

    def wrote(self, size: int) -> None:
        """So many bytes are on their way to the client."""
        self._allowed += size / LEAST_RATE

    def pause(self) -> None:
        """From now on the server waits for the client to read."""
        if self._timer is None:
            self._began = self._loop.time()
            self._timer = self._loop.call_later(max(0.0, self._allowed), self._transport.abort)

    def resume(self) -> None:
        """The client has read."""
        if self._timer is not None and self._began is not None:
            self._timer.cancel()
            self._timer = None
            self._allowed -= self._loop.time() - self._began

    def begin_anew(self) -> None:
        """An answer has been taken, and the next one has its own time."""
        if self._timer is None:
            self._allowed = self._drain_scope

    def close(self) -> None:
        """Close the connection once what was written is taken, or its time is over."""
        if self._transport.get_write_buffer_size():
            self.pause()
        self._transport.close()

    def close_gently(self) -> None:
        """Close the connection, but read on for a moment, for the client still sends.

        If it were closed at once, the client's next write would fail, and it would never read the
        answer. Whoever is called with what comes throws it away.
        """
        if self._lingering is None:
            self._transport.resume_reading()
            self._lingering = self._loop.call_later(LINGER, self.close)

    def stop(self) -> None:
        """The connection is gone."""
        for timer in (self._timer, self._lingering):
            if timer is not None:
                timer.cancel()
        self._timer = self._lingering = None
