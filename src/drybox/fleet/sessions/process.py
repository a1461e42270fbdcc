"""What runs in a session that is on a node of a fleet, and its events."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timezone
from types import TracebackType
from typing import Any

import anyio
from anyio.abc import TaskGroup

from drybox.errors import DryboxError, InvalidRequest
from drybox.fleet.sessions.calls import SessionCalls
from drybox.fleet.sessions.messages import command_result, session_event
from drybox.fleet.sessions.watch import Following
from drybox.monitoring.end_status import ending
from drybox.sessions.results import CommandResult, SessionEvent


class FleetEvents:
    """The events of one thing that runs; see :class:`drybox.sessions.base.RunEvents`.

    Args:
        calls: Asks the session's node.
        tasks: Where it lets go of what nobody holds any more.
        begin: Begins it, and returns the name of its feed.
        following: Has the observers follow it; None where it has begun before.
    """

    def __init__(
        self,
        calls: SessionCalls,
        tasks: TaskGroup,
        begin: Callable[[], Awaitable[str]],
        following: Following | None = None,
    ) -> None:
        self._calls = calls
        self._tasks = tasks
        self._begin = begin
        self._following = following
        self._feed: str | None = None
        self._waiting: deque[Any] = deque()
        self._is_over = False

    def __aiter__(self) -> FleetEvents:
        return self

    async def __anext__(self) -> SessionEvent:
        try:
            while not self._waiting:
                if self._is_over:
                    raise StopAsyncIteration
                if self._feed is None:
                    if self._following is not None:
                        self._following.begin()
                    self._feed = await self._begin()
                items, is_last = await self._calls.ask("next", feed=self._feed)
                self._waiting.extend(items)
                self._is_over = is_last
        except DryboxError as error:
            self._is_over = True
            self._end(ending(None, error))
            raise
        except anyio.get_cancelled_exc_class():
            await self.aclose()
            raise
        event = session_event(self._waiting.popleft())
        if event.result is not None:
            self._end(event.result.status, event.result.usage)
        return event

    def _end(self, *given: Any) -> None:
        if self._following is not None:
            self._following.end(*given)

    async def answer(self, line: str) -> None:
        """Give code a line that it asks for."""
        if self._feed is None:
            raise InvalidRequest("answer", "no code asks for a line", hint="Wait for one.")
        await self._calls.ask("answer", feed=self._feed, line=line)

    async def aclose(self) -> None:
        """Let go of it, and wait until that has happened."""
        self._waiting.clear()
        self._end()
        if self._is_over:
            return
        self._is_over = True
        with anyio.CancelScope(shield=True):
            await self._let_go()

    async def _let_go(self) -> None:
        if self._feed is not None:
            with contextlib.suppress(DryboxError):
                await self._calls.ask("let_go", feed=self._feed)

    async def __aenter__(self) -> FleetEvents:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        self._end()
        if self._feed is not None and not self._is_over:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and the task with it
                self._tasks.start_soon(self._let_go)


class FleetStdin:
    """The input of a process."""

    def __init__(self, calls: SessionCalls, pid: int) -> None:
        self._calls = calls
        self._pid = pid

    async def write(self, data: bytes | str) -> None:
        """Write; waits while the process has much that it has not read."""
        content = data.encode() if isinstance(data, str) else bytes(data)
        await self._calls.ask("process.write", pid=self._pid, data=content)

    async def close(self) -> None:
        """End it; a terminal is told Ctrl-D. Idempotent."""
        await self._calls.ask("process.end", pid=self._pid)


class FleetProcess:
    """See :class:`drybox.sessions.base.AsyncProcess`.

    Args:
        calls: Asks the session's node.
        tasks: Where events are let go of.
        known: What the node says of it.
    """

    def __init__(self, calls: SessionCalls, tasks: TaskGroup, known: dict[str, Any]) -> None:
        self._calls = calls
        self._tasks = tasks
        self._known = known
        result = known["result"]
        self._result = None if result is None else command_result(result)
        self.stdin = FleetStdin(calls, self.pid)

    @property
    def pid(self) -> int:
        """Its number in this session."""
        return int(self._known["pid"])

    @property
    def command(self) -> tuple[str, ...]:
        """Its arguments."""
        return tuple(self._known["command"])

    @property
    def terminal(self) -> bool:
        """Whether it has a terminal."""
        return bool(self._known["terminal"])

    @property
    def started_at(self) -> datetime:
        """When it was started, by the clock of its node."""
        return datetime.fromtimestamp(self._known["started_at"], timezone.utc)

    @property
    def result(self) -> CommandResult | None:
        """What became of it, as far as this has heard: by ``wait``, or when it was listed."""
        return self._result

    @property
    def events(self) -> AsyncIterator[SessionEvent]:
        """What it writes; ``exit`` is last."""

        async def begin() -> str:
            return await self._calls.begin("process.events", pid=self.pid)

        return FleetEvents(self._calls, self._tasks, begin)

    async def signal(self, number: int | str) -> None:
        """Send a signal to the process and its group."""
        await self._calls.ask("process.signal", pid=self.pid, number=number)

    async def kill(self) -> None:
        """End it, with everything that descends from it. Idempotent."""
        await self._calls.ask("process.kill", pid=self.pid)

    async def resize(self, columns: int, rows: int) -> None:
        """Change the size of its terminal."""
        await self._calls.ask("process.resize", pid=self.pid, columns=columns, rows=rows)

    async def wait(self) -> CommandResult:
        """Wait for its end."""
        self._result = command_result(await self._calls.ask("process.wait", pid=self.pid))
        return self._result
