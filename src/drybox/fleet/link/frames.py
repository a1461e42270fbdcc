"""Calls and answers on a socket between two processes of one machine."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Callable
from typing import Any, cast

from drybox.fleet.messages import pack, unpack

LARGE = 2 << 20
"""Bytes from which on arguments and answers go through Ray, and hold up nothing here."""

MOST_FRAME = LARGE + (16 << 10)
"""Bytes of a frame; what announces more is not one of these two processes."""

ANSWER, FAILED, KEPT = range(3)
"""What a frame to a front door brings: an answer, why there is none, or the name by which Ray
fetches one that is large."""

_log = logging.getLogger("drybox.fleet")

_LENGTH = struct.Struct("!I")
_CREDENTIALS = struct.Struct("3i")


def peer_of(connection: socket.socket) -> tuple[int, int]:
    """Process and user at the other end, as the kernel says; 0 for a process that is not seen."""
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(told)
    return pid, uid


def is_own_user(connection: socket.socket) -> bool:
    """Whether the process at the other end runs as the user who this one runs as."""
    return peer_of(connection)[1] == os.geteuid()


class Frames(asyncio.Protocol):
    """One end of a connection.

    Args:
        take: Is given what each frame brings; what it raises ends the connection.
        lost: Is called when the connection has ended.
    """

    def __init__(self, take: Callable[[Any], None], lost: Callable[[], None]) -> None:
        self._take = take
        self._lost = lost
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    async def begin(self, connection: socket.socket) -> None:
        """Use a connection, which is closed with this."""
        loop = asyncio.get_running_loop()
        await loop.create_unix_connection(lambda: self, sock=connection)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See :class:`asyncio.Protocol`."""
        # uvloop's are of no class of asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See :class:`asyncio.Protocol`."""
        self._buffer += data
        taken = 0
        try:
            while len(self._buffer) - taken >= _LENGTH.size:
                (size,) = _LENGTH.unpack_from(self._buffer, taken)
                if size > MOST_FRAME:
                    raise ValueError(f"a frame of {size} bytes")
                end = taken + _LENGTH.size + size
                if len(self._buffer) < end:
                    break
                frame = bytes(memoryview(self._buffer)[taken + _LENGTH.size : end])
                taken = end
                self._take(unpack(frame))
            del self._buffer[:taken]
        except Exception as error:  # nothing that follows can be trusted
            _log.error("A link is closed, as it brought what it should not: %s", error)
            self.close()

    def connection_lost(self, error: Exception | None) -> None:
        """See :class:`asyncio.Protocol`."""
        self._transport = None
        self._lost()

    def send(self, value: object) -> None:
        """Send one frame, if there is still somebody at the other end."""
        if self._transport is not None:
            frame = pack(value)
            self._transport.write(_LENGTH.pack(len(frame)) + frame)

    def hold(self, *, is_full: bool) -> None:
        """Read nothing while there is too much to do."""
        if self._transport is not None and is_full == self._transport.is_reading():
            if is_full:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def close(self) -> None:
        """End the connection. Idempotent."""
        if self._transport is not None:
            self._transport.abort()
