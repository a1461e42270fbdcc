"""Buffers a program's input as it arrives from a client."""

from __future__ import annotations

from collections import deque

import anyio

from drybox.errors import InvalidRequest
from drybox.service.memory_budget import Reservation
from drybox.service.refusals import Problem, Refused

EACH = 64
"""Bytes that a piece takes beside its own."""


class StdinBuffer:
    """What has come and the program has not read.

    The client is listened to all the time, or its ``kill`` and its leaving would go unheard. So
    there is a bound to what waits here, and more is refused.

    Args:
        first: What is there from the beginning.
        most: Bytes that may wait.
        room: Where they are taken from the server's memory.
    """

    def __init__(self, first: bytes, most: int, room: Reservation) -> None:
        self._pieces = deque([first] if first else [])
        self._waiting = len(first)
        self._most = most
        self._room = room
        self._ended = False
        self._news = anyio.Event()

    def add(self, data: bytes) -> None:
        """The client sent this.

        Raises:
            InvalidRequest: It said before that it had sent all.
            Refused: Too much waits.
        """
        if self._ended:
            raise InvalidRequest("stdin", "it came after 'eof'", hint="Send 'eof' last.")
        waiting = self._waiting + len(data)
        held = waiting + EACH * (len(self._pieces) + 1)
        if waiting > self._most or not self._room.try_resize(held):
            raise Refused(
                Problem(
                    "too-large",
                    f"More than {self._most:,} bytes of input wait for the program to read them,"
                    " or than the server has room for.",
                    "Send input as the program reads it, or less.",
                )
            )
        if data:
            self._pieces.append(data)
            self._waiting += len(data)
            self._news.set()

    def end(self) -> None:
        """Nothing more comes."""
        self._ended = True
        self._news.set()

    async def read(self) -> bytes:
        """The next piece, waited for; b"" at the end: a ``drybox.job.Source``."""
        while not self._pieces:
            if self._ended:
                return b""
            self._news = anyio.Event()
            await self._news.wait()
        piece = self._pieces.popleft()
        self._waiting -= len(piece)
        self._room.try_resize(min(self._room.size, self._waiting + EACH * len(self._pieces)))
        return piece
