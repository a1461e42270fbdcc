"""The other end of the guest protocol: made up for one test, byte by byte if need be."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel
from anyio.abc import ByteStream

HEAD = struct.Struct("<cI")
TOKEN = b"what init says.."
"""What answers of a sealed sandbox carry, in tests that say which."""


def frame(kind: bytes, payload: bytes = b"", token: bytes = b"") -> bytes:
    """One frame as it travels; an answer of a sealed sandbox has a token."""
    return HEAD.pack(kind, len(payload)) + token + payload


def exit_frame(
    status: int = 0, elapsed: int = 1_500_000_000, cpu: int = 250_000, late: int = 0
) -> bytes:
    """The frame that ends a command: wait(2)'s status, nanoseconds, microseconds, timed out."""
    return frame(b"Z", struct.pack("<iQQ??Q", status, elapsed, cpu, bool(late), False, 0))


def credit_frame(amount: int) -> bytes:
    """The frame that lets the host send so many more bytes of stdin."""
    return frame(b"C", struct.pack("<I", amount))


def listed_frame(path: bytes, size: int) -> bytes:
    """The frame that names a file."""
    return frame(b"F", struct.pack("<Q", size) + path)


class FakeGuest(ByteStream):
    """A stream to an init that says what it is told to.

    Args:
        answer: Called with the type and payload of each request; what it returns is said.
        pieces: Most bytes of each piece that the host receives, in turn.
    """

    def __init__(
        self,
        answer: Callable[[bytes, bytes], bytes] = lambda kind, payload: b"",
        pieces: tuple[int, ...] = (1 << 20,),
    ) -> None:
        self.sent: list[tuple[bytes, bytes]] = []
        self.closed = False
        self._answer = answer
        self._pieces = pieces
        self._received = 0
        self._heard = bytearray()
        self._words = bytearray()
        self._ended = False
        self._more = anyio.Event()

    def say(self, words: bytes) -> None:
        """Say this, whatever was asked."""
        self._words += words
        self._more.set()

    def end(self) -> None:
        """Say nothing more."""
        self._ended = True
        self._more.set()

    def kinds(self) -> bytes:
        """The types of all requests so far."""
        return b"".join(kind for kind, _ in self.sent)

    def payload(self, kind: bytes) -> bytes:
        """The payloads of all requests of one type together."""
        return b"".join(payload for each, payload in self.sent if each == kind)

    async def receive(self, max_bytes: int = 65536) -> bytes:
        while not self._words and not self._ended:
            self._more = anyio.Event()
            await self._more.wait()
        await anyio.lowlevel.checkpoint()
        if not self._words:
            raise anyio.EndOfStream
        size = min(max_bytes, self._pieces[self._received % len(self._pieces)])
        self._received += 1
        piece = bytes(self._words[:size])
        del self._words[:size]
        return piece

    async def send(self, item: bytes) -> None:
        await anyio.lowlevel.checkpoint()
        if self.closed:
            raise anyio.BrokenResourceError
        self._heard += item
        while len(self._heard) >= HEAD.size:
            kind, size = HEAD.unpack_from(self._heard)
            if len(self._heard) < HEAD.size + size:
                break
            payload = bytes(self._heard[HEAD.size : HEAD.size + size])
            del self._heard[: HEAD.size + size]
            self.sent.append((kind, payload))
            self.say(self._answer(kind, payload))

    async def send_eof(self) -> None:
        raise NotImplementedError

    async def aclose(self) -> None:
        self.closed = True

    @property
    def extra_attributes(self) -> Any:
        return {}
