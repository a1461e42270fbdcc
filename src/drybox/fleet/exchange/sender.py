"""A front door's executions on one node: sent together, and their answers fetched together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from drybox.fleet.cluster import ReplicaGone
from drybox.fleet.exchange.answers import MOST_BYTES
from drybox.fleet.messages import pack, unpack


class Sender:
    """Sends executions to a node.

    As long as something runs there a call waits at the node for what ends. Each call also brings
    what is to begin.

    Args:
        call: Has the node take executions, and returns answers of some that have ended; raises
            :class:`ReplicaGone` where it does not answer.
    """

    def __init__(self, call: Callable[[bytes], Awaitable[bytes]]) -> None:
        self._call = call
        self._outbox: deque[tuple[str, bytes]] = deque()
        self._waiting: dict[str, asyncio.Future[bytes | None]] = {}
        self._calls: set[asyncio.Task[None]] = set()
        self._is_flushing = False

    async def execute(self, id: str, message: bytes) -> bytes | None:
        """Have one run; its answer, or None if it was never sent.

        Raises:
            ReplicaGone: It may have begun, and nobody knows.
        """
        answer: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        self._waiting[id] = answer
        self._outbox.append((id, message))
        self._flush_soon()
        try:
            return await answer
        finally:
            del self._waiting[id]

    def lose(self, reason: str) -> None:
        """The node is lost: what was not sent yet has not begun."""
        for id, _ in self._outbox:
            answer = self._waiting.get(id)
            if answer is not None and not answer.done():
                answer.set_result(None)
        self._outbox.clear()
        self._fail(ReplicaGone(reason, is_certain=True))

    def _fail(self, gone: ReplicaGone) -> None:
        unsent = {id for id, _ in self._outbox}
        for id, answer in self._waiting.items():
            if id not in unsent and not answer.done():
                answer.set_exception(ReplicaGone(str(gone), is_certain=gone.is_certain))

    def _flush_soon(self) -> None:
        """What comes in the same turn of the event loop goes together."""
        if not self._is_flushing:
            self._is_flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._is_flushing = False
        while self._outbox:
            batch: list[tuple[str, bytes]] = []
            size = 0
            while self._outbox and (not batch or size + len(self._outbox[0][1]) <= MOST_BYTES):
                batch.append(self._outbox.popleft())
                size += len(batch[-1][1])
            self._begin_call(batch)
        if self._waiting and not self._calls:
            self._begin_call([])

    def _begin_call(self, batch: list[tuple[str, bytes]]) -> None:
        task = asyncio.get_running_loop().create_task(self._exchange(batch))
        self._calls.add(task)
        task.add_done_callback(self._end_call)

    def _end_call(self, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        if self._waiting and not self._calls:
            self._flush_soon()

    async def _exchange(self, batch: list[tuple[str, bytes]]) -> None:
        try:
            found = unpack(await self._call(pack(batch)))
        except ReplicaGone as gone:
            self._fail(gone)
            return
        for id, reply in found:
            answer = self._waiting.get(id)
            if answer is not None and not answer.done():
                answer.set_result(reply)
