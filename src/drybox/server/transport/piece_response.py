"""Large JSON responses, made while they are sent."""

from __future__ import annotations

from collections.abc import Iterator

from anyio.lowlevel import checkpoint
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from drybox.service.memory_budget import Reservation


async def send_pieces(send: Send, pieces: Iterator[bytes]) -> None:
    """Send an answer of status 200, piece by piece."""
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        await checkpoint()  # making them is work, and others have a slot meanwhile
    await send({"type": "http.response.body", "body": b"", "more_body": False})


class PieceResponse(Response):
    """An answer of JSON in pieces.

    Args:
        pieces: The JSON.
        room: What its content holds of the server's memory; released once it is sent.
    """

    def __init__(self, pieces: Iterator[bytes], room: Reservation) -> None:
        super().__init__()
        self._pieces = pieces
        self._room = room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI response."""
        try:
            await send_pieces(send, self._pieces)
        finally:
            self._room.release()
