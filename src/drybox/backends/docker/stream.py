"""The byte stream to init that a container's attached standard streams are."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
from typing import Any

from anyio.abc import ByteStream, SocketAttribute, SocketStream

_HEAD = struct.Struct(">B3xI")
_STDERR = 2

MAX_RECEIVE = 64 * 1024
MAX_WORDS = 4000
"""Bytes kept of what init said on stderr: the reason, if it could not seal the sandbox."""


class AttachedStream(ByteStream):
    """A daemon sends both streams over one connection, each piece behind a head of 8 bytes.

    Args:
        stream: The connection.
        attached: What docker made of it, which a bridge reads from.
    """

    def __init__(self, stream: SocketStream, attached: object) -> None:
        self._stream = stream
        self._socket = stream.extra_attributes[SocketAttribute.raw_socket]()
        self._attached = attached
        self._head = b""
        self._left = 0
        self._is_words = False
        self._words = b""

    @classmethod
    async def of(cls, attached: Any) -> AttachedStream:
        """The stream of what ``attach_socket`` gave."""
        inner = getattr(attached, "_sock", attached)
        is_plain = type(inner) is socket.socket
        raw = inner.dup() if is_plain else _bridge(inner)
        if is_plain:
            _release(attached)
        raw.setblocking(False)
        return cls(await SocketStream.from_socket(raw), attached)

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
        """End the connection here and now, without waiting for the event loop's next turn."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    async def aclose(self) -> None:
        """Let the connection go, which ends the container."""
        await self._stream.aclose()
        _release(self._attached)


def _release(attached: Any) -> None:
    """Closes what docker and the HTTP libraries hold of a connection."""
    for part in ("_response", "_sock"):
        with contextlib.suppress(OSError, AttributeError):
            getattr(attached, part).close()
    with contextlib.suppress(OSError, AttributeError):
        attached.close()


def _bridge(inner: Any) -> socket.socket:
    """A socket that an event loop can watch, for a connection that it cannot: TLS, SSH."""
    ours, theirs = socket.socketpair()
    if hasattr(inner, "settimeout"):
        inner.settimeout(None)

    def copy(take: Any, give: Any) -> None:
        with contextlib.suppress(OSError, ValueError):
            while data := take(MAX_RECEIVE):
                give(data)
        for end in (theirs, inner):
            with contextlib.suppress(OSError, ValueError):
                end.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(OSError, ValueError):
                end.close()

    read = getattr(inner, "recv", None) or inner.read
    write = getattr(inner, "sendall", None) or getattr(inner, "send", None) or inner.write
    for take, give in ((read, theirs.sendall), (theirs.recv, write)):
        threading.Thread(target=copy, args=(take, give), daemon=True).start()
    return ours
