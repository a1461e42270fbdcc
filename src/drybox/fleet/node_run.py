"""One execution on a node, for a front door that is elsewhere."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine

import anyio

from drybox.execution.kill_switch import KillSwitch
from drybox.fleet.messages import Reply, RunMessage
from drybox.model import Event

EVENTS_AHEAD = 64
"""Events held for a front door; after that the program's output waits."""


class NodeRun:
    """What a node knows of an execution that it runs.

    Args:
        door: The front door that it is for.
        id: Its name.
        message: What to run.
    """

    def __init__(self, door: str, id: str, message: RunMessage) -> None:
        self.door = door
        self.id = id
        self.message = message
        self.scope = anyio.CancelScope()
        self.switch = KillSwitch()
        self.ended = anyio.Event()
        self._task: asyncio.Task[None] | None = None
        self._events: deque[Event] = deque()
        self._changed = asyncio.Condition()
        self._reply: Reply | None = None
        self._input: bytes | None = None

    def begin(self, work: Coroutine[None, None, Reply]) -> None:
        """Have a task of its own do the work."""

        async def run() -> None:
            reply = await work
            async with self._changed:
                self._reply = reply
                self._changed.notify_all()

        self._task = asyncio.get_running_loop().create_task(run())

    def cancel(self) -> None:
        """End it."""
        self.scope.cancel()

    async def emit(self, event: Event) -> None:
        """Something happened; waits while the front door has much to fetch."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._events) < EVENTS_AHEAD)
            self._events.append(event)
            self._changed.notify_all()

    async def next(self) -> Reply:
        """The events since the last call, or how it ended once there are none."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._events or self._reply is not None)
            if not self._events and self._reply is not None:
                return self._reply
            events = tuple(self._events)
            self._events.clear()
            self._changed.notify_all()
            return Reply("accepted", events=events)

    async def take(self) -> bytes:
        """The program's next piece of input."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._input is not None)
            data, self._input = self._input or b"", None
            self._changed.notify_all()
            return data

    async def give(self, data: bytes) -> bytes:
        """One more piece of input; returns once the program has room for it, or has ended."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._input is None or self._reply is not None)
            if self._reply is None:
                self._input = data
                self._changed.notify_all()
        return b""
