"""Runs whose clients were told to ask again, kept until they do.

A client that waits no longer than its program may take gets an answer in time, even where others
are before it. Its request keeps its place meanwhile, and runs once, so that the next try gets the
result that the one before has waited for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any

from drybox.model import ExecutionResult
from drybox.service.memory_budget import Reservation

KEPT = 20.0
"""Seconds that a run is kept for its client's next try: clients wait longer from try to try, some
of them 9 s before the last."""

RunKey = tuple[str, bytes]
"""Whose request it is, and the digest of that."""


class HeldRun:
    """A run that has a client, or waits for one.

    Args:
        work: What runs it.
        room: What it holds of the server's memory; whoever takes the result releases it.
    """

    def __init__(self, work: Coroutine[Any, Any, ExecutionResult], room: Reservation) -> None:
        self.room = room
        self._task = asyncio.get_running_loop().create_task(work)

    async def wait(self, until: float) -> bool:
        """Wait for its end.

        Args:
            until: By the event loop's clock.

        Returns:
            Whether it has ended.
        """
        seconds = until - asyncio.get_running_loop().time()
        await asyncio.wait({self._task}, timeout=max(0.0, seconds))
        return self._task.done()

    def result(self) -> ExecutionResult:
        """What became of it, once it has ended.

        Raises:
            Exception: What it failed with.
        """
        return self._task.result()

    def end(self) -> None:
        """End it, if it has not ended; nobody wants it any more."""
        self._task.cancel()
        self._task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[ExecutionResult]) -> None:
        if not task.cancelled():
            task.exception()  # which is nobody's any more
        self.room.release()


class HeldRuns:
    """Those that wait for their clients.

    Args:
        most: How many there may be; the oldest makes room for one more.
        kept: Seconds that one waits.
    """

    def __init__(self, most: int, kept: float = KEPT) -> None:
        self._most = most
        self._kept = kept
        self._runs: dict[RunKey, deque[HeldRun]] = {}
        self._order: dict[HeldRun, tuple[RunKey, asyncio.TimerHandle]] = {}

    def __len__(self) -> int:
        return len(self._order)

    def hold(self, key: RunKey, run: HeldRun) -> None:
        """Keep a run for the next request of this key."""
        if len(self._order) >= self._most:
            self._drop(next(iter(self._order)))
        timer = asyncio.get_running_loop().call_later(self._kept, self._drop, run)
        self._order[run] = key, timer
        self._runs.setdefault(key, deque()).append(run)

    def take(self, key: RunKey) -> HeldRun | None:
        """The oldest run of this key, which is the caller's from now on; None if there is none."""
        runs = self._runs.get(key)
        if not runs:
            return None
        run = runs[0]
        self._remove(run)
        return run

    def end(self) -> None:
        """End all of them."""
        for run in list(self._order):
            self._drop(run)

    def _drop(self, run: HeldRun) -> None:
        self._remove(run)
        run.end()

    def _remove(self, run: HeldRun) -> None:
        key, timer = self._order.pop(run)
        timer.cancel()
        runs = self._runs[key]
        runs.remove(run)
        if not runs:
            del self._runs[key]
