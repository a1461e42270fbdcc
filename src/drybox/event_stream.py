"""The events of one execution, for whoever follows it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import TracebackType

import anyio
from anyio.abc import TaskGroup

from drybox.execution import Emit
from drybox.model import Event

EVENTS_AHEAD = 16
"""Events held for a slow reader; after that the program's output waits for it."""


class EventStream:
    """Async iterator over events; the execution starts with the first step.

    Args:
        tasks: Where the execution runs.
        run: The execution, given what takes its events.
    """

    def __init__(self, tasks: TaskGroup, run: Callable[[Emit], Awaitable[None]]) -> None:
        self._tasks = tasks
        self._run = run
        self._send, self._receive = anyio.create_memory_object_stream[Event](EVENTS_AHEAD)
        self._scope = anyio.CancelScope()
        self._done = anyio.Event()
        self._started = False
        self._error: Exception | None = None

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> Event:
        if not self._started:
            self._tasks.start_soon(self._work)
            self._started = True
        try:
            return await self._receive.receive()
        except anyio.EndOfStream:
            await self.aclose()
            if self._error is not None:
                error, self._error = self._error, None
                raise error from None
            raise StopAsyncIteration from None
        except anyio.ClosedResourceError:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> EventStream:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the execution if it still runs, and wait until its sandbox is given up."""
        self._scope.cancel()
        self._receive.close()
        if self._started:
            with anyio.CancelScope(shield=True):
                await self._done.wait()
        else:
            self._send.close()

    async def _work(self) -> None:
        try:
            with self._scope, self._send:
                try:
                    await self._run(self._send.send)
                except anyio.BrokenResourceError:
                    return  # the follower has left
                except Exception as error:  # it is the follower's, who gets it after the events
                    self._error = error
        finally:
            self._done.set()
