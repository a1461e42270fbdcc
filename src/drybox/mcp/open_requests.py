"""What an assistant has asked and is still owed: its input may end before the answers are there."""

from __future__ import annotations

from typing import Any

import anyio


class OpenRequests:
    """Requests of a connection that wait for their answers."""

    def __init__(self) -> None:
        self._ids: set[str | int] = set()
        self._none = anyio.Event()

    def begun(self, message: Any) -> None:
        """A message has come in: a request, if it has an id and a method."""
        inner: Any = getattr(message, "message", None)
        if hasattr(inner, "method") and hasattr(inner, "id"):
            self._ids.add(inner.id)
        elif getattr(inner, "method", "") == "notifications/cancelled":
            self._forget((inner.params or {}).get("requestId"))  # nobody waits for that any more

    def ended(self, message: Any) -> None:
        """A message has gone out: an answer, if it has an id and no method."""
        inner: Any = getattr(message, "message", None)
        if not hasattr(inner, "method") and hasattr(inner, "id"):
            self._forget(inner.id)

    def _forget(self, id: str | int | None) -> None:
        if id is not None:
            self._ids.discard(id)
        if not self._ids:
            self._none.set()

    async def wait(self) -> None:
        """Wait until every request has its answer."""
        while self._ids:
            self._none = anyio.Event()
            await self._none.wait()


class Incoming:
    """A stream of messages that ends once those that came are answered.

    Args:
        stream: The stream.
        requests: What is noted.
        end_timeout: Seconds that the answers may take after its end.
    """

    def __init__(self, stream: Any, requests: OpenRequests, end_timeout: float) -> None:
        self._stream = stream
        self._requests = requests
        self._end_timeout = end_timeout

    def __getattr__(self, name: str) -> Any:
        """What else such a stream has is the stream's own."""
        return getattr(self._stream, name)

    def __aiter__(self) -> Incoming:
        """The messages."""
        return self

    async def __anext__(self) -> Any:
        """The next one."""
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def receive(self) -> Any:
        """The next one.

        Raises:
            anyio.EndOfStream: There is none any more.
        """
        try:
            message = await self._stream.receive()
        except anyio.EndOfStream:
            with anyio.move_on_after(self._end_timeout):
                await self._requests.wait()
            raise
        self._requests.begun(message)
        return message

    async def __aenter__(self) -> Incoming:
        """Itself."""
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close it."""
        await self._stream.aclose()


class Outgoing:
    """A stream of messages, of which the answers are noted.

    Args:
        stream: The stream.
        requests: Where.
    """

    def __init__(self, stream: Any, requests: OpenRequests) -> None:
        self._stream = stream
        self._requests = requests

    def __getattr__(self, name: str) -> Any:
        """What else such a stream has is the stream's own."""
        return getattr(self._stream, name)

    async def send(self, message: Any) -> None:
        """Send one."""
        await self._stream.send(message)
        self._requests.ended(message)

    async def __aenter__(self) -> Outgoing:
        """Itself."""
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close it."""
        await self._stream.aclose()
