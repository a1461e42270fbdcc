"""A Unix socket that carries file descriptors, and that cancellation leaves whole."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import anyio


class Channel:
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
