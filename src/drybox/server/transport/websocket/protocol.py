"""WebSockets on the wire: uvicorn's protocol, with limits and deadlines."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Frame

from drybox.server.transport.read_turns import ReadTurns
from drybox.server.transport.write_deadline import WriteDeadline
from drybox.service.memory_budget import UNCOUNTED, Reservation

PIECE = 4 * 1024
"""Bytes that are looked at before others have a slot: tiny frames take long."""

MOST_FRAMES = 16 * 1024
"""Frames that one message may come in."""

FRAGMENTS = "drybox.fragments"
"""Extension of ASGI: a text message is sent in pieces of bytes, each with this member; it is true
but on the last."""

TOO_MUCH, TRY_LATER = 1009, 1013
"""Codes to close with."""


class Origin(Protocol):
    """The connection that a WebSocket was before."""

    turns: ReadTurns

    def websocket_lost(self) -> None:
        """It has ended."""


class WebSocket(WebSocketsSansIOProtocol):
    """One WebSocket."""

    def take_over(self, origin: Origin, reservation: Reservation, deadline: WriteDeadline) -> None:
        """Go on with a connection.

        Args:
            origin: What it was before.
            reservation: What it holds of the budget.
            deadline: How long its client may take to read.
        """
        self._origin = origin
        self._reservation = reservation
        self._deadline = deadline
        self._pieces = bytearray()
        self._is_scheduled = self._is_deaf = self._is_sending = False
        self._unfinished = self._frames = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It begins."""
        super().connection_made(_ClosingTransport(transport, self._deadline))  # type: ignore[arg-type]

    def connection_lost(self, exc: Exception | None) -> None:
        """It ends."""
        self._pieces.clear()
        self._deadline.stop()
        self._origin.websocket_lost()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """The client sent this."""
        if self._is_deaf:
            self._origin.turns.took(self, len(data), self.loop)
            return
        self._pieces += data
        self._look()

    def rest(self) -> None:
        """Read nothing for now."""
        self.transport.pause_reading()

    def read_on(self) -> None:
        """Read again."""
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def _look(self) -> None:
        """Take one piece, and let others have a slot before the next."""
        self._is_scheduled = False
        if self.disconnected or self._is_deaf or self.read_paused:
            return
        piece = bytes(self._pieces[:PIECE])
        del self._pieces[:PIECE]
        self._unfinished += len(piece)
        super().data_received(piece)
        waits = self._unfinished + len(self._pieces) - UNCOUNTED
        if not self._reservation.try_resize(max(0, waits)):
            self._fail(TRY_LATER, "the server has no room for this now")
        self._go_on()

    def _go_on(self) -> None:
        if self._is_deaf or self.read_paused or self.transport.is_closing():
            return
        if not self._pieces:
            self.transport.resume_reading()
            return
        self.transport.pause_reading()
        if not self._is_scheduled:
            self._is_scheduled = True
            self.loop.call_soon(self._look)

    async def receive(self) -> Any:
        """The next message."""
        message = await self.queue.get()
        if self.read_paused and self.queue.empty():
            self.read_paused = False
            self._go_on()
        return message

    async def send(self, message: Any) -> None:
        """Write a message."""
        await self.writable.wait()
        self._deadline.wrote(len(message.get("text") or message.get("bytes") or ""))
        if FRAGMENTS in message:
            self._send_fragment(message["bytes"], is_last=not message[FRAGMENTS])
        else:
            await super().send(message)

    def _send_fragment(self, data: bytes, *, is_last: bool) -> None:
        if self.disconnected or self.close_sent:
            raise ClientDisconnected
        try:
            if self._is_sending:
                self.conn.send_continuation(data, is_last)
            else:
                self.conn.send_text(data, is_last)
        except InvalidState:
            raise ClientDisconnected from None
        self._is_sending = not is_last
        self.transport.write(b"".join(self.conn.data_to_send()))

    async def run_asgi(self) -> None:
        """Serve it by the application."""
        self.scope["extensions"][FRAGMENTS] = {}
        await super().run_asgi()

    def pause_writing(self) -> None:
        """The client is slow."""
        self._deadline.pause()
        super().pause_writing()

    def resume_writing(self) -> None:
        """It has read."""
        self._deadline.resume()
        super().resume_writing()

    def handle_ping(self) -> None:
        """The client asks for a sign of life, which it gets if it reads."""
        output = self.conn.data_to_send()
        if self.writable.is_set():
            self.transport.write(b"".join(output))

    def handle_cont(self, event: Frame) -> None:
        """A further part of a message has come."""
        self._frames += 1
        if self._frames > MOST_FRAMES:
            self._fail(TOO_MUCH, "the message comes in too many frames")
        else:
            super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        """A message is whole."""
        self._unfinished = self._frames = 0
        super().send_receive_event_to_app()

    def handle_parser_exception(self) -> None:
        """What came is against the protocol, or too large."""
        assert self.conn.close_sent is not None
        code, reason = self.conn.close_sent.code, self.conn.close_sent.reason
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = self._is_deaf = True
        self._pieces.clear()
        self._reservation.release()
        self._deadline.close_gently()

    def _fail(self, code: int, reason: str) -> None:
        if self._is_deaf or self.close_sent:
            return
        if not self.handshake_complete:
            self.transport.abort()
            return
        self.conn.fail(code, reason)
        self.handle_parser_exception()


class _ClosingTransport:
    """A transport that, once it is told to close, does not wait for its client for ever."""

    def __init__(self, transport: asyncio.BaseTransport, deadline: WriteDeadline) -> None:
        self._transport = transport
        self._deadline = deadline

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        self._deadline.close()
