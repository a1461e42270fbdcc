"""A task group that any task may open and any other may close."""

from __future__ import annotations

import asyncio
import contextlib

import anyio
from anyio.abc import TaskGroup

from drybox.errors import InvalidRequest


def elsewhere() -> InvalidRequest:
    """What to tell somebody who uses in one event loop what another one has opened."""
    return InvalidRequest(
        "executor",
        "it is open in another event loop",
        hint="Open one in each event loop, or share a CodeExecutor, which any thread may use.",
    )


class BackgroundTasks:
    """Keeps a task group in a task of its own, as a task group's own task has to leave it.

    Attributes:
        group: The task group; None while this is not open, and after its event loop has ended.
    """

    def __init__(self) -> None:
        self.group: TaskGroup | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._openers = 0
        self._ready: asyncio.Event
        self._closing: asyncio.Event

    def here(self) -> TaskGroup | None:
        """The task group, for the event loop that runs; None while this is not open.

        Raises:
            InvalidRequest: It is open in another event loop.
        """
        if self.group is not None and self._loop not in (None, asyncio.get_running_loop()):
            raise elsewhere()
        return self.group

    async def open(self) -> TaskGroup:
        """Begin, unless it has begun; whoever is cancelled meanwhile leaves nothing open.

        Raises:
            InvalidRequest: It is open in another event loop.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # of Trio, where no task stands on its own
            if self.group is None:
                self.group = await anyio.create_task_group().__aenter__()
            return self.group
        if self._loop not in (None, loop) and self._loop.is_running():
            raise elsewhere()
        while self._keeper is not None and self._loop is loop and self._closing.is_set():
            keeper = self._keeper
            await asyncio.wait([keeper])  # what ends is not opened once more
            if keeper is self._keeper:
                self._forget()
        if self._keeper is None or self._keeper.done() or self._loop is not loop:
            self._openers = 0
            self._loop, self._ready, self._closing = loop, asyncio.Event(), asyncio.Event()
            self._keeper = loop.create_task(self._keep(), name="drybox")
        self._openers += 1
        closing = self._closing
        try:
            await self._ready.wait()
        except BaseException:
            if self._openers == 1:  # nobody else opens the same
                closing.set()
            raise
        finally:
            if closing is self._closing:
                self._openers -= 1
        if self.group is None:
            raise InvalidRequest("executor", "it was closed meanwhile", hint="Open it again.")
        return self.group

    async def close(self) -> None:
        """End every task and wait until all have ended. Idempotent."""
        if self._loop is None:  # Trio's, or not open
            group, self.group = self.group, None
            if group is not None:
                group.cancel_scope.cancel()
                await group.__aexit__(None, None, None)
            return
        if self._loop is not asyncio.get_running_loop():
            await self._close_elsewhere(self._loop)
            return
        keeper = self._keeper
        self.group = None
        self._closing.set()
        if keeper is not None:
            # Closing goes on in the keeper, whoever stops waiting for it.
            with anyio.CancelScope(shield=True):
                await asyncio.wait([keeper])
            if keeper is self._keeper:
                self._forget()
            if not keeper.cancelled() and (error := keeper.exception()) is not None:
                raise error

    async def _keep(self) -> None:
        try:
            async with anyio.create_task_group() as group:
                self.group = group
                self._ready.set()
                await self._closing.wait()
                group.cancel_scope.cancel()
        finally:
            self.group = None
            self._ready.set()

    async def _close_elsewhere(self, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.suppress(RuntimeError):  # it has ended, and all of it with it
            if loop.is_running():
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self.close(), loop))
                return
            loop.call_soon_threadsafe(self._closing.set)
        self._forget()

    def _forget(self) -> None:
        self.group = self._loop = self._keeper = None
