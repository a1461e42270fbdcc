"""A socket pair for a TLS connection, so that an event loop can watch it."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from typing import Any

PIECE = 64 * 1024
"""Bytes that are read at once, and that wait for a side which takes none."""


def release(connection: Any) -> None:
    """Close what docker and the HTTP libraries hold of a connection."""
    for part in ("_response", "_sock"):
        with contextlib.suppress(OSError, AttributeError):
            getattr(connection, part).close()
    with contextlib.suppress(OSError, AttributeError):
        connection.close()


def bridged(connection: ssl.SSLSocket) -> socket.socket:
    """A socket for a connection of docker's; the other end of it goes on in a thread."""
    ours, near = socket.socketpair()
    for end in (near, connection):
        end.setblocking(False)
    threading.Thread(target=_carry, args=(near, connection), daemon=True).start()
    return ours


def _carry(near: socket.socket, far: ssl.SSLSocket) -> None:
    """Carry bytes both ways until either side ends.

    One thread does both, for TLS takes no two calls at once. Neither way waits for the other:
    a program that talks without end can still be killed.
    """
    going, coming = b"", b""  # taken from one side, not yet given to the other
    far_ends = False
    with contextlib.suppress(OSError, ValueError), near:
        while coming or not far_ends:
            poll = select.poll()
            # Of the near side the end is of interest even if nothing is wanted of it.
            poll.register(near, (not going and select.POLLIN) | ((coming and select.POLLOUT) or 0))
            wanted = ((going and select.POLLOUT) or 0) | (not coming and select.POLLIN)
            if wanted and not far_ends:
                poll.register(far, wanted)
            ready = dict(poll.poll())
            at_near = ready.get(near.fileno(), 0)
            if at_near & (select.POLLHUP | select.POLLERR):
                break
            if not going and at_near & select.POLLIN:
                going = near.recv(PIECE)
                if not going:
                    break
            if coming and at_near & select.POLLOUT:
                coming = coming[near.send(coming) :]
            if far.fileno() in ready:
                going = going[_given(far, going) :]
                if not coming:
                    data = _taken(far)
                    coming, far_ends = data or b"", data == b""
    release(far)


def _given(far: ssl.SSLSocket, data: bytes) -> int:
    try:
        return far.send(data) if data else 0
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return 0


def _taken(far: ssl.SSLSocket) -> bytes | None:
    """What has come, b"" at the end, or None if there is nothing yet."""
    try:
        # A record of TLS has 16 KiB at most: nothing stays where poll cannot see it.
        return far.recv(PIECE)
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return None
