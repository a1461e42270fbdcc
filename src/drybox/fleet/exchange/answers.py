"""Results on a node that one front door has not fetched yet."""

from __future__ import annotations

import asyncio
from collections import deque

MOST_BYTES = 64 << 10
"""Bytes that travel at once; what Ray moves through its object store, and not beside the call, is
larger than 100 KB."""


class Answers:
    """Answers of ended executions, and the call of the front door that waits for the next ones.

    One call waits. A newer one takes its place, so that there are as few calls as the front door
    has time for: where it is busy, each brings and fetches more.
    """

    def __init__(self) -> None:
        self._ended: deque[tuple[str, bytes]] = deque()
        self._asked: asyncio.Future[list[tuple[str, bytes]]] | None = None
        self._is_serving = False

    def put(self, id: str, answer: bytes) -> None:
        """One more has ended."""
        self._ended.append((id, answer))
        self._serve_soon()

    async def next(self) -> list[tuple[str, bytes]]:
        """Some that have ended, as soon as there are any; none where a newer call waits instead."""
        self.release()
        asked: asyncio.Future[list[tuple[str, bytes]]] = asyncio.get_running_loop().create_future()
        self._asked = asked
        self._serve_soon()
        return await asked

    def release(self) -> None:
        """Have whoever waits wait no longer."""
        if self._asked is not None and not self._asked.done():
            self._asked.set_result([])

    def _serve_soon(self) -> None:
        """What ends in the same turn of the event loop goes together."""
        if self._ended and self._asked is not None and not self._is_serving:
            self._is_serving = True
            asyncio.get_running_loop().call_soon(self._serve)

    def _serve(self) -> None:
        self._is_serving = False
        if self._asked is None or self._asked.done():
            return
        taken: list[tuple[str, bytes]] = []
        size = 0
        while self._ended and (not taken or size + len(self._ended[0][1]) <= MOST_BYTES):
            taken.append(self._ended.popleft())
            size += len(taken[-1][1])
        self._asked.set_result(taken)
