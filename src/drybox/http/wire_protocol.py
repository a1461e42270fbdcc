"""HTTP on the wire: uvicorn's own protocol, with a bound on heads and a problem for nonsense."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from drybox.http.problems import Problem
from drybox.settings import ServerSettings

NONSENSE = Problem("bad-request", "This is no HTTP/1.1 request.", "Send one.")


def protocol_for(settings: ServerSettings) -> type[HttpToolsProtocol]:
    """The class of connections of a server."""
    return type("Protocol", (_Protocol,), {"patience": settings.body_timeout})


class _Protocol(HttpToolsProtocol):
    """One connection."""

    patience = 30.0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """It begins."""
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(self.patience, transport.close)

    def on_message_begin(self) -> None:
        """A request begins: its head has so long, as its body has."""
        super().on_message_begin()
        self._stop_timer()
        self._head_timer = self.loop.call_later(self.patience, self.transport.close)

    def on_headers_complete(self) -> None:
        """A head has come."""
        self._stop_timer()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """It ends."""
        self._stop_timer()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """What came cannot be parsed."""
        answer = NONSENSE.response()
        head = [b"HTTP/1.1 400 Bad Request", *(b": ".join(item) for item in answer.raw_headers)]
        self.transport.write(b"\r\n".join([*head, b"connection: close", b"", bytes(answer.body)]))
        self.transport.close()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
