"""The events of code that runs in a session, for whoever follows it."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from drybox.execution.joined_events import JoinedEvents
from drybox.sessions.results import RunResult, SessionEvent, joined_output


class Running(Protocol):
    """Code that is to run."""

    def __call__(
        self, follow: Callable[[SessionEvent], None], ask: Callable[[str], None]
    ) -> Awaitable[RunResult]:
        """Run it; events and questions are taken at once."""


class RunStream:
    """See :class:`drybox.sessions.base.RunEvents`. The code runs from the first step on.

    What waits for a slow reader is bounded by the run's own limits of output.

    Args:
        tasks: Where it runs.
        run: Runs it.
        answer: Takes a line that it has asked for.
    """

    def __init__(self, tasks: TaskGroup, run: Running, answer: Callable[[str], None]) -> None:
        self._tasks = tasks
        self._work = _Work(run)
        self._answer = answer
        self._begun = False
        self._closed = False

    def __aiter__(self) -> RunStream:
        return self

    async def __anext__(self) -> SessionEvent:
        if self._closed:
            raise StopAsyncIteration
        if not self._begun:
            self._begun = True
            self._tasks.start_soon(self._work.run)
        try:
            return await self._work.events.get()
        except anyio.get_cancelled_exc_class():
            self._let_go()
            raise
        except BaseException:  # it was the last
            self._closed = True
            raise

    async def answer(self, line: str) -> None:
        """Give code a line that it asks for."""
        self._answer(line)

    async def aclose(self) -> None:
        """Interrupt the code if it still runs, and wait until it has ended."""
        self._closed = True
        if self._begun:
            self._let_go()
            with anyio.CancelScope(shield=True):
                await self._work.done.wait()

    async def __aenter__(self) -> RunStream:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        if self._begun and not self._closed:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and the task with it
                self._let_go()

    def _let_go(self) -> None:
        self._work.scope.cancel()


class _Work:
    """What goes on in the task; knows nothing of its follower."""

    def __init__(self, run: Running) -> None:
        self._run = run
        self.events = JoinedEvents(joined_output)
        self.done = anyio.Event()
        self.scope = anyio.CancelScope()

    async def run(self) -> None:
        error: Exception | None = None
        try:
            with self.scope:
                try:
                    result = await self._run(self.events.put, self._ask)
                    self.events.put(SessionEvent("result", result=result))
                except Exception as problem:  # it is the follower's, who gets it after the events
                    error = problem
        finally:
            self.done.set()
            self.events.end(error)

    def _ask(self, prompt: str) -> None:
        self.events.put(SessionEvent("input", prompt))
