"""A replica's ends of the sockets to the front doors on its own machine."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from collections.abc import Callable, Sequence

from drybox.fleet.link.frames import ANSWER, FAILED, KEPT, LARGE, Frames, is_own_user
from drybox.fleet.node import CALLS_AT_ONCE, Node

METHODS = frozenset(
    {
        "exchange",
        "start",
        "events",
        "give",
        "kill",
        "cancel",
        "want",
        "give_back",
        "session",
        "cancel_session",
        "ask",
    }
)
"""What may be called, of a :class:`Node`."""

_log = logging.getLogger("drybox.fleet")


class Links:
    """Those of one replica.

    Args:
        node: What is called.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._links: set[_Link] = set()
        self._kept: dict[str, tuple[_Link, bytes]] = {}
        self._leaving: set[asyncio.Task[bool]] = set()

    async def connect(self, door: str, name: str) -> bool:
        """Connect to a front door that listens under an abstract name of this machine.

        Once the connection has ended, so does what the front door runs: it has died, or takes the
        node for lost.

        Args:
            door: What the node knows it by.
            name: Where it listens.

        Returns:
            Whether it is there, and this user's.
        """
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.setblocking(False)
            connection.connect(f"\0{name}")
            if not is_own_user(connection):
                raise PermissionError("it is another user's")
        except OSError as error:
            connection.close()
            _log.info("A front door on this machine is not linked: %s", error)
            return False
        link = _Link(self._node, door, self._keep, self._end)
        self._links.add(link)
        await link.frames.begin(connection)
        return True

    def fetch(self, name: str) -> bytes:
        """An answer that was too large for a link.

        Raises:
            KeyError: There is none of this name.
        """
        return self._kept.pop(name)[1]

    def _keep(self, link: _Link, answer: bytes) -> str:
        name = secrets.token_hex(16)
        self._kept[name] = link, answer
        return name

    def _end(self, link: _Link) -> None:
        self._links.discard(link)
        self._kept = {name: item for name, item in self._kept.items() if item[0] is not link}
        task = asyncio.get_running_loop().create_task(self._node.leave(link.door))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


class _Link:
    """One front door's.

    Args:
        node: What is called.
        door: What the node knows the front door by.
        keep: Keeps an answer until it is fetched through Ray, and names it.
        ended: Is told that this one has ended.
    """

    def __init__(
        self,
        node: Node,
        door: str,
        keep: Callable[[_Link, bytes], str],
        ended: Callable[[_Link], None],
    ) -> None:
        self.door = door
        self.frames = Frames(self._take, lambda: ended(self))
        self._node = node
        self._keep = keep
        self._calls: set[asyncio.Task[None]] = set()

    def _take(self, frame: tuple[int, str, Sequence[str | bytes]]) -> None:
        number, method, arguments = frame
        if method not in METHODS:
            raise ValueError(f"a call of {method!r}")
        task = asyncio.get_running_loop().create_task(self._answer(number, method, arguments))
        self._calls.add(task)
        task.add_done_callback(self._done)
        self.frames.hold(is_full=len(self._calls) >= CALLS_AT_ONCE)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        self.frames.hold(is_full=len(self._calls) >= CALLS_AT_ONCE)

    async def _answer(self, number: int, method: str, arguments: Sequence[str | bytes]) -> None:
        try:
            found: bytes = await getattr(self._node, method)(*arguments)
        except Exception as error:
            _log.exception("a call failed")
            self.frames.send((number, FAILED, f"{type(error).__name__}: {str(error)[:200]}"))
            return
        if len(found) > LARGE:
            self.frames.send((number, KEPT, self._keep(self, found)))
        else:
            self.frames.send((number, ANSWER, found))
