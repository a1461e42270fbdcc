"""Sandboxes that run at once: whoever comes when all are taken waits, first come, first served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from drybox.errors import Unavailable
from drybox.monitoring.observers import NULL_OBSERVATION, Observation


class Slots:
    """As many as may run at once.

    Args:
        count: How many.
        timeout: Seconds that somebody waits for one; None for no limit.
    """

    def __init__(self, count: int, timeout: float | None) -> None:
        self._count = count
        self._timeout = timeout
        self._limiter = anyio.CapacityLimiter(count)

    async def acquire(self, observation: Observation) -> None:
        """Take one for the task that asks; wait until one is free.

        Raises:
            Unavailable: None was in time.
        """
        await self._acquire(observation, asyncio.current_task())

    async def _acquire(self, observation: Observation, borrower: object) -> None:
        try:
            self._limiter.acquire_on_behalf_of_nowait(borrower)
        except anyio.WouldBlock:
            pass
        else:
            return
        observation.enter("queue")
        try:
            with anyio.fail_after(self._timeout):
                await self._limiter.acquire_on_behalf_of(borrower)
        except TimeoutError:
            raise Unavailable(
                f"{self._count} other executions took longer than {self._timeout:g} s.",
                hint="Nothing ran. Try again later, or allow more concurrency or queue_timeout.",
                is_full=True,
            ) from None

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Hold one until the context is left.

        Raises:
            Unavailable: None was in time.
        """
        borrower = object()
        await self._acquire(NULL_OBSERVATION, borrower)
        try:
            yield
        finally:
            self._limiter.release_on_behalf_of(borrower)

    def release(self) -> None:
        """Give back that of the task that asks."""
        self._limiter.release()

    def statistics(self) -> anyio.CapacityLimiterStatistics:
        """How many are taken, and who waits."""
        return self._limiter.statistics()
