"""One node of a fleet, as a front door knows it."""

from __future__ import annotations

import asyncio
import contextlib
import time

from drybox.fleet.cluster import Handle, NodeInfo, ReplicaGone
from drybox.fleet.exchange.sender import Sender
from drybox.fleet.link.front import LinkedHandle, linked
from drybox.fleet.messages import Load
from drybox.fleet.slots.routing import NodeState

SILENCE_TIMEOUT = 3.5
"""Seconds after which a node that has not answered is lost."""


class Member:
    """One node.

    Args:
        info: Which one.
        handle: Its replica.
        door: What it knows this front door by.
        is_local: It is this machine.
    """

    def __init__(self, info: NodeInfo, handle: Handle, door: str, is_local: bool) -> None:
        self.door = door
        self.info = info
        self.state = NodeState(info.id, is_local)
        self.load: Load | None = None
        self.lost = ""
        self.heard_at = time.monotonic()
        self._handle = handle
        self._link: LinkedHandle | None = None
        self._sender = Sender(lambda data: self.call("exchange", door, data))
        self._pending: set[asyncio.Future[bytes]] = set()

    async def link(self) -> None:
        """Call its replica, which is on this machine, without Ray in between if that can be."""
        if self.load is not None:
            with contextlib.suppress(ReplicaGone):  # which is noticed soon
                self._link = await linked(self._handle, self.door, self.load.pid)

    async def call(self, method: str, *arguments: str | bytes) -> bytes:
        """Call a method of its replica.

        Raises:
            ReplicaGone: The node is lost, or this answer is.
        """
        if self.lost:
            raise ReplicaGone(self.lost, is_certain=True)
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        handle = self._link or self._handle
        call = asyncio.ensure_future(handle.call(method, *arguments))

        def hear(done: asyncio.Future[bytes]) -> None:
            error = None if done.cancelled() else done.exception()
            if answer.done():
                return
            if done.cancelled():
                answer.cancel()
            elif error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(done.result())

        call.add_done_callback(hear)
        self._pending.add(answer)
        try:
            return await answer
        except ReplicaGone as gone:
            if gone.is_certain:
                self.lose(str(gone))
            raise
        finally:
            self._pending.discard(answer)

    async def execute(self, id: str, message: bytes) -> bytes | None:
        """Have its replica run something; what it says of it, or None if it was never asked.

        Raises:
            ReplicaGone: The node is lost, or this answer is.
        """
        return None if self.lost else await self._sender.execute(id, message)

    def lose(self, reason: str) -> None:
        """It is lost: nobody waits for it any more."""
        if self.lost:
            return
        self.lost = reason
        self._sender.lose(reason)
        for answer in list(self._pending):
            if not answer.done():
                answer.set_exception(ReplicaGone(reason, is_certain=True))
        if self._link is not None:
            self._link.close()

    def is_heard_of(self) -> bool:
        """Whether it has answered of late.

        A front door that has stood still itself knows nothing of its nodes: they may have given it
        up and ended meanwhile, and what it sends them would be lost.
        """
        return time.monotonic() - self.heard_at < SILENCE_TIMEOUT

    def hear(self, load: Load) -> None:
        """What it says of itself."""
        self.heard_at = time.monotonic()
        self.load, state = load, self.state
        state.slots, state.lag = load.slots, load.lag
        state.is_draining = load.is_ending or self.info.is_draining
        state.sandboxes = {(item.isolation, item.language): item.idle for item in load.pools}
        state.is_full, state.sessions = False, load.sessions
        state.elsewhere = max(0, load.running - state.running)
