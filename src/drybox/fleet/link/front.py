"""A front door's end of the socket to the replica on its own machine."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from collections.abc import Awaitable

import anyio

from drybox.fleet.cluster import Handle, ReplicaGone
from drybox.fleet.link.frames import ANSWER, KEPT, LARGE, Frames, is_own_user, peer_of

LINK_TIMEOUT = 5.0
"""Seconds in which a replica connects; else it is called through Ray."""

THROUGH_RAY = frozenset({"report", "open", "leave", "link", "fetch"})
"""Calls that say whether the replica is there, which only Ray can, or are seldom made."""

BACKLOG = 16

_log = logging.getLogger("drybox.fleet")


async def linked(handle: Handle, door: str, pid: int) -> LinkedHandle | None:
    """The same replica over a socket; None where there cannot be one.

    The replica connects to a name of this moment's, which it is told through Ray: there is no file
    that could be left behind, and nobody else's process is taken for it.

    Args:
        handle: Calls it through Ray.
        door: What it knows this front door by.
        pid: Its process, as it says.

    Raises:
        ReplicaGone: It does not answer.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        name = f"drybox-fleet-{secrets.token_hex(16)}"
        connection = None
        try:
            listener.bind(f"\0{name}")
            listener.listen(BACKLOG)
            listener.setblocking(False)
            with anyio.move_on_after(LINK_TIMEOUT):
                if await handle.call("link", door, name):
                    connection = _accept(listener, pid)
        except OSError as error:
            _log.info("The replica on this machine is called through Ray: %s", error)
    if connection is None:
        return None
    found = LinkedHandle(handle)
    await found.begin(connection)
    return found


def _accept(listener: socket.socket, pid: int) -> socket.socket | None:
    """The replica's connection; None where it is another process namespace's."""
    while True:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            return None
        if is_own_user(connection) and peer_of(connection)[0] == pid:
            connection.setblocking(False)
            return connection
        connection.close()


class LinkedHandle:
    """Calls a replica over a socket, and through Ray what is large.

    If the connection ends, what was asked is lost with it, and later calls go through Ray, which
    knows whether the replica has died.

    Args:
        handle: Calls it through Ray.
    """

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._frames = Frames(self._hear, self._lose)
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._number = 0
        self._is_lost = False
        self._fetching: set[asyncio.Task[None]] = set()

    async def begin(self, connection: socket.socket) -> None:
        """Use a connection to the replica."""
        await self._frames.begin(connection)

    def call(self, method: str, *arguments: str | bytes) -> Awaitable[bytes]:
        """See :class:`drybox.fleet.cluster.Handle`."""
        if self._is_lost or method in THROUGH_RAY or sum(map(len, arguments)) > LARGE:
            return self._handle.call(method, *arguments)
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._number += 1
        self._waiting[self._number] = answer
        self._frames.send((self._number, method, arguments))
        return answer

    def close(self) -> None:
        """End the connection. Idempotent."""
        self._frames.close()

    def _hear(self, frame: tuple[int, int, bytes | str]) -> None:
        number, kind, value = frame
        answer = self._waiting.pop(number)
        if kind == KEPT:
            task = asyncio.get_running_loop().create_task(self._fetch(str(value), answer))
            self._fetching.add(task)
            task.add_done_callback(self._fetching.discard)
        elif answer.done():
            pass
        elif kind == ANSWER:
            assert isinstance(value, bytes)
            answer.set_result(value)
        else:
            answer.set_exception(ReplicaGone(str(value), is_certain=False))

    async def _fetch(self, name: str, answer: asyncio.Future[bytes]) -> None:
        try:
            found = await self._handle.call("fetch", name)
        except ReplicaGone as gone:
            if not answer.done():
                answer.set_exception(gone)
        else:
            if not answer.done():
                answer.set_result(found)

    def _lose(self) -> None:
        self._is_lost = True
        waiting = list(self._waiting.values())
        self._waiting.clear()
        for answer in waiting:
            if not answer.done():
                answer.set_exception(
                    ReplicaGone("its replica has closed the connection", is_certain=True)
                )
