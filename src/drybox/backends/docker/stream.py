"""The byte stream to init: the attached standard streams of a container."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
from typing import Any

from anyio.abc import ByteStream, SocketStream

from drybox.backends.docker.tunnels.tls_bridge import bridged, release

_HEAD = struct.Struct(">B3xI")
_STDERR = 2

MAX_RECEIVE = 64 * 1024
MAX_WORDS = 4000
"""Bytes kept of what init said on stderr: the reason, if it could not seal the sandbox."""


class AttachedStream(ByteStream):
    """A daemon sends both streams over one connection, each piece behind a head of 8 bytes.

    Args:
        stream: The connection.
        own: The same connection, as a socket of this stream's own: what an event loop tells of
            its sockets is not always one.
    """

    def __init__(self, stream: SocketStream, own: socket.socket) -> None:
        self._stream = stream
        self._socket = own
        self._head = b""
        self._left = 0
        self._is_words = False
        self._words = b""

    @classmethod
    async def of(cls, attached: Any) -> AttachedStream:
        """The stream of what ``attach_socket`` gave."""
        inner = getattr(attached, "_sock", attached)
        if type(inner) is socket.socket:
            raw = inner.dup()
            release(attached)
        else:
            raw = bridged(inner)
        raw.setblocking(False)
        own = raw.dup()
        try:
            return cls(await SocketStream.from_socket(raw), own)
        except BaseException:
            own.close()
            raise

    @property
    def words(self) -> str:
        """What init said to people."""
        return self._words.decode("utf-8", "replace").strip()

    async def receive(self, max_bytes: int = MAX_RECEIVE) -> bytes:
        """The next bytes of init's standard output."""
        while True:
            while not self._left:
                self._head += await self._stream.receive(_HEAD.size - len(self._head))
                if len(self._head) == _HEAD.size:
                    kind, self._left = _HEAD.unpack(self._head)
                    self._is_words, self._head = kind == _STDERR, b""
            data = await self._stream.receive(min(self._left, max_bytes))
            self._left -= len(data)
            if not self._is_words:
                return data
            self._words = (self._words + data)[:MAX_WORDS]

    async def send(self, item: bytes) -> None:
        """Send bytes to init's standard input."""
        await self._stream.send(item)

    async def send_eof(self) -> None:
        """Tell init that drybox is done: it ends, and the container with it."""
        await self._stream.send_eof()

    def is_quiet(self) -> bool:
        """Whether the container is there and its init has said nothing."""
        if self._socket.fileno() < 0:
            return False
        watch = select.poll()
        watch.register(self._socket, select.POLLIN | select.POLLRDHUP)
        return not watch.poll(0)

    def hang_up(self) -> None:
        """End the connection here and now, without waiting for the event loop's next pass."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    async def aclose(self) -> None:
        """Let the connection go, which ends the container."""
        self._socket.close()
        await self._stream.aclose()
