"""What a server reads from all its connections in one pass of the event loop: bounded in sum."""

from __future__ import annotations

import asyncio
from typing import Protocol

PER_PASS = 1 << 20
"""Bytes. A connection whose read goes beyond them is read again in the next pass. uvloop reads on
from a socket as long as that fills its buffer of 256 KiB, up to 32 times in a pass: 40 clients who
send fast would hold the event loop for 320 MiB."""


class Reader(Protocol):
    """A connection, as far as it is read."""

    def rest(self) -> None:
        """Read nothing for now."""

    def read_on(self) -> None:
        """Read again, unless something else is in the way."""


class ReadTurns:
    """The turns of a server's connections.

    Args:
        per_pass: Bytes that are read from all of them in one pass.
    """

    def __init__(self, per_pass: int = PER_PASS) -> None:
        self._per_pass = per_pass
        self._read = 0
        self._resting: dict[Reader, None] = {}

    def took(self, reader: Reader, size: int, loop: asyncio.AbstractEventLoop) -> None:
        """Count what was read; have the reader rest where that is enough for this pass."""
        if not self._read:
            loop.call_soon(self._begin_anew)
        self._read += size
        if self._read > self._per_pass and reader not in self._resting:
            self._resting[reader] = None
            reader.rest()

    def _begin_anew(self) -> None:
        self._read = 0
        resting, self._resting = self._resting, {}
        for reader in resting:
            reader.read_on()
