"""Unix sockets to the supervisor: one carries file descriptors, one is fast."""

from __future__ import annotations

import select
import socket
from collections.abc import Sequence

import anyio
import anyio.lowlevel
from anyio.abc import ByteStream

IN_A_ROW = 4
"""Pieces that one talk may send or take at once before it lets other tasks run."""


class SandboxSocket(ByteStream):
    """The conversation with a sandbox, with as few passes of the event loop as there can be.

    Args:
        end: The socket; it is this object's from now on.
    """

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._at_once = 0
        end.setblocking(False)

    async def send(self, item: bytes) -> None:
        """Send all of it."""
        rest = memoryview(item)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                await anyio.wait_writable(self._socket)
                self._at_once = 0
            else:
                await self._let_others_run()

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """What has come."""
        while True:
            try:
                data = self._socket.recv(max_bytes)
            except BlockingIOError:
                await anyio.wait_readable(self._socket)
                self._at_once = 0
                continue
            if not data:
                raise anyio.EndOfStream
            await self._let_others_run()
            return data

    async def send_eof(self) -> None:
        """Send nothing more."""
        self._socket.shutdown(socket.SHUT_WR)

    async def aclose(self) -> None:
        """Close it; who waits on it is woken."""
        if self._socket.fileno() >= 0:
            anyio.notify_closing(self._socket)
            self._socket.close()

    def is_quiet(self) -> bool:
        """Whether the other end is there and has said nothing."""
        if self._socket.fileno() < 0:
            return False
        watch = select.poll()
        watch.register(self._socket, select.POLLIN | select.POLLRDHUP)
        return not watch.poll(0)

    async def _let_others_run(self) -> None:
        self._at_once += 1
        if self._at_once >= IN_A_ROW:
            self._at_once = 0
            await anyio.lowlevel.checkpoint()


class FdSocket:
    """One end of a stream socket.

    Args:
        end: The socket; it is this object's from now on.
    """

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        end.setblocking(False)

    async def send(self, data: bytes, fds: Sequence[int] = ()) -> None:
        """Send all of it, the descriptors beside the first byte.

        Raises:
            OSError: The other end is gone.
        """
        while data:
            try:
                data = data[socket.send_fds(self._socket, [data], list(fds)) :]
                fds = ()
            except BlockingIOError:
                await anyio.wait_writable(self._socket)

    async def receive(self, size: int) -> bytes:
        """Exactly that many bytes; fewer only at the end.

        Raises:
            OSError: The other end is gone, or this one was closed meanwhile.
        """
        data = b""
        while len(data) < size:
            try:
                piece = self._socket.recv(size - len(data))
            except BlockingIOError:
                await anyio.wait_readable(self._socket)
                continue
            if not piece:
                break
            data += piece
        return data

    def close(self) -> None:
        """Close it; who waits on it is woken."""
        if self._socket.fileno() >= 0:
            anyio.notify_closing(self._socket)
            self._socket.close()
