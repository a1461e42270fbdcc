"""A program's input on its way from a client, piece by piece."""

from __future__ import annotations

from collections import deque

import anyio

from drybox.errors import InvalidRequest
from drybox.http.problems import Problem, Refused


class Inlet:
    """What has come and the program has not read.

    The client is listened to all the time, or its ``kill`` and its leaving would go unheard. So
    there is a bound to what waits here, and more is refused.

    Args:
        first: What is there from the beginning.
        most: Bytes that may wait.
    """

    def __init__(self, first: bytes, most: int) -> None:
        self._pieces = deque([first] if first else [])
        self._waiting = len(first)
        self._most = most
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
        if self._waiting + len(data) > self._most:
            raise Refused(
                Problem(
                    "too-large",
                    f"More than {self._most:,} bytes of input wait for the program to read them.",
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
        """The next piece, waited for; b"" at the end: a ``drybox.protocols.Source``."""
        while not self._pieces:
            if self._ended:
                return b""
            self._news = anyio.Event()
            await self._news.wait()
        piece = self._pieces.popleft()
        self._waiting -= len(piece)
        return piece
